"""Records the nodes that each commit touched, for other processes that cache parts of answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from array import array
from collections.abc import Iterable, Sequence
from typing import Final

from headwater.storage.answer_cache import Commit

_KEPT: Final = 10_000
"""Events whose commits are kept: a reader that is further behind drops its whole cache."""
_BLOCK: Final = 1_024


class Touches(ABC):
    """One row for each of the last commits."""

    def add(self, commit: Commit) -> None:
        """Record the current commit within its transaction; old ones are dropped from time to time."""
        if commit.seq // _BLOCK != commit.before // _BLOCK:
            self._drop(commit.seq - _KEPT)
        self._add(commit.seq, commit.before, array("q", commit.nodes).tobytes())

    def after(self, seq: int) -> Sequence[Commit]:
        """The commits after an event, in order."""
        found = []
        for last, before, body in self._after(seq):
            nodes = array("q")
            nodes.frombytes(body)
            found.append(Commit(before, last, nodes))
        return found

    @abstractmethod
    def _add(self, seq: int, before: int, nodes: bytes) -> None:
        """Write a row."""

    @abstractmethod
    def _after(self, seq: int) -> Iterable[tuple[int, int, bytes]]:
        """The rows after a number, by number."""

    @abstractmethod
    def _drop(self, upto: int) -> None:
        """Drop the rows up to a number."""
