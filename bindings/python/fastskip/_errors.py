"""One exception for each status of the library, and two of Python's own."""

from __future__ import annotations

from typing import Dict, Optional, Type

from ._library import CALLS

OK = 0
INVALID = -1
NOT_FOUND = -3


class FastskipError(Exception):
    """What all exceptions of this package are. ``status`` is the number that the library gave."""

    status: int = INVALID

    def __init__(self, message: Optional[str] = None) -> None:
        super().__init__(CALLS.strerror(self.status).decode() if message is None else message)

    def __str__(self) -> str:
        return str(self.args[0])  # KeyError would quote it


class InvalidError(FastskipError, ValueError):
    """An argument breaks the contract, or the call belongs to the other sequence mode."""


class NoMemoryError(FastskipError, MemoryError):
    """The system, or the table's own allocator, gave no memory; nothing changed."""

    status = -2


class NotFoundError(FastskipError, KeyError):
    """The key is not live."""

    status = NOT_FOUND


class ExistsError(FastskipError, KeyError):
    """Insert: the key is live. Caller's mode: this key and number are there."""

    status = -4


class SealedError(FastskipError):
    """A write to a sealed table; nothing changed."""

    status = -5


class FullError(FastskipError):
    """The memory limit or the entry limit is reached; nothing changed."""

    status = -6


class TooLargeError(FastskipError, ValueError):
    """A key or value is over its limit; nothing changed."""

    status = -7


class BusyError(FastskipError):
    """Reset of a table that something else still uses."""

    status = -8


class UnsupportedError(FastskipError):
    """Not in this build of the library, or not with these options."""

    status = -9


class CorruptError(FastskipError):
    """Damaged memory, or a comparator that contradicts itself."""

    status = -10


class ClosedError(FastskipError, ValueError):
    """The object was closed."""

    def __init__(self, message: str = "the object is closed") -> None:
        super().__init__(message)


class ConcurrentUseError(FastskipError, RuntimeError):
    """A batch or cursor is in use by another thread, or a callback uses its own table."""


_BY_STATUS: Dict[int, Type[FastskipError]] = {
    error.status: error
    for error in (
        InvalidError,
        NoMemoryError,
        NotFoundError,
        ExistsError,
        SealedError,
        FullError,
        TooLargeError,
        BusyError,
        UnsupportedError,
        CorruptError,
    )
}


def error_of(status: int) -> FastskipError:
    """The exception for a status."""
    known = _BY_STATUS.get(status)
    if known is not None:
        return known()
    error = FastskipError(CALLS.strerror(status).decode())
    error.status = status
    return error


def check(status: int) -> None:
    """Raises the exception for a status that is not OK."""
    if status:
        raise error_of(status)
