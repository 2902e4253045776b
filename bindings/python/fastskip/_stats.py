"""Figures of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Iterator, Mapping

from ._entry import Stat

if TYPE_CHECKING:
    from ._table import Table


class Stats(Mapping[str, int]):
    """Figures by name, the names of `Stat` in lower case. Each is asked for when it is looked up.

    >>> import fastskip
    >>> t = fastskip.Table()
    >>> t[b"fig"] = b"violet"
    >>> t.stats["keys"], t.stats["value_bytes"]
    (1, 6)
    """

    def __init__(self, table: Table) -> None:
        self._table = table

    def __getitem__(self, name: str) -> int:
        try:
            stat = Stat[name.upper()]
        except (KeyError, AttributeError):
            raise KeyError(name) from None
        return self._table.stat(stat)

    def __iter__(self) -> Iterator[str]:
        return (stat.name.lower() for stat in Stat)

    def __len__(self) -> int:
        return len(Stat)

    def __repr__(self) -> str:
        return f"Stats({dict(self)!r})"
