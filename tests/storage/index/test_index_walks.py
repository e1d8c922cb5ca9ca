"""Walks: every kernel against recursive SQL and networkx, over every split of the edges into base and overlay."""

from __future__ import annotations

import sqlite3
from functools import cache
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from index_graphs import KERNELS, NODES, Edge, MemorySource, checked, known, nodes, plain_edges, timed_edges

from headwater.errors import ConfigError, InvalidInput, StoreCorrupt
from headwater.storage.index import OPEN_END, EdgeBatch, GraphIndex

pytestmark = pytest.mark.parametrize("kernel", KERNELS)
directions = st.sampled_from(["upstream", "downstream"])
roots_of = st.sets(nodes, min_size=1, max_size=3)


def split_index(edges: list[Edge], splits: list[int], kernel: str, **options: bool) -> GraphIndex:
    """An index that saw the edges in several refreshes, the first into the base."""
    source = MemorySource(**options)
    index = GraphIndex.open(None, source, kernel=kernel)
    for stop in [*sorted(splits), len(edges)]:
        source.edges = edges[: max(stop, len(source.edges))]
        index.refresh()
    return index


def by_sql(edges: list[Edge], roots: set[int], direction: str, depth: int | None, cut: int) -> dict[int, int]:
    """Reached nodes with their least hop, by a recursive common table expression."""
    near, far = ("source", "target") if direction == "downstream" else ("target", "source")
    with sqlite3.connect(":memory:") as db:
        db.execute("CREATE TABLE edge (source INT, target INT)")
        db.execute("CREATE TABLE root (id INT)")
        db.executemany("INSERT INTO edge VALUES (?, ?)", [(e.source, e.target) for e in edges])
        db.executemany("INSERT INTO root VALUES (?)", [(r,) for r in roots if r < cut])
        rows = db.execute(
            f"WITH RECURSIVE walk (id, hop) AS (SELECT id, 0 FROM root UNION SELECT {far}, hop + 1 FROM walk "
            f"JOIN edge ON {near} = id WHERE {far} < ? AND hop < ?) SELECT id, min(hop) FROM walk GROUP BY id",
            (cut, NODES + 1 if depth is None else depth),
        ).fetchall()
    db.close()
    return dict(rows)


@checked
@given(
    edges=plain_edges(),
    splits=st.lists(st.integers(0, 60), max_size=3),
    roots=roots_of,
    direction=directions,
    depth=st.none() | st.integers(0, 5),
    cut=st.none() | st.integers(0, NODES),
)
def test_walk_equals_recursive_sql(kernel, edges, splits, roots, direction, depth, cut):
    """Ids, levels and counts by kind are those of a recursive query, at any depth, cut and split."""
    reach = split_index(edges, splits, kernel).walk(roots, direction=direction, depth=depth, cut=cut)
    expected = by_sql(edges, roots, direction, depth, NODES if cut is None else cut)
    assert dict(zip(reach.ids.tolist(), reach.levels.tolist(), strict=True)) == expected
    assert reach.ids.tolist() == sorted(expected)
    assert reach.counts_by_kind.tolist() == [sum(n % 5 == k for n in expected) for k in range(256)]
    whole = by_sql(edges, roots, direction, None, NODES if cut is None else cut)
    assert reach.has_more == (len(whole) > len(expected))
    assert not reach.truncated


@checked
@given(edges=plain_edges(), splits=st.lists(st.integers(0, 60), max_size=2), root=nodes, direction=directions)
def test_walk_equals_networkx(kernel, edges, splits, root, direction):
    """The closure is the descendants, or the ancestors, and the root itself."""
    graph = nx.DiGraph([(e.source, e.target) for e in edges])
    graph.add_nodes_from(range(NODES))
    relatives = nx.descendants(graph, root) if direction == "downstream" else nx.ancestors(graph, root)
    reach = split_index(edges, splits, kernel).walk(root, direction=direction)
    assert set(reach.ids.tolist()) == relatives | {root}
    assert not reach.has_more
    assert not reach.truncated


@checked
@given(
    edges=timed_edges(),
    splits=st.lists(st.integers(0, 72), max_size=3),
    roots=roots_of,
    direction=directions,
    as_of=st.none() | st.integers(-1, 8),
    depth=st.none() | st.integers(0, 4),
    labelled=st.booleans(),
)
def test_as_of_follows_the_edges_that_held_then(kernel, edges, splits, roots, direction, as_of, depth, labelled):
    """With an instant only edges whose interval holds it are followed; without, all that ever held."""
    if not labelled:
        edges = [e._replace(label=0) for e in edges]
    index = split_index(edges, splits, kernel, timed=True, labelled=labelled)
    held = [e for e in known(edges) if as_of is None or e.valid_from <= as_of < e.valid_to]
    reach = index.walk(roots, direction=direction, as_of=as_of, depth=depth)
    expected = by_sql(held, roots, direction, depth, NODES)
    assert dict(zip(reach.ids.tolist(), reach.levels.tolist(), strict=True)) == expected


