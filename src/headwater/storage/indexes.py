"""The graph indexes and the answer cache of one store, shared by all its handles in this process.

A process that opens a store several times (for one writer and some readers) holds the graph once. Each handle updates
the index through its own connection, so a reader never waits for the writer's connection. Lock order: the handle's own
store first, then the graph.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from headwater.storage.answer_cache import AnswerCache

if TYPE_CHECKING:  # the index needs numpy; a store that is only written to does not
    from headwater.storage.index import GraphIndex
    from headwater.storage.index.edge_source import EdgeSource
    from headwater.storage.index.log_follower import State as Latest
    from headwater.storage.row_types import Level


class SharedIndexes:
    """One graph index per level, saved in ``folder``; kept in memory only if it is None."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._indexes: dict[Level, GraphIndex] = {}
        self._handles = 0
        self.answers = AnswerCache()

    def join(self) -> None:
        """Register a handle."""
        with self._lock:
            self._handles += 1

    def leave(self) -> None:
        """Unregister a handle; the last one closes the indexes."""
        with self._lock:
            self._handles -= 1
            if self._handles > 0:
                return
            closed = list(self._indexes.values())
            self._indexes.clear()
            self.answers = AnswerCache()
        for index in closed:
            index.close()

    def forget(self) -> None:
        """Rebuild the indexes when they are next used, because the store was rebuilt."""
        with self._lock:
            self._indexes.clear()

    def latest(self) -> dict[Level, Latest]:
        """The latest state of each index, never later than what a reading that begins afterwards shows."""
        with self._lock:
            return {level: index.latest for level, index in self._indexes.items()}

    def index(self, level: Level, source: EdgeSource, before: Latest | None) -> GraphIndex:
        """The index of a level in the state that ``source``, within a reading, shows.

        ``before`` is the result of ``latest`` from before the reading began; None if the index did not exist then and
        may be ahead of the reading by now.
        """
        from headwater.storage.index import GraphIndex
        from headwater.storage.index.log_follower import nothing

        with self._lock:  # never held during calls to the store: it may call here while it holds its own lock
            shared = self._indexes.get(level)
            if shared is None:
                folder = None if self._folder is None else self._folder / level
                shared = self._indexes[level] = GraphIndex.prepare(folder, source)
        found = shared.reading_from(source, nothing(source) if before is None else before)
        found.refresh()
        return found
