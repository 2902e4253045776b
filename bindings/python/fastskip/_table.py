"""The table: an ordered map in memory that any number of threads write and read at once."""

from __future__ import annotations

import sys
from ctypes import byref, c_int32, c_uint64
from types import TracebackType
from typing import Any, Iterable, Mapping, Optional, SupportsIndex, Tuple, Type, TypeVar, Union

from ._batch import Batch
from ._callbacks import Abbreviate, Allocator, Callbacks, Compare, Guarded
from ._entry import DELETE, PUT, HugePages, SequenceMode, Stat
from ._errors import OK, BusyError, InvalidError, check
from ._handles import TableHandle, new_options
from ._library import CALLS, SIZES, Calls, Function, RawEntry
from ._memory import MEMORY, BytesLike, bound, length, pinned
from ._numbers import word
from ._options import set_callbacks, set_number
from ._reader import Source
from ._snapshot import At, Snapshot
from ._stats import Stats

S = TypeVar("S", bound="Table")


class Table(Source):
    """An ordered map from bytes to versions of values, which any number of threads use at once.

    Every setting has a default. Sizes are in bytes.

    :param shards: parts of the arena that threads write to without disturbing each other; by
        default as many as there are processors
    :param block_size: how much a shard takes at a time, a power of two from 4 KiB to 64 MiB
    :param memory_limit: hard limit of memory, 64 KiB to 32 GiB; 1 GiB by default
    :param entry_limit: hard limit of versions; 0, the default, for none
    :param backpressure: percentage of either limit from which `under_backpressure` is true; 90
    :param huge_pages: whether to ask the system for huge pages
    :param sequence_mode: who numbers the versions
    :param compare: order of keys, as ``compare(a, b)`` negative, 0 or positive; it must be a total
        order that never changes, and must not use the table
    :param abbreviate: a 64-bit number of a key that saves calls of ``compare``
    :param compare_name: for people who debug
    :param allocator: where the memory comes from
    :param checksum: bytes of checksum that each entry and version carries, 0 or 4: a bit that has
        changed in one raises `CorruptError`
    :param paranoid: whether searches and iterations check the structure that leads them
    :param seed: fixes every random choice, for tests

    >>> with Table(memory_limit=1 << 20) as t:
    ...     t[b"pear"] = b"green"
    ...     t[b"fig"] = b"violet"
    ...     del t[b"pear"]
    ...     list(t.items())
    [(b'fig', b'violet')]
    """

    def __init__(
        self,
        *,
        shards: Optional[int] = None,
        block_size: Optional[int] = None,
        memory_limit: Optional[int] = None,
        entry_limit: Optional[int] = None,
        backpressure: Optional[int] = None,
        huge_pages: Optional[HugePages] = None,
        sequence_mode: Optional[SequenceMode] = None,
        compare: Optional[Compare] = None,
        abbreviate: Optional[Abbreviate] = None,
        compare_name: Optional[str] = None,
        allocator: Optional[Allocator] = None,
        checksum: Optional[int] = None,
        paranoid: Optional[bool] = None,
        seed: Optional[int] = None,
    ) -> None:
        self._state = (None, None)
        options = new_options()
        set_number(options, "shards", shards)
        set_number(options, "block_size", block_size)
        set_number(options, "memory_limit", memory_limit)
        set_number(options, "entry_limit", entry_limit)
        set_number(options, "backpressure", backpressure)
        set_number(options, "huge_pages", huge_pages)
        set_number(options, "sequence_mode", sequence_mode)
        set_number(options, "checksum", checksum)
        set_number(options, "paranoid", paranoid)
        set_number(options, "seed", seed)
        if compare is None and (abbreviate is not None or compare_name is not None):
            raise InvalidError("abbreviate and compare_name need compare")
        callbacks = None
        calls = CALLS
        if compare is not None or allocator is not None:
            callbacks = Callbacks(compare, abbreviate, allocator)
            set_callbacks(options, callbacks, compare_name)
            calls = Guarded(CALLS, callbacks)
        handle = TableHandle()
        handle.callbacks = callbacks
        check(calls.table_new(options, byref(handle)))
        self._hold(calls, handle)

    def _hold(self, calls: Calls, handle: TableHandle) -> None:
        self._c = calls
        self._state = (handle, None)

    def _another(self: S, handle: TableHandle) -> S:
        """A table like this one with another handle."""
        table = type(self).__new__(type(self))
        table._hold(self._c, handle)
        return table

    # Lifetime.

    def close(self) -> None:
        """Drops this object's reference to the memory; closing it twice does nothing.

        Snapshots, cursors, iterations and memoryviews that exist go on, and so does a call that
        another thread is inside. The last of them frees the memory.
        """
        self._state = (None, None)

    def __enter__(self: S) -> S:
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()

    def ref(self: S) -> S:
        """Another object for the same table, closed on its own: to hand to a flush thread, say."""
        handle = self._table()
        check(self._c.table_ref(handle))
        another = TableHandle(handle.value)
        another.callbacks = handle.callbacks
        return self._another(another)

    def seal(self) -> None:
        """Makes the table final: waits for writes under way; later ones raise `SealedError`."""
        check(self._c.table_seal(self._table()))

    @property
    def sealed(self) -> bool:
        """Whether it is sealed, or being sealed."""
        return bool(self._c.table_is_sealed(self._table()))

    def rotate(self: S) -> S:
        """Seals this table and returns an empty one with the same options for the next writes.

        Of several threads that do so at once, one gets it, the others `SealedError`.
        """
        old = self._table()
        fresh = TableHandle()
        fresh.callbacks = old.callbacks
        check(self._c.table_rotate(old, byref(fresh)))
        return self._another(fresh)

    def reset(self) -> None:
        """Empties and unseals the table, and keeps its memory for what is written next.

        `BusyError` if anything else holds it: a snapshot, cursor, iteration, memoryview, `views`, or
        a call under way. A call that another thread starts meanwhile raises `ClosedError`.
        """
        handle = self._table()
        try:
            self._state = (None, None)  # nobody new from here on
            if sys.getrefcount(handle) > _SOLE_REFERENCES:
                raise BusyError
            check(self._c.table_reset(handle))
        finally:
            self._state = (handle, None)

    # Writing.

    def _run(
        self, function: Function, numbers: Tuple[int, ...], data: Tuple[Any, ...],
        after: Tuple[Any, ...] = (),
    ) -> None:
        """Calls a function of the library with the table, numbers, buffers, and what follows."""
        check(pinned(function, (self._table(), *numbers), data, after))

    def __setitem__(self, key: BytesLike, value: BytesLike) -> None:
        """Writes a value, whether or not the key is there."""
        handle = self._state[0]
        try:
            size = SIZES[length(key)]
            value_size = SIZES[length(value)]
        except (TypeError, IndexError):  # no bytes, or many
            status = pinned(self._c.put, (handle,), (key, value))
        else:
            status = self._c.fast_put(handle, key, size, value, value_size)
        if status != OK:
            self._raise(status, handle)

    def put(self, key: BytesLike, value: BytesLike, *, kind: int = PUT) -> None:
        """Writes a value. A kind of your own, 2 to 127, is handed back by `entry` and `entries`."""
        if kind == PUT:
            self[key] = value
        else:
            self._run(self._c.put_kind, (word(kind, "kind", 32),), (key, value))

    def delete(self, key: BytesLike) -> None:
        """Records that a key is deleted, whether or not it is there: older files may hold it."""
        self._run(self._c.delete, (), (key,))

    __delitem__ = delete

    def insert(self, key: BytesLike, value: BytesLike) -> None:
        """Writes a value if the key is not live; else `ExistsError`."""
        self._run(self._c.insert, (), (key, value))

    def get_or_insert(self, key: BytesLike, value: BytesLike) -> Tuple[bytes, bool]:
        """The value of a live key and False, or this value, which is written, and True."""
        handle = self._table()  # held until the value is made
        entry = RawEntry()
        inserted = c_int32()
        after = (entry, byref(inserted))
        check(pinned(self._c.get_or_insert, (handle,), (key, value), after))
        return MEMORY[entry.value : entry.value + entry.value_size], bool(inserted)

    def setdefault(self, key: BytesLike, value: BytesLike) -> bytes:
        """The value of a live key, or this value, which is written."""
        return self.get_or_insert(key, value)[0]

    def put_at(self, sequence: int, key: BytesLike, value: BytesLike, *, kind: int = PUT) -> None:
        """Caller's mode: writes a version with a number from 1 to 2**56 - 1."""
        numbers = (word(sequence, "sequence"), word(kind, "kind", 32))
        self._run(self._c.put_at, numbers, (key, value))

    def delete_at(self, sequence: int, key: BytesLike) -> None:
        """Caller's mode: writes a tombstone with a number."""
        self.put_at(sequence, key, b"", kind=DELETE)

    def update(
        self, items: Union[Mapping[bytes, BytesLike], Iterable[Tuple[BytesLike, BytesLike]]]
    ) -> None:
        """Writes many values at one instant."""
        pairs: Any = items.items() if isinstance(items, Mapping) else items
        with Batch(self) as batch:
            for key, value in pairs:
                batch[key] = value

    def write(self, batch: Batch) -> None:
        """Makes all writes of a batch at one instant, or none of them.

        In caller's mode they are made one by one once there is memory for all of them; the first
        `ExistsError` ends it, and what came before it stays.
        """
        handle = self._table()
        records = batch._take()
        try:
            if handle.callbacks is not None:
                for key in batch._keys:
                    handle.callbacks.probe(key)
            check(self._c.write(handle, records))
        finally:
            batch._give()

    # Reading at another instant than now.

    def snapshot(self) -> Snapshot:
        """The state now, for as long as it is kept. Not in caller's mode: see `at`."""
        return Snapshot(self)

    def at(self, sequence: int) -> At:
        """The table as of a sequence number."""
        return At(self, sequence)

    # Asking.

    def __len__(self) -> int:
        """The number of live keys, by a walk over the table; `stats` has cheaper figures."""
        return self.stat(Stat.LIVE)

    def stat(self, stat: SupportsIndex) -> int:
        """One figure."""
        number = c_uint64()
        check(self._c.table_stat(self._table(), word(stat, "stat", 32), byref(number)))
        return number.value

    @property
    def stats(self) -> Stats:
        """All figures, a mapping that asks for each when it is looked up."""
        return Stats(self)

    @property
    def under_backpressure(self) -> bool:
        """Whether it is so full that it is time to rotate it, or to slow the writers down."""
        return bool(self._c.table_under_backpressure(self._table()))

    def approximate_count(
        self, lower: Optional[BytesLike] = None, upper: Optional[BytesLike] = None
    ) -> int:
        """Estimates how many keys, deleted ones too, lie from ``lower`` on and before ``upper``."""
        number = c_uint64()
        bounds = (bound(lower), bound(upper))
        self._run(self._c.table_approximate_count, (), bounds, (byref(number),))
        return number.value

    def check(self) -> None:
        """Walks over all of the table; `CorruptError` if any rule of its structure is broken."""
        check(self._c.table_check(self._table()))

    def __repr__(self) -> str:
        handle = self._state[0]
        if handle is None:
            return "<closed fastskip.Table>"
        state = "sealed " if self.sealed else ""
        return f"<{state}fastskip.Table of {self.stat(Stat.KEYS)} keys>"


def _sole_references() -> int:
    """What getrefcount says of a handle that one local variable holds; Pythons differ."""
    handle = TableHandle()
    return sys.getrefcount(handle)


_SOLE_REFERENCES = _sole_references()
