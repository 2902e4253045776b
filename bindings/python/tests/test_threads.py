"""Many threads on one table, and on objects that are for one thread at a time."""

# Debian's mypy knows no slices but of integers.
# mypy: disable-error-code=misc

from __future__ import annotations

import random
import threading
import unittest
from typing import Callable, List

import fastskip

from .regions import Regions, table


def together(*bodies: Callable[[], None]) -> None:
    """Runs each body in a thread of its own, all started at once; raises what the first raised."""
    start = threading.Barrier(len(bodies))
    errors: List[BaseException] = []

    def run(body: Callable[[], None]) -> None:
        start.wait()
        try:
            body()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(body,)) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


class Shared(unittest.TestCase):
    def test_writers_and_readers(self) -> None:
        shared = fastskip.Table(memory_limit=1 << 26)
        writers, each = 4, 2000
        done = threading.Event()

        def write(which: int) -> Callable[[], None]:
            def body() -> None:
                for i in random.Random(which).sample(range(each), each):
                    key = b"%05d.%d" % (i, which)
                    shared[key] = key
                    self.assertEqual(shared[key], key)  # its own write is there at once

            return body

        def read() -> None:
            seen = 0
            while not done.is_set():
                keys = list(shared)
                self.assertEqual(keys, sorted(set(keys)))
                self.assertGreaterEqual(len(keys), seen)  # nothing goes
                seen = len(keys)
                for key, value in shared.views[b"01":b"015"].items():
                    self.assertEqual(value, key)

        def snap() -> None:
            while not done.is_set():
                with shared.snapshot() as snapshot:
                    first = list(snapshot.items())
                    self.assertEqual(first, list(snapshot.items()))
                    self.assertEqual(first[::-1], list(reversed(snapshot.items())))

        def finish() -> None:
            try:
                together(*(write(which) for which in range(writers)))
            finally:
                done.set()

        together(finish, read, snap)
        expected = sorted(b"%05d.%d" % (i, which) for i in range(each) for which in range(writers))
        self.assertEqual(list(shared), expected)
        shared.check()

    def test_one_insert_wins(self) -> None:
        shared = fastskip.Table(memory_limit=1 << 24)
        won: List[List[int]] = [[], [], []]

        def insert(which: int) -> Callable[[], None]:
            def body() -> None:
                for i in range(1000):
                    try:
                        shared.insert(b"%d" % i, b"%d" % which)
                        won[which].append(i)
                    except fastskip.ExistsError:
                        pass

            return body

        together(*(insert(which) for which in range(3)))
        self.assertEqual(sorted(sum(won, [])), list(range(1000)))
        for which, keys in enumerate(won):
            for i in keys:
                self.assertEqual(shared[b"%d" % i], b"%d" % which)

    def test_batches_are_seen_whole(self) -> None:
        shared = fastskip.Table(memory_limit=1 << 26)
        names = [b"%d" % i for i in range(10)]
        shared.update([(name, b"0") for name in names])
        done = threading.Event()

        def write() -> None:
            for i in range(500):
                shared.update([(name, b"%d" % i) for name in names])
            done.set()

        def read() -> None:
            while not done.is_set():
                self.assertEqual(len(set(shared.get_many(names))), 1)
                self.assertEqual(len(set(shared.values())), 1)

        together(write, read)

    def test_one_rotate_wins(self) -> None:
        for _ in range(20):
            shared = fastskip.Table(memory_limit=1 << 20)
            fresh: List[fastskip.Table] = []

            def rotate() -> None:
                try:
                    fresh.append(shared.rotate())
                except fastskip.SealedError:
                    pass

            together(rotate, rotate, rotate)
            self.assertEqual(len(fresh), 1)

    def test_own_order_in_threads(self) -> None:
        def backwards(a: bytes, b: bytes) -> int:
            return (a < b) - (a > b)

        shared = fastskip.Table(compare=backwards, memory_limit=1 << 24)

        def write(which: int) -> Callable[[], None]:
            def body() -> None:
                for i in range(200):
                    shared[b"%04d.%d" % (i, which)] = b""

            return body

        together(*(write(which) for which in range(3)))
        keys = list(shared)
        self.assertEqual(len(keys), 600)
        self.assertEqual(keys, sorted(keys, reverse=True))
        shared.check()


