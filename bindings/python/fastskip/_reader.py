"""What tables, snapshots and instants have in common: reading."""

from __future__ import annotations

import struct
from ctypes import byref, c_char_p, c_int32, c_void_p, cast
from itertools import accumulate
from typing import Any, Generic, Iterable, Iterator, List, NoReturn, Optional, Tuple, TypeVar, Union
from typing import overload

from ._cursor import Cursor
from ._entry import Entry, V
from ._errors import INVALID, NOT_FOUND, OK, ClosedError, NotFoundError, check, error_of
from ._handles import IteratorHandle, SnapshotHandle, TableHandle
from ._library import SIZES, Calls, EntryWords, RawEntry
from ._memory import MEMORY, BytesLike, Memory, bound, length, pinned, window
from ._scan import Range, Walk, flags_of, made, values_of

D = TypeVar("D")

#: The table, and the snapshot or None for now. Both are None once it is closed, which makes every
#: function of the library answer INVALID. A pair, so that both are read at once.
State = Tuple[Optional[TableHandle], Optional[SnapshotHandle]]


class Reader(Generic[V]):
    """An ordered mapping that can be read: keys are bytes, values ``bytes`` or ``memoryview``.

    Keys may be given as anything with a buffer. A deleted key is not there, except for `entry` and
    `entries`, which show tombstones.
    """

    _c: Calls
    _memory: Memory[V]

    # What derived classes provide. Values are sliced from memory, while the table is held.

    def _value(self, key: BytesLike, memory: Memory[V]) -> Optional[V]:
        raise NotImplementedError

    def _entry(self, key: BytesLike, memory: Memory[V]) -> Optional[Entry[V]]:
        raise NotImplementedError

    def _many(self, keys: List[bytes], memory: Memory[V]) -> List[Optional[V]]:
        raise NotImplementedError

    def _iterator(
        self, flags: int, lower: Optional[bytes], upper: Optional[bytes]
    ) -> IteratorHandle:
        raise NotImplementedError

    @overload
    def __getitem__(self, key: BytesLike) -> V:
        ...

    @overload
    def __getitem__(self, key: slice) -> Range[V]:
        ...

    def __getitem__(self, key: Union[BytesLike, slice]) -> Union[V, Range[V]]:
        """The value of a live key, or the range of a slice."""
        if type(key) is slice:
            if key.step is not None:
                raise ValueError("a range has no step; use reversed")
            return Range(self, key.start, key.stop)
        value = self._value(key, self._memory)
        if value is None:
            raise NotFoundError(f"{bytes(key)!r} is not live")
        return value

    @overload
    def get(self, key: BytesLike) -> Optional[V]:
        ...

    @overload
    def get(self, key: BytesLike, default: D) -> Union[V, D]:
        ...

    def get(self, key: BytesLike, default: Any = None) -> Any:
        """The value of a live key, or the default."""
        value = self._value(key, self._memory)
        return default if value is None else value

    def entry(self, key: BytesLike) -> Optional[Entry[V]]:
        """The newest version of a key, a tombstone too; None if it was never written."""
        return self._entry(key, self._memory)

    def get_many(self, keys: Iterable[BytesLike]) -> List[Optional[V]]:
        """The values of many keys, None for those that are not live; all of one instant.

        It is one call, and the library overlaps its cache misses.
        """
        found = [key if type(key) is bytes else bytes(memoryview(key)) for key in keys]
        return self._many(found, self._memory)

    def __contains__(self, key: object) -> bool:
        return self._value(key, self._memory) is not None  # type: ignore[arg-type]

    def range(
        self, lower: Optional[BytesLike] = None, upper: Optional[BytesLike] = None
    ) -> Range[V]:
        """The keys from ``lower`` on and before ``upper``; what ``self[lower:upper]`` gives."""
        return Range(self, lower, upper)

    def keys(self) -> Walk[V, bytes]:
        """The live keys, in order."""
        return self.range().keys()

    def values(self) -> Walk[V, V]:
        """The values of the live keys, in the order of the keys."""
        return self.range().values()

    def items(self) -> Walk[V, Tuple[bytes, V]]:
        """The live keys with their values, in order."""
        return self.range().items()

    def entries(
        self, *, tombstones: bool = False, all_versions: bool = False
    ) -> Walk[V, Entry[V]]:
        """Versions with all that is known of them; see `Range.entries`."""
        return self.range().entries(tombstones=tombstones, all_versions=all_versions)

    def cursor(self, *, tombstones: bool = False, all_versions: bool = False) -> Cursor[V]:
        """A cursor over the present state, that seeks and steps; flags as in `Range.entries`."""
        return Cursor(self, flags_of(tombstones, all_versions))

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.keys())

    def __reversed__(self) -> Iterator[bytes]:
        return reversed(self.keys())

    def __len__(self) -> int:
        """Counts the live keys by a walk over them."""
        return len(self.range())

    def __bool__(self) -> bool:
        return bool(self.range())


