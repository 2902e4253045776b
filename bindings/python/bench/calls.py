"""What a call costs: this package, bare ctypes, bare cffi (ABI mode), SortedDict, and C.

    python3 bench/calls.py [--entries N] [--rounds N]

Prints a table for README: nanoseconds of CPU time for each entry, medians over the rounds, in which
all ways take turns. Needs cffi, sortedcontainers, and a C compiler with pkg-config for the row of C.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Dict, List, Optional

from ways import WAYS

STEPS = ("put", "get", "scan")
Times = Dict[str, Dict[str, List[float]]]  # way, step, and what each round measured


def keys(entries: int) -> List[bytes]:
    """Keys of 20 bytes in an order that is no order; the same as in calls.c."""
    return [b"%020d" % (i * 7919 % entries) for i in range(entries)]


def compile_c(directory: str) -> Optional[str]:
    """calls.c as a program, or None without a compiler."""
    program = os.path.join(directory, "calls")
    source = str(Path(__file__).with_name("calls.c"))
    try:
        flags = subprocess.check_output(
            ["pkg-config", "--cflags", "--libs", "fastskip"], universal_newlines=True
        ).split()
        subprocess.check_call(["cc", "-std=c11", "-O2", "-Wall", "-Werror", source, "-o", program, *flags])
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"calls.py: no row of C: {error}", file=sys.stderr)
        return None
    return program


def measure(name: str, path: str, given: List[bytes]) -> List[float]:
    """Nanoseconds of each step for an entry."""
    way = WAYS[name](path)
    clock = time.process_time
    times = [clock()]
    way.put(given)
    times.append(clock())
    way.get(given)
    times.append(clock())
    if way.scan() != len(given):
        sys.exit(f"{name}: not all entries are there")
    times.append(clock())
    return [(times[i + 1] - times[i]) / len(given) * 1e9 for i in range(len(STEPS))]


def run(path: str, entries: int, rounds: int) -> Times:
    given = keys(entries)
    names = list(WAYS)
    times: Times = {name: {step: [] for step in STEPS} for name in ["C", *names]}
    with tempfile.TemporaryDirectory() as directory:
        program = compile_c(directory)
        for number in range(rounds):
            for name in names[number % len(names) :] + names[: number % len(names)]:
                for step, nanoseconds in zip(STEPS, measure(name, path, given)):
                    times[name][step].append(nanoseconds)
            if program is not None:
                environment = dict(os.environ, LD_LIBRARY_PATH=os.path.dirname(path))
                output = subprocess.check_output([program, str(entries)], env=environment)
                for step, word in zip(STEPS, output.split()):
                    times["C"][step].append(float(word))
    if program is None:
        del times["C"]
    return times


def cell(times: Times, name: str, step: str) -> str:
    mine, theirs = times[name][step], times["SortedDict"][step]
    ratio = statistics.median(a / b for a, b in zip(mine, theirs))
    return f"{statistics.median(mine):.0f} ({ratio:.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--entries", type=int, default=100000)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    path = os.environ.get("FASTSKIP_LIBRARY", "libfastskip.so.1")
    times = run(path, options.entries, options.rounds)
    print(f"CPython {platform.python_version()}, {platform.machine()}, {options.entries} entries")
    print("\n| ns an entry (ratio to SortedDict) | put | get | scan |\n|---|---|---|---|")
    for name in times:
        print(f"| {name} | " + " | ".join(cell(times, name, step) for step in STEPS) + " |")


if __name__ == "__main__":
    main()
