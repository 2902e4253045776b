"""Writes, batches, sealing, rotation, reset, options and figures."""

from __future__ import annotations

import unittest
from typing import Any, Callable, Dict, List

import fastskip
from fastskip import SequenceMode


def small(**settings: Any) -> fastskip.Table:
    settings.setdefault("memory_limit", 1 << 20)
    return fastskip.Table(**settings)


class Writes(unittest.TestCase):
    def test_put_overwrite_delete(self) -> None:
        table = small()
        table[b"k"] = b"1"
        table.put(b"k", b"2")
        self.assertEqual(table[b"k"], b"2")
        del table[b"k"]
        self.assertNotIn(b"k", table)
        table.delete(b"never")  # is recorded too
        self.assertEqual([e.key for e in table.entries(tombstones=True)], [b"k", b"never"])
        table[b"k"] = b"3"
        self.assertEqual(table[b"k"], b"3")

    def test_buffers_are_copied(self) -> None:
        table = small()
        key, value = bytearray(b"key"), bytearray(b"value")
        table[key] = value
        key[:] = b"xxx"
        value[:] = b"xxxxx"
        self.assertEqual(list(table.items()), [(b"key", b"value")])
        value.append(1)  # nobody holds it any more

    def test_any_buffers(self) -> None:
        table = small()
        table[memoryview(b"..k")[2:]] = memoryview(b"value")[1:3]
        table[bytearray()] = b""
        self.assertEqual(dict(table.items()), {b"k": b"al", b"": b""})
        with self.assertRaises(BufferError):
            table[b"k"] = memoryview(b"v.a.")[::2]

    def test_what_is_no_buffer(self) -> None:
        table = small()
        wrong: List[Any] = ["k", None, 3, [1]]
        for data in wrong:
            writes: List[Callable[[], object]] = [
                lambda: table.put(data, b"v"),
                lambda: table.put(b"k", data),
                lambda: table.delete(data),
                lambda: table.insert(data, b"v"),
                lambda: table.insert(b"k", data),
                lambda: table.setdefault(data, b"v"),
                lambda: table.put(data, b"v", kind=3),
                lambda: table.update({b"k": data}),
            ]
            for write in writes:
                with self.assertRaises(TypeError):
                    write()
        self.assertEqual(table.stat(fastskip.Stat.KEYS), 0)

    def test_insert(self) -> None:
        table = small()
        table.insert(b"k", b"1")
        with self.assertRaises(fastskip.ExistsError) as raised:
            table.insert(b"k", b"2")
        self.assertIsInstance(raised.exception, KeyError)
        self.assertEqual(table[b"k"], b"1")
        del table[b"k"]
        table.insert(b"k", b"3")
        self.assertEqual(table.setdefault(b"k", b"4"), b"3")
        self.assertEqual(table.setdefault(b"j", b"5"), b"5")
        self.assertEqual(table.get_or_insert(b"j", b"6"), (b"5", False))
        self.assertEqual(table.get_or_insert(b"i", b""), (b"", True))

    def test_numbers_out_of_range(self) -> None:
        auto, caller = small(), small(sequence_mode=SequenceMode.CALLER)
        for kind in (-1, 1, 128, 2**32 + 2):
            with self.assertRaises(fastskip.InvalidError):
                auto.put(b"k", b"v", kind=kind)
        for sequence in (-1, 0, 2**56, 2**64 + 1):
            with self.assertRaises(fastskip.InvalidError):
                caller.put_at(sequence, b"k", b"v")
        with self.assertRaises(TypeError):
            caller.put_at("1", b"k", b"v")  # type: ignore[arg-type]
        caller.put_at(fastskip.SEQUENCE_MAX, b"k", b"v", kind=fastskip.KIND_MAX)
        with self.assertRaises(fastskip.ExistsError):
            caller.put_at(fastskip.SEQUENCE_MAX, b"k", b"v")

    def test_limits(self) -> None:
        table = small(entry_limit=2)
        table[b"1"] = b""
        self.assertFalse(table.under_backpressure)
        table[b"2"] = b""
        self.assertTrue(table.under_backpressure)
        with self.assertRaises(fastskip.FullError):
            table[b"3"] = b""
        with self.assertRaises(fastskip.TooLargeError):
            small()[b"k" * (fastskip.KEY_MAX + 1)] = b""
        with self.assertRaises(fastskip.TooLargeError):
            small()[b"k"] = bytes(2 << 20)
        table = small(memory_limit=1 << 16)
        with self.assertRaises(fastskip.FullError):
            for i in range(10000):
                table[b"%d" % i] = b"v" * 100
        self.assertTrue(table.under_backpressure)
        self.assertEqual(len(table), i)


