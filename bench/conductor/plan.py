# SPDX-License-Identifier: MIT
# Copyright (c) The fastskip authors

"""Which workloads run in which order, and which of them share a process and its table."""

# Workloads on one table that stays as it was loaded; the last may change it.
SHARED = [
    "fillrandom",
    "readrandom",
    "readdependent",
    "readmissing",
    "multireadrandom16",
    "multireadrandom64",
    "seekrandom10",
    "seekrandom100",
    "readseq",
    "readreverse",
    "ycsbc",
    "overwrite",
]
# Each with a process of its own.
ALONE = [
    "fillseq",
    "fillbatch",
    "overwritezipf",
    "deleterandom",
    "ycsba",
    "ycsbb",
    "ycsbd",
    "ycsbe",
    "ycsbf",
    "readwhilewriting",
    "snapshot",
    "flush",
]
HOT = ["hotkeyput", "hotkeyget", "hotkeyothers"]
WALKS = ["walk4k", "walkhuge"]
ALL = SHARED + ALONE + HOT + WALKS
# Those that run with several threads as well.
THREADED = ["fillrandom", "readrandom", "ycsba"]
# What the project's aims are stated for.
AIMS = [
    "fillrandom",
    "readrandom",
    "readdependent",
    "readmissing",
    "multireadrandom16",
    "seekrandom10",
    "readseq",
    "readreverse",
    "overwrite",
    "fillseq",
    "fillbatch",
    "readwhilewriting",
] + HOT + WALKS
# What says most in least time.
SHORT = [
    "fillrandom",
    "readrandom",
    "readdependent",
    "readmissing",
    "multireadrandom16",
    "seekrandom10",
    "readseq",
    "readreverse",
    "overwrite",
    "fillseq",
    "fillbatch",
] + WALKS


def sessions(wanted, threads):
    """Lists of (workload, threads): each list runs in one process of each peer."""
    more = [t for t in threads if t > 1]
    shared = [(w, 1) for w in SHARED if w in wanted]
    if "readrandom" in wanted:
        at = shared.index(("readrandom", 1)) + 1
        shared[at:at] = [("readrandom", t) for t in more]
    plan = [shared]
    plan += [[(w, 1)] for w in ALONE if w in wanted]
    plan.append([(w, 1) for w in HOT if w in wanted])
    for t in more:
        plan += [[(w, t)] for w in THREADED if w in wanted and w != "readrandom"]
    plan.append([(w, 1) for w in WALKS if w in wanted])
    return [session for session in plan if session]


def order(peers, number, turn):
    """The peers in the order of one turn: another one begins each time, and odd rounds go backwards."""
    if not peers:
        return []
    start = (number + turn) % len(peers)
    turned = peers[start:] + peers[:start]
    return turned[::-1] if number % 2 else turned
