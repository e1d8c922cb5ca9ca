"""Handles of one graph: each answers from the state that it was brought up to."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from index_graphs import KERNELS, NODES, Edge, MemorySource, checked, thinned_edges, timed_edges

from headwater.storage.index import GraphIndex
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


def seen(index: GraphIndex) -> dict[str, object]:
    """What a handle shows: every edge at several instants, and what every node reaches."""
    every = range(index.node_count)
    edges = {at: index.edges_among(every, as_of=at) for at in (None, 2, 5)}
    return {
        "edges": {
            at: sorted(zip(*(part.tolist() for part in found.parts() if part is not None), strict=True))
            for at, found in edges.items()
        },
        "reached": [
            index.walk(node, direction=direction, as_of=at).ids.tolist()
            for node in every
            for direction in ("upstream", "downstream")
            for at in (None, 3)
        ],
        "kinds": index.walk(every, direction="downstream").counts_by_kind.tolist(),
    }


def parts(edges: list[Edge], at: list[int], *, timed: bool) -> list[MemorySource]:
    """The same source at several times: each shows more edges and more nodes than the one before."""
    cuts = sorted({min(cut, len(edges)) for cut in at} | {len(edges)})
    return [
        MemorySource(
            edges[:cut],
            node_count=NODES + cut,
            timed=timed,
            labelled=timed,
            mappings=None if timed else dict.fromkeys(range(7)),  # type: ignore[arg-type]
        )
        for cut in cuts
    ]


cuts = st.lists(st.integers(0, 70), min_size=1, max_size=4)
histories = st.one_of(
    st.tuples(timed_edges(), cuts, st.just(True)),
    st.tuples(thinned_edges(), cuts, st.just(False)),
)


@pytest.mark.parametrize("kernel", KERNELS)
@checked
@given(history=histories)
def test_what_a_handle_shows_stays_as_it_is(kernel: str, history: tuple[list[Edge], list[int], bool]) -> None:
    """Whatever other handles take over meanwhile: edges that come, end, change or go."""
    edges, at, timed = history
    sources = parts(edges, at, timed=timed)
    first = GraphIndex.open(None, sources[0], kernel=kernel)
    handles, shown = [first], [seen(first)]
    for source in sources[1:]:
        later = first.reading_from(source)  # type: ignore[arg-type]
        later.refresh()
        handles.append(later)
        shown.append(seen(later))
        assert [seen(handle) for handle in handles] == shown
    assert first.builds == 1


@pytest.mark.parametrize("kernel", KERNELS)
@checked
@given(history=histories, begun=st.integers(0, 4))
def test_an_earlier_state_is_made_apart(kernel: str, history: tuple[list[Edge], list[int], bool], begun: int) -> None:
    """A reading that began before another handle took the graph further gets the graph as it was; nobody else does."""
    edges, at, timed = history
    sources = parts(edges, at, timed=timed)
    first = GraphIndex.open(None, sources[0], kernel=kernel)
    before = first.latest
    last = first.reading_from(sources[-1])  # type: ignore[arg-type]
    last.refresh()
    latest, expected = first.latest, seen(last)
    early = sources[min(begun, len(sources) - 1)]
    handle = first.reading_from(early, before)  # type: ignore[arg-type]
    handle.refresh()
    assert seen(handle) == seen(GraphIndex.open(None, early, kernel=kernel))
    assert first.latest is latest
    assert seen(last) == expected
    assert first.builds == 1
