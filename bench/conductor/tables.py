# SPDX-License-Identifier: MIT
# Copyright (c) The fastskip authors

"""Figures as text."""

BASE = "rocksdb"


def number(value, digits=1, suffix=""):
    return "-" if value is None else f"{value:,.{digits}f}{suffix}"


def percent(value):
    return "-" if value is None else f"{value * 100:.0f}%"


def lines_of(rows):
    """Columns as wide as they must be, the first to the left and all others to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        yield "  " + "  ".join(cells).rstrip()


def workload_table(results, workload, peers):
    rows = [["", "CPU ns", "spread", f"x {BASE}", "wall ns", "p50", "p99", "p99.9", "bytes beyond"]]
    for peer in peers:
        s = results.summary(workload, peer, BASE)
        if s is None:
            if peer in results.unsupported.get(workload.partition(".")[0], ()):
                rows.append([peer, "n/a"] + [""] * (len(rows[0]) - 2))
            continue
        latencies = [number(s[field], 0) for field in ("p50_ns", "p99_ns", "p999_ns")]
        rows.append(
            [peer, number(s["cpu_ns"]), percent(s["spread"]), number(s["ratio"], 2)]
            + [number(s["wall_ns"])]
            + latencies
            + [number(s["overhead_bytes"])]
        )
    yield workload
    yield from lines_of(rows)


def ratio_table(results, peers):
    """Ratios of CPU time to the base's: more is faster."""
    rows = [["times as fast as " + BASE] + peers]
    for workload in results.workloads():
        cells = [results.ratio(workload, peer, BASE) for peer in peers]
        if any(cell is not None for cell in cells):
            rows.append([workload] + [number(cell, 2) for cell in cells])
    return lines_of(rows)


# A workload against the floor of it: what, the peer's workload, that of the limits.
FLOORS = [
    ("get / hash lookup", "readrandom", "readrandom"),
    ("the same, one after the other", "readdependent", "readdependent"),
    ("get in groups of 16 / lookups in groups", "multireadrandom16", "multireadrandom16"),
    ("insert / append", "fillrandom", "fillrandom"),
    ("insert in order / append", "fillseq", "fillseq"),
    ("scan / sorted references", "readseq", "readseq"),
]


def floor_table(results, peers):
    """Times the physical limit; less is better. An insert in random order must find its place, too."""
    rows = [["times the limit", "limit, ns"] + peers]
    for what, workload, floor in FLOORS:
        limit = results.median(floor, "limits")
        if limit is None:
            continue
        cells = [results.ratio(floor, "limits", peer) for peer in peers]
        rows.append([what, number(limit)] + [number(c, 2) for c in cells])
    append, lookup = results.median("fillrandom", "limits"), results.median("readrandom", "limits")
    if append is not None and lookup is not None:
        cells = [results.median("fillrandom", peer) for peer in peers]
        rows.append(
            ["insert / (append + lookup)", number(append + lookup)]
            + [number(c and c / (append + lookup), 2) for c in cells]
        )
    for walk, what in (("walk4k", "a miss, 4 KiB pages"), ("walkhuge", "a miss, huge pages")):
        rows.append([what, number(results.median(walk, "limits"))] + [""] * len(peers))
    return lines_of(rows)
