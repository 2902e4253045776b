"""Batches and cursors, which one thread at a time may use."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Generic, Optional, Type, TypeVar

from ._errors import ClosedError, ConcurrentUseError

H = TypeVar("H")
S = TypeVar("S", bound="Exclusive")  # type: ignore[type-arg]


class Exclusive(Generic[H]):
    """An object with a handle that only one thread may be using.

    Another thread gets an error instead of its turn, as it does from a running generator: to share
    such an object without a lock around more than one call is a mistake anyway. That also keeps a
    callback from using the object that called it, and a forked child from waiting for ever.
    """

    def __init__(self, handle: H) -> None:
        self._handle: Optional[H] = handle
        self._lock = threading.Lock()

    def _take(self) -> H:
        """The handle, until _give."""
        if not self._lock.acquire(False):
            raise ConcurrentUseError(f"the {type(self).__name__.lower()} is in use")
        handle = self._handle
        if handle is None:
            self._lock.release()
            raise ClosedError(f"the {type(self).__name__.lower()} is closed")
        return handle

    def _give(self) -> None:
        self._lock.release()

    def close(self) -> None:
        """Frees it, or lets the call that is using it free it. Closing it twice does nothing."""
        self._handle = None

    def __enter__(self: S) -> S:
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()
