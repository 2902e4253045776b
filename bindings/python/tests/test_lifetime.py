"""Closing, and what lives on: memory goes with the last that needs it, and not before."""

# Debian's mypy knows no slices but of integers.
# mypy: disable-error-code=misc

from __future__ import annotations

import copy
import gc
import os
import pickle
import subprocess
import sys
import unittest
import weakref
from typing import Any, Callable, List

import fastskip

from .regions import Regions, table


class Closed(unittest.TestCase):
    def test_every_call_says_so(self) -> None:
        closed = table(Regions())
        views, snapshot, part = closed.views, closed.snapshot(), closed[b"a":]
        snapshot_views = snapshot.views
        snapshot.close()
        closed.close()
        calls: List[Callable[[], object]] = [
            lambda: closed[b"fig"], lambda: closed.get(b"fig"), lambda: b"fig" in closed,
            lambda: closed.get(bytearray(b"fig")), lambda: bytearray(b"fig") in closed,
            lambda: closed.entry(b"fig"), lambda: closed.get_many([b"fig"]),
            lambda: closed.get_many([]), lambda: iter(closed), lambda: reversed(closed),
            lambda: iter(closed.items()), lambda: iter(closed.entries()), lambda: len(closed),
            lambda: bool(closed), lambda: closed.cursor(), lambda: closed.views,
            lambda: closed.put(b"k", b"v"), lambda: closed.put(bytearray(b"k"), b"v"),
            lambda: closed.put(b"k", b"v", kind=2), lambda: closed.delete(b"k"),
            lambda: closed.insert(b"k", b"v"), lambda: closed.setdefault(b"k", b"v"),
            lambda: closed.put_at(1, b"k", b"v"), lambda: closed.update({b"k": b"v"}),
            lambda: closed.write(fastskip.Batch()), lambda: closed.snapshot(),
            lambda: closed.at(1)[b"k"], lambda: b"k" in closed.at(1), lambda: iter(closed.at(1)),
            lambda: closed.seal(), lambda: closed.sealed, lambda: closed.rotate(),
            lambda: closed.ref(), lambda: closed.reset(), lambda: closed.check(),
            lambda: closed.stat(1), lambda: dict(closed.stats),
            lambda: closed.under_backpressure, lambda: closed.approximate_count(),
            lambda: views[b"fig"], lambda: iter(views), lambda: len(views),
            lambda: iter(part), lambda: len(part), lambda: reversed(part),
            lambda: snapshot[b"fig"], lambda: b"fig" in snapshot, lambda: iter(snapshot),
            lambda: snapshot.get_many([b"fig"]), lambda: snapshot.sequence,
            lambda: snapshot.cursor(), lambda: snapshot.views, lambda: snapshot_views[b"fig"],
        ]  # fmt: skip
        for number, call in enumerate(calls):
            with self.assertRaises(fastskip.ClosedError, msg=f"call {number}"):
                call()
        self.assertEqual(repr(closed), "<closed fastskip.Table>")
        self.assertEqual(repr(snapshot), "<closed fastskip.Snapshot>")

    def test_closed_error_is_what_python_raises_for_closed_files(self) -> None:
        self.assertTrue(issubclass(fastskip.ClosedError, ValueError))

    def test_closed_cursor_and_batch(self) -> None:
        open_table = table(Regions())
        cursor, batch = open_table.cursor(), fastskip.Batch()
        cursor.close()
        cursor.close()
        batch.close()
        batch.close()
        calls: List[Callable[[], object]] = [
            lambda: cursor.first(), lambda: cursor.last(), lambda: cursor.next(),
            lambda: cursor.prev(), lambda: cursor.seek(b"k"), lambda: cursor.seek_for_prev(b"k"),
            lambda: cursor.set_bounds(), lambda: cursor.valid, lambda: cursor.entry,
            lambda: cursor.key, lambda: cursor.value, lambda: cursor.next_many(1),
            lambda: batch.put(b"k", b"v"), lambda: batch.delete(b"k"), lambda: batch.clear(),
            lambda: batch.put_at(1, b"k", b"v"), lambda: len(batch), lambda: open_table.write(batch),
        ]  # fmt: skip
        for number, call in enumerate(calls):
            with self.assertRaises(fastskip.ClosedError, msg=f"call {number}"):
                call()
        self.assertIn("closed", repr(cursor) + repr(batch))

    def test_closing_twice(self) -> None:
        regions = Regions()
        with table(regions) as once:
            snapshot = once.snapshot()
            snapshot.close()
            snapshot.close()
            once.close()
            self.assertEqual(regions.live, 0)
        once.close()
        self.assertEqual(regions.released, 1)


