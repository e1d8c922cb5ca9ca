"""What answers are made of is remembered as long as it is true, within bounds, and by nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from headwater.storage.answer_cache import AnswerCache, Budget, Commit, Commits, EdgePiece, NodePiece, View, pair_key
from headwater.storage.memory import MemoryStore
from headwater.storage.projection.records import Edge, Flow, Name, Node, Run, Version
from headwater.storage.projection.tables import Counter
from headwater.storage.sqlite import SQLiteStore
from headwater.storage.table_store import TableStore
from headwater.testing.events import raw, run_event, run_id, whole_run


def node(seq: int, text: str = "x") -> NodePiece:
    """A piece of a node."""
    return NodePiece(seq=seq, name=text, head=text, tail=text)


def edge(seq: int, text: str = "x") -> EdgePiece:
    """A piece of one edge."""
    return EdgePiece(seq=seq, edges=((9, text),))


@pytest.fixture
def cache() -> AnswerCache:
    """A cache of its own budget, that knows nodes 1 to 3 and the edges 1 to 2 to 3 as of event 10."""
    found = AnswerCache(Budget(1 << 20))
    fill(found.at((0, 10)))
    return found


def fill(view: View) -> None:
    """Remember what the fixture says, as of the state of a view."""
    seq = view.state[1]
    view.keep({key: node(seq) for key in (1, 2, 3)}, {pair_key(1, 2): edge(seq), pair_key(2, 3): edge(seq)})


def nodes_of(view: View) -> list[int]:
    """Which of the nodes a view knows."""
    return [key for key, piece in zip((1, 2, 3), view.known_nodes((1, 2, 3)), strict=True) if piece is not None]


def edges_of(view: View) -> list[tuple[int, int]]:
    """Which of the edges a view knows."""
    pairs = [(1, 2), (2, 3)]
    return [pair for pair, piece in zip(pairs, view.known_edges(pair_key(*p) for p in pairs), strict=True) if piece]


def test_a_commit_drops_what_it_touches(cache: AnswerCache) -> None:
    """A node with the edges into it, before the commit is visible; nothing else."""
    cache.announce((0, 10), (0, 11), {2, 7})
    cache.settle()
    view = cache.at((0, 11))
    assert nodes_of(view) == [1, 3]
    assert edges_of(view) == [(2, 3)]
    fill(view)
    assert nodes_of(cache.at((0, 11))) == [1, 2, 3]


def test_what_was_read_before_a_commit_is_not_taken_in_after_it(cache: AnswerCache) -> None:
    """A slow reader may not bring back what was dropped; what the commit did not touch he may."""
    slow = cache.at((0, 10))
    cache.announce((0, 10), (0, 11), {1, 2})
    cache.settle()
    fill(slow)
    view = cache.at((0, 11))
    assert nodes_of(view) == [3]
    assert edges_of(view) == [(2, 3)]


def test_a_reader_is_shown_nothing_that_came_after_his_state(cache: AnswerCache) -> None:
    """Pieces that others made of a later state do not count for one who sees an earlier one."""
    slow = cache.at((0, 10))
    cache.announce((0, 10), (0, 11), {2})
    cache.settle()
    fill(cache.at((0, 11)))
    assert nodes_of(slow) == [1, 3]
    assert edges_of(slow) == [(2, 3)]


@pytest.mark.parametrize("state", [(0, 12), (1, 10), (1, 3)])
def test_a_state_that_nobody_announced_drops_everything(cache: AnswerCache, state: tuple[int, int]) -> None:
    """Another process wrote, or ids were rewritten: what is known may be wrong."""
    before = cache.at((0, 10))
    view = cache.at(state)
    assert nodes_of(view) == edges_of(view) == []
    assert cache.size == 0
    fill(before)
    assert nodes_of(cache.at(state)) == []
    assert nodes_of(before) == [1, 2, 3]


def test_a_commit_behind_another_process_drops_everything(cache: AnswerCache) -> None:
    """The writer sees that the store is not where it left it."""
    cache.announce((0, 12), (0, 13), {2})
    cache.settle()
    assert nodes_of(cache.at((0, 13))) == []


def noted(*commits: Commit) -> Commits:
    """The notes that a store holds."""
    return lambda seq: [one for one in commits if one.seq > seq]


def test_what_another_process_touched_is_dropped_and_nothing_else(cache: AnswerCache) -> None:
    """By the notes that its commits left; what was read before is not taken in, and the next writer here goes on."""
    slow = cache.at((0, 10))
    notes = noted(Commit(8, 10, {1}), Commit(10, 12, {2}), Commit(12, 13, {7}))
    view = cache.at((0, 13), notes)
    assert nodes_of(view) == [1, 3]
    assert edges_of(view) == [(2, 3)]
    fill(slow)
    assert nodes_of(view) == [1, 3]
    cache.announce((0, 13), (0, 14), {3})
    cache.settle()
    assert nodes_of(cache.at((0, 14), notes)) == [1]


@pytest.mark.parametrize(
    "notes",
    [
        noted(Commit(12, 13, {2})),
        noted(Commit(10, 12, {2})),
        noted(Commit(10, 11, {2}), Commit(12, 13, {2})),
        noted(Commit(10, 13, range(100, 30_000))),
    ],
    ids=["first", "last", "middle", "large"],
)
def test_a_commit_without_a_note_drops_everything(cache: AnswerCache, notes: Commits) -> None:
    """An earlier version wrote, the note is too old, or there is more in it than is kept in mind."""
    assert nodes_of(cache.at((0, 13), notes)) == []


def test_a_commit_that_is_seen_before_its_writer_says_so_is_looked_up(cache: AnswerCache) -> None:
    """It may be another's of the same number, where the one that was announced came to nothing."""
    cache.announce((0, 10), (0, 11), {2})
    view = cache.at((0, 11), noted(Commit(10, 11, {3})))
    assert nodes_of(view) == [1]
    cache.withdraw()
    assert nodes_of(cache.at((0, 11))) == [1]


