# SPDX-License-Identifier: MIT
# Copyright (c) The fastskip authors

"""Tests of what is made of figures, on figures whose answers are known."""

import importlib.machinery
import importlib.util
import os
import unittest

from . import figures, plan, tables


def load_misses():
    """bench/misses as a module."""
    path = os.path.join(os.path.dirname(__file__), "..", "misses")
    loader = importlib.machinery.SourceFileLoader("misses", os.path.abspath(path))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("misses", loader))
    loader.exec_module(module)
    return module


def figure(workload, cpu, wall=None, threads=1, **more):
    return {"workload": workload, "threads": threads, "ops": 10, "cpu_ns": cpu,
            "wall_ns": wall or cpu, **more}


class Numbers(unittest.TestCase):
    def test_median(self):
        self.assertIsNone(figures.median([]))
        self.assertEqual(figures.median([3]), 3)
        self.assertEqual(figures.median([9, 1, 2]), 2)
        self.assertEqual(figures.median([4, 1, 2, 9]), 3)

    def test_median_of_an_outlier(self):
        self.assertEqual(figures.median([1, 1, 1, 1, 1000]), 1)

    def test_spread(self):
        self.assertIsNone(figures.spread([]))
        self.assertEqual(figures.spread([5]), 0)
        self.assertAlmostEqual(figures.spread([8, 10, 13]), 0.5)

    def test_ratios_are_of_the_same_round(self):
        self.assertEqual(figures.ratios({0: 10, 1: 40, 2: 9}, {0: 5, 1: 10}), [2, 4])

    def test_overhead(self):
        self.assertIsNone(figures.overhead(figure("readrandom", 1)))
        f = figure("fillrandom", 1, table_bytes=1650, data_bytes=1200)
        self.assertEqual(figures.overhead(f), 45)


class Summaries(unittest.TestCase):
    def setUp(self):
        self.results = figures.Results()
        for r, (base, fast) in enumerate([(100, 20), (300, 30), (90, 45)]):
            self.results.add("rocksdb", r, figure("readrandom", base))
            self.results.add("fastskip", r, figure("readrandom", fast, wall=fast * 2))

    def test_ratio_is_the_median_of_ratios_and_not_the_ratio_of_medians(self):
        self.assertEqual(self.results.ratio("readrandom", "fastskip", "rocksdb"), 5)
        self.assertAlmostEqual(100 / 30, self.results.median("readrandom", "rocksdb")
                               / self.results.median("readrandom", "fastskip"))

    def test_summary(self):
        self.results.add("fastskip", None, figure("readrandom", 1, p50_ns=7, p99_ns=8, p999_ns=9))
        s = self.results.summary("readrandom", "fastskip", "rocksdb")
        self.assertEqual((s["cpu_ns"], s["wall_ns"], s["ratio"]), (30, 60, 5))
        self.assertAlmostEqual(s["spread"], 25 / 30)
        self.assertEqual((s["p50_ns"], s["p99_ns"], s["p999_ns"]), (7, 8, 9))

    def test_latencies_are_no_round(self):
        self.results.add("fastskip", None, figure("readrandom", 1000))
        self.assertEqual(self.results.median("readrandom", "fastskip"), 30)

    def test_absent(self):
        self.results.add("tbb", 0, {"workload": "readreverse", "threads": 1, "unsupported": True})
        self.assertIsNone(self.results.summary("readreverse", "tbb", "rocksdb"))
        self.assertIsNone(self.results.ratio("readrandom", "tbb", "rocksdb"))

    def test_labels(self):
        self.assertEqual(figures.label(figure("fillrandom", 1, threads=2)), "fillrandom@2")
        self.assertEqual(figures.label(figure("snapshot.read", 1)), "snapshot.read")
        self.assertEqual(figures.label(figure("snapshot.read", 1, threads=3)), "snapshot@3.read")

    def test_table(self):
        text = "\n".join(tables.workload_table(self.results, "readrandom", ["fastskip", "rocksdb"]))
        self.assertRegex(text, r"fastskip +30\.0 +83% +5\.00 +60\.0")


class Plans(unittest.TestCase):
    def test_every_workload_once_a_session(self):
        flat = [step for session in plan.sessions(plan.ALL, [1, 2]) for step in session]
        self.assertEqual(len(flat), len(set(flat)))
        self.assertEqual({w for w, t in flat if t == 1}, set(plan.ALL))
        self.assertEqual({w for w, t in flat if t == 2}, set(plan.THREADED))

    def test_what_changes_the_table_comes_last(self):
        shared = plan.sessions(plan.ALL, [1, 2])[0]
        self.assertEqual(shared[0], ("fillrandom", 1))
        self.assertEqual(shared[-1], ("overwrite", 1))

    def test_order_changes(self):
        peers = ["a", "b", "c"]
        firsts = {plan.order(peers, r, t)[0] for r in range(2) for t in range(3)}
        self.assertEqual(firsts, set(peers))
        for r in range(3):
            self.assertEqual(sorted(plan.order(peers, r, r)), peers)
        self.assertNotEqual(plan.order(peers, 0, 0), plan.order(peers, 1, 0))


class Misses(unittest.TestCase):
    def setUp(self):
        self.misses = load_misses()
        self.before = {"instructions": 1000.0, "branch": 4.0, "L1": 8.0, "last": 0.2}

    def test_five_percent(self):
        for field, least in (("instructions", 1051), ("branch", 4.21), ("L1", 8.41)):
            now = {**self.before, field: least}
            self.assertEqual(self.misses.worse(self.before, now, 0.05), [field])
            now[field] = self.before[field] * 1.049
            self.assertEqual(self.misses.worse(self.before, now, 0.05), [])

    def test_less_is_not_worse(self):
        now = {field: number / 2 for field, number in self.before.items()}
        self.assertEqual(self.misses.worse(self.before, now, 0.05), [])

    def test_small_numbers_have_room(self):
        self.assertEqual(self.misses.worse(self.before, {**self.before, "last": 0.24}, 0.05), [])
        self.assertEqual(self.misses.worse(self.before, {**self.before, "last": 0.26}, 0.05), ["last"])

    def test_table(self):
        table, made_with = self.misses.read_table()
        self.assertEqual(list(table), self.misses.OPERATIONS)
        self.assertIn("glibc", made_with)


if __name__ == "__main__":
    unittest.main()
