"""Column walks: masks against an explicit graph of fields."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from index_graphs import KERNELS, NODES, Edge, MemorySource, checked, known, mappings, nodes, timed_edges

from headwater.errors import InvalidInput, StoreCorrupt
from headwater.storage.index import IDENTITY_MAPPING, OPEN_END, ColumnMapping, GraphIndex, columns
from headwater.storage.index.csr import Adjacency
from headwater.storage.index.kernels import choose
from headwater.storage.index.walk_request import Question

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
    assert sum(len(everything.fields(node)) for node in everything) == 31 * width
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
    assert index.walk_columns({0: [0]}, direction="downstream").lost_source.tolist() == [0]
    source.edges += [Edge(0, 1, mapping=1), Edge(2, 3)]
    index.refresh()
    source.edges += [Edge(1, 2, mapping=2), Edge(2, 3, mapping=IDENTITY_MAPPING)]
    index.refresh()
    reach = index.walk_columns({0: [0]}, direction="downstream")
    assert {n: reach.fields(n) for n in reach} == {0: [0], 1: [3], 2: [5], 3: [5]}
    assert reach.lost_source.tolist() == []
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


BORDERS = np.array([0, 1, 2, 3, 5, 31, 62, 63, 64, 65, 127, 128, 200])
"""Field positions at the ends of words and a few within; those that come first come most."""


def mixed_mappings(rng: np.random.Generator) -> dict[int, ColumnMapping]:
    """Mappings that hand on in place, that move fields, within a word and beyond it, and that do all of it."""

    def drawn(count: int, below: int) -> np.ndarray:
        positions = BORDERS[below > BORDERS]
        return positions[np.minimum(rng.geometric(0.2, count) - 1, len(positions) - 1)]

    made = {}
    for number in range(1, 41):
        below = (64, 64, 64, 201)[number % 4]
        near, far = drawn(number % 9, below), drawn(number % 9, below)
        same = drawn(number % 3, below)
        pairs = zip([*near.tolist(), *same.tolist()], [*far.tolist(), *same.tolist()], strict=True)
        made[number] = columns(list(pairs), is_identity=number % 10 == 0)
    return made


def masks_of(reach) -> dict[int, int]:
    """The fields of each node reached."""
    return {node: reach.mask(node) for node in reach}


@settings(max_examples=8, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    as_of=st.none() | st.integers(0, 6),
    direction=st.sampled_from(["upstream", "downstream"]),
    late=st.sampled_from([0, 0.02, 0.3]),
    cut=st.none() | st.integers(900, 1500),
    held_back=st.sampled_from([0, 40]),
    is_timed=st.booleans(),
)
def test_wide_and_narrow_fields_agree_with_the_reference(
    kernel, seed, as_of, direction, late, cut, held_back, is_timed
):
    """Over thousands of edges, some leading back, with and without intervals, cut by id or instant, from base and
    overlay, fields on both sides of 64 are those of the walk in plain Python; a budget keeps some of them."""
    rng = np.random.default_rng(seed)
    count = 1500
    near = rng.integers(0, count, 3 * count)
    far = np.minimum(near + rng.geometric(0.02, len(near)), count - 1)
    is_late = rng.random(len(near)) < late
    near, far = np.where(is_late, far, near), np.where(is_late, near, far)
    start, end = rng.integers(0, 3, len(near)), rng.integers(3, 8, len(near))
    numbers = rng.integers(0, 41, len(near))
    parts = (near.tolist(), far.tolist(), start.tolist(), end.tolist(), numbers.tolist())
    edges = [Edge(a, b, f, t, 0, m) for a, b, f, t, m in zip(*parts, strict=True)]
    known_mappings = mixed_mappings(rng)
    source = MemorySource(edges[held_back:], node_count=count, mappings=known_mappings, timed=is_timed)
    index = GraphIndex.open(None, source, kernel=kernel, auto_compact=False)
    source.edges = edges[held_back:] + edges[:held_back]
    index.refresh()
    whole = MemorySource(source.edges, node_count=count, mappings=known_mappings, timed=is_timed)
    reference = GraphIndex.open(None, whole, kernel="python")
    first = 0 if direction == "downstream" else count - 60
    roots = {first + i: BORDERS[i % len(BORDERS) :: 3].tolist() for i in range(60)}
    question = {"direction": direction, "as_of": as_of if is_timed else None, "cut": cut}
    expected = reference.walk_columns(roots, **question)
    got = index.walk_columns(roots, **question)
    assert masks_of(got) == masks_of(expected)
    assert got.lost_source.tolist() == expected.lost_source.tolist()
    assert got.lost_target.tolist() == expected.lost_target.tolist()
    budget = max(len(expected) * 2 // 3, 1)
    few = index.walk_columns(roots, **question, budget=budget)
    assert len(few) <= budget
    assert few.truncated == (len(expected) > budget)
    assert all(few.mask(node) & ~expected.mask(node) == 0 for node in few)
    assert masks_of(index.walk_columns(roots, **question)) == masks_of(expected)


def test_an_edge_that_leads_far_back_is_followed(kernel):
    """Fields handed on to a node that came hundreds of thousands before are handed on from there, both ways."""
    stops = [0, 250_000, 10, 260_000, 20, 21]
    edges = [Edge(a, b, mapping=IDENTITY_MAPPING) for a, b in pairwise(stops)]
    index = GraphIndex.open(None, MemorySource(edges, node_count=300_000, mappings={}), kernel=kernel)
    assert list(index.walk_columns({0: [5]}, direction="downstream")) == sorted(stops)
    assert list(index.walk_columns({21: [5, 99]}, direction="upstream")) == sorted(stops)


@pytest.mark.parametrize("direction", ["upstream", "downstream"])
def test_numbers_of_every_size_say_the_same(kernel, direction):
    """A mapping's number is stored in one, two or four bytes: each is read as it is, in both directions."""
    rng = np.random.default_rng(5)
    ends = np.sort(rng.integers(0, 400, (900, 2)), axis=1)
    edges = [Edge(a, b, mapping=int(m)) for (a, b), m in zip(ends.tolist(), rng.integers(0, 41, 900), strict=True)]
    source = MemorySource(edges, node_count=400, mappings=mixed_mappings(rng))
    index = GraphIndex.open(None, source, kernel=kernel)
    snapshot, table = index.latest
    graph = snapshot.out if direction == "downstream" else snapshot.into
    walker = choose(kernel)
    masks = {3: 7, 5: 1 << 70 | 3} if direction == "downstream" else {390: 7, 396: 1 << 70 | 3}
    question = Question(np.array(list(masks), np.uint32), 400, 400, None, direction == "downstream")
    found = []
    for size in (np.uint8, np.uint16, np.uint32):
        rows = msgspec.structs.replace(graph.base, mapping=graph.base.mapping.astype(size))
        trail = walker.trail(Adjacency(rows), question, masks, table, is_upstream=direction == "upstream")
        found.append((trail.ids.tolist(), trail.words.tolist(), sorted(map(tuple, trail.beyond.tolist()))))
    assert found[0] == found[1] == found[2]
    assert len(found[0][0]) > 30


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
