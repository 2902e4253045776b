"""Some of the tests of a build: their names, or what ninja is to build for them, one a line.

    tests_of.py names|targets DIRECTORY [--without] PATTERN

A test is matched as SUITE/NAME, such as public/api_read, for each of its suites; a script's name ends in .sh.
"""
import json
import os
import re
import sys


def read(directory, what):
    with open(os.path.join(directory, "meson-info", f"intro-{what}.json"), encoding="utf-8") as file:
        return json.load(file)


def labels(test, directory):
    script = not test["cmd"][0].startswith(directory + os.sep)
    name = test["name"] + (".sh" if script else "")
    return [suite.split(":")[-1] + "/" + name for suite in test["suite"]]


def main(kind, directory, *pattern):
    directory = os.path.abspath(directory)
    wanted = pattern[0] != "--without"
    tests = [test for test in read(directory, "tests")
             if any(re.search(pattern[-1], label) for label in labels(test, directory)) == wanted]
    if kind == "names":
        lines = [test["name"] for test in tests]
    else:
        files = {target["id"]: target["filename"] for target in read(directory, "targets")}
        needed = {target for test in tests for target in test["depends"]}
        lines = sorted(os.path.relpath(file, directory) for target in needed for file in files[target])
    sys.stdout.write("".join(line + "\n" for line in lines))


if __name__ == "__main__":
    main(*sys.argv[1:])
