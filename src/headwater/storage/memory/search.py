"""Search texts in memory, without an index: every query scans all of them."""

from __future__ import annotations

from collections.abc import Iterable

from headwater.storage.memory.table import MemoryTable
from headwater.storage.projection.records import SearchText


class SearchTable(MemoryTable[int, SearchText]):
    """The search texts."""

    def loose(self) -> tuple[int, list[SearchText]]:
        """(set of nodes that the index has not taken in, their current texts): all of them."""
        return 0, list(self.rows())

    def sets(self, keys: Iterable[str]) -> dict[str, int]:
        """None: there is no index."""
        return {}

    def keys_between(self, first: str, last: str) -> list[str]:
        """None: there is no index."""
        return []
