"""An allocator that shows when the memory of a table is taken and given back."""

from __future__ import annotations

import ctypes
import mmap
import threading
from typing import Dict, Tuple

import fastskip


class Regions(fastskip.Allocator):
    """Anonymous mappings, all usable from the start. Counts what it is asked for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._maps: Dict[int, Tuple[mmap.mmap, int]] = {}
        self.reserved = 0
        self.committed = 0
        self.released = 0

    def reserve(self, size: int, alignment: int) -> int:
        mapping = mmap.mmap(-1, size + alignment)
        start = ctypes.addressof(ctypes.c_char.from_buffer(mapping))
        address = (start + alignment - 1) // alignment * alignment
        with self._lock:
            self._maps[address] = (mapping, size)
            self.reserved += 1
        return address

    def commit(self, address: int, size: int) -> None:
        with self._lock:
            self.committed += 1

    def release(self, address: int, size: int) -> None:
        with self._lock:
            mapping, expected = self._maps.pop(address)
            assert size == expected
            self.released += 1

    @property
    def live(self) -> int:
        """How many tables exist."""
        return self.reserved - self.released


def table(regions: Regions) -> fastskip.Table:
    """A small table with some keys."""
    made = fastskip.Table(allocator=regions, memory_limit=1 << 20)
    made.update({b"apple": b"red", b"fig": b"violet", b"pear": b"green"})
    return made
