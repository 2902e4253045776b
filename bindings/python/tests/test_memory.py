"""Memory as bytes and views, the way that 32-bit systems need, too."""

from __future__ import annotations

import ctypes
import gc
import unittest
import weakref
from typing import Any, List, Tuple

from fastskip import _memory


class Slices(unittest.TestCase):
    def setUp(self) -> None:
        self.buffer = ctypes.create_string_buffer(b"0123456789", 10)
        self.start = ctypes.addressof(self.buffer)

    def test_copies(self) -> None:
        copies: List[_memory.Memory[bytes]] = [_memory.MEMORY, _memory.PieceByPiece()]
        for memory in copies:
            self.assertEqual(memory[self.start + 2 : self.start + 5], b"234")
            self.assertEqual(memory[self.start : self.start], b"")
            self.assertEqual(memory[0:0], b"")

    def test_views_keep_their_owner(self) -> None:
        class Owner:
            pass

        makers: List[Any] = [_memory.window, _memory.PieceByPieceWindow]
        for make in makers:
            owner = Owner()
            gone = weakref.ref(owner)
            window = make(owner)
            del owner
            view = window[self.start + 2 : self.start + 5]
            empty = window[0:0]
            self.assertEqual(empty, b"")
            del window
            self.assertIsNotNone(gone())
            self.assertEqual(view, b"234")
            self.assertTrue(view.readonly)
            self.assertEqual(self.buffer.raw[2], ord("2"))
            self.buffer[2] = b"x"
            self.assertEqual(view, b"x34")  # the memory itself
            self.buffer[2] = b"2"
            del view, empty
            gc.collect()
            self.assertIsNone(gone())


class Pins(unittest.TestCase):
    def test_addresses_are_those_of_the_buffers(self) -> None:
        data = bytearray(b"bytes")

        def look(*arguments: Any) -> Tuple[Any, ...]:
            with self.assertRaises(BufferError):
                data.append(0)  # pinned
            self.assertEqual(ctypes.string_at(arguments[1], arguments[2]), b"bytes")
            return arguments

        result = _memory.pinned(look, (1,), (data, b"", _memory.NO_BUFFER), (2,))
        self.assertEqual(result[2:], (5, b"", 0, None, 0, 2))
        data.append(0)  # not any more

    def test_released_when_the_second_is_no_buffer(self) -> None:
        data = bytearray(b"bytes")
        with self.assertRaises(TypeError):
            _memory.pinned(lambda *_: self.fail("called"), (), (data, "text"))
        data.append(0)


if __name__ == "__main__":
    unittest.main()