class LivesOn(unittest.TestCase):
    """After close the memory lives as long as something needs it; its content is right till then."""

    def setUp(self) -> None:
        self.regions = Regions()
        self.table = table(self.regions)

    def keeps(self, needs: List[Any], use: Callable[[], object]) -> None:
        self.table.close()
        del self.table
        self.assertEqual(self.regions.live, 1)
        other = table(Regions())  # would land where freed memory was
        use()
        del other
        needs.clear()
        self.assertEqual(self.regions.live, 0)

    def test_nothing(self) -> None:
        self.table.close()
        self.assertEqual(self.regions.live, 0)

    def test_dropped_without_close(self) -> None:
        del self.table
        self.assertEqual(self.regions.live, 0)

    def test_snapshot(self) -> None:
        needs: List[Any] = [self.table.snapshot()]
        self.keeps(needs, lambda: self.assertEqual(needs[0][b"fig"], b"violet"))

    def test_views_and_values(self) -> None:
        needs: List[Any] = [self.table.views[b"fig"]]
        self.keeps(needs, lambda: self.assertEqual(needs[0], b"violet"))

    def test_slice_of_a_value(self) -> None:
        needs: List[Any] = [self.table.views[b"fig"][2:]]
        self.keeps(needs, lambda: self.assertEqual(needs[0], b"olet"))

    def test_value_of_a_snapshot(self) -> None:
        needs: List[Any] = [self.table.snapshot().views.get_many([b"fig"])[0]]
        self.keeps(needs, lambda: self.assertEqual(needs[0], b"violet"))

    def test_values_from_iteration(self) -> None:
        needs: List[Any] = list(self.table.views.values())
        self.keeps(needs, lambda: self.assertEqual(needs, [b"red", b"violet", b"green"]))

    def test_entry(self) -> None:
        needs: List[Any] = [self.table.views.entry(b"fig")]
        self.keeps(needs, lambda: self.assertEqual(needs[0].value, b"violet"))

    def test_iteration_before_and_after_its_first_step(self) -> None:
        needs: List[Any] = [iter(self.table), iter(self.table.items()), reversed(self.table)]
        self.assertEqual(next(needs[1]), (b"apple", b"red"))

        def use() -> None:
            self.assertEqual(list(needs[0]), [b"apple", b"fig", b"pear"])
            self.assertEqual(list(needs[1]), [(b"fig", b"violet"), (b"pear", b"green")])
            self.assertEqual(list(needs[2]), [b"pear", b"fig", b"apple"])

        self.keeps(needs, use)

    def test_cursor(self) -> None:
        needs: List[Any] = [self.table.cursor()]

        def use() -> None:
            self.assertTrue(needs[0].seek(b"f"))
            self.assertEqual(needs[0].value, b"violet")

        self.keeps(needs, use)

    def test_ref(self) -> None:
        needs: List[Any] = [self.table.ref()]
        self.keeps(needs, lambda: self.assertEqual(needs[0][b"fig"], b"violet"))

    def test_rotated_tables_go_one_by_one(self) -> None:
        fresh = self.table.rotate()
        self.assertEqual(self.regions.live, 2)
        self.table.close()
        self.assertEqual(self.regions.live, 1)
        fresh[b"k"] = b"v"
        fresh.close()
        self.assertEqual(self.regions.live, 0)

    def test_cycle_is_collected(self) -> None:
        self.table.me = self.table  # type: ignore[attr-defined]
        gone = weakref.ref(self.table)
        del self.table
        gc.collect()
        self.assertIsNone(gone())
        self.assertEqual(self.regions.live, 0)

    def test_comparator_that_refers_to_its_table_is_collected(self) -> None:
        holder: List[fastskip.Table] = []

        def compare(a: bytes, b: bytes) -> int:
            assert holder
            return (a > b) - (a < b)

        holder.append(fastskip.Table(compare=compare, allocator=self.regions, memory_limit=1 << 20))
        holder[0].update({b"a": b"", b"b": b""})
        del holder, compare
        self.table.close()
        gc.collect()
        self.assertEqual(self.regions.live, 0)


