"""Handles of one graph: each answers from the state that it was brought up to."""

from __future__ import annotations

from typing import Any

from headwater.storage.memory import MemoryStore
from headwater.testing.events import raw, whole_run


class Renewed:
    """The source of a store whose ids were given anew; tells how many nodes another handle sees in the middle."""

    def __init__(self, store: MemoryStore) -> None:
        self._source = store.edge_source("dataset")
        self._first = store.index("dataset")
        self.seen: list[int] = []

    @property
    def epoch(self) -> int:
        """One later than that of the graph."""
        return self._source.epoch + 1

    def edges_since(self, seq: int, limit: int) -> Any:
        """Those of the store, after a walk of the other handle."""
        self.seen.append(len(self._first.walk(range(self._first.node_count), direction="downstream")))
        return self._source.edges_since(seq, limit)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)


def test_a_graph_that_is_made_anew_is_not_seen_half_made() -> None:
    """While one handle reads every edge again, another goes on with what it had."""
    with MemoryStore.open() as store:
        store.append(raw(whole_run(1, "j", 0, ["a"], ["b", "c"])))
        first = store.index("dataset")
        count = first.node_count
        source = Renewed(store)
        first.reading_from(source).refresh()  # type: ignore[arg-type]
        assert source.seen
        assert set(source.seen) == {count}
        assert first.node_count == count
        first.refresh()
        assert first.node_count == count
