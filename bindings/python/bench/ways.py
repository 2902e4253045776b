"""The ways to keep entries that calls.py compares: each puts, gets and scans all of them once."""

from __future__ import annotations

import ctypes
import struct
import sys
from typing import Any, Callable, Dict, List

import fastskip

VALUE = b"v" * 100
CHUNK = 512

# To let one way differ from another in nothing but ctypes or cffi, both of them make bytes alike.
MEMORY: Any = (ctypes.c_char * sys.maxsize).from_address(0)
unpack = struct.Struct("NNNNQII").iter_unpack


class Way:
    """What is measured of each, over all keys."""

    name = ""

    def put(self, keys: List[bytes]) -> None:
        raise NotImplementedError

    def get(self, keys: List[bytes]) -> None:
        raise NotImplementedError

    def scan(self) -> int:
        raise NotImplementedError


class Package(Way):
    """This package, as a program uses it."""

    name = "fastskip"

    def __init__(self, path: str) -> None:
        self.table = fastskip.Table()

    def put(self, keys: List[bytes]) -> None:
        table, value = self.table, VALUE
        for key in keys:
            table[key] = value

    def get(self, keys: List[bytes]) -> None:
        table = self.table
        for key in keys:
            table[key]

    def scan(self) -> int:
        count = 0
        for _, _ in self.table.items():
            count += 1
        return count


class PackageViews(Package):
    """The same with values as memoryview."""

    name = "fastskip, views"

    def get(self, keys: List[bytes]) -> None:
        views = self.table.views
        for key in keys:
            views[key]

    def scan(self) -> int:
        count = 0
        for _, _ in self.table.views.items():
            count += 1
        return count


class PackageMany(Package):
    """The same with update and get_many, 100 at a time."""

    name = "fastskip, 100 at a time"

    def put(self, keys: List[bytes]) -> None:
        for i in range(0, len(keys), 100):
            self.table.update([(key, VALUE) for key in keys[i : i + 100]])

    def get(self, keys: List[bytes]) -> None:
        for i in range(0, len(keys), 100):
            self.table.get_many(keys[i : i + 100])

    def scan(self) -> int:
        count = 0
        for _ in reversed(self.table.items()):
            count += 1
        return count


class Sorted(Way):
    """sortedcontainers.SortedDict."""

    name = "SortedDict"

    def __init__(self, path: str) -> None:
        from sortedcontainers import SortedDict

        self.dict: Any = SortedDict()

    def put(self, keys: List[bytes]) -> None:
        mapping, value = self.dict, VALUE
        for key in keys:
            mapping[key] = value

    def get(self, keys: List[bytes]) -> None:
        mapping = self.dict
        for key in keys:
            mapping[key]

    def scan(self) -> int:
        count = 0
        for _, _ in self.dict.items():
            count += 1
        return count


class Ctypes(Way):
    """The C functions through ctypes, nothing around them: put and get as this package calls them."""

    name = "bare ctypes"

    def __init__(self, path: str) -> None:
        class Entry(ctypes.Structure):
            _fields_ = [
                ("key", ctypes.c_size_t), ("key_size", ctypes.c_size_t),
                ("value", ctypes.c_size_t), ("value_size", ctypes.c_size_t),
                ("sequence", ctypes.c_uint64), ("kind", ctypes.c_uint32),
                ("reserved", ctypes.c_uint32),
            ]  # fmt: skip

        self.entry = Entry
        self.lib: Any = ctypes.CDLL(path)
        handle, size, entry = ctypes.c_void_p, ctypes.c_size_t, ctypes.POINTER(Entry)
        self.sizes = [size(n) for n in range(1024)]
        self.words = size * 6
        self.lib.fastskip_iterator_new.argtypes = [handle, handle, ctypes.c_uint32, handle]
        self.lib.fastskip_iterator_seek_first.argtypes = [handle]
        self.lib.fastskip_iterator_next_many.argtypes = [handle, entry, size, handle]
        self.lib.fastskip_iterator_free.argtypes = [handle]
        self.lib.fastskip_table_unref.argtypes = [handle]
        self.table = ctypes.c_void_p()
        self.lib.fastskip_table_new(None, ctypes.byref(self.table))

    def __del__(self) -> None:
        self.lib.fastskip_table_unref(self.table)

    def put(self, keys: List[bytes]) -> None:
        put, table, value, sizes = self.lib.fastskip_put, self.table, VALUE, self.sizes
        for key in keys:
            if put(table, key, sizes[len(key)], value, sizes[len(value)]):
                raise MemoryError

    def get(self, keys: List[bytes]) -> None:
        get, table, new, memory = self.lib.fastskip_get, self.table, self.words, MEMORY
        sizes = self.sizes
        for key in keys:
            entry = new()
            if get(table, None, key, sizes[len(key)], entry):
                raise KeyError(key)
            value = entry[2]
            memory[value : value + entry[3]]

    def scan(self) -> int:
        iterator, count, memory = ctypes.c_void_p(), ctypes.c_size_t(), MEMORY
        self.lib.fastskip_iterator_new(self.table, None, 0, ctypes.byref(iterator))
        self.lib.fastskip_iterator_seek_first(iterator)
        entries = (self.entry * CHUNK)()
        raw = memoryview(entries).cast("B")
        total = 0
        next_many = self.lib.fastskip_iterator_next_many
        while next_many(iterator, entries, CHUNK, ctypes.byref(count)) == 0:
            for k, kn, v, vn, _, _, _ in unpack(raw[: count.value * 48]):
                (memory[k : k + kn], memory[v : v + vn])
                total += 1
        self.lib.fastskip_iterator_free(iterator)
        return total


