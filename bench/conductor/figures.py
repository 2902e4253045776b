# SPDX-License-Identifier: MIT
# Copyright (c) The fastskip authors

"""What is made of the figures of the rounds."""


def median(numbers):
    """The middle one; of an even number of them the mean of the two in the middle."""
    ordered = sorted(numbers)
    if not ordered:
        return None
    half = len(ordered) // 2
    if len(ordered) % 2 == 1:
        return ordered[half]
    return (ordered[half - 1] + ordered[half]) / 2


def spread(numbers):
    """Largest less smallest, as a share of the median."""
    middle = median(numbers)
    if not middle:
        return None
    return (max(numbers) - min(numbers)) / middle


def ratios(base, other):
    """How many times less `other` took than `base`, round by round; both map rounds to figures."""
    return [base[r] / other[r] for r in sorted(base) if r in other and other[r] > 0]


def overhead(figure):
    """Bytes of an entry beyond key and value, from the figure of a fill; None if it has none."""
    if "table_bytes" not in figure or not figure["ops"]:
        return None
    return (figure["table_bytes"] - figure["data_bytes"]) / figure["ops"]


class Results:
    """The figures of one setting: of each workload and peer, by round."""

    def __init__(self):
        self.rounds = {}  # workload -> peer -> round -> figure
        self.latencies = {}  # workload -> peer -> figure
        self.unsupported = {}  # workload -> peers

    def add(self, peer, number, figure):
        name = label(figure)
        if figure.get("unsupported"):
            self.unsupported.setdefault(name, set()).add(peer)
        elif number is None:
            self.latencies.setdefault(name, {})[peer] = figure
        else:
            self.rounds.setdefault(name, {}).setdefault(peer, {})[number] = figure

    def workloads(self):
        return list(self.rounds)

    def column(self, workload, peer, field):
        """A field of a peer's figures of a workload, by round."""
        by_round = self.rounds.get(workload, {}).get(peer, {})
        return {r: f[field] for r, f in by_round.items() if field in f}

    def median(self, workload, peer, field="cpu_ns"):
        return median(self.column(workload, peer, field).values())

    def ratio(self, workload, peer, base, field="cpu_ns"):
        """Median of the ratios of the rounds; more than 1 is faster than the base."""
        return median(ratios(self.column(workload, base, field), self.column(workload, peer, field)))

    def summary(self, workload, peer, base):
        """All there is to say of a peer in a workload, or None."""
        cpu = self.column(workload, peer, "cpu_ns")
        if not cpu:
            return None
        last = self.rounds[workload][peer][max(cpu)]
        latency = self.latencies.get(workload, {}).get(peer, {})
        return {
            "cpu_ns": median(cpu.values()),
            "spread": spread(cpu.values()),
            "ratio": self.ratio(workload, peer, base),
            "wall_ns": self.median(workload, peer, "wall_ns"),
            "wall_ratio": self.ratio(workload, peer, base, "wall_ns"),
            "overhead_bytes": overhead(last),
            "resident_bytes": last.get("resident_bytes"),
            "ops": last["ops"],
            "p50_ns": latency.get("p50_ns"),
            "p99_ns": latency.get("p99_ns"),
            "p999_ns": latency.get("p999_ns"),
            "rounds": {"cpu_ns": cpu, "wall_ns": self.column(workload, peer, "wall_ns")},
        }


def label(figure):
    """A workload's name with its threads, if there are several."""
    threads = figure.get("threads", 1)
    name, _, part = figure["workload"].partition(".")
    if threads > 1:
        name += f"@{threads}"
    return name + ("." + part if part else "")