class Batches(unittest.TestCase):
    def test_all_at_one_instant(self) -> None:
        table = small()
        table[b"old"] = b""
        batch = fastskip.Batch()
        batch[b"a"] = b"first"
        batch.put(b"a", b"last")
        batch.put(b"kind", b"m", kind=7)
        del batch[b"old"]
        batch.delete(b"never")
        self.assertEqual(len(batch), 5)
        self.assertTrue(batch)
        self.assertEqual(list(table), [b"old"])
        table.write(batch)
        self.assertEqual(dict(table.items()), {b"a": b"last", b"kind": b"m"})
        other = small()
        other.write(batch)  # again, and elsewhere
        self.assertEqual(list(other), [b"a", b"kind"])
        batch.clear()
        self.assertEqual(len(batch), 0)
        self.assertFalse(batch)
        other.write(batch)

    def test_none_of_it_when_it_does_not_fit(self) -> None:
        table = small(entry_limit=2)
        with self.assertRaises(fastskip.FullError):
            table.update([(b"1", b""), (b"2", b""), (b"3", b"")])
        self.assertEqual(list(table), [])

    def test_context_manager(self) -> None:
        table = small()
        with fastskip.Batch(table) as batch:
            batch[b"k"] = b"v"
        self.assertEqual(table[b"k"], b"v")
        with self.assertRaises(fastskip.ClosedError):
            batch[b"k"] = b"v"
        with self.assertRaises(ZeroDivisionError):
            with fastskip.Batch(table) as batch:
                batch[b"dropped"] = b"v"
                raise ZeroDivisionError
        self.assertNotIn(b"dropped", table)
        with fastskip.Batch() as batch:
            batch[b"unwritten"] = b"v"
        self.assertNotIn(b"unwritten", table)

    def test_callers_numbers(self) -> None:
        table = small(sequence_mode=SequenceMode.CALLER)
        batch = fastskip.Batch()
        batch.put_at(5, b"a", b"5")
        batch.put_at(6, b"b", b"6", kind=9)
        batch.delete_at(7, b"a")
        table.write(batch)
        self.assertEqual([(e.sequence, e.kind) for e in table.entries(all_versions=True)], [(7, 1), (5, 0), (6, 9)])
        with self.assertRaises(fastskip.ExistsError):
            table.write(batch)
        with self.assertRaises(fastskip.InvalidError):
            small().write(batch)

    def test_bad_records(self) -> None:
        batch = fastskip.Batch()
        with self.assertRaises(fastskip.TooLargeError):
            batch[b"k" * (fastskip.KEY_MAX + 1)] = b""
        with self.assertRaises(fastskip.InvalidError):
            batch.put(b"k", b"", kind=300)
        with self.assertRaises(fastskip.InvalidError):
            batch.put_at(2**70, b"k", b"")
        with self.assertRaises(TypeError):
            batch["k"] = b""  # type: ignore[index]
        self.assertEqual(len(batch), 0)


class Sealing(unittest.TestCase):
    def test_seal(self) -> None:
        table = small()
        table[b"k"] = b"v"
        self.assertFalse(table.sealed)
        table.seal()
        table.seal()
        self.assertTrue(table.sealed)
        self.assertIn("sealed", repr(table))
        writes: List[Callable[[], object]] = [
            lambda: table.put(b"k", b"w"),
            lambda: table.delete(b"k"),
            lambda: table.insert(b"j", b"w"),
            lambda: table.setdefault(b"k", b"w"),
            lambda: table.update({b"j": b"w"}),
        ]
        for write in writes:
            with self.assertRaises(fastskip.SealedError):
                write()
        self.assertEqual(list(table.items()), [(b"k", b"v")])

    def test_rotate(self) -> None:
        class Mine(fastskip.Table):
            pass

        table = Mine(memory_limit=1 << 20, entry_limit=3)
        table[b"k"] = b"v"
        fresh = table.rotate()
        self.assertIsInstance(fresh, Mine)
        self.assertTrue(table.sealed)
        self.assertFalse(fresh.sealed)
        self.assertEqual(list(fresh), [])
        self.assertEqual(fresh.stats["memory_limit"], 1 << 20)
        with self.assertRaises(fastskip.SealedError):
            table.rotate()

    def test_reset(self) -> None:
        table = small()
        table[b"k"] = b"v"
        table.seal()
        table.reset()
        self.assertFalse(table.sealed)
        self.assertEqual(list(table), [])
        table[b"j"] = b"w"
        self.assertEqual(list(table), [b"j"])

    def test_ref(self) -> None:
        table = small()
        other = table.ref()
        table[b"k"] = b"v"
        table.close()
        self.assertEqual(other[b"k"], b"v")
        other[b"k"] = b"w"
        third = other.ref()
        with self.assertRaises(fastskip.BusyError):
            other.reset()
        third.close()
        other.reset()