class Cffi(Way):
    """The C functions through cffi's ABI mode, but bytes made by ctypes as in this package."""

    name = "bare cffi, bytes by ctypes"

    def __init__(self, path: str) -> None:
        import cffi

        self.ffi: Any = cffi.FFI()
        self.ffi.cdef(
            """
            typedef struct { uintptr_t key; size_t key_size; uintptr_t value; size_t value_size;
                             uint64_t sequence; uint32_t kind; uint32_t reserved; } entry;
            int32_t fastskip_table_new(void *, void **);
            void fastskip_table_unref(void *);
            int32_t fastskip_put(void *, const char *, size_t, const char *, size_t);
            int32_t fastskip_get(void *, void *, const char *, size_t, entry *);
            int32_t fastskip_iterator_new(void *, void *, uint32_t, void **);
            int32_t fastskip_iterator_seek_first(void *);
            int32_t fastskip_iterator_next_many(void *, entry *, size_t, size_t *);
            void fastskip_iterator_free(void *);
            """
        )
        self.lib: Any = self.ffi.dlopen(path)
        out = self.ffi.new("void **")
        self.lib.fastskip_table_new(self.ffi.NULL, out)
        self.table = self.ffi.gc(out[0], self.lib.fastskip_table_unref)

    def put(self, keys: List[bytes]) -> None:
        put, table, value = self.lib.fastskip_put, self.table, VALUE
        for key in keys:
            if put(table, key, len(key), value, len(value)):
                raise MemoryError

    def get(self, keys: List[bytes]) -> None:
        get, table, new, null = self.lib.fastskip_get, self.table, self.ffi.new, self.ffi.NULL
        kind, memory = self.ffi.typeof("entry *"), MEMORY
        for key in keys:
            entry = new(kind)
            if get(table, null, key, len(key), entry):
                raise KeyError(key)
            value = entry.value
            memory[value : value + entry.value_size]

    def scan(self) -> int:
        out, count, memory = self.ffi.new("void **"), self.ffi.new("size_t *"), MEMORY
        self.lib.fastskip_iterator_new(self.table, self.ffi.NULL, 0, out)
        iterator = out[0]
        self.lib.fastskip_iterator_seek_first(iterator)
        entries = self.ffi.new("entry[]", CHUNK)
        raw = memoryview(self.ffi.buffer(entries)).cast("B")
        total = 0
        next_many = self.lib.fastskip_iterator_next_many
        while next_many(iterator, entries, CHUNK, count) == 0:
            for k, kn, v, vn, _, _, _ in unpack(raw[: count[0] * 48]):
                (memory[k : k + kn], memory[v : v + vn])
                total += 1
        self.lib.fastskip_iterator_free(iterator)
        return total


class CffiAlone(Cffi):
    """The C functions through cffi's ABI mode, bytes made by cffi."""

    name = "bare cffi"

    def get(self, keys: List[bytes]) -> None:
        get, table, new, null = self.lib.fastskip_get, self.table, self.ffi.new, self.ffi.NULL
        kind, chars = self.ffi.typeof("entry *"), self.ffi.typeof("char *")
        unpacked, cast = self.ffi.unpack, self.ffi.cast
        for key in keys:
            entry = new(kind)
            if get(table, null, key, len(key), entry):
                raise KeyError(key)
            unpacked(cast(chars, entry.value), entry.value_size)

    def scan(self) -> int:
        out, count, null = self.ffi.new("void **"), self.ffi.new("size_t *"), self.ffi.NULL
        self.lib.fastskip_iterator_new(self.table, null, 0, out)
        iterator = out[0]
        self.lib.fastskip_iterator_seek_first(iterator)
        entries = self.ffi.new("entry[]", CHUNK)
        unpacked, cast, chars = self.ffi.unpack, self.ffi.cast, self.ffi.typeof("char *")
        total = 0
        next_many = self.lib.fastskip_iterator_next_many
        while next_many(iterator, entries, CHUNK, count) == 0:
            for k, kn, v, vn, _, _, _ in unpack(self.ffi.buffer(entries, count[0] * 48)):
                (unpacked(cast(chars, k), kn), unpacked(cast(chars, v), vn))
                total += 1
        self.lib.fastskip_iterator_free(iterator)
        return total


WAYS: Dict[str, Callable[[str], Way]] = {
    way.name: way
    for way in (Package, PackageViews, PackageMany, Ctypes, CffiAlone, Cffi, Sorted)
}
