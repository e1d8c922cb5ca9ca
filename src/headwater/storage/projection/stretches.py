"""Gapless parts of long histories, by which something late is placed without reading the whole history."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from typing import Any, Generic, TypeVar

R = TypeVar("R")
LENGTH = 64
"""How many rows are read at once. What is late is mostly a little late, or follows something else that was."""
MOST = 1_000
"""How many histories with something late are kept; together they take some tens of megabytes."""


class Stretch(Generic[R]):
    """Consecutive rows of a history, in order: none is missing between two of them. With ``is_whole`` they are all of
    it, and stay."""

    def __init__(
        self,
        rows: list[R],
        order: Callable[[R], Any],
        *,
        begins: bool = True,
        ends: bool = True,
        is_whole: bool = False,
    ) -> None:
        self.rows = rows
        #: nothing is before the first
        self.begins = begins
        #: nothing is after the last
        self.ends = ends
        self._is_whole = is_whole
        self._order = order

    def place(self, order: Any, *, after: int = 1) -> int | None:
        """The position of the first row that is not earlier; None if the row before it, or one of so many from it on,
        may be missing here."""
        place = bisect_left(self.rows, order, key=self._order)
        if (place == 0 and not self.begins) or (place + after > len(self.rows) and not self.ends):
            return None
        return place

    def append(self, row: R) -> None:
        """Add a row that is later than all others."""
        if self.ends:
            self.rows.append(row)
            self.shorten()

    def shorten(self) -> None:
        """Keep a stretch that has grown small: its end, or else its beginning."""
        if self._is_whole or len(self.rows) <= 2 * LENGTH:
            return
        if self.ends:
            del self.rows[:-LENGTH]
            self.begins = False
        else:
            del self.rows[LENGTH:]
