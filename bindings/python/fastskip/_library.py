"""Finds and loads libfastskip and declares its functions to ctypes.

Nothing above this module knows the C signatures; nothing in here knows what the functions mean.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
from ctypes import c_char_p, c_int32, c_size_t, c_uint32, c_uint64, c_void_p
from typing import Any, Callable, List, Optional

SONAME = "libfastskip.so.1"

# What the prototypes below are written in. A buffer is always an address and a size. c_void_p takes
# bytes, whose memory it passes without a copy, and addresses.
HANDLE = DATA = OUT = c_void_p
SIZE = c_size_t
STATUS = c_int32

Function = Callable[..., Any]


class RawEntry(ctypes.Structure):
    """struct fastskip_entry. Pointers are numbers here: they are only ever sliced from memory."""

    __slots__ = ()
    _fields_ = [
        ("key", c_size_t),
        ("key_size", c_size_t),
        ("value", c_size_t),
        ("value_size", c_size_t),
        ("sequence", c_uint64),
        ("kind", c_uint32),
        ("reserved", c_uint32),
    ]


#: Room for an entry in a fast call; its first words are key, key_size, value, value_size.
EntryWords = c_size_t * (ctypes.sizeof(RawEntry) // ctypes.sizeof(c_size_t))

#: Sizes for a fast call. SIZES[size] of a greater one is an IndexError, and its call one of the
#: others: to copy so much costs more than to convert arguments.
SIZES = [c_size_t(size) for size in range(1024)]

ENTRY_FORMAT = "NNNNQII"  # the same layout for the struct module, which unpacks many at once
ENTRY = ctypes.POINTER(RawEntry)

COMPARE = ctypes.CFUNCTYPE(c_int32, c_size_t, c_size_t, c_size_t, c_size_t, c_size_t)
ABBREVIATE = ctypes.CFUNCTYPE(c_uint64, c_size_t, c_size_t, c_size_t)
RESERVE = ctypes.CFUNCTYPE(c_size_t, c_size_t, c_size_t, c_size_t)
COMMIT = ctypes.CFUNCTYPE(c_int32, c_size_t, c_size_t, c_size_t)
RELEASE = ctypes.CFUNCTYPE(None, c_size_t, c_size_t, c_size_t)


class Calls:
    """The functions of the library, named as in fastskip.h without the prefix.

    ctypes lets go of the GIL while one runs, and keeps every argument alive until it returns.
    """

    def __init__(self, library: ctypes.CDLL) -> None:
        def bind(name: str, result: Any, *arguments: Any) -> Function:
            function: Any = getattr(library, "fastskip_" + name)
            function.restype = result
            function.argtypes = list(arguments)
            return function  # type: ignore[no-any-return]

        self.put = bind("put", STATUS, HANDLE, DATA, SIZE, DATA, SIZE)
        self.get = bind("get", STATUS, HANDLE, HANDLE, DATA, SIZE, OUT)
        self.contains = bind("contains", STATUS, HANDLE, HANDLE, DATA, SIZE)
        self.delete = bind("delete", STATUS, HANDLE, DATA, SIZE)
        self.insert = bind("insert", STATUS, HANDLE, DATA, SIZE, DATA, SIZE)
        self.get_or_insert = bind(
            "get_or_insert", STATUS, HANDLE, DATA, SIZE, DATA, SIZE, ENTRY, OUT
        )
        self.put_at = bind("put_at", STATUS, HANDLE, c_uint64, c_uint32, DATA, SIZE, DATA, SIZE)
        self.put_kind = bind("put_kind", STATUS, HANDLE, c_uint32, DATA, SIZE, DATA, SIZE)
        self.get_raw = bind("get_raw", STATUS, HANDLE, HANDLE, DATA, SIZE, ENTRY)
        self.get_at = bind("get_at", STATUS, HANDLE, c_uint64, DATA, SIZE, ENTRY)
        self.get_many = bind("get_many", STATUS, HANDLE, HANDLE, SIZE, OUT, OUT, ENTRY, OUT)

        self.batch_new = bind("batch_new", STATUS, OUT)
        self.batch_put = bind("batch_put", STATUS, HANDLE, DATA, SIZE, DATA, SIZE)
        self.batch_delete = bind("batch_delete", STATUS, HANDLE, DATA, SIZE)
        self.batch_put_kind = bind("batch_put_kind", STATUS, HANDLE, c_uint32, DATA, SIZE, DATA, SIZE)
        self.batch_put_at = bind(
            "batch_put_at", STATUS, HANDLE, c_uint64, c_uint32, DATA, SIZE, DATA, SIZE
        )
        self.batch_count = bind("batch_count", SIZE, HANDLE)
        self.batch_clear = bind("batch_clear", STATUS, HANDLE)
        self.batch_free = bind("batch_free", None, HANDLE)
        self.write = bind("write", STATUS, HANDLE, HANDLE)

        self.snapshot_new = bind("snapshot_new", STATUS, HANDLE, OUT)
        self.snapshot_sequence = bind("snapshot_sequence", c_uint64, HANDLE)
        self.snapshot_free = bind("snapshot_free", None, HANDLE)

        self.iterator_new = bind("iterator_new", STATUS, HANDLE, HANDLE, c_uint32, OUT)
        self.iterator_new_at = bind("iterator_new_at", STATUS, HANDLE, c_uint64, c_uint32, OUT)
        self.iterator_set_bounds = bind("iterator_set_bounds", STATUS, HANDLE, DATA, SIZE, DATA, SIZE)
        self.iterator_seek_first = bind("iterator_seek_first", STATUS, HANDLE)
        self.iterator_seek_last = bind("iterator_seek_last", STATUS, HANDLE)
        self.iterator_seek = bind("iterator_seek", STATUS, HANDLE, DATA, SIZE)
        self.iterator_seek_for_prev = bind("iterator_seek_for_prev", STATUS, HANDLE, DATA, SIZE)
        self.iterator_next = bind("iterator_next", STATUS, HANDLE)
        self.iterator_prev = bind("iterator_prev", STATUS, HANDLE)
        self.iterator_valid = bind("iterator_valid", c_int32, HANDLE)
        self.iterator_entry = bind("iterator_entry", STATUS, HANDLE, OUT)
        self.iterator_next_many = bind("iterator_next_many", STATUS, HANDLE, ENTRY, SIZE, OUT)
        self.iterator_free = bind("iterator_free", None, HANDLE)

        self.table_new = bind("table_new", STATUS, HANDLE, OUT)
        self.table_ref = bind("table_ref", STATUS, HANDLE)
        self.table_unref = bind("table_unref", None, HANDLE)
        self.table_seal = bind("table_seal", STATUS, HANDLE)
        self.table_is_sealed = bind("table_is_sealed", c_int32, HANDLE)
        self.table_rotate = bind("table_rotate", STATUS, HANDLE, OUT)
        self.table_reset = bind("table_reset", STATUS, HANDLE)
        self.table_stat = bind("table_stat", STATUS, HANDLE, c_uint32, OUT)
        self.table_under_backpressure = bind("table_under_backpressure", c_int32, HANDLE)
        self.table_approximate_count = bind(
            "table_approximate_count", STATUS, HANDLE, DATA, SIZE, DATA, SIZE, OUT
        )
        self.table_check = bind("table_check", STATUS, HANDLE)

        self.options_new = bind("options_new", STATUS, OUT)
        self.options_free = bind("options_free", None, HANDLE)
        self.options_set_shards = bind("options_set_shards", STATUS, HANDLE, c_uint32)
        self.options_set_block_size = bind("options_set_block_size", STATUS, HANDLE, SIZE)
        self.options_set_memory_limit = bind("options_set_memory_limit", STATUS, HANDLE, c_uint64)
        self.options_set_entry_limit = bind("options_set_entry_limit", STATUS, HANDLE, c_uint64)
        self.options_set_backpressure = bind("options_set_backpressure", STATUS, HANDLE, c_uint32)
        self.options_set_huge_pages = bind("options_set_huge_pages", STATUS, HANDLE, c_uint32)
        self.options_set_sequence_mode = bind("options_set_sequence_mode", STATUS, HANDLE, c_uint32)
        self.options_set_checksum = bind("options_set_checksum", STATUS, HANDLE, c_uint32)
        self.options_set_paranoid = bind("options_set_paranoid", STATUS, HANDLE, c_uint32)
        self.options_set_seed = bind("options_set_seed", STATUS, HANDLE, c_uint64)
        # Functions go by their address here, so that a missing one can be NULL.
        self.options_set_comparator = bind(
            "options_set_comparator", STATUS, HANDLE, c_void_p, c_void_p, c_void_p, c_char_p
        )
        self.options_set_allocator = bind(
            "options_set_allocator", STATUS, HANDLE, c_void_p, c_void_p, c_void_p, c_void_p
        )

        # The same functions for the calls that must be cheap, without prototypes: ctypes then
        # converts nothing, which is a fifth of a call. Only bytes, None and objects of ctypes may
        # be passed; a number would go as an int of C.
        self.fast_put = library["fastskip_put"]
        self.fast_get = library["fastskip_get"]
        self.fast_contains = library["fastskip_contains"]
        self.fast_batch_put = library["fastskip_batch_put"]

        self.version = bind("version", c_char_p)
        self.build = bind("build", c_char_p)
        self.strerror = bind("strerror", c_char_p, STATUS)


def _pkg_config_path() -> Optional[str]:
    """The installed library as pkg-config knows it."""
    try:
        directory = subprocess.run(
            ["pkg-config", "--variable=libdir", "fastskip"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            universal_newlines=True,
            check=True,
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
    return os.path.join(directory, SONAME) if directory else None


def load() -> Calls:
    """Loads the library: $FASTSKIP_LIBRARY if set, else by soname, else where pkg-config says."""
    named = os.environ.get("FASTSKIP_LIBRARY")
    tried: List[str] = []
    for find in (lambda: named,) if named else (lambda: SONAME, _pkg_config_path):
        path = find()
        if path is None:
            tried.append("pkg-config does not know fastskip")
            continue
        try:
            calls = Calls(ctypes.CDLL(path))
        except (OSError, AttributeError) as error:
            tried.append(str(error))
            continue
        version = calls.version().decode()
        if version.split(".")[0] == "1":
            return calls
        tried.append(f"{path} has version {version}, not 1")
    raise ImportError("libfastskip 1 is not installed: " + "; ".join(tried))


CALLS = load()
