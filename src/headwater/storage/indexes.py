"""The graph indexes and the answer cache of one store, shared by all its handles in this process.

A process that opens a store several times (one that writes, some that read) holds the graph once. Each handle brings
the index up to date through a connection of its own, so a reader never waits for the connection of the writer. Who
follows holds his own store, then the graph, in this order.
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
    """One graph index a level. ``folder`` is where they are saved, None for nowhere."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._indexes: dict[Level, GraphIndex] = {}
        self._handles = 0
        self.recall = AnswerCache()

    def join(self) -> None:
        """Count one more handle."""
        with self._lock:
            self._handles += 1

    def leave(self) -> None:
        """Count one less; with the last one the indexes are closed."""
        with self._lock:
            self._handles -= 1
            if self._handles > 0:
                return
            closed = list(self._indexes.values())
            self._indexes.clear()
            self.recall = AnswerCache()
        for index in closed:
            index.close()

    def forget(self) -> None:
        """Rebuild the indexes when they are next used, because the store was rebuilt."""
        with self._lock:
            self._indexes.clear()

    def latest(self) -> dict[Level, Latest]:
        """The latest state of each index: no later than what a reading shows that begins afterwards."""
        with self._lock:
            return {level: index.latest for level, index in self._indexes.items()}

    def index(self, level: Level, source: EdgeSource, before: Latest | None) -> GraphIndex:
        """The index of a level in the state that ``source`` shows, which is being read.

        ``before`` is what ``latest`` gave before that reading began; None if the index was made since, and may be
        ahead of the reading by now.
        """
        from headwater.storage.index import GraphIndex
        from headwater.storage.index.log_follower import nothing

        with self._lock:  # never held while the store is asked something: the store may hold its lock and come here
            shared = self._indexes.get(level)
            if shared is None:
                folder = None if self._folder is None else self._folder / level
                shared = self._indexes[level] = GraphIndex.prepare(folder, source)
        found = shared.reading_from(source, nothing(source) if before is None else before)
        found.refresh()
        return found
