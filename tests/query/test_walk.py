"""Walks against a naive closure over the store's edges, in both directions, at every instant."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.model.graph import Direction, How, NodeKind
from headwater.query import Lineage
from headwater.query.instants import MINUTE, read_instant
from headwater.query.names import node_id
from headwater.query.resolve import scan
from headwater.storage.base import Store
from headwater.storage.memory import MemoryStore
from headwater.storage.row_types import EdgeRow
from headwater.testing.events import dataset, facet, raw, schema, whole_run
from headwater.testing.events import lineage as lineage_facet

from .random_histories import COLUMNS, Step, events, steps

START = read_instant("2026-01-01T00:00:00Z") or 0
directions = st.sampled_from(list(Direction))


def filled(history: list[Step]) -> Store:
    """Return a memory store with the history in it."""
    store = MemoryStore.open()
    store.append(events(history))
    return store


def all_edges(store: Store, as_of: int | None) -> list[EdgeRow]:
    """Return every edge that holds at the instant, found by asking each node for all it ever had."""
    found = [edge for row in scan(store) for edge in store.edges(target_id=row.id)]
    if as_of is None:
        return [edge for edge in found if edge.valid_to is None]
    return [edge for edge in found if edge.valid_from <= as_of and (edge.valid_to is None or edge.valid_to > as_of)]


def closure(edges: list[EdgeRow], root: int, direction: Direction) -> dict[int, int]:
    """Return hops by node, by relaxing every edge until nothing changes."""
    hops = {root: 0}
    is_changed = True
    while is_changed:
        is_changed = False
        for edge in edges:
            near, far = edge.target_id, edge.source_id
            if direction is Direction.DOWNSTREAM:
                near, far = far, near
            if near in hops and hops[near] + 1 < hops.get(far, 1_000):
                hops[far] = hops[near] + 1
                is_changed = True
    return hops


@settings(max_examples=30, deadline=None)
@given(steps, directions, st.one_of(st.none(), st.integers(0, 9)), st.one_of(st.none(), st.integers(0, 3)))
def test_a_walk_is_the_closure_over_valid_edges(
    history: list[Step], direction: Direction, minute: int | None, depth: int | None
) -> None:
    """Nodes, hops and edges are exactly those of the naive closure, for any direction, depth and instant."""
    store = filled(history)
    as_of = None if minute is None else START + minute * MINUTE
    edges = all_edges(store, as_of)
    for root in scan(store, kind=NodeKind.DATASET):
        graph = getattr(Lineage(store), direction.value)(node_id(root), depth=depth, as_of=as_of)
        hops = {key: hop for key, hop in closure(edges, root.id, direction).items() if depth is None or hop <= depth}
        names = {row.id: node_id(row) for row in store.nodes(sorted(hops))}
        assert {node.id: node.level for node in graph.datasets()} == {names[key]: hop for key, hop in hops.items()}
        inside = {(e.source_id, e.target_id) for e in edges if e.source_id in hops and e.target_id in hops}
        assert {(edge.source, edge.target) for edge in graph.edges} == {(names[a], names[b]) for a, b in inside}
        assert graph.total == len(hops)
        assert not graph.truncated


@settings(max_examples=20, deadline=None)
@given(steps, directions, st.integers(1, 4))
def test_a_limit_keeps_the_nearest_and_counts_the_rest(history: list[Step], direction: Direction, limit: int) -> None:
    """A cut answer holds the nearest nodes, says that it is cut, and counts hidden neighbours exactly."""
    store = filled(history)
    for root in scan(store, kind=NodeKind.DATASET):
        whole = getattr(Lineage(store), direction.value)(node_id(root))
        cut = getattr(Lineage(store), direction.value)(node_id(root), limit=limit)
        levels = sorted(node.level for node in whole.datasets())
        kept = {node.id for node in cut.datasets()}
        assert sorted(node.level for node in cut.datasets()) == levels[:limit]
        assert cut.total == whole.total
        assert cut.truncated == (len(levels) > limit)
        ends = {(e.target, e.source) if direction is Direction.UPSTREAM else (e.source, e.target) for e in whole.edges}
        for node in kept:
            assert cut.hidden.get(node, 0) == len({far for near, far in ends if near == node and far not in kept})


@settings(max_examples=30, deadline=None)
@given(steps, directions)
def test_a_column_walk_is_the_closure_over_column_edges(history: list[Step], direction: Direction) -> None:
    """Columns reached are exactly those of a naive closure over (table, column) pairs."""
    store = filled(history)
    pairs = set()
    rows = {row.id: node_id(row) for row in scan(store)}
    for edge in all_edges(store, None):
        for field in store.mapping_fields(edge):
            pairs.add(((rows[edge.source_id], field.source_field), (rows[edge.target_id], field.target_field)))
    for root in scan(store, kind=NodeKind.DATASET):
        for column in set(COLUMNS) & set(store.fields(root.id)):
            graph = getattr(Lineage(store), direction.value)(f"{node_id(root)}:{column}")
            found = {(node.id, name) for node in graph.datasets() for name in node.properties["fields"]}
            assert found == _column_closure(pairs, (node_id(root), column), direction)


def _column_closure(
    pairs: set[tuple[tuple[str, str], tuple[str, str]]], root: tuple[str, str], direction: Direction
) -> set[tuple[str, str]]:
    reached = {root}
    while True:
        more = set()
        for source, target in pairs:
            near, far = (target, source) if direction is Direction.UPSTREAM else (source, target)
            if near in reached and far not in reached:
                more.add(far)
        if not more:
            return reached
        reached |= more


def test_outputs_of_one_job_stay_apart(empty: Store) -> None:
    """A job that makes x from a, and y from b, does not make y from a."""
    empty.append(events([("j0", [("t2", ["t0"], None), ("t3", ["t1"], None)])]))
    graph = Lineage(empty).downstream("t0")
    assert {node.name for node in graph.datasets()} == {"t0", "t2"}
    assert [edge.job for edge in graph.edges] == ["job:etl:j0"]


def test_a_job_stands_for_its_inputs_and_outputs(lineage: Lineage) -> None:
    """Upstream of a job are the data it reads, one hop away; downstream those it writes."""
    up = lineage.upstream("train.py", depth=1)
    assert {node.name: node.level for node in up.nodes} == {"train.py": 0, "/project/work/features.parquet": 1}
    down = lineage.downstream("train.py", depth=2)
    assert [node.name.rpartition("/")[2] for node in down.datasets()] == ["tumour.pkl", "predictions.parquet"]


def test_as_of_sees_the_past(lineage: Lineage) -> None:
    """Before the first prediction the model existed and its use did not."""
    assert lineage.downstream("tumour.pkl", as_of="2026-03-03T10:03:30Z").edges == ()
    assert len(lineage.downstream("tumour.pkl", as_of="2026-03-03T10:04:30Z").edges) == 1


def test_unknown_columns_are_listed_not_guessed(lineage: Lineage) -> None:
    """A column walk stops at an edge without columns, and says so."""
    graph = lineage.downstream("predictions.parquet:probability")
    assert graph.edges == ()
    assert graph.gaps == ("no column lineage from out/predictions.parquet to out/report.csv (by report.py)",)


def told(store: Store, as_of: int | None) -> set[tuple[object, ...]]:
    """Every edge that holds at an instant, by names, with how it is known and the columns that it carries."""
    names = {row.id: node_id(row) for row in scan(store)}
    found = all_edges(store, as_of)
    mappings = {0: (), **store.mappings(sorted({edge.mapping for edge in found if edge.mapping}))}
    return {
        (*(names.get(key) for key in (edge.source_id, edge.target_id, edge.job_id)), edge.how, mappings[edge.mapping])
        for edge in found
    }


@settings(max_examples=40, deadline=None)
@given(steps, st.randoms(use_true_random=False))
def test_what_held_at_an_instant_is_what_was_known_then(history: list[Step], pick: Random) -> None:
    """Asked about a minute, edges carry the columns that they carried then, whatever later runs say; in any order."""
    shuffled = events(history)
    pick.shuffle(shuffled)
    store = MemoryStore.open()
    for event in shuffled:
        store.append([event])
    for minute in range(len(history)):
        assert told(store, START + minute * MINUTE) == told(filled(history[: minute + 1]), None)


def test_a_job_that_only_reads_is_no_gap() -> None:
    """It has no columns that could be known: where it ends, no column is missing."""
    store = MemoryStore.open()
    read = dataset("t", facets={"schema": schema("a")})
    store.append(raw(whole_run(1, "check", 0, [read])))
    store.append(raw(whole_run(2, "copy", 20, [read], ["copied"])))
    graph = Lineage(store).downstream("t:a")
    assert graph.gaps == ("no column lineage from t to copied (by copy)",)


def test_run_level_tells_versions_apart(lineage: Lineage) -> None:
    """The first prediction came from the first model, the second from the second."""
    first = lineage.upstream("predictions.parquet#v1", depth=1)
    second = lineage.upstream("predictions.parquet", level="run", depth=1)
    versions = [
        {node.properties["ordinal"] for node in graph.datasets() if node.type == "MODEL"} for graph in (first, second)
    ]
    assert versions == [{1}, {2}]


def test_run_level_leads_to_the_run_that_made_raw_data() -> None:
    """Also where that run read nothing; a hop further than what it made, so a shallower question does not show it."""
    store = MemoryStore.open()
    store.append(raw(whole_run(1, "make", 0, [], ["a"]) + whole_run(2, "copy", 20, ["a"], ["b"])))
    lineage = Lineage(store)
    whole, shallow = lineage.upstream("b", level="run"), lineage.upstream("b", level="run", depth=1)
    assert [(node.name, node.level) for node in whole.jobs()] == [("copy", 1), ("make", 2)]
    assert [node.name for node in shallow.jobs()] == ["copy"]
    (edge,) = lineage.upstream("a", level="run").edges
    assert (edge.source, edge.target) == (
        f"run:{edge.run}",
        next(node.id for node in whole.datasets() if node.name == "a"),
    )
    assert "make" in lineage.upstream("a", level="run").to_tree()


def test_run_level_says_how_flows_are_known() -> None:
    """As the edges between the datasets did when each version was made: what was concluded then is not declared now."""
    declared = {"lineage": lineage_facet({"out": ["a"]})}
    store = MemoryStore.open()
    store.append(
        raw(
            whole_run(1, "mix", 0, ["a", "b"], ["out"])
            + whole_run(2, "mix", 20, ["a", "b"], ["out"], job_facets=declared)
            + whole_run(3, "big", 40, [f"i{number}" for number in range(101)], [f"o{number}" for number in range(101)])
        )
    )

    def known(name: str) -> list[How]:
        return [edge.how for edge in Lineage(store).upstream(name, level="run", depth=1).edges]

    assert known("out#v1") == [How.PRODUCT, How.PRODUCT]
    assert known("out#v2") == [How.DECLARED]
    assert set(known("o7")) == {How.PRODUCT}


def test_run_level_has_each_version_once() -> None:
    """Two runs that wrote the same content made one version: one node, with an edge from each run."""
    same = dataset("b", facets={"headwater_fingerprint": facet(exact="e" * 32)})
    store = MemoryStore.open()
    store.append(raw([e for number in (1, 2) for e in whole_run(number, "copy", 20 * number, ["a"], [same])]))
    graph = Lineage(store).downstream("a", level="run")
    assert [node.name for node in graph.datasets()] == ["a", "b"]
    assert len(graph.edges) == len(graph.jobs()) == 2
    assert len({node.id for node in graph.nodes}) == len(graph.nodes)


def test_kinds_are_joined_directly(lineage: Lineage) -> None:
    """With only models and tables kept, edges lead through what is left out, and the answer says so."""
    graph = lineage.upstream("predictions.parquet", kinds=["model", "table"])
    assert sorted(node.type for node in graph.datasets()) == ["MODEL", "PREDICTIONS", "TABLE"]
    ends = {(edge.source.rpartition(":")[2], edge.target.rpartition("/")[2]) for edge in graph.edges}
    assert ends == {
        ("clinic.public.patients", "tumour.pkl"),
        ("clinic.public.patients", "predictions.parquet"),
        ("/project/models/tumour.pkl", "predictions.parquet"),
    }
    assert any("left out" in gap for gap in graph.gaps)


def test_path_is_shortest_and_tells_the_direction(lineage: Lineage) -> None:
    """A path leads from source to target; asked the wrong way round it says so."""
    graph = lineage.path("cells.csv", "predictions.parquet")
    assert [node.level for node in graph.datasets()] == [0, 1, 2, 3]
    back = lineage.path("predictions.parquet", "cells.csv")
    assert back.roots == graph.roots
    assert back.gaps == ("data flows the other way: from raw/cells.csv to out/predictions.parquet",)