class Source(Reader[bytes]):
    """A reader with handles of its own, or with those of its table."""

    _memory = MEMORY

    _state: State

    @property
    def views(self) -> Views:
        """The same reader with values as read-only ``memoryview``, not copied.

        It, and each value that it gave, keeps the memory of the table, also after ``close``.

        >>> import fastskip
        >>> t = fastskip.Table()
        >>> t[b"fig"] = b"violet"
        >>> value = t.views[b"fig"]
        >>> t.close()
        >>> value[:4].tobytes()
        b'viol'
        """
        return Views(self)

    def _table(self) -> TableHandle:
        handle = self._state[0]
        if handle is None:
            self._raise(INVALID, handle)
        return handle

    def _raise(self, status: int, handle: Optional[TableHandle]) -> NoReturn:
        """Raises what a status says that is not OK, from a call with that handle."""
        if handle is None:
            raise ClosedError(f"the {type(self).__name__.lower()} is closed")
        raise error_of(status)

    def _value(self, key: BytesLike, memory: Memory[V]) -> Optional[V]:
        handle, snapshot = self._state  # held until the value is made, whoever closes meanwhile
        entry = EntryWords()
        try:
            size = SIZES[length(key)]
        except (TypeError, IndexError):  # no bytes, or many
            status = pinned(self._c.get, (handle, snapshot), (key,), (entry,))
        else:
            status = self._c.fast_get(handle, snapshot, key, size, entry)
        if status == OK:
            value = entry[2]
            return memory[value : value + entry[3]]
        if status != NOT_FOUND:
            self._raise(status, handle)
        return None

    def _entry(self, key: BytesLike, memory: Memory[V]) -> Optional[Entry[V]]:
        handle, snapshot = self._state
        entry = RawEntry()
        status = pinned(self._c.get_raw, (handle, snapshot), (key,), (entry,))
        if status not in (OK, NOT_FOUND):
            self._raise(status, handle)
        return made(entry, memory) if status == OK else None

    def __contains__(self, key: object) -> bool:
        handle, snapshot = self._state
        try:
            size = SIZES[length(key)]
        except (TypeError, IndexError):
            status = pinned(self._c.contains, (handle, snapshot), (key,))
        else:
            status = self._c.fast_contains(handle, snapshot, key, size)
        if status not in (OK, NOT_FOUND):
            self._raise(status, handle)
        return bool(status == OK)

    def _many(self, keys: List[bytes], memory: Memory[V]) -> List[Optional[V]]:
        handle, snapshot = self._state
        n = len(keys)
        entries = (RawEntry * n)()
        statuses = (c_int32 * n)()
        # One string of all keys, and arrays packed as bytes: ctypes makes its own at leisure.
        joined = b"".join(keys)
        sizes = [length(key) for key in keys]
        start = cast(c_char_p(joined), c_void_p).value
        addresses = list(accumulate(sizes[:-1], initial=start)) if n else []
        words = struct.Struct(f"{n}N")
        status = self._c.get_many(
            handle, snapshot, n, words.pack(*addresses), words.pack(*sizes), entries, statuses
        )
        if status != OK:
            self._raise(status, handle)
        for status in set(statuses).difference((OK, NOT_FOUND)):
            raise error_of(status)
        values = values_of(memoryview(entries).cast("B"), memory) if n else []
        return [value if status == OK else None for value, status in zip(values, statuses)]

    def _new_iterator(self, state: State, flags: int, out: Any) -> int:
        status: int = self._c.iterator_new(*state, flags, out)
        return status

    def _iterator(
        self, flags: int, lower: Optional[bytes], upper: Optional[bytes]
    ) -> IteratorHandle:
        handle, snapshot = self._state
        iterator = IteratorHandle()
        iterator.table = handle
        status = self._new_iterator((handle, snapshot), flags, byref(iterator))
        if status != OK:
            self._raise(status, handle)
        if lower is not None or upper is not None:
            check(pinned(self._c.iterator_set_bounds, (iterator,), (bound(lower), bound(upper))))
        return iterator


class Views(Reader[memoryview]):
    """A reader whose values are memoryviews: see `Source.views`."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._memory = window(source._table())

    @property
    def _c(self) -> Calls:  # type: ignore[override]
        return self._source._c

    def _value(self, key: BytesLike, memory: Memory[memoryview]) -> Optional[memoryview]:
        return self._source._value(key, memory)

    def _entry(self, key: BytesLike, memory: Memory[memoryview]) -> Optional[Entry[memoryview]]:
        return self._source._entry(key, memory)

    def _many(
        self, keys: List[bytes], memory: Memory[memoryview]
    ) -> List[Optional[memoryview]]:
        return self._source._many(keys, memory)

    def __contains__(self, key: object) -> bool:
        return key in self._source

    def _iterator(
        self, flags: int, lower: Optional[bytes], upper: Optional[bytes]
    ) -> IteratorHandle:
        return self._source._iterator(flags, lower, upper)

    def __repr__(self) -> str:
        return f"<views of {self._source!r}>"
