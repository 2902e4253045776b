"""Tables and snapshots as mappings."""

# Debian's mypy knows no slices but of integers.
# mypy: disable-error-code=misc

from __future__ import annotations

import array
import unittest
from typing import Any, Callable, List, Optional, Tuple

import fastskip

FRUIT = {b"": b"nothing", b"apple": b"red", b"fig": b"violet", b"pear": b""}


class Lookup(unittest.TestCase):
    def setUp(self) -> None:
        self.table = fastskip.Table(memory_limit=1 << 22)
        self.table.update(FRUIT)

    def test_present_and_absent(self) -> None:
        for key, value in FRUIT.items():
            self.assertEqual(self.table[key], value)
            self.assertEqual(self.table.get(key), value)
            self.assertIn(key, self.table)
        self.assertNotIn(b"plum", self.table)
        self.assertIsNone(self.table.get(b"plum"))
        self.assertEqual(self.table.get(b"plum", b"blue"), b"blue")
        with self.assertRaises(KeyError) as raised:
            self.table[b"plum"]
        self.assertIsInstance(raised.exception, fastskip.NotFoundError)
        self.assertEqual(str(raised.exception), "b'plum' is not live")

    def test_every_kind_of_buffer(self) -> None:
        padded = memoryview(b"..fig..")[2:5]
        keys: List[Any] = [bytearray(b"fig"), padded, memoryview(bytearray(b"fig")), array.array("B", b"fig")]
        for key in keys:
            self.assertEqual(self.table[key], b"violet")
            self.assertEqual(self.table.get(key), b"violet")
            self.assertIn(key, self.table)
            entry = self.table.entry(key)
            assert entry is not None
            self.assertEqual(entry.value, b"violet")
        self.assertEqual(self.table[bytearray()], b"nothing")
        self.assertEqual(self.table[memoryview(b"")], b"nothing")

    def test_what_is_no_buffer(self) -> None:
        wrong: List[Any] = ["fig", 3, None, ["f"], object()]
        for key in wrong:
            reads: List[Callable[[Any], object]] = [
                self.table.get, self.table.__getitem__, self.table.__contains__, self.table.entry
            ]  # fmt: skip
            for read in reads:
                with self.assertRaises(TypeError):
                    read(key)
            with self.assertRaises(TypeError):
                self.table.get_many([key])
        with self.assertRaises(BufferError):
            self.table.get(memoryview(b"f.i.g.")[::2])

    def test_subclass_of_bytes_can_not_lie(self) -> None:
        class Liar(bytes):
            def __len__(self) -> int:
                return 1 << 40

        self.assertEqual(self.table[Liar(b"fig")], b"violet")
        self.table[Liar(b"plum")] = Liar(b"blue")
        self.assertEqual(self.table[b"plum"], b"blue")

    def test_too_large_key(self) -> None:
        with self.assertRaises(fastskip.TooLargeError):
            self.table.get(b"k" * (fastskip.KEY_MAX + 1))
        with self.assertRaises(fastskip.TooLargeError):
            self.table.get_many([b"k" * (fastskip.KEY_MAX + 1)])
        self.assertNotIn(b"k" * fastskip.KEY_MAX, self.table)

    def test_get_many(self) -> None:
        keys = [b"fig", b"plum", b"", bytearray(b"pear"), b"fig"]
        expected: List[Optional[bytes]] = [b"violet", None, b"nothing", b"", b"violet"]
        self.assertEqual(self.table.get_many(keys), expected)
        self.assertEqual(self.table.get_many(iter(keys)), expected)
        self.assertEqual(self.table.get_many([]), [])
        views = self.table.views.get_many(keys)
        self.assertEqual([None if view is None else view.tobytes() for view in views], expected)

    def test_entry_shows_tombstones_and_kinds(self) -> None:
        del self.table[b"fig"]
        self.table.put(b"kind", b"merge", kind=fastskip.KIND_OWN_MIN)
        entry = self.table.entry(b"fig")
        assert entry is not None
        self.assertTrue(entry.deleted)
        self.assertEqual(entry.kind, fastskip.DELETE)
        self.assertIsNone(self.table.entry(b"never"))
        entry = self.table.entry(b"kind")
        assert entry is not None
        self.assertFalse(entry.deleted)
        self.assertEqual((entry.key, entry.value, entry.kind), (b"kind", b"merge", 2))
        self.assertEqual(self.table[b"kind"], b"merge")

    def test_entries_compare(self) -> None:
        one = self.table.entry(b"fig")
        self.assertEqual(one, self.table.entry(b"fig"))
        self.assertNotEqual(one, self.table.entry(b"pear"))
        self.assertNotEqual(one, b"violet")
        self.assertRaises(TypeError, hash, one)


