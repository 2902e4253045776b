"""Puts faults into a copy of lib/, each switched on by a macro of its own.

    seed_faults.py LIB COPY < FAULTS

FAULTS are the strings NAME FILE OLD NEW, again and again, each ended by a zero byte.  OLD must be in FILE
once; white space counts as white space.  The lines of COPY that hold it become

    #if defined FSK_FAULT_<NAME>
    the lines with NEW for OLD
    #else
    the lines as they are
    #endif

and where faults share lines, these are there once for each of them.  Prints what does not apply, and then
exits non-zero.
"""
import re
import shutil
import sys


def macro(name):
    return "FSK_FAULT_" + name.upper()


def find(text, old):
    """where the lines begin and end, continued ones as one, that hold OLD; and OLD itself"""
    found = list(re.finditer(r"\s+".join(map(re.escape, old.split())), text))
    if len(found) != 1:
        raise ValueError(f"is there {len(found)} times")
    start, end = found[0].span()
    first = text.rfind("\n", 0, start) + 1
    while text[:first].endswith("\\\n"):
        first = text.rfind("\n", 0, first - 1) + 1
    last = text.find("\n", end) + 1
    while text[:last].endswith("\\\n"):
        last = text.find("\n", last) + 1
    return first, last, start, end


def regions(edits):
    """edits that share lines, together: [first, last, edits]"""
    groups = []
    for edit in sorted(edits, key=lambda edit: edit[1]):
        if groups and edit[1] < groups[-1][1]:
            groups[-1][1] = max(groups[-1][1], edit[2])
            groups[-1][2].append(edit)
        else:
            groups.append([edit[1], edit[2], [edit]])
    return groups


def choice(text, first, last, edits):
    """the region as each of its faults has it, and as it is"""
    lines = []
    for name in dict.fromkeys(edit[0] for edit in edits):
        changed = text[first:last]
        for _, _, _, start, end, new in sorted((e for e in edits if e[0] == name),
                                                key=lambda e: e[3], reverse=True):
            changed = changed[:start - first] + new + changed[end - first:]
        lines += [f"#{'el' if lines else ''}if defined {macro(name)}\n", changed]
    return "".join(lines + ["#else\n", text[first:last], "#endif\n"])


def main(lib, copy):
    strings = sys.stdin.read().split("\0")[:-1]
    files = {}
    refused = 0
    shutil.copytree(lib, copy, dirs_exist_ok=True)
    for name, file, old, new in zip(*[iter(strings)] * 4):
        with open(f"{lib}/{file}") as source:
            text, edits = files.setdefault(file, (source.read(), []))
        try:
            edits.append((name, *find(text, old), new))
        except ValueError as error:
            print(f"{name}: its text {error} in {file}")
            refused += 1
    for file, (text, edits) in files.items():
        seeded, at = "", 0
        for first, last, group in regions(edits):
            seeded += text[at:first] + choice(text, first, last, group)
            at = last
        with open(f"{copy}/{file}", "w") as target:
            target.write(seeded + text[at:])
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