@checked
@given(edges=plain_edges(), splits=st.lists(st.integers(0, 60), max_size=2), roots=roots_of, budget=st.integers(0, 30))
def test_budget_keeps_the_nearest_and_says_so(kernel, edges, splits, roots, budget):
    """A walk over its budget keeps that many nodes, none farther than one left out, and is marked as truncated."""
    index = split_index(edges, splits, kernel)
    whole = by_sql(edges, roots, "downstream", None, NODES)
    reach = index.walk(roots, direction="downstream", budget=budget)
    assert reach.truncated == (len(whole) > budget)
    assert len(reach) == min(budget, len(whole))
    kept = dict(zip(reach.ids.tolist(), reach.levels.tolist(), strict=True))
    assert all(whole[node] == level for node, level in kept.items())
    left_out = [level for node, level in whole.items() if node not in kept]
    assert not kept or not left_out or max(kept.values()) <= min(left_out)


@checked
@given(edges=plain_edges(), root=nodes, wanted=st.sets(st.integers(0, 4)))
def test_kinds_filter_the_answer_and_not_the_way(kernel, edges, root, wanted):
    """Nodes of other kinds are passed through and left out."""
    index = split_index(edges, [], kernel)
    mask = sum(1 << kind for kind in wanted)
    reach = index.walk(root, direction="downstream", kinds=mask)
    whole = index.walk(root, direction="downstream").ids.tolist()
    assert reach.ids.tolist() == [node for node in whole if node % 5 in wanted]
    assert int(reach.counts_by_kind.sum()) == len(reach)


@checked
@given(
    edges=plain_edges(),
    splits=st.lists(st.integers(0, 60), max_size=2),
    ends=st.tuples(nodes, nodes),
    cut=st.none() | st.integers(0, NODES),
    limit=st.integers(1, 4),
)
def test_path_gives_shortest_paths(kernel, edges, splits, ends, cut, limit):
    """As many shortest paths as asked for, in order; none when there is none."""
    graph = nx.DiGraph([(e.source, e.target) for e in edges])
    graph.add_nodes_from(range(NODES))
    graph.remove_nodes_from(range(NODES if cut is None else cut, NODES))
    found = split_index(edges, splits, kernel).path(*ends, cut=cut, limit=limit)
    if all(graph.has_node(end) for end in ends) and nx.has_path(graph, *ends):
        assert found == sorted(nx.all_shortest_paths(graph, *ends))[:limit]
    else:
        assert found == []


@checked
@given(edges=timed_edges(), splits=st.lists(st.integers(0, 72), max_size=2), roots=roots_of, as_of=st.integers(-1, 8))
def test_edges_among_the_nodes_of_a_walk_are_those_that_held_between_them(kernel, edges, splits, roots, as_of):
    """Source, target, interval and label of every edge inside the answer, by source and target."""
    index = split_index(edges, splits, kernel, timed=True, labelled=True)
    reach = index.walk(roots, direction="downstream", as_of=as_of)
    inside = set(reach.ids.tolist())
    expected = sorted(
        (e.source, e.target, e.label, e.valid_from, e.valid_to)
        for e in known(edges)
        if e.valid_from <= as_of < e.valid_to and {e.source, e.target} <= inside
    )
    got = index.edges_among(reach.ids, as_of=as_of)
    arrays = [a.tolist() for a in (got.source, got.target, got.label, got.valid_from, got.valid_to) if a is not None]
    assert list(zip(*arrays, strict=True)) == expected


@checked
@given(edges=plain_edges(), splits=st.lists(st.integers(0, 60), max_size=2), node=nodes)
def test_neighbours_are_one_edge_away(kernel, edges, splits, node):
    """Each neighbour once, ascending, in both directions."""
    index = split_index(edges, splits, kernel)
    assert index.neighbours(node, "downstream").tolist() == sorted({e.target for e in edges if e.source == node})
    assert index.neighbours(node, "upstream").tolist() == sorted({e.source for e in edges if e.target == node})


@checked
@given(
    edges=timed_edges(),
    splits=st.lists(st.integers(0, 72), max_size=2),
    roots=roots_of,
    direction=directions,
    as_of=st.integers(-1, 8),
    depth=st.none() | st.integers(0, 4),
    limit=st.none() | st.integers(1, 30),
)
def test_nearest_are_the_first_by_hops_and_id(kernel, edges, splits, roots, direction, as_of, depth, limit):
    """Exactly the least by (hops, id), whatever order the kernel meets them in, and all that is reached beside."""
    index = split_index(edges, splits, kernel, timed=True, labelled=True)
    held = [e for e in known(edges) if e.valid_from <= as_of < e.valid_to]
    expected = by_sql(held, roots, direction, depth, NODES)
    found = index.nearest(roots, direction=direction, depth=depth, as_of=as_of, limit=limit)
    first = sorted(expected.items(), key=lambda item: (item[1], item[0]))[:limit]
    assert list(zip(found.ids.tolist(), found.hops.tolist(), strict=True)) == first
    assert found.everything.tolist() == sorted(expected)


