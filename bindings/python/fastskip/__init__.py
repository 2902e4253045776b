"""libfastskip for Python: the memtable of an LSM storage engine.

>>> import fastskip
>>> t = fastskip.Table()
>>> t[b"fig"] = b"violet"
>>> t[b"apple"] = b"red"
>>> for key, value in t.items():
...     print(key, value)
b'apple' b'red'
b'fig' b'violet'

`Table` is where to begin. Everything that raises raises a `FastskipError`, or what Python raises
itself: `TypeError` for what is not bytes-like, `KeyError`, which `NotFoundError` is.
"""

from __future__ import annotations

from ._batch import Batch
from ._callbacks import Allocator
from ._cursor import Cursor
from ._entry import (
    DELETE,
    KEY_MAX,
    KIND_MAX,
    KIND_OWN_MIN,
    PUT,
    SEQUENCE_MAX,
    VALUE_MAX,
    Entry,
    HugePages,
    SequenceMode,
    Stat,
)
from ._errors import (
    BusyError,
    ClosedError,
    ConcurrentUseError,
    CorruptError,
    ExistsError,
    FastskipError,
    FullError,
    InvalidError,
    NoMemoryError,
    NotFoundError,
    SealedError,
    TooLargeError,
    UnsupportedError,
)
from ._library import CALLS as _CALLS
from ._reader import Reader, Views
from ._scan import Range, Walk
from ._snapshot import At, Snapshot
from ._stats import Stats
from ._table import Table

__version__ = "1.0.0"


def library_version() -> str:
    """The version of the library that is loaded.

    >>> library_version().split(".")[0]
    '1'
    """
    return str(_CALLS.version().decode())


def library_build() -> str:
    """How the library that is loaded was built, for bug reports."""
    return str(_CALLS.build().decode())


__all__ = [
    "DELETE",
    "KEY_MAX",
    "KIND_MAX",
    "KIND_OWN_MIN",
    "PUT",
    "SEQUENCE_MAX",
    "VALUE_MAX",
    "Allocator",
    "At",
    "Batch",
    "BusyError",
    "ClosedError",
    "ConcurrentUseError",
    "CorruptError",
    "Cursor",
    "Entry",
    "ExistsError",
    "FastskipError",
    "FullError",
    "HugePages",
    "InvalidError",
    "NoMemoryError",
    "NotFoundError",
    "Range",
    "Reader",
    "SealedError",
    "SequenceMode",
    "Snapshot",
    "Stat",
    "Stats",
    "Table",
    "TooLargeError",
    "UnsupportedError",
    "Views",
    "Walk",
    "library_build",
    "library_version",
]