class Iteration(unittest.TestCase):
    def setUp(self) -> None:
        self.table = fastskip.Table(memory_limit=1 << 24)
        self.pairs = [(b"%06d" % i, b"v%d" % i) for i in range(3000)]
        self.table.update(reversed(self.pairs))

    def test_whole(self) -> None:
        keys = [key for key, _ in self.pairs]
        self.assertEqual(list(self.table), keys)
        self.assertEqual(list(self.table.keys()), keys)
        self.assertEqual(list(self.table.values()), [value for _, value in self.pairs])
        self.assertEqual(list(self.table.items()), self.pairs)
        self.assertEqual(dict(self.table.items()), dict(self.pairs))
        self.assertEqual(len(self.table), 3000)
        self.assertTrue(self.table)

    def test_reversed(self) -> None:
        self.assertEqual(list(reversed(self.table)), [key for key, _ in reversed(self.pairs)])
        self.assertEqual(list(reversed(self.table.items())), self.pairs[::-1])
        self.assertEqual(
            list(reversed(self.table.values())), [value for _, value in reversed(self.pairs)]
        )
        self.assertEqual(
            list(reversed(self.table.entries())), list(self.table.entries())[::-1]
        )

    def test_every_length_about_a_chunk(self) -> None:
        for length in (0, 1, 2, 5, 15, 16, 17, 79, 80, 81, 335, 336, 337, 847, 848, 849):
            part = self.table[: b"%06d" % length]
            self.assertEqual(list(part.items()), self.pairs[:length])
            self.assertEqual(list(reversed(part.items())), self.pairs[:length][::-1])
            self.assertEqual(len(part), length)
            self.assertEqual(bool(part), length > 0)

    def test_slices(self) -> None:
        cases: List[Tuple[Optional[bytes], Optional[bytes]]] = [
            (b"000010", b"000020"), (None, b"000005"), (b"002990", None), (b"000020", b"000010"),
            (b"00001", b"000011x"), (b"", b"000001"), (b"zzz", None), (None, b""), (None, None),
        ]  # fmt: skip
        for lower, upper in cases:
            expected = [
                pair
                for pair in self.pairs
                if (lower is None or pair[0] >= lower) and (upper is None or pair[0] < upper)
            ]
            for part in (self.table[lower:upper], self.table.range(lower, upper)):
                self.assertEqual(list(part), [key for key, _ in expected])
                self.assertEqual(list(part.items()), expected)
                self.assertEqual(list(reversed(part)), [key for key, _ in reversed(expected)])
                self.assertEqual(len(part), len(expected))
        with self.assertRaises(ValueError):
            self.table[b"a":b"b":b"c"]
        with self.assertRaises(TypeError):
            self.table["a":"b"]  # type: ignore[misc]

    def test_range_reads_anew(self) -> None:
        part = self.table[b"1":]
        self.assertEqual(list(part), [])
        self.table[b"1"] = b""
        self.assertEqual(list(part), [b"1"])

    def test_iteration_shows_the_instant_of_iter(self) -> None:
        forward, backward = iter(self.table), reversed(self.table)
        first = next(forward)
        for key, _ in self.pairs:
            del self.table[key]
        self.table[b"000000x"] = b"new"
        self.assertEqual([first, *forward], [key for key, _ in self.pairs])
        self.assertEqual(list(backward), [key for key, _ in reversed(self.pairs)])
        self.assertEqual(list(self.table), [b"000000x"])

    def test_tombstones_and_versions(self) -> None:
        table = fastskip.Table(memory_limit=1 << 20)
        table[b"a"] = b"1"
        with table.snapshot():
            table[b"a"] = b"2"
            del table[b"b"]
        shown = [(e.key, e.value, e.kind) for e in table.entries(tombstones=True)]
        self.assertEqual(shown, [(b"a", b"2", 0), (b"b", b"", 1)])
        shown = [(e.key, e.value, e.kind) for e in table.entries(all_versions=True)]
        self.assertEqual(shown, [(b"a", b"2", 0), (b"a", b"1", 0), (b"b", b"", 1)])
        self.assertEqual([e.key for e in table.entries()], [b"a"])
        self.assertEqual([e.key for e in table[b"b":].entries(tombstones=True)], [b"b"])

    def test_empty(self) -> None:
        table = fastskip.Table(memory_limit=1 << 20)
        self.assertFalse(table)
        self.assertEqual(list(table), [])
        self.assertEqual(list(reversed(table)), [])
        self.assertEqual(len(table), 0)


