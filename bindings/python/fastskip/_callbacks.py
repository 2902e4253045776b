"""Functions of the user that the library calls: order of keys, and allocator.

An exception can not pass through C. It is kept, the library goes on with a fallback, and the call
that it came from raises it when it returns. So every function of a table with callbacks is wrapped
by `Guarded`; a table without them pays nothing.
"""

from __future__ import annotations

import ctypes
import signal
import threading
from types import TracebackType
from typing import Any, Callable, Dict, Optional, Type

from ._errors import ConcurrentUseError
from ._library import ABBREVIATE, COMMIT, COMPARE, RELEASE, RESERVE, Calls, Function
from ._memory import MEMORY

Compare = Callable[[bytes, bytes], int]
Abbreviate = Callable[[bytes], int]


class Allocator:
    """Where the memory of tables comes from: derive from it, and override all three.

    A table takes one region. The methods may be called by any thread, by several at once, and must
    not use the table. What they raise is raised by the call that needed the memory, except in
    `release`, which has no such call: there it goes to ``sys.unraisablehook``.
    """

    def reserve(self, size: int, alignment: int) -> int:
        """Gives the address of size bytes, of which none need be usable yet."""
        raise NotImplementedError

    def commit(self, address: int, size: int) -> None:
        """Makes a part of a region usable. Parts may overlap, and keep their content."""
        raise NotImplementedError

    def release(self, address: int, size: int) -> None:
        """Takes a region back: the table is gone."""
        raise NotImplementedError


class _Thread(threading.local):
    """What one thread is doing with the tables of one Callbacks."""

    inside = False
    error: Optional[BaseException] = None


class _NoInterrupt:
    """Puts Ctrl-C off until the library has returned, in the thread that Python delivers it to.

    Python would raise it where the callback begins, before any ``try`` of ours: ctypes then drops
    the exception and answers 0, which is "the same key" or "the memory is there". The second
    Ctrl-C is not put off, in case that a callback never ends.
    """

    def __enter__(self) -> None:
        self._seen = self._ends = False
        self._previous: Any = None
        if threading.current_thread() is threading.main_thread():
            previous = signal.getsignal(signal.SIGINT)
            if callable(previous):
                self._previous = previous
                signal.signal(signal.SIGINT, self._note)

    def _note(self, number: int, frame: Any) -> None:
        if self._seen and not self._ends:
            self._previous(number, frame)
        self._seen = True

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self._ends = True
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)
            if self._seen:
                signal.raise_signal(signal.SIGINT)


class Callbacks:
    """The callbacks of a table and of those made from it by rotate."""

    def __init__(
        self,
        compare: Optional[Compare],
        abbreviate: Optional[Abbreviate],
        allocator: Optional[Allocator],
    ) -> None:
        self._thread = _Thread()
        self._compare = compare
        self._abbreviate = abbreviate
        # Made once: ctypes would make, and soon free, another function for each use.
        self.compare = COMPARE(self._call_compare) if compare else None
        self.abbreviate = ABBREVIATE(self._call_abbreviate) if abbreviate else None
        self.reserve = RESERVE(_reserve(self._thread, allocator)) if allocator else None
        self.commit = COMMIT(_commit(self._thread, allocator)) if allocator else None
        self.release = RELEASE(_release(allocator)) if allocator else None

    def _call_compare(self, _: int, a: int, a_size: int, b: int, b_size: int) -> int:
        left = MEMORY[a : a + a_size]
        right = MEMORY[b : b + b_size]
        compare = self._compare
        assert compare is not None
        # What a signal handler raises must not put a key in the wrong place: what fails is tried
        # again. What fails again is ordered as bytes, as good as any order that was not given.
        for _ in range(2):
            try:
                return _sign(compare(left, right))
            except BaseException as error:
                self._thread.error = self._thread.error or error
        return (left > right) - (left < right)

    def _call_abbreviate(self, _: int, key: int, size: int) -> int:
        abbreviate = self._abbreviate
        assert abbreviate is not None
        for _ in range(2):
            try:
                return _word(abbreviate(MEMORY[key : key + size]))
            except BaseException as error:
                self._thread.error = self._thread.error or error
        return 0

    def probe(self, key: bytes) -> None:
        """Raises if the callbacks can not do with a key, before the table has seen it."""
        thread = self._thread
        self._refuse_inside()
        try:
            thread.inside = True
            if self._compare is not None and _sign(self._compare(key, key)) != 0:
                raise ValueError(f"compare({key!r}, {key!r}) must be 0")
            if self._abbreviate is not None:
                _word(self._abbreviate(key))
        finally:
            thread.inside = False

    def run(self, function: Function, arguments: Any) -> Any:
        """Calls a function of the library and raises what a callback raised meanwhile."""
        thread = self._thread
        self._refuse_inside()
        try:
            thread.inside = True
            with _NoInterrupt():
                result = function(*arguments)
        finally:
            thread.inside = False
            error, thread.error = thread.error, None
        if error is not None:
            raise error
        return result

    def _refuse_inside(self) -> None:
        if self._thread.inside:
            raise ConcurrentUseError("a callback must not use its own table")


def _sign(order: int) -> int:
    return (order > 0) - (order < 0)


def _word(number: int) -> int:
    if not 0 <= number < 2**64:
        raise OverflowError(f"abbreviation {number} is not a 64-bit number")
    return number


def _reserve(thread: _Thread, allocator: Allocator) -> Callable[[int, int, int], int]:
    def reserve(_: int, size: int, alignment: int) -> int:
        try:
            return allocator.reserve(size, alignment)
        except BaseException as error:
            thread.error = error
            return 0

    return reserve


def _commit(thread: _Thread, allocator: Allocator) -> Callable[[int, int, int], int]:
    def commit(_: int, address: int, size: int) -> int:
        try:
            allocator.commit(address, size)
            return 0
        except BaseException as error:
            thread.error = error
            return 1

    return commit


def _release(allocator: Allocator) -> Callable[[int, int, int], None]:
    return lambda _, address, size: allocator.release(address, size)


class Guarded(Calls):
    """The functions of the library for a table with callbacks."""

    # Where the key is among the arguments of each write.
    _KEYS = {
        "fast_put": 1, "put": 1, "delete": 1, "insert": 1, "get_or_insert": 1, "put_kind": 2,
        "put_at": 3,
    }  # fmt: skip

    def __init__(self, calls: Calls, callbacks: Callbacks) -> None:
        guarded: Dict[str, Function] = {}
        for name, function in vars(calls).items():
            guarded[name] = _guard(callbacks, function, self._KEYS.get(name))
        vars(self).update(guarded)


def _guard(callbacks: Callbacks, function: Function, key_at: Optional[int]) -> Function:
    if key_at is None:
        return lambda *arguments: callbacks.run(function, arguments)
    return _guard_write(callbacks, function, key_at)


def _guard_write(callbacks: Callbacks, function: Function, key_at: int) -> Function:
    def write(*arguments: Any) -> Any:
        # Fallbacks would put a key that compare can not read somewhere: it never gets that far.
        key, size = arguments[key_at : key_at + 2]
        callbacks.probe(key if isinstance(key, bytes) else ctypes.string_at(key, size))
        return callbacks.run(function, arguments)

    return write
