"""Handles of the library as Python objects that free themselves.

This is the whole of lifetime management. A handle is freed when nothing refers to it any more, and
a call under way refers to its arguments. So ``close`` only forgets a handle: another thread that is
inside a call with it, a cursor, or a memoryview of a value keeps it, and the last of them frees it.
"""

from __future__ import annotations

from ctypes import byref, c_void_p
from typing import TYPE_CHECKING, Any, Optional

from ._errors import check
from ._library import CALLS

if TYPE_CHECKING:
    from ._callbacks import Callbacks


class TableHandle(c_void_p):
    """One reference to a table."""

    callbacks: Optional[Callbacks] = None  # which the library calls for as long as the table lives

    def __del__(self, free: Any = CALLS.table_unref) -> None:
        free(self)


class SnapshotHandle(c_void_p):
    """A snapshot; it holds its table in both languages, for the sake of the callbacks."""

    table: Optional[TableHandle] = None

    def __del__(self, free: Any = CALLS.snapshot_free) -> None:
        free(self)


class IteratorHandle(c_void_p):
    """An iterator; it holds its table in both languages, for the sake of the callbacks."""

    table: Optional[TableHandle] = None

    def __del__(self, free: Any = CALLS.iterator_free) -> None:
        free(self)


class BatchHandle(c_void_p):
    """A batch."""

    def __del__(self, free: Any = CALLS.batch_free) -> None:
        free(self)


class OptionsHandle(c_void_p):
    """Options."""

    def __del__(self, free: Any = CALLS.options_free) -> None:
        free(self)


def new_options() -> OptionsHandle:
    handle = OptionsHandle()
    check(CALLS.options_new(byref(handle)))
    return handle
