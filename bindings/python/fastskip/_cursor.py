"""The library's iterator as it is: for code that seeks and steps."""

from __future__ import annotations

from ctypes import byref, c_size_t, sizeof
from typing import TYPE_CHECKING, Any, Generic, List, Optional

from ._entry import Entry, V
from ._errors import NOT_FOUND, OK, check, error_of
from ._exclusive import Exclusive
from ._handles import IteratorHandle
from ._library import Function, RawEntry
from ._memory import BytesLike, bound, pinned
from ._numbers import word
from ._scan import entries_of, made

if TYPE_CHECKING:
    from ._reader import Reader


class Cursor(Exclusive[IteratorHandle], Generic[V]):
    """A place in a table at one instant, that moves both ways. Made by `Reader.cursor`.

    A new cursor stands on nothing until the first move. Moves answer whether it stands on an entry
    now. It keeps the table's memory, and goes on when the table was closed.

    >>> import fastskip
    >>> t = fastskip.Table()
    >>> t.update({b"apple": b"red", b"fig": b"violet", b"pear": b"green"})
    >>> with t.cursor() as cursor:
    ...     cursor.seek(b"b"), cursor.key, cursor.prev(), cursor.key, cursor.prev()
    (True, b'fig', True, b'apple', False)
    """

    def __init__(self, reader: Reader[V], flags: int) -> None:
        super().__init__(reader._iterator(flags, None, None))
        self._c = reader._c
        self._memory = reader._memory

    def _move(self, function: Function, *data: Any) -> bool:
        handle = self._take()
        try:
            status = pinned(function, (handle,), data)
        finally:
            self._give()
        if status not in (OK, NOT_FOUND):
            raise error_of(status)
        return bool(status == OK)

    def first(self) -> bool:
        """Goes to the first entry within the bounds."""
        return self._move(self._c.iterator_seek_first)

    def last(self) -> bool:
        """Goes to the last entry within the bounds."""
        return self._move(self._c.iterator_seek_last)

    def seek(self, key: BytesLike) -> bool:
        """Goes to the first entry whose key is not before this one."""
        return self._move(self._c.iterator_seek, key)

    def seek_for_prev(self, key: BytesLike) -> bool:
        """Goes to the last entry whose key is not after this one."""
        return self._move(self._c.iterator_seek_for_prev, key)

    def next(self) -> bool:
        """Goes to the entry after the present one."""
        return self._move(self._c.iterator_next)

    def prev(self) -> bool:
        """Goes to the entry before the present one."""
        return self._move(self._c.iterator_prev)

    def set_bounds(
        self, lower: Optional[BytesLike] = None, upper: Optional[BytesLike] = None
    ) -> None:
        """Limits it to the keys from ``lower`` on and before ``upper``; it stands on nothing then."""
        self._move(self._c.iterator_set_bounds, bound(lower), bound(upper))

    @property
    def valid(self) -> bool:
        """Whether it stands on an entry."""
        handle = self._take()
        try:
            return bool(self._c.iterator_valid(handle))
        finally:
            self._give()

    @property
    def entry(self) -> Entry[V]:
        """The present entry; `NotFoundError` if it stands on nothing."""
        handle = self._take()
        raw = RawEntry()
        try:
            check(self._c.iterator_entry(handle, byref(raw)))
        finally:
            self._give()
        return made(raw, self._memory)

    @property
    def key(self) -> bytes:
        """The key of the present entry."""
        return self.entry.key

    @property
    def value(self) -> V:
        """The value of the present entry."""
        return self.entry.value

    def next_many(self, count: int) -> List[Entry[V]]:
        """Up to ``count`` entries from the present one on, in one call; goes to the one after them.

        An empty list says that none is left.
        """
        entries = (RawEntry * word(count, "count", 31))()
        written = c_size_t()
        handle = self._take()
        try:
            status = self._c.iterator_next_many(handle, entries, count, byref(written))
        finally:
            self._give()
        if status == NOT_FOUND:
            return []
        check(status)
        return entries_of(memoryview(entries).cast("B")[: written.value * sizeof(RawEntry)], self._memory)

    def __repr__(self) -> str:
        return "<closed fastskip.Cursor>" if self._handle is None else "<fastskip.Cursor>"
