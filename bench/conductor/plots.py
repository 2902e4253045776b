# SPDX-License-Identifier: MIT
# Copyright (c) The fastskip authors

"""Plots by gnuplot, each as SVG and as PNG."""

import os
import shutil
import subprocess

from .tables import BASE

TERMINALS = {
    "svg": 'set terminal svg size 900,480 dynamic noenhanced background "white" font "sans,11"',
    "png": 'set terminal pngcairo size 900,480 noenhanced font "sans,11"',
}


def quote(text):
    return '"' + text.replace('"', "") + '"'


def draw(directory, name, commands, data):
    """Writes data and commands beside the plots, so that they can be drawn again."""
    data_path = os.path.join(directory, name + ".dat")
    with open(data_path, "w", encoding="utf-8") as out:
        out.write(data)
    for kind, terminal in TERMINALS.items():
        script = os.path.join(directory, f"{name}.{kind}.gnuplot")
        target = os.path.join(directory, f"{name}.{kind}")
        with open(script, "w", encoding="utf-8") as out:
            out.write(f'{terminal}\nset output "{target}"\ndata = "{data_path}"\n{commands}\n')
        subprocess.run(["gnuplot", script], check=True)
        os.remove(script)


def slug(setting):
    keys = "".join(c if c.isalnum() else "-" for c in os.path.basename(setting.keys))
    return f"{keys}-{setting.value_bytes}-{setting.entries}"


def ratios(directory, setting, results, peers):
    """Bars: how many times as fast as the base each peer is, per workload, on a logarithmic scale."""
    shown = [p for p in peers if p != BASE]
    rows = []
    for workload in results.workloads():
        values = [results.ratio(workload, peer, BASE) for peer in shown]
        if any(v is not None for v in values):
            rows.append([f'"{workload}"'] + ["?" if v is None else f"{v:.3f}" for v in values])
    if not rows or not shown:
        return
    data = "".join(" ".join(row) + "\n" for row in rows)
    columns = ", ".join(
        f"data using {i + 2}{':xtic(1)' if i == 0 else ''} title {quote(peer)}"
        for i, peer in enumerate(shown)
    )
    commands = f"""set title "CPU time: times as fast as {BASE}; {setting.title()}"
set style data histogram
set style histogram clustered gap 1
set style fill solid 0.8 border -1
set datafile missing "?"
set logscale y
set grid y
set xtics rotate by -45 font ",9"
set key outside right
set arrow from graph 0, first 1 to graph 1, first 1 nohead lc rgb "black"
plot {columns}"""
    draw(directory, "ratios-" + slug(setting), commands, data)


def lines(directory, name, title, xlabel, ylabel, table, peers, logarithmic):
    """Lines of points, a line for each peer. table maps a peer to (x, y) pairs."""
    shown = [p for p in peers if len(table.get(p, ())) > 1]
    if not shown:
        return
    blocks = ["".join(f"{x} {y:.3f}\n" for x, y in sorted(table[p])) for p in shown]
    plots = ", ".join(
        f"data index {i} with linespoints lw 2 title {quote(p)}" for i, p in enumerate(shown)
    )
    commands = f"""set title "{title}"
set xlabel "{xlabel}"
set ylabel "{ylabel}"
{'set logscale xy' if logarithmic else 'set yrange [0:*]; set xtics 1'}
set grid
set key outside right
plot {plots}"""
    draw(directory, name, commands, "\n\n".join(blocks))


def against_entries(directory, runs, peers, workloads):
    """Time of an operation against the number of entries, for settings that differ in nothing else."""
    kinds = {(s.keys, s.value_bytes) for s, _ in runs}
    for keys, value_bytes in sorted(kinds):
        some = [(s, r) for s, r in runs if (s.keys, s.value_bytes) == (keys, value_bytes)]
        if len(some) < 2:
            continue
        for workload in workloads:
            table = {}
            for setting, results in some:
                for peer in peers:
                    value = results.median(workload, peer)
                    if value is not None:
                        table.setdefault(peer, []).append((setting.entries, value))
            lines(
                directory,
                f"entries-{workload}-{slug(some[0][0]).rsplit('-', 1)[0]}",
                f"{workload}, keys {keys}, values of {value_bytes} bytes",
                "entries",
                "CPU ns an operation",
                table,
                peers,
                True,
            )


def against_threads(directory, setting, results, peers):
    """Operations in a second of wall time against threads."""
    names = sorted({w.partition("@")[0] for w in results.workloads() if "@" in w})
    for name in names:
        table = {}
        for workload in results.workloads():
            base, _, threads = workload.partition("@")
            if base != name or "." in threads:
                continue
            for peer in peers:
                wall = results.median(workload, peer, "wall_ns")
                if wall:
                    table.setdefault(peer, []).append((int(threads or 1), 1e3 / wall))
        lines(
            directory,
            f"threads-{name}-{slug(setting)}",
            f"{name}; {setting.title()}",
            "threads",
            "million operations a second",
            table,
            peers,
            False,
        )


def all_of(directory, runs, peers):
    """Every plot that the figures give; returns what stands in the way, or None."""
    if shutil.which("gnuplot") is None:
        return "gnuplot is not installed"
    os.makedirs(directory, exist_ok=True)
    for setting, results in runs:
        ratios(directory, setting, results, peers)
        against_threads(directory, setting, results, peers)
    workloads = list(dict.fromkeys(w for _, r in runs for w in r.workloads()))
    against_entries(directory, runs, peers, workloads)
    return None
