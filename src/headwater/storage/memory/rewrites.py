"""The log of changed derivations for followers of the run level."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from headwater.storage.projection.records import Derivation
from headwater.storage.projection.rewrites import Rewrites, most_kept


class MemoryRewrites(Rewrites):
    """Logs each change at once; ``next_step`` assigns ids of the run level."""

    def __init__(self, next_step: Callable[[], int]) -> None:
        super().__init__()
        self._next_step = next_step
        self._rows: deque[tuple[int, int, bytes]] = deque()
        self._size = 0
        self.floor = 0

    def changed(self, old: Derivation, new: Derivation | None) -> None:
        """Log that a derivation was replaced by one with the same id, or removed."""
        super().changed(old, new)
        if not self:
            return
        step, size = self._next_step(), len(self)
        self._rows.append((step, size, self.take()))
        self._size += size
        if self._size > most_kept(step):
            while self._size > most_kept(step) // 2:
                self.floor, size, _ = self._rows.popleft()
                self._size -= size

    def after(self, step: int, until: int) -> list[tuple[int, bytes]]:
        """(number, entry) pairs with numbers above ``step`` up to ``until``, ascending."""
        return [(number, body) for number, _, body in self._rows if step < number <= until]