class Closing(unittest.TestCase):
    def test_close_under_fire(self) -> None:
        """Whoever uses a table that another closes gets a right answer or ClosedError."""
        for _ in range(30):
            regions = Regions()
            shared = table(regions)
            views = shared.views
            begun = threading.Semaphore(0)

            def use(call: Callable[[], object]) -> Callable[[], None]:
                def body() -> None:
                    call()
                    begun.release()
                    with self.assertRaises(fastskip.ClosedError):
                        while True:
                            call()

                return body

            def get() -> None:
                self.assertEqual(shared[b"fig"], b"violet")

            def view() -> None:
                self.assertEqual(views[b"fig"], b"violet")

            def put() -> None:
                shared[b"pear"] = b"green"

            def scan() -> None:
                self.assertEqual(list(shared[:b"g"].items()), [(b"apple", b"red"), (b"fig", b"violet")])

            def snap() -> None:
                self.assertEqual(shared.snapshot()[b"fig"], b"violet")

            def close() -> None:
                for _ in range(5):
                    begun.acquire()
                shared.close()

            together(*map(use, (get, view, put, scan, snap)), close)
            self.assertEqual(regions.live, 1)  # the views
            del views, view
            self.assertEqual(regions.live, 0)

    def test_close_while_a_call_is_inside(self) -> None:
        inside, go_on = threading.Event(), threading.Event()

        def compare(a: bytes, b: bytes) -> int:
            if b"wait" in (a, b) and a != b:
                inside.set()
                go_on.wait()
            return (a > b) - (a < b)

        regions = Regions()
        shared = fastskip.Table(compare=compare, allocator=regions, memory_limit=1 << 20)
        shared.update({b"fig": b"violet", b"pear": b"green"})

        def write() -> None:
            shared[b"wait"] = b"written"

        def close() -> None:
            inside.wait()
            shared.close()
            self.assertEqual(regions.live, 1)
            go_on.set()

        together(write, close)
        self.assertEqual(regions.live, 0)

    def test_library_runs_without_the_gil(self) -> None:
        """Seal waits inside the library for a write; the thread that lets that one go on runs."""
        inside, go_on = threading.Event(), threading.Event()

        def compare(a: bytes, b: bytes) -> int:
            if b"wait" in (a, b) and a != b:
                inside.set()
                go_on.wait()
            return (a > b) - (a < b)

        shared = fastskip.Table(compare=compare, memory_limit=1 << 20)
        shared.update({b"fig": b"violet", b"pear": b"green"})
        ended: List[str] = []

        def write() -> None:
            shared[b"wait"] = b"written"
            ended.append("write")

        def seal() -> None:
            inside.wait()
            shared.seal()
            ended.append("seal")
            self.assertEqual(shared[b"wait"], b"written")

        def release() -> None:
            inside.wait()
            while not shared.sealed:
                pass
            self.assertEqual(ended, [])
            go_on.set()

        together(write, seal, release)
        self.assertEqual(sorted(ended), ["seal", "write"])

    def test_snapshot_closed_under_fire_never_shows_another_instant(self) -> None:
        shared = fastskip.Table(memory_limit=1 << 22)
        shared[b"k"] = b"old"
        for _ in range(30):
            snapshot = shared.snapshot()
            begun = threading.Event()
            shared[b"k"] = b"new"

            def read() -> None:
                with self.assertRaises(fastskip.ClosedError):
                    while True:
                        self.assertEqual(snapshot[b"k"], b"old")
                        begun.set()

            def close() -> None:
                begun.wait()
                snapshot.close()

            together(read, close)
            shared[b"k"] = b"old"

    def test_reset_under_fire(self) -> None:
        shared = fastskip.Table(memory_limit=1 << 20)
        done = threading.Event()

        def use() -> None:
            while not done.is_set():
                try:
                    shared[b"k"] = b"v"
                    self.assertIn(shared.get(b"k"), (b"v", None))
                except fastskip.ClosedError:
                    pass

        def reset() -> None:
            count = 0
            while count < 200:
                try:
                    shared.reset()
                    count += 1
                except fastskip.BusyError:
                    pass
            done.set()

        together(use, use, reset)
        shared.check()


class OneAtATime(unittest.TestCase):
    """A call that waits in a comparator shows what others get meanwhile."""

    def setUp(self) -> None:
        self.inside, self.go_on = threading.Event(), threading.Event()

        def compare(a: bytes, b: bytes) -> int:
            if b"wait" in (a, b) and a != b:
                self.inside.set()
                self.go_on.wait()
            return (a > b) - (a < b)

        self.table = fastskip.Table(compare=compare, memory_limit=1 << 20)
        self.table.update({b"fig": b"violet", b"pear": b"green"})

    def meanwhile(self, wait: Callable[[], object], other: Callable[[], object]) -> None:
        def body() -> None:
            wait()

        def use() -> None:
            self.inside.wait()
            try:
                other()
            finally:
                self.go_on.set()

        together(body, use)

    def test_cursor(self) -> None:
        cursor = self.table.cursor()

        def other() -> None:
            uses: List[Callable[[], object]] = [
                cursor.next, cursor.first, lambda: cursor.entry, lambda: cursor.next_many(2)
            ]  # fmt: skip
            for use in uses:
                with self.assertRaises(fastskip.ConcurrentUseError):
                    use()

        self.meanwhile(lambda: cursor.seek(b"wait"), other)
        self.assertFalse(cursor.valid)
        self.assertTrue(cursor.first())

    def test_cursor_closed_meanwhile(self) -> None:
        cursor = self.table.cursor()
        self.meanwhile(lambda: cursor.seek(b"wait"), cursor.close)
        with self.assertRaises(fastskip.ClosedError):
            cursor.first()

    def test_batch(self) -> None:
        batch = fastskip.Batch()
        batch[b"wait"] = b"written"

        def other() -> None:
            uses: List[Callable[[], object]] = [
                lambda: batch.put(b"k", b"v"), batch.clear, lambda: len(batch)
            ]  # fmt: skip
            for use in uses:
                with self.assertRaises(fastskip.ConcurrentUseError):
                    use()
            batch.close()

        self.meanwhile(lambda: self.table.write(batch), other)
        self.assertEqual(self.table[b"fig"], b"violet")
        self.assertEqual(list(self.table), [b"fig", b"pear", b"wait"])

    def test_iteration(self) -> None:
        """Python's own error for a generator that runs, and nothing lost or twice."""
        shared = fastskip.Table(memory_limit=1 << 24)
        shared.update([(b"%05d" % i, b"") for i in range(20000)])
        iteration = iter(shared)
        taken: List[List[bytes]] = [[], []]

        def take(which: int) -> Callable[[], None]:
            def body() -> None:
                while True:
                    try:
                        taken[which].append(next(iteration))
                    except ValueError as error:
                        self.assertIn("already executing", str(error))
                    except StopIteration:
                        return

            return body

        together(take(0), take(1))
        self.assertEqual(sorted(taken[0] + taken[1]), list(shared))


if __name__ == "__main__":
    unittest.main()
