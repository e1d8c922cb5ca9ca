"""Edges that are withdrawn: every kernel and question against what is left, over every split into base and overlay."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from index_graphs import KERNELS, NODES, Edge, MemorySource, checked, known, mappings, nodes, thinned_edges
from test_index_columns import by_field_graph

from headwater.errors import StoreCorrupt
from headwater.storage.index import ColumnMapping, GraphIndex

pytestmark = pytest.mark.parametrize("kernel", KERNELS)
directions = st.sampled_from(["upstream", "downstream"])
splits_of = st.lists(st.integers(0, 100), max_size=4)


def split_index(
    edges: list[Edge], splits: list[int], kernel: str, known_mappings: dict[int, ColumnMapping] | None = None
) -> GraphIndex:
    """An index that saw the edges in several refreshes, the first into the base."""
    source = MemorySource(mappings=known_mappings)
    index = GraphIndex.open(None, source, kernel=kernel)
    for stop in [*sorted(splits), len(edges)]:
        source.edges = edges[: max(stop, len(source.edges))]
        index.refresh()
    return index


def graph_of(edges: list[Edge]) -> nx.DiGraph:
    """What is left of the edges sent."""
    graph = nx.DiGraph([(e.source, e.target) for e in known(edges)])
    graph.add_nodes_from(range(NODES))
    return graph


@checked
@given(edges=thinned_edges(), splits=splits_of, root=nodes, other=nodes, direction=directions)
def test_what_was_withdrawn_is_not_walked(kernel, edges, splits, root, other, direction):
    """Walks, levels, neighbours, paths and the edges among nodes are those of a graph that never had it."""
    index, graph = split_index(edges, splits, kernel), graph_of(edges)
    ahead = graph if direction == "downstream" else graph.reverse()
    hops = nx.single_source_shortest_path_length(ahead, root)
    reach = index.walk(root, direction=direction)
    assert dict(zip(reach.ids.tolist(), reach.levels.tolist(), strict=True)) == hops
    assert index.neighbours(root, direction).tolist() == sorted(ahead.successors(root))
    near, far = index.steps([root, other], direction)
    pairs = sorted({(n, f) for n in (root, other) for f in ahead.successors(n)})
    assert list(zip(near.tolist(), far.tolist(), strict=True)) == pairs
    found = index.path(root, other, limit=100)
    expected = list(nx.all_shortest_paths(graph, root, other)) if nx.has_path(graph, root, other) else []
    assert found == sorted(expected)[:100]
    inside = index.edges_among(range(NODES))
    assert list(zip(inside.source.tolist(), inside.target.tolist(), strict=True)) == sorted(graph.edges)
    assert index.edge_count == graph.number_of_edges()
    index.compact()
    assert index.walk(root, direction=direction).ids.tolist() == reach.ids.tolist()
    assert (index.edge_count, index.snapshot.overlay_count) == (graph.number_of_edges(), 0)


@checked
@given(
    edges=thinned_edges(),
    known_mappings=mappings(),
    splits=splits_of,
    root=nodes,
    fields=st.sets(st.integers(0, 5) | st.integers(0, 200), max_size=3),
    direction=directions,
    depth=st.none() | st.integers(0, 4),
)
def test_no_field_goes_along_what_was_withdrawn(kernel, edges, known_mappings, splits, root, fields, direction, depth):
    """Fields reached and trails lost are those of a walk over single fields of what is left."""
    index = split_index(edges, splits, kernel, known_mappings)
    reached, lost = by_field_graph(known(edges), known_mappings, {root: fields}, direction, depth, NODES)
    got = index.walk_columns({root: fields}, direction=direction, depth=depth)
    assert {(node, field) for node in got for field in got.fields(node)} == reached
    assert set(zip(got.lost_source.tolist(), got.lost_target.tolist(), strict=True)) == lost


def large_edges(rng: np.random.Generator, count: int) -> list[Edge]:
    """Three edges a node, mostly to higher ids and near, as data arrives."""
    ends = np.stack([rng.integers(0, count, 3 * count), rng.integers(1, 400, 3 * count)], axis=1)
    ends[:, 1] = np.minimum(ends[:, 0] + ends[:, 1], count - 1)
    return [Edge(*pair) for pair in np.where(rng.random((3 * count, 1)) < 0.95, ends, ends[:, ::-1]).tolist()]


def test_large_walks_agree_with_a_fresh_graph(kernel):
    """Thousands of edges withdrawn from the base and from segments, and late ones against the order of the ids, leave
    the closure of a graph built from what is left; with the threshold of the sweep well behind."""
    rng, count = np.random.default_rng(3), 40_000
    edges = large_edges(rng, count)
    source = MemorySource(edges[:110_000], node_count=count)
    index = GraphIndex.open(None, source, kernel=kernel, auto_compact=False)
    source.edges = list(edges)
    index.refresh()
    for _ in range(6):
        picked = rng.integers(0, len(edges), 600).tolist()
        late = rng.integers(0, count, (300, 2)).tolist()
        source.edges += [edges[at]._replace(withdrawn=True) for at in picked] + [Edge(*pair) for pair in late]
        index.refresh()
    assert index.snapshot.into.base.gone_count > 2000
    assert index.builds == 1
    fresh = GraphIndex.open(None, MemorySource(known(source.edges), node_count=count), kernel="python")
    assert index.edge_count == fresh.edge_count
    for direction, root in (("downstream", 5), ("upstream", count - 5)):
        reach, expected = (one.walk(root, direction=direction) for one in (index, fresh))
        assert len(expected) > 20_000
        assert reach.ids.tolist() == expected.ids.tolist()
        assert reach.counts_by_kind.tolist() == expected.counts_by_kind.tolist()
        assert reach.levels.tolist() == expected.levels.tolist()


def test_a_walk_under_way_keeps_what_it_had(kernel):
    """An answer taken before edges were withdrawn still has them in its levels, and none of the new."""
    source = MemorySource([Edge(0, 1), Edge(1, 2), Edge(2, 3)])
    index = GraphIndex.open(None, source, kernel=kernel)
    reach = index.walk(0, direction="downstream")
    source.edges += [Edge(1, 2, withdrawn=True), Edge(5, 2), Edge(0, 5)]
    index.refresh()
    assert reach.levels.tolist() == [0, 1, 2, 3]
    assert index.walk(0, direction="downstream").ids.tolist() == [0, 1, 2, 3, 5]
    assert index.walk(0, direction="downstream").levels.tolist() == [0, 1, 2, 3, 1]


def test_so_much_withdrawn_that_a_base_is_made_anew(kernel):
    """The source is not read again for it: the edges are all there."""
    count = 60_000
    edges = [Edge(n, n + 1) for n in range(count - 1)]
    source = MemorySource(edges, node_count=count)
    index = GraphIndex.open(None, source, kernel=kernel)
    source.edges = edges + [edge._replace(withdrawn=True) for edge in edges[20_000:40_000]]
    index.refresh()
    assert (index.snapshot.overlay_count, index.builds) == (0, 1)
    assert len(index.walk(0, direction="downstream")) == 20_001


def test_below_the_floor_everything_is_read_again(kernel, tmp_path):
    """A state, held or saved, of before the last withdrawal that is told no more starts again; a later one does not."""
    count = 20_000
    edges = [Edge(n, n + 1) for n in range(count - 1)]
    source = MemorySource(edges, node_count=count)
    index = GraphIndex.open(tmp_path, source, kernel=kernel)
    assert index.snapshot.generation == 1
    # As a store does that forgets: the edge is not there for those who begin, and its withdrawal is told to nobody.
    source.edges = [*edges[:100], edges[0], *edges[101:], edges[1]]
    source.floor = len(edges)
    assert index.refresh() == 1
    assert (index.builds, len(index.walk(0, direction="downstream"))) == (1, count)
    source.edges += [edges[1]]
    source.floor = len(source.edges)
    assert index.refresh() == count + 1
    assert (index.builds, len(index.walk(0, direction="downstream"))) == (2, 101)
    for told, builds in ((0, 0), (1, 1)):
        source.edges += [edges[1]] * told
        source.floor += told
        other = GraphIndex.open(tmp_path, source, kernel=kernel)
        assert (other.builds, len(other.walk(0, direction="downstream"))) == (builds, 101)


def test_a_floor_that_rises_while_edges_are_read(kernel):
    """What was read before it rose may lack a withdrawal: it is read again."""

    class Forgetful(MemorySource):
        def edges_since(self, seq, limit):
            batch = super().edges_since(seq, limit)
            if self.floor == 0:
                self.floor = 2
                self.edges[1] = Edge(7, 8)
            return batch

    index = GraphIndex.open(None, Forgetful([Edge(0, 1), Edge(1, 2)]), kernel=kernel)
    assert index.walk(0, direction="downstream").ids.tolist() == [0, 1]


@pytest.mark.parametrize("more", [{"timed": True}, {"labelled": True}])
def test_an_edge_with_a_label_or_interval_is_not_withdrawn_so(kernel, more):
    """It is not known which one is meant: the store is told."""
    with pytest.raises(StoreCorrupt, match="empty interval"):
        GraphIndex.open(None, MemorySource([Edge(0, 1), Edge(0, 1, withdrawn=True)], **more), kernel=kernel)