@checked
@given(edges=timed_edges(), splits=st.lists(st.integers(0, 72), max_size=2), some=roots_of, as_of=st.integers(-1, 8))
def test_steps_are_the_neighbours_of_many(kernel, edges, splits, some, as_of):
    """(near, far) pairs once each, in order, and how many of them lead out of a set."""
    index = split_index(edges, splits, kernel, timed=True, labelled=True)
    held = [e for e in known(edges) if e.valid_from <= as_of < e.valid_to]
    pairs = sorted({(e.target, e.source) for e in held if e.target in some})
    near, far = index.steps(some, "upstream", as_of=as_of)
    assert list(zip(near.tolist(), far.tolist(), strict=True)) == pairs
    counts = {node: sum(a == node and b not in some for a, b in pairs) for node in some}
    beyond = index.beyond(some, "upstream", kept=some, as_of=as_of)
    assert beyond == {node: count for node, count in counts.items() if count}


@checked
@given(edges=plain_edges(max_size=40), splits=st.lists(st.integers(0, 40), max_size=3), roots=roots_of)
def test_compaction_changes_no_answer(kernel, edges, splits, roots):
    """Before and after, walks agree and repeated edges count once."""
    index = split_index(edges, splits, kernel)
    before = index.walk(roots, direction="upstream").ids.tolist()
    index.compact()
    assert index.walk(roots, direction="upstream").ids.tolist() == before
    assert index.edge_count == len({(e.source, e.target) for e in edges})
    assert index.snapshot.overlay_count == 0


LARGE = 60_000
"""Nodes beyond which a kernel changes its method."""


class Reference:
    """The answers of the reference for a large graph. No test changes what is here, and every kernel is compared with
    the same."""

    def __init__(self, edges: list[Edge], count: int, *, timed: bool = False) -> None:
        self.edges = edges
        self._index = GraphIndex.open(None, MemorySource(edges, node_count=count, timed=timed), kernel="python")

    @cache  # noqa: B019 - there are a few of these, for as long as the tests run
    def walk(self, root: int, **asked: Any) -> tuple[list[int], list[int], list[int]]:
        """Ids, levels and counts by kind."""
        reach = self._index.walk(root, **asked)
        return reach.ids.tolist(), reach.levels.tolist(), reach.counts_by_kind.tolist()


@cache
def chains(late_share: float) -> Reference:
    """A graph whose edges come from a little before, and some from anywhere, which are late."""
    rng = np.random.default_rng(7)
    target = np.arange(1, LARGE, dtype=np.int64)
    source = np.maximum(target - 1 - (rng.pareto(1.0, LARGE - 1) * 40).astype(np.int64), 0)
    late = rng.random(LARGE - 1) < late_share
    source[late] = rng.integers(0, LARGE, int(late.sum()))
    ends = np.stack([source, target], axis=1)[rng.permutation(LARGE - 1)].tolist()
    return Reference([Edge(*pair) for pair in ends], LARGE)


