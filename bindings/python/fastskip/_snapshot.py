"""Readers of one instant: snapshots, and numbers."""

from __future__ import annotations

from ctypes import byref
from types import TracebackType
from typing import TYPE_CHECKING, Any, List, Optional, Type

from ._entry import DELETE, Entry, V
from ._errors import INVALID, NOT_FOUND, OK, check, error_of
from ._handles import SnapshotHandle
from ._library import RawEntry
from ._memory import MEMORY, BytesLike, Memory, pinned
from ._numbers import word
from ._reader import Source, State
from ._scan import made

if TYPE_CHECKING:
    from ._table import Table


class Snapshot(Source):
    """The state of a table at one instant: reading it twice gives the same answer for ever.

    It costs next to nothing, keeps the table's memory, and goes on when the table was closed. Any
    number of threads may use it at once. Made by `Table.snapshot`.

    >>> import fastskip
    >>> t = fastskip.Table()
    >>> t[b"fig"] = b"green"
    >>> with t.snapshot() as before:
    ...     t[b"fig"] = b"violet"
    ...     before[b"fig"], t[b"fig"]
    (b'green', b'violet')
    """

    def __init__(self, table: Table) -> None:
        self._c = table._c
        handle = table._table()
        self._state = (None, None)
        snapshot = SnapshotHandle()
        snapshot.table = handle
        check(self._c.snapshot_new(handle, byref(snapshot)))
        self._state = (handle, snapshot)

    @property
    def sequence(self) -> int:
        """It sees the versions up to this number."""
        handle, snapshot = self._state
        if handle is None:
            self._raise(INVALID, handle)
        return int(self._c.snapshot_sequence(snapshot))

    def close(self) -> None:
        """Gives the snapshot back; closing it twice does nothing."""
        self._state = (None, None)

    def __enter__(self) -> Snapshot:
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        handle, snapshot = self._state
        if handle is None:
            return "<closed fastskip.Snapshot>"
        return f"<fastskip.Snapshot {self._c.snapshot_sequence(snapshot)}>"


class At(Source):
    """A table as of a sequence number. Made by `Table.at`; it closes with its table.

    In caller's mode it is what a snapshot is, once all writes up to the number have returned. In
    the table's own mode numbers are those of snapshots, and it only looks up single keys.
    """

    def __init__(self, table: Table, sequence: int) -> None:
        self._parent = table
        self._c = table._c
        self.sequence = word(sequence, "sequence")

    @property
    def _state(self) -> State:  # type: ignore[override]
        return self._parent._state

    def _value(self, key: BytesLike, memory: Memory[V]) -> Optional[V]:
        found = self._entry(key, memory)
        return None if found is None or found.kind == DELETE else found.value

    def _entry(self, key: BytesLike, memory: Memory[V]) -> Optional[Entry[V]]:
        handle = self._table()  # held until the entry is made
        entry = RawEntry()
        status = pinned(self._c.get_at, (handle, self.sequence), (key,), (entry,))
        if status not in (OK, NOT_FOUND):
            raise error_of(status)
        return made(entry, memory) if status == OK else None

    def __contains__(self, key: object) -> bool:
        return self._value(key, MEMORY) is not None  # type: ignore[arg-type]

    def _many(self, keys: List[bytes], memory: Memory[V]) -> List[Optional[V]]:
        return [self._value(key, memory) for key in keys]

    def _new_iterator(self, state: State, flags: int, out: Any) -> int:
        status: int = self._c.iterator_new_at(state[0], self.sequence, flags, out)
        return status

    def __repr__(self) -> str:
        return f"<{self._parent!r} at {self.sequence}>"
