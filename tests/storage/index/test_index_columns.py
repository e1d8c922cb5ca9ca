"""Column walks: masks against an explicit graph of fields."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from index_graphs import KERNELS, NODES, Edge, MemorySource, checked, known, mappings, nodes, timed_edges

from headwater.errors import InvalidInput, StoreCorrupt
from headwater.storage.index import IDENTITY_MAPPING, OPEN_END, ColumnMapping, GraphIndex, columns

pytestmark = pytest.mark.parametrize("kernel", KERNELS)
FIELDS = 201

mapping_ids = st.integers(0, 6) | st.just(IDENTITY_MAPPING)
root_fields = st.dictionaries(nodes, st.sets(st.integers(0, 5) | st.integers(0, FIELDS - 1), max_size=3), max_size=3)


def split_index(edges, splits, kernel, known_mappings, *, timed=False):
    """An index that saw the edges in several refreshes."""
    source = MemorySource(timed=timed, labelled=timed, mappings=known_mappings)
    index = GraphIndex.open(None, source, kernel=kernel)
    for stop in [*sorted(splits), len(edges)]:
        source.edges = edges[: max(stop, len(source.edges))]
        index.refresh()
    return index


def field_edges(edge: Edge, known_mappings: dict[int, ColumnMapping]) -> set[tuple[int, int]]:
    """The pairs of positions that an edge joins."""
    if edge.mapping == 0:
        return set()
    same = {(f, f) for f in range(FIELDS)}
    if edge.mapping == IDENTITY_MAPPING:
        return same
    mapping = known_mappings[edge.mapping]
    pairs = set(zip(mapping.source_fields.tolist(), mapping.target_fields.tolist(), strict=True))
    return pairs | same if mapping.is_identity else pairs


def by_field_graph(edges, known_mappings, roots, direction, depth, cut):
    """Reached (node, field) pairs and the unmapped edges met, over one vertex for each field."""
    forward = {}
    for e in edges:
        if max(e.source, e.target) < cut:
            for a, b in field_edges(e, known_mappings):
                near, far = (
                    ((e.source, a), (e.target, b)) if direction == "downstream" else ((e.target, b), (e.source, a))
                )
                forward.setdefault(near, set()).add(far)
    level = {(n, f) for n, fields in roots.items() if n < cut for f in fields}
    reached, walked = set(level), set()
    hops = 0
    while level and (depth is None or hops < depth):
        walked |= {n for n, _ in level}
        level = {far for near in level for far in forward.get(near, ())} - reached
        reached |= level
        hops += 1
    lost = {
        (e.source, e.target)
        for e in edges
        if e.mapping == 0
        and max(e.source, e.target) < cut
        and (e.source if direction == "downstream" else e.target) in walked
    }
    return reached, lost


@checked
@given(
    edges=timed_edges(max_size=40),
    drawn=st.lists(mapping_ids, min_size=1, max_size=60),
    known_mappings=mappings(),
    splits=st.lists(st.integers(0, 52), max_size=2),
    roots=root_fields,
    direction=st.sampled_from(["upstream", "downstream"]),
    depth=st.none() | st.integers(0, 4),
    cut=st.none() | st.integers(0, NODES),
    as_of=st.none() | st.integers(-1, 8),
)
def test_columns_equal_the_explicit_field_graph(
    kernel, edges, drawn, known_mappings, splits, roots, direction, depth, cut, as_of
):
    """Fields reached and trails lost are those of a walk over single fields, at any depth, cut, instant and split."""
    edges = [e._replace(mapping=drawn[i % len(drawn)]) for i, e in enumerate(edges)]
    index = split_index(edges, splits, kernel, known_mappings, timed=True)
    held = [e for e in known(edges) if as_of is None or e.valid_from <= as_of < e.valid_to]
    reached, lost = by_field_graph(held, known_mappings, roots, direction, depth, NODES if cut is None else cut)
    got = index.walk_columns(roots, direction=direction, depth=depth, cut=cut, as_of=as_of)
    assert {(node, field) for node in got for field in got.fields(node)} == reached
    assert set(zip(got.lost_source.tolist(), got.lost_target.tolist(), strict=True)) == lost
    assert got.is_partial == bool(lost)
    assert got.field_count == len(reached)
    assert got.ids.tolist() == sorted({node for node, _ in reached})
    assert not got.truncated


def chain(width: int, length: int) -> MemorySource:
    """Datasets of one width in a row, each field moved on by one position, the last to the first."""
    turn = columns([(f, (f + 1) % width) for f in range(width)])
    edges = [Edge(i, i + 1, mapping=1 if i % 2 else IDENTITY_MAPPING) for i in range(length)]
    return MemorySource(edges, node_count=length + 1, mappings={1: turn})


@pytest.mark.parametrize("width", [1, 63, 64, 65, 128, 3581])
def test_any_width_is_carried(kernel, width):
    """Fields are followed exactly in datasets of one, of a word's and of several thousand columns, both ways."""
    index = GraphIndex.open(None, chain(width, 30), kernel=kernel)
    there = index.walk_columns({0: [width - 1]}, direction="downstream")
    assert there.fields(30) == [(width - 1 + 15) % width]
    back = index.walk_columns({30: there.mask(30)}, direction="upstream")
    assert back.fields(0) == [width - 1]
    everything = index.walk_columns({0: (1 << width) - 1}, direction="downstream")
    assert everything.field_count == 31 * width
    assert 30 in everything
    assert 31 not in everything


