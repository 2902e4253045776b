"""Numbers for C: ctypes would cut them off without a word."""

from __future__ import annotations

import operator
from typing import SupportsIndex

from ._errors import InvalidError


def word(number: SupportsIndex, name: str, bits: int = 64) -> int:
    """A number as it is, if it fits; whether it is in range is for the library to say."""
    result = operator.index(number)
    if not 0 <= result < 1 << bits:
        raise InvalidError(f"{name} {result} is out of range")
    return result