@pytest.mark.parametrize("direction", ["upstream", "downstream"])
@pytest.mark.parametrize("late_share", [0.0, 0.1, 1.0])
def test_large_walks_agree_with_the_reference(kernel, direction, late_share):
    """Beyond the size at which a kernel changes its method, ids out of order included, all kernels agree."""
    count, reference = LARGE, chains(late_share)
    half = MemorySource(reference.edges[: count // 2], node_count=count)
    index = GraphIndex.open(None, half, kernel=kernel, auto_compact=False)
    half.edges = reference.edges
    index.refresh()
    roots = [0, 5, 77] if direction == "downstream" else [count - 1, count - 2, count // 3]
    for root in roots:
        for cut in (count, count // 2):
            ids, _, kinds = reference.walk(root, direction=direction, cut=cut)
            got = index.walk(root, direction=direction, cut=cut)
            assert got.ids.tolist() == ids
            assert got.counts_by_kind.tolist() == kinds
            shallow = index.walk(root, direction=direction, cut=cut, depth=7)
            assert shallow.levels.tolist() == reference.walk(root, direction=direction, cut=cut, depth=7)[1]
            few = index.walk(root, direction=direction, cut=cut, budget=500)
            assert len(few) == min(500, len(ids))
            assert few.truncated == (len(ids) > 500)


@cache
def tangle(count: int, *, timed: bool) -> Reference:
    """A graph of ends a few ids away on either side, and ends anywhere."""
    rng = np.random.default_rng(11)
    near = rng.integers(0, count, count)
    ends = np.concatenate(
        [
            np.stack([near, np.clip(near + rng.integers(-70, 71, count), 0, count - 1)], axis=1),
            rng.integers(0, count, (count // 3, 2)),
        ]
    )
    times = rng.integers(0, 3, len(ends)).tolist()
    edges = [Edge(a, b, t, t + 2) for (a, b), t in zip(ends.tolist(), times, strict=True)]
    return Reference(edges, count, timed=timed)


@pytest.mark.parametrize("direction", ["upstream", "downstream"])
@pytest.mark.parametrize("timed", [False, True])
def test_large_walks_with_near_and_far_ends_take_each_node_once(kernel, direction, timed):
    """Ends a few ids away on either side, and ends anywhere: whatever the order in which nodes are met together, the
    ids and the counts by kind are those of the reference, over a base and an overlay."""
    count = 50_000
    reference = tangle(count, timed=timed)
    late = MemorySource(reference.edges[: len(reference.edges) // 2], node_count=count, timed=timed)
    index = GraphIndex.open(None, late, kernel=kernel, auto_compact=False)
    late.edges = reference.edges
    index.refresh()
    largest = 0
    for root in (0, count // 2, count - 1):
        for cut in (count, count - 100):
            for as_of in (None, 2) if timed else (None,):
                asked = {"direction": direction, "cut": cut, "as_of": as_of}
                ids, _, kinds = reference.walk(root, **asked)
                got = index.walk(root, **asked)
                assert got.ids.tolist() == ids
                assert got.counts_by_kind.tolist() == kinds
                largest = max(largest, len(got))
    assert largest > 20_000


@pytest.mark.parametrize("size", [1, 8, 63, 64, 65, 130, 700, 3000])
@pytest.mark.parametrize("apart", [1, 2, 7, 64, 600])
def test_walks_of_every_size_hand_out_each_id_once(kernel, size, apart):
    """Whether the ids reached fill whole words of a bit set, stand alone in one or end at the last node: exactly they
    are handed out, ascending, and the next walk finds nothing of this one."""
    count = 3000 * apart + 70
    ids = np.unique(np.concatenate([[0], count - 1 - apart * np.arange(size - 1)])).tolist()
    edges = [Edge(0, node) for node in ids[1:]]
    index = GraphIndex.open(None, MemorySource(edges, node_count=count), kernel=kernel)
    for _ in range(2):
        reach = index.walk(0, direction="downstream")
        assert reach.ids.tolist() == ids
        assert int(reach.counts_by_kind.sum()) == len(ids)
    assert index.walk(1, direction="downstream").ids.tolist() == [1]


def test_bad_questions_name_the_argument(kernel):
    """An unknown id, a negative limit or a wrong direction is refused by name."""
    index = split_index([Edge(0, 1)], [], kernel)
    with pytest.raises(InvalidInput, match="roots"):
        index.walk(NODES, direction="upstream")
    for root in (-1, 2**32, 2**70):
        with pytest.raises(InvalidInput, match="roots"):
            index.walk(root, direction="upstream")
    with pytest.raises(InvalidInput, match="roots"):
        index.walk([-1], direction="upstream")
    with pytest.raises(InvalidInput, match="depth"):
        index.walk(0, direction="upstream", depth=-1)
    with pytest.raises(InvalidInput, match="direction"):
        index.walk(0, direction="sideways")  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="as_of"):
        index.walk(0, direction="upstream", as_of=OPEN_END)


def test_an_edge_to_an_unknown_node_is_refused(kernel):
    """A source that names a node it does not have is found out at the door."""
    with pytest.raises(StoreCorrupt, match="target of an edge is node 99"):
        GraphIndex.open(None, MemorySource([Edge(0, 99)]), kernel=kernel)


def test_a_log_that_stands_still_is_refused(kernel):
    """A batch with edges and no newer sequence number would be read for ever."""

    class Stuck(MemorySource):
        def edges_since(self, seq: int, limit: int) -> EdgeBatch:
            batch = super().edges_since(0, limit)
            return EdgeBatch(seq, batch.source, batch.target)

    with pytest.raises(StoreCorrupt, match="does not advance"):
        GraphIndex.open(None, Stuck([Edge(0, 1)]), kernel=kernel)


def test_kernel_is_chosen_by_environment(kernel, monkeypatch):
    """HEADWATER_KERNEL names the kernel; an unknown name is refused with the names there are."""
    monkeypatch.setenv("HEADWATER_KERNEL", kernel)
    assert GraphIndex.open(None, MemorySource()).kernel == kernel
    monkeypatch.setenv("HEADWATER_KERNEL", "fast")
    with pytest.raises(ConfigError, match="one of compiled, numpy, python"):
        GraphIndex.open(None, MemorySource())
