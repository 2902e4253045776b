"""Iteration in chunks: the call into C is paid once per hundreds of entries."""

from __future__ import annotations

import struct
from ctypes import byref, c_size_t, sizeof
from typing import TYPE_CHECKING, Any, Callable, Generic, Iterator, List, Optional, Tuple, TypeVar

from ._entry import Entry, V
from ._errors import NOT_FOUND, OK, error_of
from ._handles import IteratorHandle
from ._library import ENTRY_FORMAT, Calls, RawEntry
from ._memory import MEMORY, BytesLike, Memory

if TYPE_CHECKING:
    from ._reader import Reader

T = TypeVar("T")

# Makes a list of what is wanted out of the raw entries of a chunk.
Project = Callable[[memoryview, Memory[V]], List[T]]

_LARGEST = 512
_Chunk = RawEntry * _LARGEST
_ENTRY = sizeof(RawEntry)
_unpack = struct.Struct(ENTRY_FORMAT).iter_unpack

TOMBSTONES = 1
ALL_VERSIONS = 2


def flags_of(tombstones: bool, all_versions: bool) -> int:
    return (TOMBSTONES if tombstones else 0) | (ALL_VERSIONS if all_versions else 0)


def made(entry: RawEntry, memory: Memory[V]) -> Entry[V]:
    """An entry out of a raw one, whose table the caller holds."""
    key, value = entry.key, entry.value
    return Entry(
        MEMORY[key : key + entry.key_size],
        memory[value : value + entry.value_size],
        entry.sequence,
        entry.kind,
    )


def keys_of(chunk: memoryview, memory: Memory[Any]) -> List[bytes]:
    return [MEMORY[k : k + n] for k, n, _, _, _, _, _ in _unpack(chunk)]


def values_of(chunk: memoryview, memory: Memory[V]) -> List[V]:
    return [memory[v : v + n] for _, _, v, n, _, _, _ in _unpack(chunk)]


def items_of(chunk: memoryview, memory: Memory[V]) -> List[Tuple[bytes, V]]:
    return [(MEMORY[k : k + n], memory[v : v + m]) for k, n, v, m, _, _, _ in _unpack(chunk)]


def entries_of(chunk: memoryview, memory: Memory[V]) -> List[Entry[V]]:
    return [
        Entry(MEMORY[k : k + n], memory[v : v + m], sequence, kind)
        for k, n, v, m, sequence, kind, _ in _unpack(chunk)
    ]


def forward(
    calls: Calls, iterator: IteratorHandle, project: Project[V, T], memory: Memory[V]
) -> Iterator[T]:
    """What an iterator shows from its present entry on, in chunks that grow.

    It is a generator, and so Python itself refuses a second thread while one is in it.
    """
    chunk = _Chunk()
    raw = memoryview(chunk).cast("B")
    count = c_size_t()
    capacity = 16
    while True:
        status = calls.iterator_next_many(iterator, chunk, capacity, byref(count))
        if status != OK:
            break
        yield from project(raw[: count.value * _ENTRY], memory)
        capacity = min(4 * capacity, _LARGEST)
    if status != NOT_FOUND:
        raise error_of(status)


def backward(
    calls: Calls, iterator: IteratorHandle, project: Project[V, T], memory: Memory[V]
) -> Iterator[T]:
    """What an iterator shows from its present entry backwards; the library has no chunks there."""
    chunk = _Chunk()
    raw = memoryview(chunk).cast("B")
    capacity = 1
    status = calls.iterator_entry(iterator, byref(chunk))
    while status == OK:
        count = 1
        status = calls.iterator_prev(iterator)
        while status == OK and count < capacity:
            calls.iterator_entry(iterator, byref(chunk, count * _ENTRY))
            count += 1
            status = calls.iterator_prev(iterator)
        yield from project(raw[: count * _ENTRY], memory)
        capacity = min(4 * capacity, _LARGEST)
        if status == OK:
            calls.iterator_entry(iterator, byref(chunk))
    if status != NOT_FOUND:
        raise error_of(status)


class Walk(Generic[V, T]):
    """Keys, values, items or entries of a range: iterable any number of times, both ways.

    Each iteration shows the state at the instant when it was started with ``iter``, whatever is
    written meanwhile.
    """

    __slots__ = ("_range", "_project", "_flags")

    def __init__(self, range: Range[V], project: Project[V, T], flags: int = 0) -> None:
        self._range = range
        self._project = project
        self._flags = flags

    def __iter__(self) -> Iterator[T]:
        reader, iterator = self._range._iterator(self._flags)
        calls = reader._c
        status = calls.iterator_seek_first(iterator)
        if status not in (OK, NOT_FOUND):
            raise error_of(status)
        return forward(calls, iterator, self._project, reader._memory)

    def __reversed__(self) -> Iterator[T]:
        reader, iterator = self._range._iterator(self._flags)
        calls = reader._c
        status = calls.iterator_seek_last(iterator)
        if status not in (OK, NOT_FOUND):
            raise error_of(status)
        return backward(calls, iterator, self._project, reader._memory)


class Range(Generic[V]):
    """The keys from ``lower`` on and before ``upper``: what a slice of a table gives.

    It holds no entries: each iteration, ``len`` and so on reads the table anew.

    >>> import fastskip
    >>> t = fastskip.Table()
    >>> t.update({b"apple": b"red", b"fig": b"violet", b"pear": b"green"})
    >>> list(t[b"b":].items())
    [(b'fig', b'violet'), (b'pear', b'green')]
    >>> list(reversed(t[:b"g"]))
    [b'fig', b'apple']
    >>> len(t[b"a":b"g"])
    2
    """

    __slots__ = ("_reader", "lower", "upper")

    def __init__(
        self, reader: Reader[V], lower: Optional[BytesLike], upper: Optional[BytesLike]
    ) -> None:
        self._reader = reader
        self.lower = None if lower is None else bytes(memoryview(lower))
        self.upper = None if upper is None else bytes(memoryview(upper))

    def _iterator(self, flags: int) -> Tuple[Reader[V], IteratorHandle]:
        return self._reader, self._reader._iterator(flags, self.lower, self.upper)

    def keys(self) -> Walk[V, bytes]:
        """The live keys, in order."""
        return Walk(self, keys_of)

    def values(self) -> Walk[V, V]:
        """The values of the live keys, in the order of the keys."""
        return Walk(self, values_of)

    def items(self) -> Walk[V, Tuple[bytes, V]]:
        """The live keys with their values, in order."""
        return Walk(self, items_of)

    def entries(
        self, *, tombstones: bool = False, all_versions: bool = False
    ) -> Walk[V, Entry[V]]:
        """Versions with all that is known of them.

        With ``tombstones``, deleted keys show too, as an engine needs it that writes a sorted file;
        with ``all_versions`` every version shows, newest first within a key, tombstones among them.
        """
        return Walk(self, entries_of, flags_of(tombstones, all_versions))

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.keys())

    def __reversed__(self) -> Iterator[bytes]:
        return reversed(self.keys())

    def __len__(self) -> int:
        """Counts the live keys by a walk over them."""
        reader, iterator = self._iterator(0)
        status = reader._c.iterator_seek_first(iterator)
        if status not in (OK, NOT_FOUND):
            raise error_of(status)
        return sum(forward(reader._c, iterator, _counts, reader._memory))

    def __bool__(self) -> bool:
        return next(iter(self), None) is not None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} [{self.lower!r}:{self.upper!r}] of {self._reader!r}>"


def _counts(chunk: memoryview, memory: Memory[Any]) -> List[int]:
    return [len(chunk) // _ENTRY]