def test_a_commit_that_rewrites_ids_drops_everything(cache: AnswerCache) -> None:
    """Nodes turned out to be one."""
    cache.announce((0, 10), (1, 11), {2})
    cache.settle()
    assert nodes_of(cache.at((1, 11))) == []


def test_a_commit_that_failed_is_not_taken_for_one(cache: AnswerCache) -> None:
    """Who sees its number afterwards sees another's commit: what was known is not true any more."""
    cache.announce((0, 10), (0, 11), {2})
    cache.withdraw()
    assert nodes_of(cache.at((0, 10))) == [1, 3]
    assert nodes_of(cache.at((0, 11))) == []


def test_a_failure_before_the_announcement_changes_nothing(cache: AnswerCache) -> None:
    """The commit before it stays."""
    cache.announce((0, 10), (0, 11), {2})
    cache.settle()
    cache.withdraw()
    assert nodes_of(cache.at((0, 11))) == [1, 3]


def test_the_touched_nodes_that_are_noted_are_bounded(cache: AnswerCache) -> None:
    """Who has read before they were let go remembers nothing."""
    slow = cache.at((0, 10))
    cache.announce((0, 10), (0, 11), range(100, 30_000))
    cache.announce((0, 11), (0, 12), {50})
    assert len(cache._touched) == 1
    cache.announce((0, 12), (0, 13), {3})
    cache.settle()
    fill(slow)
    assert nodes_of(cache.at((0, 13))) == [1, 2]
    assert edges_of(cache.at((0, 13))) == [(1, 2)]
    cache.announce((0, 13), (0, 14), {1, 2})
    cache.settle()
    fill(slow)
    assert nodes_of(cache.at((0, 14))) == []