def test_a_budget_of_nodes_truncates_a_column_walk(kernel):
    """No more nodes than the budget are returned, and the answer says so; then the index works on."""
    index = GraphIndex.open(None, chain(70, 30), kernel=kernel)
    few = index.walk_columns({0: [69]}, direction="downstream", budget=10)
    assert few.truncated
    assert len(few) == 10
    whole = index.walk_columns({0: [69]}, direction="downstream", budget=31)
    assert not whole.truncated
    assert len(whole) == 31


def test_a_mapping_found_later_replaces_the_unknown_one(kernel):
    """An edge sent again with a mapping closes the gap, in the base and in the overlay."""
    source = MemorySource([Edge(0, 1), Edge(1, 2)], mappings={1: columns([(0, 3)]), 2: columns([(3, 5)])})
    index = GraphIndex.open(None, source, kernel=kernel)
    assert index.walk_columns({0: [0]}, direction="downstream").is_partial
    source.edges += [Edge(0, 1, mapping=1), Edge(2, 3)]
    index.refresh()
    source.edges += [Edge(1, 2, mapping=2), Edge(2, 3, mapping=IDENTITY_MAPPING)]
    index.refresh()
    reach = index.walk_columns({0: [0]}, direction="downstream")
    assert {n: reach.fields(n) for n in reach} == {0: [0], 1: [3], 2: [5], 3: [5]}
    assert not reach.is_partial
    assert index.edge_count == 3


def test_edges_carry_the_ids_of_their_mappings(kernel):
    """What is drawn names mappings as the source does."""
    source = MemorySource([Edge(0, 1, mapping=70_000), Edge(1, 2)], mappings={70_000: columns([(0, 0)])})
    index = GraphIndex.open(None, source, kernel=kernel)
    edges = index.edges_among([0, 1, 2])
    assert edges.mapping is not None
    assert edges.mapping.tolist() == [70_000, 0]


def test_many_mappings_are_kept_apart(kernel):
    """Numbers of one, two and more bytes, arriving in batches, each reach their own field."""
    count = 400
    known_mappings = {i: columns([(0, i % 60)]) for i in range(1, count + 1)}
    edges = [Edge(0, i, mapping=i) for i in range(1, count + 1)]
    source = MemorySource(edges[:100], node_count=count + 1, mappings=known_mappings)
    index = GraphIndex.open(None, source, kernel=kernel)
    source.edges = edges
    index.refresh()
    index.compact()
    source.edges = [*edges, Edge(0, 1, mapping=count)]
    index.refresh()
    reach = index.walk_columns({0: [0]}, direction="downstream")
    assert reach.fields(1) == [count % 60]
    assert all(reach.fields(i) == [i % 60] for i in range(2, count + 1))


def test_large_column_walks_agree_with_the_reference(kernel):
    """A graph of thousands of nodes with late ids gives the same fields in every kernel, both ways."""
    rng = np.random.default_rng(11)
    count = 3000
    pairs = rng.integers(0, 90, (20, 12, 2))
    known_mappings = {
        i: columns([tuple(p) for p in pairs[i - 1].tolist()], is_identity=i % 3 == 0) for i in range(1, 21)
    }
    ends = rng.integers(0, count, (2 * count, 2))
    ends = np.where(rng.random((2 * count, 1)) < 0.9, np.sort(ends, axis=1), ends)
    edges = [
        Edge(a, b, mapping=int(m)) for (a, b), m in zip(ends.tolist(), rng.integers(0, 21, 2 * count), strict=True)
    ]
    source = MemorySource(edges, node_count=count, mappings=known_mappings)
    index = GraphIndex.open(None, source, kernel=kernel)
    reference = GraphIndex.open(None, source, kernel="python")
    for direction, root in (("downstream", 3), ("upstream", count - 5)):
        got = index.walk_columns({root: [1, 70]}, direction=direction)
        expected = reference.walk_columns({root: [1, 70]}, direction=direction)
        assert {n: got.mask(n) for n in got} == {n: expected.mask(n) for n in expected}
        assert got.lost_source.tolist() == expected.lost_source.tolist()
        assert got.lost_target.tolist() == expected.lost_target.tolist()


def test_bad_fields_are_refused(kernel):
    """Negative positions and masks are refused by name; a mapping with impossible fields is a damaged store."""
    source = MemorySource([Edge(0, 1, 0, OPEN_END, 0, 1)], mappings={1: columns([(0, 2**21)])})
    index = GraphIndex.open(None, source, kernel=kernel)
    with pytest.raises(InvalidInput, match="field positions"):
        index.walk_columns({0: [-1]}, direction="downstream")
    with pytest.raises(InvalidInput, match="bit mask"):
        index.walk_columns({0: -2}, direction="downstream")
    with pytest.raises(StoreCorrupt, match="fields that cannot exist"):
        index.walk_columns({0: [0]}, direction="downstream")
