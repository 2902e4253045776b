"""Handles of the library as Python objects that free themselves.

This is the whole of lifetime management. A handle is freed when nothing refers to it any more, and
a call under way refers to its arguments. So ``close`` only forgets a handle: another thread that is
inside a call with it, a cursor, or a memoryview of a value keeps it, and the last of them frees it.
"""

from __future__ import annotations

from ctypes import byref, c_void_p
from typing import TYPE_CHECKING, Any, NoReturn, Optional

from ._errors import check
from ._library import CALLS

if TYPE_CHECKING:
    from ._callbacks import Callbacks


class Handle(c_void_p):
    """A pointer that is freed once."""

    free: Any

    def __del__(self) -> None:
        self.free(self)

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        """ctypes would copy and pickle the number, and the copy would free it again."""
        raise TypeError(f"{type(self).__name__} can not be copied or pickled")


class TableHandle(Handle):
    """One reference to a table."""

    free = CALLS.table_unref
    callbacks: Optional[Callbacks] = None  # which the library calls for as long as the table lives


class SnapshotHandle(Handle):
    """A snapshot; it holds its table in both languages, for the sake of the callbacks."""

    free = CALLS.snapshot_free
    table: Optional[TableHandle] = None


class IteratorHandle(Handle):
    """An iterator; it holds its table in both languages, for the sake of the callbacks."""

    free = CALLS.iterator_free
    table: Optional[TableHandle] = None


class BatchHandle(Handle):
    """A batch."""

    free = CALLS.batch_free


class OptionsHandle(Handle):
    """Options."""

    free = CALLS.options_free


def new_options() -> OptionsHandle:
    handle = OptionsHandle()
    check(CALLS.options_new(byref(handle)))
    return handle