def test_memory_is_bounded_over_all_recalls() -> None:
    """The one that holds most gives way; sizes are those of what is held."""
    budget = Budget(100_000)
    small, large = AnswerCache(budget), AnswerCache(budget)
    small.at((0, 1)).keep({1: node(1, "x" * 1000)}, {})
    kept = small.size
    for key in range(100):
        large.at((0, 1)).keep({key: node(1, "x" * 1000)}, {pair_key(key, key + 1): edge(1, "y" * 1000)})
        assert small.size + large.size <= budget.most_bytes
        assert large.size == sum(one.size for one in (*large.nodes.values(), *large.edges.values()))
    assert 0 < large.size < 100_000
    assert small.size == kept
    for key in range(101):
        large.announce((0, 1), (0, 1), {key})
    assert large.size == 0
    assert not large.nodes and not large.edges


def test_a_store_announces_who_is_touched(tmp_path: Path) -> None:
    """The nodes that an event names; a run that moves to another job touches the one that it leaves."""
    announced: list[set[str]] = []
    with SQLiteStore.open(tmp_path) as store:
        store.append(raw([*whole_run(1, "j1", 0, ["a"], ["b"]), *whole_run(2, "j2", 20, ["b"], ["c"])]))
        cache = store._indexes.answers
        announce = cache.announce

        def listen(before: tuple[int, int], after: tuple[int, int], touched: set[int]) -> None:
            announced.append({row.name for row in store.nodes(sorted(touched))})
            announce(before, after, touched)

        cache.announce = listen  # type: ignore[method-assign,assignment]
        store.append(raw([run_event(run_id(3), "j1", "START", 40, ["a"])]))
        store.append(raw([run_event(run_id(3), "j2", "RUNNING", 50)]))
        store.append(raw([run_event(run_id(3), "j2", "RUNNING", 50)]))
        store.append(raw(whole_run(4, "j2", 60, ["b"], ["c"])))
    assert announced == [{"j1", "a"}, {"j1", "j2"}, {"j2", "b", "c"}]


ROWS: dict[str, tuple[Any, Any]] = {
    "nodes": (7, Node(id=7, kind=1, created_at=0, updated_at=0)),
    "names": (
        1,
        Name(id=1, kind=1, namespace="n", name="x", node=7, raw_namespace="n", raw_name="x", first_at=0, first_key=b""),
    ),
    "runs": (
        1,
        Run(
            id=1,
            run_id=run_id(1),
            job=7,
            state=0,
            operation="",
            started_at=0,
            ended_at=None,
            parent_run="",
            doc=b"",
        ),
    ),
    "versions": (1, Version(id=1, dataset=7, created_at=0)),
    "flows": ((1, 7, 0), Flow(job=1, target=7, kind=0, last_at=0, last_by="", shape=0)),
    "edges": (
        (1, 7, 2, 0, 0),
        Edge(source=1, target=7, job=2, kind=0, valid_from=0, valid_to=None, how=0, run="", mapping=0),
    ),
}
"""A row of each table whose rows answers show, with its key; each is shown with node 7."""


COUNTERS: tuple[Counter, ...] = ("name", "node", "run", "step")


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TableStore]:
    """An empty store of each kind."""
    if request.param == "memory":
        with MemoryStore.open() as memory:
            yield memory
    elif request.param == "sqlite":
        with SQLiteStore.open(tmp_path) as sqlite:
            yield sqlite
    else:
        url = request.getfixturevalue("postgres_url")
        with pytest.importorskip("headwater.storage.postgres").PostgresStore.open(
            url, tenant=tmp_path.name
        ) as postgres:
            yield postgres


@pytest.mark.parametrize("table", list(ROWS))
def test_rows_touch_the_node_that_they_are_shown_with(store: TableStore, table: str) -> None:
    """When they are written and when they are dropped, those that are not in memory any more as well."""
    key, row = ROWS[table]
    with getattr(store, "_writing", store._reading)():
        for _ in range(7):
            for counter in COUNTERS:
                store._tables.next_id(counter)
        rows = getattr(store._tables, table)
        rows.put(row)
        getattr(rows, "flush", int)()
        assert store._tables.touched == {7}
        store._tables.touched.clear()
        getattr(rows, "clear", int)()
        rows.drop(key)
        getattr(rows, "flush", int)()
        assert store._tables.touched == {7}
        store._tables.touched.clear()
