"""Comparators and allocators of the user, and what they raise."""

# Debian's mypy knows no slices but of integers.
# mypy: disable-error-code=misc

from __future__ import annotations

import os
import signal
import sys
import threading
import unittest
from typing import Any, Callable, List

import fastskip

from .regions import Regions


def backwards(a: bytes, b: bytes) -> int:
    return (a < b) - (a > b)


def number(key: bytes) -> int:
    return int(key)  # ValueError for what is none


def numeric(a: bytes, b: bytes) -> int:
    return number(a) - number(b)


def ordered(compare: Callable[[bytes, bytes], Any], **settings: Any) -> fastskip.Table:
    return fastskip.Table(compare=compare, memory_limit=1 << 22, **settings)


class Order(unittest.TestCase):
    def test_own_order(self) -> None:
        table = ordered(backwards, compare_name="backwards")
        table.update([(b"%03d" % i, b"%d" % i) for i in range(300)])
        self.assertEqual(list(table), [b"%03d" % i for i in reversed(range(300))])
        self.assertEqual(list(reversed(table)), [b"%03d" % i for i in range(300)])
        self.assertEqual(list(table[b"010":b"007"]), [b"010", b"009", b"008"])
        self.assertEqual(table[b"123"], b"123")
        cursor = table.cursor()
        self.assertTrue(cursor.seek(b"0505"))
        self.assertEqual(cursor.key, b"050")
        table.check()

    def test_abbreviations_save_comparisons(self) -> None:
        counts = []
        for abbreviate in (None, lambda key: int(key) << 40):
            calls = [0]

            def compare(a: bytes, b: bytes) -> int:
                calls[0] += 1
                return numeric(a, b)

            table = ordered(compare, abbreviate=abbreviate)
            table.update([(b"%d" % i, b"") for i in range(400)])
            self.assertEqual(list(table), [b"%d" % i for i in range(400)])
            counts.append(calls[0])
        self.assertLess(counts[1], counts[0])

    def test_any_integer_is_an_order(self) -> None:
        table = ordered(lambda a, b: (int(a) - int(b)) * 2**70)
        table.update([(b"%d" % i, b"") for i in range(50)])
        self.assertEqual(list(table), [b"%d" % i for i in range(50)])

    def test_equal_by_the_comparator_is_the_same_key(self) -> None:
        table = ordered(lambda a, b: numeric(a, b))
        table[b"7"] = b"one"
        table[b"007"] = b"two"
        self.assertEqual(list(table.items()), [(b"7", b"two")])

    def test_rotated_table_keeps_it(self) -> None:
        fresh = ordered(backwards).rotate()
        fresh.update({b"a": b"", b"b": b""})
        self.assertEqual(list(fresh), [b"b", b"a"])
        snapshot = fresh.snapshot()
        fresh.close()
        self.assertEqual(list(snapshot), [b"b", b"a"])