class Settings(unittest.TestCase):
    def test_each_reaches_the_library(self) -> None:
        table = fastskip.Table(
            shards=7, block_size=8192, memory_limit=1 << 21, entry_limit=4, backpressure=50,
            huge_pages=fastskip.HugePages.NEVER, sequence_mode=SequenceMode.AUTO,
            checksum=4, paranoid=True, seed=42,
        )  # fmt: skip
        self.assertEqual(table.stats["shards"], 7)
        self.assertEqual(table.stats["memory_limit"], 1 << 21)
        table.update({b"1": b"", b"2": b""})
        self.assertTrue(table.under_backpressure)

    def test_checksum_takes_memory(self) -> None:
        used = []
        for bytes_ in (0, 4):
            table = fastskip.Table(checksum=bytes_)
            before = table.stats["memory_used"]
            table[b"12345678"] = b"12345678"
            used.append(table.stats["memory_used"] - before)
        self.assertEqual(used[1], used[0] + 8)

    def test_out_of_range(self) -> None:
        wrong: List[Dict[str, Any]] = [
            {"shards": 0}, {"shards": 1025}, {"shards": 2**32 + 1}, {"shards": -1},
            {"block_size": 5000}, {"memory_limit": 1}, {"memory_limit": 2**64 + (1 << 20)},
            {"backpressure": 101}, {"huge_pages": 3}, {"sequence_mode": 2}, {"seed": -1},
            {"checksum": 3}, {"checksum": 2**32 + 4}, {"paranoid": 2},
            {"entry_limit": 2**64}, {"abbreviate": len}, {"compare_name": "x"},
            {"compare": (lambda a, b: 0), "compare_name": "x" * 64},
        ]  # fmt: skip
        for settings in wrong:
            with self.assertRaises(fastskip.InvalidError, msg=str(settings)):
                fastskip.Table(**settings)
        with self.assertRaises(TypeError):
            fastskip.Table(shards="7")  # type: ignore[arg-type]


class Figures(unittest.TestCase):
    def test_stats(self) -> None:
        table = small()
        table.update({b"a": b"123", b"bb": b"4"})
        del table[b"a"]
        stats = table.stats
        self.assertEqual(len(stats), len(fastskip.Stat))
        self.assertEqual(
            {name: stats[name] for name in ("keys", "live", "tombstones", "key_bytes", "value_bytes")},
            {"keys": 2, "live": 1, "tombstones": 1, "key_bytes": 3, "value_bytes": 4},
        )
        self.assertEqual(set(stats), {stat.name.lower() for stat in fastskip.Stat})
        self.assertEqual(dict(stats)["versions"], table.stat(fastskip.Stat.VERSIONS))
        self.assertIn("'keys': 2", repr(stats))
        with self.assertRaises(KeyError):
            stats["nonsense"]
        with self.assertRaises(fastskip.UnsupportedError):
            table.stat(999)

    def test_approximate_count(self) -> None:
        table = fastskip.Table(memory_limit=1 << 24)
        table.update([(b"%05d" % i, b"") for i in range(20000)])
        self.assertEqual(table.approximate_count(b"5", b"4"), 0)
        for lower, upper, count in ((None, None, 20000), (b"05000", b"15000", 10000), (b"19", None, 1000)):
            self.assertLess(abs(table.approximate_count(lower, upper) - count), count // 2 + 200)

    def test_check(self) -> None:
        table = small()
        table.update([(b"%d" % i, b"") for i in range(500)])
        table.check()


if __name__ == "__main__":
    unittest.main()
