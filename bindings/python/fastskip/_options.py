"""How a table is made: the settings of `Table` as options of the library."""

from __future__ import annotations

from ctypes import c_void_p, cast
from typing import Any, Optional

from ._callbacks import Callbacks
from ._errors import InvalidError, check
from ._handles import OptionsHandle
from ._library import CALLS
from ._numbers import word


def set_number(options: OptionsHandle, name: str, number: Optional[int]) -> None:
    """Sets an option that is a number; None leaves its default."""
    if number is None:
        return
    setter, bits = _NUMBERS[name]
    if setter(options, word(number, name, bits)):
        raise InvalidError(f"{name} {number} is out of range")


_NUMBERS: Any = {
    "shards": (CALLS.options_set_shards, 32),
    "block_size": (CALLS.options_set_block_size, 64),
    "memory_limit": (CALLS.options_set_memory_limit, 64),
    "entry_limit": (CALLS.options_set_entry_limit, 64),
    "backpressure": (CALLS.options_set_backpressure, 32),
    "huge_pages": (CALLS.options_set_huge_pages, 32),
    "sequence_mode": (CALLS.options_set_sequence_mode, 32),
    "checksum": (CALLS.options_set_checksum, 32),
    "paranoid": (CALLS.options_set_paranoid, 32),
    "seed": (CALLS.options_set_seed, 64),
}


def set_callbacks(
    options: OptionsHandle, callbacks: Callbacks, compare_name: Optional[str]
) -> None:
    """Sets what functions there are. The callbacks must outlive the tables."""
    if callbacks.compare is not None:
        name = None if compare_name is None else compare_name.encode()
        order = (_address(callbacks.compare), _address(callbacks.abbreviate))
        check(CALLS.options_set_comparator(options, *order, None, name))
    if callbacks.reserve is not None:
        functions = (callbacks.reserve, callbacks.commit, callbacks.release)
        check(CALLS.options_set_allocator(options, *map(_address, functions), None))


def _address(function: Any) -> Optional[int]:
    return None if function is None else cast(function, c_void_p).value