class Raises(unittest.TestCase):
    def setUp(self) -> None:
        self.table = ordered(numeric)
        self.table.update([(b"%d" % i, b"") for i in range(20)])

    def unchanged(self) -> None:
        self.assertEqual(list(self.table), [b"%d" % i for i in range(20)])
        self.table.check()

    def test_writes_raise_and_change_nothing(self) -> None:
        batch = fastskip.Batch()
        batch[b"30"] = b""
        batch[bytearray(b"bad")] = b""
        writes: List[Callable[[], object]] = [
            lambda: self.table.put(b"bad", b""), lambda: self.table.put(bytearray(b"bad"), b""),
            lambda: self.table.put(b"bad", b"", kind=2), lambda: self.table.delete(b"bad"),
            lambda: self.table.insert(b"bad", b""), lambda: self.table.setdefault(b"bad", b""),
            lambda: self.table.write(batch), lambda: self.table.update({b"31": b"", b"": b""}),
        ]  # fmt: skip
        for number, write in enumerate(writes):
            with self.assertRaises(ValueError, msg=f"write {number}") as raised:
                write()
            self.assertIn("invalid literal", str(raised.exception))
            self.unchanged()

    def test_cleared_batch_has_no_keys(self) -> None:
        batch = fastskip.Batch()
        batch[b"bad"] = b""
        batch.clear()
        batch[b"7"] = b"seven"
        self.table.write(batch)
        self.assertEqual(self.table[b"7"], b"seven")

    def test_first_key_of_a_table_too(self) -> None:
        empty = ordered(numeric)
        with self.assertRaises(ValueError):
            empty[b"bad"] = b""
        self.assertEqual(empty.stat(fastskip.Stat.KEYS), 0)
        caller = ordered(numeric, sequence_mode=fastskip.SequenceMode.CALLER)
        with self.assertRaises(ValueError):
            caller.put_at(1, b"bad", b"")
        self.assertEqual(caller.stat(fastskip.Stat.KEYS), 0)

    def test_reads_raise(self) -> None:
        cursor = self.table.cursor()
        reads: List[Callable[[], object]] = [
            lambda: self.table.get(b"bad"), lambda: self.table[b"bad"],
            lambda: b"bad" in self.table, lambda: self.table.entry(b"bad"),
            lambda: self.table.get_many([b"1", b"bad"]), lambda: self.table.views.get(b"bad"),
            lambda: self.table.at(1).get(b"bad"), lambda: list(self.table[b"bad":]),
            lambda: list(reversed(self.table[:b"bad"])), lambda: len(self.table[b"bad":]),
            lambda: cursor.seek(b"bad"), lambda: cursor.seek_for_prev(b"bad"),
            lambda: self.table.approximate_count(b"bad", None),
            lambda: self.table.snapshot().get(b"bad"),
        ]  # fmt: skip
        for number, read in enumerate(reads):
            with self.assertRaises(ValueError, msg=f"read {number}") as raised:
                read()
            self.assertIn("invalid literal", str(raised.exception))
        self.unchanged()

    def test_what_is_no_number(self) -> None:
        for result in ("1", None, [1]):
            with self.assertRaises(TypeError):
                ordered(lambda a, b: result).update({b"1": b"", b"2": b""})

    def test_key_must_equal_itself(self) -> None:
        with self.assertRaises(ValueError) as raised:
            ordered(lambda a, b: 1)[b"k"] = b""
        self.assertIn("must be 0", str(raised.exception))

    def test_abbreviations(self) -> None:
        for wrong, error in ((-1, OverflowError), (2**64, OverflowError), ("x", TypeError)):
            table = ordered(backwards, abbreviate=lambda key: wrong)
            with self.assertRaises(error):
                table[b"k"] = b""
            with self.assertRaises(error):
                table.get(b"k")
            self.assertEqual(table.stat(fastskip.Stat.KEYS), 0)

    def test_what_is_raised_once_puts_no_key_in_a_wrong_place(self) -> None:
        countdown = [0]

        def compare(a: bytes, b: bytes) -> int:
            countdown[0] -= 1
            if countdown[0] == 0:
                raise KeyboardInterrupt
            return numeric(a, b)

        table = ordered(compare)
        table.update([(b"%d" % i, b"") for i in range(0, 600, 2)])  # many blocks
        raised = 0
        for i in range(1, 600, 2):
            countdown[0] = 2 + i % 7  # after the first, which looks at the key alone
            try:  # it may be written with fewer comparisons
                table[b"%d" % i] = b""
            except KeyboardInterrupt:
                raised += 1
            countdown[0] = 0
        self.assertGreater(raised, 200)
        self.assertEqual(list(table), [b"%d" % i for i in range(600)])
        table.check()

    def test_comparator_that_contradicts_itself(self) -> None:
        flips = [0]

        def compare(a: bytes, b: bytes) -> int:
            flips[0] += 1
            return 0 if a is b or a == b else (-1, 1)[flips[0] % 2]

        table = ordered(compare)
        for i in range(500):
            table[b"%d" % i] = b""
        try:
            self.assertLessEqual(len(list(table)), 500)
            list(reversed(table))
            table.check()
        except fastskip.CorruptError:
            pass

    def test_uses_its_own_table(self) -> None:
        holder: List[fastskip.Table] = []
        uses: List[Callable[[], object]] = [
            lambda: holder[0].get(b"1"), lambda: holder[0].put(b"1", b""),
            lambda: holder[0].seal(), lambda: holder[0].rotate(), lambda: list(holder[0]),
            lambda: holder[0].reset(),
        ]  # fmt: skip
        for number, use in enumerate(uses):
            active = [False]

            def compare(a: bytes, b: bytes) -> int:
                if active[0]:
                    use()
                return numeric(a, b)

            holder[:] = [ordered(compare)]
            holder[0].update({b"1": b"", b"2": b""})
            active[0] = True
            with self.assertRaises((fastskip.ConcurrentUseError, fastskip.BusyError), msg=f"use {number}"):
                holder[0].get(b"2")
            active[0] = False
            self.assertEqual(list(holder[0]), [b"1", b"2"])

    def test_another_table_may_be_used(self) -> None:
        other = ordered(numeric)
        other[b"1"] = b"yes"
        table = ordered(lambda a, b: (other[b"1"] == b"yes") * numeric(a, b))
        table.update({b"2": b"", b"1": b""})
        self.assertEqual(list(table), [b"1", b"2"])

    def test_each_thread_gets_its_own(self) -> None:
        inside, go_on = threading.Event(), threading.Event()

        def compare(a: bytes, b: bytes) -> int:
            if b"wait" in (a, b):
                inside.set()
                go_on.wait()
                raise RuntimeError("of the waiting thread")
            return backwards(a, b)

        table = ordered(compare)
        table.update({b"a": b"", b"b": b""})
        seen: List[BaseException] = []

        def wait() -> None:
            try:
                table.get(b"wait")
            except RuntimeError as error:
                seen.append(error)

        thread = threading.Thread(target=wait)
        thread.start()
        inside.wait()
        self.assertIsNone(table.get(b"c"))  # its error is none of ours
        self.assertEqual(list(table), [b"b", b"a"])
        go_on.set()
        thread.join()
        self.assertEqual([str(error) for error in seen], ["of the waiting thread"])


