"""What the tests reach of lib/: lines and branches from gcovr, conditions (MC/DC) from llvm-cov.

    coverage_report.py EXCLUDE GCOVR... [--mcdc LLVM]

GCOVR are reports of the same sources built in different ways; their counts are added.  EXCLUDE lists
what need not be reached, and why:

    file | part of the line | reason

Prints a table of files, and whatever is not reached and not excluded.  The last line says how many
files and limits passed and failed.
"""
import json
import os
import sys

MCDC_LEAST = 90.0


class Line:
    def __init__(self):
        self.count = 0
        # A line has other branches where constants differ: those of each shape are added up.
        self.shapes = {}

    def add(self, line):
        self.count += line["count"]
        counts = [branch["count"] for branch in line["branches"]]
        if counts:
            before = self.shapes.get(len(counts), [0] * len(counts))
            self.shapes[len(counts)] = [x + y for x, y in zip(before, counts)]

    def branches(self):
        return [count for counts in self.shapes.values() for count in counts]


def read_gcovr(paths):
    files = {}
    for path in paths:
        with open(path) as report:
            for file in json.load(report)["files"]:
                lines = files.setdefault(file["file"], {})
                for line in file["lines"]:
                    if not line.get("gcovr/noncode"):
                        lines.setdefault(line["line_number"], Line()).add(line)
    return files


def read_mcdc(path, root):
    """file: (covered, all, [(line, conditions that decided nothing)])"""
    files = {}
    with open(path) as report:
        data = json.load(report)["data"][0]
    for file in data["files"]:
        name = os.path.relpath(os.path.realpath(file["filename"]), root)
        if not name.startswith("lib/"):
            continue
        summary = file["summary"]["mcdc"]
        decisions = {}  # of a function in a header there is one in each file
        for record in file.get("mcdc_records", []):
            conditions = next(x for x in record if isinstance(x, list))
            before = decisions.get(tuple(record[:4]), [False] * len(conditions))
            decisions[tuple(record[:4])] = [x or y for x, y in zip(before, conditions)]
        missing = [(place[0], [i + 1 for i, x in enumerate(conditions) if not x])
                   for place, conditions in sorted(decisions.items()) if not all(conditions)]
        files[name] = (summary["covered"], summary["count"], missing)
    return files


class Exclusions:
    def __init__(self, path):
        self.rules = []
        with open(path) as rules:
            for row in rules:
                parts = [part.strip() for part in row.rstrip("\n").split(" | ")]
                if row.startswith("#") or len(parts) < 3:
                    continue
                self.rules.append([parts[0], parts[1], 0])

    def hold(self, file, text):
        for rule in self.rules:
            if rule[0] == file and rule[1] in text:
                return True
        return False

    def stale(self, sources):
        return [rule for rule in self.rules
                if not any(rule[1] in text for text in sources.get(rule[0], []))]


def percent(covered, total):
    return f"{covered}/{total} {100 * covered / total if total else 100:5.1f} %"


def look_at(file, lines, source, exclusions, missing):
    """covered and all lines, covered and all branches, how many of either are excluded"""
    reached = branches_reached = branches = excluded = 0
    for number, line in sorted(lines.items()):
        text = source[number - 1]
        counts = line.branches()
        not_reached = (line.count == 0) + sum(count == 0 for count in counts)
        free = not_reached and exclusions.hold(file, text)
        if free:
            excluded += not_reached
        elif not_reached:
            what = "line" if line.count == 0 else "branches " + " ".join(
                str(i) for i, count in enumerate(counts) if count == 0)
            missing.append(f"{file}:{number}: {what}: {text.strip()}")
        reached += bool(line.count or free)
        branches += len(counts)
        branches_reached += len(counts) if free else sum(count > 0 for count in counts)
    return reached, len(lines), branches_reached, branches, excluded


def main(arguments):
    mcdc_path = None
    if "--mcdc" in arguments:
        at = arguments.index("--mcdc")
        mcdc_path = arguments[at + 1]
        del arguments[at:at + 2]
    exclusions = Exclusions(arguments[0])
    files = read_gcovr(arguments[1:])
    mcdc = read_mcdc(mcdc_path, os.path.realpath(".")) if mcdc_path else {}
    sources = {}
    for file in files:
        with open(file) as source:
            sources[file] = source.read().split("\n")
    passed = failed = 0
    missing = []
    total = [0] * 7
    print(f"{'file':<24}{'lines':>18}{'branches':>18}{'excluded':>10}{'MC/DC':>18}")
    for file in sorted(files):
        row = look_at(file, files[file], sources[file], exclusions, missing)
        row += mcdc.get(file, (0, 0, []))[:2]
        total = [x + y for x, y in zip(total, row)]
        good = row[0] == row[1] and row[2] == row[3]
        passed += good
        failed += not good
        print(f"{file:<24}{percent(*row[0:2]):>18}{percent(*row[2:4]):>18}{row[4]:>10}"
              + (f"{percent(*row[5:7]):>18}" if row[6] else ""))
    print(f"{'all':<24}{percent(*total[0:2]):>18}{percent(*total[2:4]):>18}{total[4]:>10}"
          + (f"{percent(*total[5:7]):>18}" if mcdc else ""))
    for text in missing:
        print("not reached:", text)
    for file, (_, _, records) in sorted(mcdc.items()):
        source = sources.get(file) or open(file).read().split("\n")
        for line, conditions in records:
            print(f"no MC/DC: {file}:{line}: condition {' '.join(map(str, conditions))}:"
                  f" {source[line - 1].strip()}")
    for rule in exclusions.stale(sources):
        print(f"excluded, and there no more: {rule[0]}: {rule[1]}")
        failed += 1
    if mcdc:
        good = 100 * total[5] >= MCDC_LEAST * total[6] > 0
        passed += good
        failed += not good
    print(f"{passed} passed, {failed} failed")
    return 0 if passed > 0 and failed == 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
