"""Memory both ways: Python's buffers as addresses, and addresses as bytes or memoryview."""

from __future__ import annotations

import ctypes
import sys
from ctypes import c_char_p, c_int, c_ssize_t, c_void_p
from typing import Any, Callable, Iterable, List, Protocol, Tuple, TypeVar, Union

#: What keys and values may be given as: bytes, and everything else with a contiguous buffer. None
#: of them is copied on the way to the library.
BytesLike = Union[bytes, bytearray, memoryview]

#: In place of a buffer, where the library takes NULL for none; None would be too easy to pass.
NO_BUFFER = object()

V_co = TypeVar("V_co", covariant=True)

#: The size of a bytes object, not to be fooled by a subclass; TypeError for anything else.
length: Callable[[Any], int] = bytes.__len__


class _PyBuffer(ctypes.Structure):
    """Py_buffer of CPython's C interface, the same since 3.0."""

    _fields_ = [
        ("buf", c_void_p),
        ("obj", c_void_p),
        ("len", c_ssize_t),
        ("itemsize", c_ssize_t),
        ("readonly", c_int),
        ("ndim", c_int),
        ("format", c_char_p),
        ("shape", c_void_p),
        ("strides", c_void_p),
        ("suboffsets", c_void_p),
        ("internal", c_void_p),
    ]


_get_buffer = ctypes.pythonapi.PyObject_GetBuffer
_get_buffer.argtypes = [ctypes.py_object, ctypes.POINTER(_PyBuffer), c_int]
_release_buffer = ctypes.pythonapi.PyBuffer_Release
_release_buffer.argtypes = [ctypes.POINTER(_PyBuffer)]
_release_buffer.restype = None


def bound(data: Any) -> Any:
    """A bound of a range, where None means that there is none."""
    return NO_BUFFER if data is None else data


def pinned(
    function: Callable[..., Any],
    before: Tuple[Any, ...],
    buffers: Iterable[Any],
    after: Tuple[Any, ...] = (),
) -> Any:
    """Calls function(*before, address, size, ..., *after) with an address and a size a buffer.

    Each buffer is held as the buffer protocol holds it: a bytearray can not be resized meanwhile.
    NO_BUFFER is NULL and size 0.
    """
    arguments: List[Any] = []
    pins: List[Any] = []
    try:
        for data in buffers:
            if type(data) is bytes:
                arguments += (data, len(data))
            elif data is NO_BUFFER:
                arguments += (None, 0)
            else:
                buffer = _PyBuffer()
                pin = ctypes.byref(buffer)
                _get_buffer(data, pin, 0)  # raises TypeError or BufferError
                pins.append(pin)
                # An empty buffer may have no address; b"" has one, which is not NULL.
                arguments += (buffer.buf, buffer.len) if buffer.len else (b"", 0)
        return function(*before, *arguments, *after)
    finally:
        for pin in pins:
            _release_buffer(pin)


class Memory(Protocol[V_co]):
    """Something that gives the memory from one address to another for a slice."""

    def __getitem__(self, addresses: slice) -> V_co:
        ...


class PieceByPiece:
    """Copies of memory where one array can not span all addresses (32 bits)."""

    def __getitem__(self, addresses: slice) -> bytes:
        return ctypes.string_at(addresses.start, addresses.stop - addresses.start)


class PieceByPieceWindow:
    """Views of memory where one array can not span all addresses (32 bits)."""

    def __init__(self, owner: object) -> None:
        self._owner = owner

    def __getitem__(self, addresses: slice) -> memoryview:
        size = addresses.stop - addresses.start
        array: Any = (ctypes.c_ubyte * size).from_address(addresses.start)
        array.owner = self._owner
        return memoryview(array).toreadonly().cast("B")


# To slice an array that spans the whole address space is the fastest way that ctypes knows to make
# bytes, or a memoryview, of a pointer and a size: nothing is read or made but what is asked for.
_Everything: Any = ctypes.c_char * sys.maxsize
_SPANS = sys.maxsize > 2**32

#: Copies: MEMORY[address : address + size] is bytes. Whoever slices it holds the table meanwhile.
MEMORY: Memory[bytes] = _Everything.from_address(0) if _SPANS else PieceByPiece()


def window(owner: object) -> Memory[memoryview]:
    """Views: window[address : address + size] is read-only, and keeps the owner alive."""
    if not _SPANS:
        return PieceByPieceWindow(owner)
    array = _Everything.from_address(0)
    array.owner = owner
    return memoryview(array).toreadonly().cast("B")