class Interrupts(unittest.TestCase):
    def setUp(self) -> None:  # a shell has its background jobs ignore it
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        self.addCleanup(signal.signal, signal.SIGINT, before)

    def test_interrupt_comes_after_the_call(self) -> None:
        countdown = [0]

        def compare(a: bytes, b: bytes) -> int:
            countdown[0] -= 1
            if countdown[0] == 0:
                os.kill(os.getpid(), signal.SIGINT)
            return numeric(a, b)

        table = ordered(compare)
        before = signal.getsignal(signal.SIGINT)
        for i in range(100):
            table[b"%d" % (2 * i)] = b""
            countdown[0] = 2  # after the first, which looks at the key alone
            with self.assertRaises(KeyboardInterrupt):
                table[b"%d" % (2 * i + 1)] = b""
                for _ in range(1000):  # where Python looks for signals
                    pass
            self.assertIs(signal.getsignal(signal.SIGINT), before)
        self.assertEqual(list(table), [b"%d" % i for i in range(200)])

    def test_interrupts_at_any_moment(self) -> None:
        """None is lost, and none puts a key in a wrong place."""
        table = ordered(numeric)
        ignored: List[Any] = []
        rounds = 200
        armed = threading.Semaphore(0)

        def interrupt() -> None:
            for _ in range(rounds):
                armed.acquire()
                os.kill(os.getpid(), signal.SIGINT)

        thread = threading.Thread(target=interrupt)
        hook, sys.unraisablehook = sys.unraisablehook, ignored.append
        thread.start()
        try:
            for i in range(rounds):
                with self.assertRaises(KeyboardInterrupt):
                    armed.release()
                    while True:
                        table[b"%d" % i] = b""
        finally:
            thread.join()
            sys.unraisablehook = hook
        self.assertEqual(ignored, [])
        table.update([(b"%d" % i, b"") for i in range(rounds)])
        self.assertEqual(list(table), [b"%d" % i for i in range(rounds)])
        table.check()

    def test_second_interrupt_stops_a_comparator_that_never_ends(self) -> None:
        endless = [False]

        def compare(a: bytes, b: bytes) -> int:
            while endless[0]:
                os.kill(os.getpid(), signal.SIGINT)
            return numeric(a, b)

        table = ordered(compare)
        table.update({b"1": b"", b"2": b""})
        endless[0] = True
        with self.assertRaises(KeyboardInterrupt):
            table.get(b"2")


class Allocators(unittest.TestCase):
    def test_own_memory(self) -> None:
        regions = Regions()
        table = fastskip.Table(allocator=regions, memory_limit=1 << 22)
        table.update([(b"%05d" % i, b"v" * 100) for i in range(5000)])
        self.assertEqual(len(table), 5000)
        self.assertEqual(regions.reserved, 1)
        self.assertGreater(regions.committed, 1)
        fresh = table.rotate()
        self.assertEqual(regions.reserved, 2)
        table.close()
        fresh.close()
        self.assertEqual(regions.live, 0)

    def test_unsupported_with_huge_pages(self) -> None:
        with self.assertRaises(fastskip.UnsupportedError):
            fastskip.Table(allocator=Regions(), huge_pages=fastskip.HugePages.INSIST)

    def test_reserve_raises(self) -> None:
        class Refuses(Regions):
            refuse = True

            def reserve(self, size: int, alignment: int) -> int:
                if self.refuse:
                    raise RuntimeError("no more tables")
                return super().reserve(size, alignment)

        regions = Refuses()
        with self.assertRaises(RuntimeError):
            fastskip.Table(allocator=regions)
        regions.refuse = False
        table = fastskip.Table(allocator=regions, memory_limit=1 << 20)
        regions.refuse = True
        with self.assertRaises(RuntimeError):
            table.rotate()
        table[b"k"] = b"v"  # not sealed
        table.close()
        self.assertEqual(regions.live, 0)

    def test_reserve_gives_nothing(self) -> None:
        class Empty(Regions):
            def reserve(self, size: int, alignment: int) -> int:
                return 0

        with self.assertRaises(fastskip.NoMemoryError) as raised:
            fastskip.Table(allocator=Empty())
        self.assertIsInstance(raised.exception, MemoryError)

    def test_commit_raises(self) -> None:
        class Stingy(Regions):
            stop = False

            def commit(self, address: int, size: int) -> None:
                if self.stop:
                    raise RuntimeError("no more memory")

        regions = Stingy()
        table = fastskip.Table(allocator=regions, memory_limit=1 << 24)
        table[b"k"] = b"v"
        regions.stop = True
        with self.assertRaises(RuntimeError):
            table[b"large"] = bytes(1 << 23)
        self.assertEqual(list(table), [b"k"])
        regions.stop = False
        table[b"large"] = bytes(1 << 23)
        self.assertEqual(len(table[b"large"]), 1 << 23)
        table.check()

    def test_base_class_refuses(self) -> None:
        with self.assertRaises(NotImplementedError):
            fastskip.Table(allocator=fastskip.Allocator())


if __name__ == "__main__":
    unittest.main()