class Views(unittest.TestCase):
    def test_views_are_what_the_reader_shows(self) -> None:
        table = fastskip.Table(memory_limit=1 << 20)
        table.update(FRUIT)
        views = table.views
        self.assertEqual(views[b"fig"], b"violet")
        self.assertIsInstance(views[b"fig"], memoryview)
        self.assertIsNone(views.get(b"plum"))
        self.assertIn(b"fig", views)
        self.assertEqual({key: bytes(value) for key, value in views.items()}, FRUIT)
        self.assertEqual([bytes(v) for v in views[b"b":].values()], [b"violet", b""])
        self.assertEqual([bytes(e.value) for e in views.entries()], list(FRUIT.values()))
        entry = views.entry(b"fig")
        assert entry is not None
        self.assertEqual(entry.value, b"violet")
        self.assertEqual(len(views), len(FRUIT))

    def test_view_is_read_only_and_no_copy(self) -> None:
        table = fastskip.Table(memory_limit=1 << 20)
        table[b"fig"] = b"violet"
        view = table.views[b"fig"]
        self.assertTrue(view.readonly)
        self.assertEqual((view.format, view.itemsize, view.nbytes), ("B", 1, 6))
        with self.assertRaises(TypeError):
            view[0] = 1
        other = fastskip.Table(memory_limit=1 << 20)
        other[b"copy"] = view
        self.assertEqual(other[b"copy"], b"violet")

    def test_view_of_an_old_version_stays(self) -> None:
        table = fastskip.Table(memory_limit=1 << 20)
        table[b"fig"] = b"green"
        view = table.views[b"fig"]
        table[b"fig"] = b"violet"
        del table[b"fig"]
        self.assertEqual(view, b"green")


class Instants(unittest.TestCase):
    def test_snapshot(self) -> None:
        table = fastskip.Table(memory_limit=1 << 20)
        table.update(FRUIT)
        before = table.snapshot()
        table[b"fig"] = b"brown"
        del table[b"pear"]
        table[b"plum"] = b"blue"
        after = table.snapshot()
        self.assertEqual(dict(before.items()), FRUIT)
        self.assertEqual(len(before), len(FRUIT))
        self.assertEqual(before.get_many([b"fig", b"plum"]), [b"violet", None])
        self.assertIn(b"pear", before)
        self.assertNotIn(b"pear", after)
        self.assertEqual(list(before[b"b":b"g"].items()), [(b"fig", b"violet")])
        self.assertEqual(before.views[b"fig"], b"violet")
        self.assertLess(before.sequence, after.sequence)
        self.assertIn(str(before.sequence), repr(before))
        self.assertEqual(table.at(before.sequence)[b"fig"], b"violet")
        self.assertNotIn(b"pear", table.at(after.sequence))

    def test_callers_numbers(self) -> None:
        table = fastskip.Table(sequence_mode=fastskip.SequenceMode.CALLER, memory_limit=1 << 20)
        table.put_at(10, b"a", b"ten")
        table.put_at(20, b"a", b"twenty", kind=5)
        table.put_at(15, b"b", b"fifteen")
        table.delete_at(30, b"a")
        self.assertIsNone(table.at(9).get(b"a"))
        self.assertEqual(table.at(10)[b"a"], b"ten")
        self.assertEqual(table.at(29)[b"a"], b"twenty")
        self.assertNotIn(b"a", table.at(30))
        self.assertIn(b"a", table.at(29))
        entry = table.at(30).entry(b"a")
        assert entry is not None
        self.assertTrue(entry.deleted)
        self.assertEqual(entry.sequence, 30)
        self.assertEqual(dict(table.at(20).items()), {b"a": b"twenty", b"b": b"fifteen"})
        self.assertEqual(list(reversed(table.at(14))), [b"a"])
        self.assertEqual(table.at(20).get_many([b"a", b"c"]), [b"twenty", None])
        self.assertEqual(table.at(20).views[b"a"], b"twenty")
        self.assertEqual(len(table.at(0)), 0)
        versions = [(e.sequence, e.kind) for e in table[b"a":b"b"].entries(all_versions=True)]
        self.assertEqual(versions, [(30, 1), (20, 5), (10, 0)])
        self.assertEqual(list(table), [b"b"])

    def test_calls_of_the_other_mode(self) -> None:
        auto = fastskip.Table(memory_limit=1 << 20)
        caller = fastskip.Table(sequence_mode=fastskip.SequenceMode.CALLER, memory_limit=1 << 20)
        calls: List[Callable[[], object]] = [
            lambda: caller.put(b"k", b"v"),
            lambda: caller.put(b"k", b"v", kind=2),
            lambda: caller.delete(b"k"),
            lambda: caller.insert(b"k", b"v"),
            lambda: caller.setdefault(b"k", b"v"),
            lambda: caller.snapshot(),
            lambda: auto.put_at(1, b"k", b"v"),
            lambda: auto.delete_at(1, b"k"),
            lambda: iter(auto.at(1)),
        ]
        for wrong in calls:
            with self.assertRaises(fastskip.InvalidError):
                wrong()


if __name__ == "__main__":
    unittest.main()
