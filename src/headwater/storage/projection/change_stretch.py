"""A gapless part of the changes of a facet, by which a late change is placed without reading the whole history."""

from __future__ import annotations

from bisect import bisect_left

from headwater.storage.projection.records import Change, change_order
from headwater.storage.projection.tables import Tables

LENGTH = 64
"""How many changes are read at once. What is late is mostly a little late, or follows something else that was."""


class Stretch:
    """Consecutive changes of a facet, in order: none is stored between two of its ``rows``."""

    def __init__(self, rows: list[Change], *, begins: bool, ends: bool) -> None:
        self.rows = rows
        #: nothing is stored before the first
        self.begins = begins
        #: nothing is stored after the last
        self.ends = ends

    @classmethod
    def around(cls, tables: Tables, change: Change, latest: Change) -> Stretch:
        """The stored changes around a new one, given the last of its facet."""
        place = change.node, change.name, change_order(change)
        before, after = tables.changes_before(*place, 1), tables.changes_from(*place, LENGTH + 1)
        ends = len(after) <= LENGTH
        found = cls(before + after[:LENGTH], begins=not before, ends=ends)
        if ends:
            found.rows[-1] = latest  # one object per row: a change to a copy would be lost
        return found

    def place(self, order: tuple[int, bytes]) -> int | None:
        """The position of the first change that is not earlier; None if the ones around it may be missing here."""
        place = bisect_left(self.rows, order, key=change_order)
        if (place == 0 and not self.begins) or (place == len(self.rows) and not self.ends):
            return None
        return place

    def append(self, change: Change) -> None:
        """Add a change that is later than all others of its facet."""
        if self.ends:
            self.rows.append(change)
            self.shorten()

    def shorten(self) -> None:
        """Keep a stretch that has grown small: its end, or else its beginning."""
        if len(self.rows) <= 2 * LENGTH:
            return
        if self.ends:
            del self.rows[:-LENGTH]
            self.begins = False
        else:
            del self.rows[LENGTH:]