class Reset(unittest.TestCase):
    def test_busy_while_anything_holds_it(self) -> None:
        held = table(Regions())
        holders: List[Callable[[], Any]] = [
            lambda: held.snapshot(), lambda: held.cursor(), lambda: held.views,
            lambda: held.views[b"fig"], lambda: held.views[b"fig"][1:], lambda: iter(held),
            lambda: held.ref(), lambda: held.snapshot().views.entry(b"fig"),
        ]  # fmt: skip
        for hold in holders:
            holder = hold()
            with self.assertRaises(fastskip.BusyError):
                held.reset()
            self.assertEqual(held[b"fig"], b"violet")
            del holder
        part, walk = held[b"a":], held.items()  # these hold nothing
        held.reset()
        self.assertEqual((list(part), list(walk)), ([], []))


class Copies(unittest.TestCase):
    def test_handles_are_not_copied(self) -> None:
        regions = Regions()
        original = table(regions)
        copiers: List[Callable[[Any], object]] = [pickle.dumps, copy.deepcopy]
        for copier in copiers:
            for thing in (original, original.snapshot(), original.cursor(), fastskip.Batch()):
                with self.assertRaises((TypeError, ValueError, AttributeError, pickle.PicklingError)):
                    copier(thing)
        shallow = copy.copy(original)
        original.close()
        self.assertEqual(shallow[b"fig"], b"violet")
        shallow.close()
        gc.collect()
        self.assertEqual(regions.live, 0)


class Processes(unittest.TestCase):
    def test_fork(self) -> None:
        shared = fastskip.Table(memory_limit=1 << 22)
        shared.update([(b"%d" % i, b"parent") for i in range(1000)])
        snapshot, view = shared.snapshot(), shared.views[b"7"]
        child = os.fork()
        if child == 0:
            status = 1
            try:
                assert view == b"parent" and len(snapshot) == 1000
                shared[b"7"] = b"child"
                fresh = shared.rotate()
                fresh[b"new"] = b"child"
                assert shared[b"7"] == b"child" and snapshot[b"7"] == b"parent"
                shared.check()
                shared.close()
                status = 0
            finally:
                os._exit(status)
        _, result = os.waitpid(child, 0)
        self.assertEqual(result, 0)
        self.assertEqual(shared[b"7"], b"parent")
        shared[b"8"] = b"parent still"
        self.assertFalse(shared.sealed)
        shared.check()

    def test_end_of_the_program_with_everything_open(self) -> None:
        program = """
import threading, fastskip
def compare(a, b): return (a > b) - (a < b)
plain, ordered = fastskip.Table(), fastskip.Table(compare=compare)
for t in (plain, ordered):
    t.update([(b"%d" % i, b"v") for i in range(1000)])
    t.left = (t.snapshot(), t.views[b"7"], iter(t), t.cursor(), reversed(t.items()), t)
    next(t.left[2]); next(t.left[4])
batch = fastskip.Batch(); batch[b"k"] = b"v"
started = threading.Event()
def write():
    while True:
        plain[b"k"] = b"v"
        started.set()
threading.Thread(target=write, daemon=True).start()
started.wait()
print("end")
"""
        run = subprocess.run(
            [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            universal_newlines=True, timeout=120,
        )  # fmt: skip
        self.assertEqual((run.returncode, run.stdout, run.stderr), (0, "end\n", ""))


if __name__ == "__main__":
    unittest.main()
