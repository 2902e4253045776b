"""Cursors."""

from __future__ import annotations

import ctypes
import unittest

import fastskip


class Cursors(unittest.TestCase):
    def setUp(self) -> None:
        self.table = fastskip.Table(memory_limit=1 << 20)
        self.table.update([(b"%02d" % i, b"v%d" % i) for i in range(0, 40, 2)])

    def test_moves(self) -> None:
        with self.table.cursor() as cursor:
            self.assertFalse(cursor.valid)
            self.assertFalse(cursor.next())
            self.assertFalse(cursor.prev())
            with self.assertRaises(fastskip.NotFoundError):
                cursor.entry
            self.assertTrue(cursor.first())
            self.assertTrue(cursor.valid)
            self.assertEqual((cursor.key, cursor.value), (b"00", b"v0"))
            self.assertTrue(cursor.next())
            self.assertEqual(cursor.key, b"02")
            self.assertTrue(cursor.prev())
            self.assertFalse(cursor.prev())
            self.assertFalse(cursor.valid)
            self.assertTrue(cursor.last())
            self.assertEqual(cursor.key, b"38")
            self.assertFalse(cursor.next())

    def test_seeks(self) -> None:
        cursor = self.table.cursor()
        for key, at_or_after, at_or_before in (
            (b"", b"00", None), (b"04", b"04", b"04"), (bytearray(b"05"), b"06", b"04"),
            (memoryview(b"99"), None, b"38"),
        ):  # fmt: skip
            self.assertEqual(cursor.key if cursor.seek(key) else None, at_or_after)
            self.assertEqual(cursor.key if cursor.seek_for_prev(key) else None, at_or_before)
        with self.assertRaises(TypeError):
            cursor.seek(None)  # type: ignore[arg-type]
        with self.assertRaises(TypeError):
            cursor.seek_for_prev("04")  # type: ignore[arg-type]
        with self.assertRaises(fastskip.TooLargeError):
            cursor.seek(b"k" * 70000)

    def test_bounds(self) -> None:
        cursor = self.table.cursor()
        cursor.set_bounds(b"05", b"10")
        self.assertFalse(cursor.valid)
        self.assertTrue(cursor.first())
        self.assertEqual(cursor.key, b"06")
        self.assertTrue(cursor.last())
        self.assertEqual(cursor.key, b"08")
        cursor.set_bounds(b"", None)  # the empty key is a bound, not none
        self.assertTrue(cursor.first())
        cursor.set_bounds(None, b"")
        self.assertFalse(cursor.first())
        nowhere = memoryview((ctypes.c_char * 0).from_address(0))  # empty, and at NULL
        cursor.set_bounds(None, nowhere)
        self.assertFalse(cursor.first())
        cursor.set_bounds()
        self.assertTrue(cursor.first())
        self.assertEqual(cursor.key, b"00")

    def test_next_many(self) -> None:
        cursor = self.table.cursor()
        self.assertEqual(cursor.next_many(3), [])
        cursor.seek(b"30")
        self.assertEqual([e.key for e in cursor.next_many(3)], [b"30", b"32", b"34"])
        self.assertEqual(cursor.key, b"36")
        self.assertEqual([e.value for e in cursor.next_many(100)], [b"v36", b"v38"])
        self.assertEqual(cursor.next_many(100), [])
        for count in (0, -1, 2**40):
            with self.assertRaises(fastskip.InvalidError):
                cursor.next_many(count)

    def test_flags_views_snapshots_and_instants(self) -> None:
        snapshot = self.table.snapshot()
        del self.table[b"00"]
        cursor = self.table.cursor(tombstones=True)
        cursor.first()
        self.assertTrue(cursor.entry.deleted)
        versions = self.table.cursor(all_versions=True)
        versions.first()
        self.assertEqual([e.kind for e in versions.next_many(2)], [fastskip.DELETE, fastskip.PUT])
        old = snapshot.views.cursor()
        snapshot.close()
        self.assertTrue(old.first())
        self.assertIsInstance(old.value, memoryview)
        self.assertEqual(old.value, b"v0")
        caller = fastskip.Table(sequence_mode=fastskip.SequenceMode.CALLER, memory_limit=1 << 20)
        caller.put_at(3, b"k", b"3")
        caller.put_at(5, b"k", b"5")
        at = caller.at(4).cursor()
        self.assertTrue(at.first())
        self.assertEqual((at.value, at.entry.sequence), (b"3", 3))

    def test_stays_at_its_instant(self) -> None:
        cursor = self.table.cursor()
        self.table[b"01"] = b"new"
        cursor.first()
        cursor.next()
        self.assertEqual(cursor.key, b"02")


if __name__ == "__main__":
    unittest.main()
