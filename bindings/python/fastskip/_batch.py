"""Writes made at one instant."""

from __future__ import annotations

from ctypes import byref
from types import TracebackType
from typing import TYPE_CHECKING, Any, List, Optional, Tuple, Type

from ._entry import DELETE, PUT
from ._errors import OK, check, error_of
from ._exclusive import Exclusive
from ._handles import BatchHandle
from ._library import CALLS, SIZES, Function
from ._memory import BytesLike, length, pinned
from ._numbers import word

if TYPE_CHECKING:
    from ._table import Table


class Batch(Exclusive[BatchHandle]):
    """Writes that are collected and then made at one instant, all or none.

    As a context manager, a batch made for a table is written when the block ends well, and dropped
    when it raises. A batch can be written with `Table.write`, too, to any table and any number of
    times. Of several writes of one key the last wins.

    >>> import fastskip
    >>> t = fastskip.Table()
    >>> with fastskip.Batch(t) as batch:
    ...     batch[b"fig"] = b"violet"
    ...     del batch[b"pear"]
    ...     len(batch), len(t)
    (2, 0)
    >>> t[b"fig"]
    b'violet'
    """

    def __init__(self, table: Optional[Table] = None) -> None:
        handle = BatchHandle()
        check(CALLS.batch_new(byref(handle)))
        super().__init__(handle)
        self._table = table
        # For tables with a comparator, which looks at every key before the first is written.
        self._keys: List[bytes] = []

    def _add(self, function: Function, numbers: Tuple[int, ...], *data: Any) -> None:
        handle = self._take()
        try:
            check(pinned(function, (handle, *numbers), data))
            key = data[0]
            self._keys.append(key if type(key) is bytes else bytes(key))
        finally:
            self._give()

    def __setitem__(self, key: BytesLike, value: BytesLike) -> None:
        """Adds the write of a value."""
        try:
            size = SIZES[length(key)]
            value_size = SIZES[length(value)]
        except (TypeError, IndexError):  # no bytes, or many
            self._add(CALLS.batch_put, (), key, value)
            return
        handle = self._take()
        try:
            status = CALLS.fast_batch_put(handle, key, size, value, value_size)
            if status == OK:
                self._keys.append(key)
        finally:
            self._lock.release()
        if status != OK:
            raise error_of(status)

    def put(self, key: BytesLike, value: BytesLike, *, kind: int = PUT) -> None:
        """Adds a write as `Table.put` makes it."""
        if kind == PUT:
            self[key] = value
        else:
            self._add(CALLS.batch_put_kind, (word(kind, "kind", 32),), key, value)

    def delete(self, key: BytesLike) -> None:
        """Adds the record that a key is deleted."""
        self._add(CALLS.batch_delete, (), key)

    __delitem__ = delete

    def put_at(self, sequence: int, key: BytesLike, value: BytesLike, *, kind: int = PUT) -> None:
        """Adds a numbered write as `Table.put_at` makes it."""
        numbers = (word(sequence, "sequence"), word(kind, "kind", 32))
        self._add(CALLS.batch_put_at, numbers, key, value)

    def delete_at(self, sequence: int, key: BytesLike) -> None:
        """Adds a numbered tombstone."""
        self.put_at(sequence, key, b"", kind=DELETE)

    def clear(self) -> None:
        """Empties the batch and keeps its memory."""
        handle = self._take()
        try:
            check(CALLS.batch_clear(handle))
            self._keys = []
        finally:
            self._give()

    def __len__(self) -> int:
        """How many writes were added; those of the same key count each."""
        handle = self._take()
        try:
            return int(CALLS.batch_count(handle))
        finally:
            self._give()

    def __bool__(self) -> bool:
        return len(self) > 0

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        try:
            if kind is None and self._table is not None:
                self._table.write(self)
        finally:
            self.close()

    def __repr__(self) -> str:
        return "<closed fastskip.Batch>" if self._handle is None else "<fastskip.Batch>"
