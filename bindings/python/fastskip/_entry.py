"""What reads hand out."""

from __future__ import annotations

import enum
from typing import Generic, Tuple, TypeVar

V = TypeVar("V")  # bytes or memoryview

#: The kind of a value, and of a tombstone. Kinds from 2 to 127 are the user's own.
PUT = 0
DELETE = 1
KIND_OWN_MIN = 2
KIND_MAX = 127
KEY_MAX = 65535
VALUE_MAX = 4294901759
SEQUENCE_MAX = 2**56 - 1


class SequenceMode(enum.IntEnum):
    """Who numbers the versions of a table."""

    AUTO = 0
    CALLER = 1


class HugePages(enum.IntEnum):
    """Whether a table asks the system for huge pages."""

    NEVER = 0
    ASK = 1
    INSIST = 2


class Stat(enum.IntEnum):
    """Figures of a table. LIVE and TOMBSTONES may cost a walk over it."""

    KEYS = 1
    LIVE = 2
    VERSIONS = 3
    TOMBSTONES = 4
    KEY_BYTES = 5
    VALUE_BYTES = 6
    MEMORY_USED = 7
    MEMORY_RESERVED = 8
    MEMORY_LIMIT = 9
    MEMORY_WASTED = 10
    CHUNKS = 11
    SHARDS = 12
    BLOCKS = 13
    HEIGHT = 14
    WRITES = 15
    RETRIES = 16
    SNAPSHOTS = 17


class Entry(Generic[V]):
    """One version of a key.

    >>> Entry(b"fig", b"violet", 7, PUT)
    Entry(key=b'fig', value=b'violet', sequence=7, kind=0)
    """

    __slots__ = ("key", "value", "sequence", "kind")

    def __init__(self, key: bytes, value: V, sequence: int, kind: int) -> None:
        self.key = key
        self.value: V = value
        #: Caller's mode: the number given. Else the snapshots whose sequence is not below it see it.
        self.sequence = sequence
        #: PUT, DELETE or one of the user's own.
        self.kind = kind

    @property
    def deleted(self) -> bool:
        """Whether this is a tombstone."""
        return self.kind == DELETE

    def _fields(self) -> Tuple[bytes, V, int, int]:
        return (self.key, self.value, self.sequence, self.kind)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Entry):
            return NotImplemented
        return self._fields() == other._fields()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        fields = zip(self.__slots__, self._fields())
        return "Entry(" + ", ".join(f"{name}={value!r}" for name, value in fields) + ")"
