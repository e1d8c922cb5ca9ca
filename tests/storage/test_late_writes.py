"""Late writes change what runs read: the run-level index follows them edge by edge and is not built again."""

from __future__ import annotations

import json
import random
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from headwater.storage.base import Store
from headwater.storage.index import IDENTITY_MAPPING, GraphIndex
from headwater.storage.memory import MemoryStore
from headwater.storage.projection import rewrites
from headwater.storage.projection.rewrites import ONWARD, edges_of
from headwater.storage.sqlite import SQLiteStore
from headwater.storage.sqlite.migrate import migrations
from headwater.storage.table_store import TableStore
from headwater.testing.events import History, dataset, facet, raw, whole_run
from headwater.testing.postgres import PostgresServer

BACKENDS = ["memory", "sqlite", "postgres"]
Open = Callable[..., TableStore]


@pytest.fixture(params=BACKENDS)
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """Opens a store of each kind; what is opened twice is one store."""
    opened: list[TableStore] = []
    if request.param == "postgres":
        from headwater.storage.postgres import PostgresStore

        server: PostgresServer = request.getfixturevalue("postgres_server")
        url = server.new_store()

    def open_(**options: Any) -> TableStore:
        if request.param == "memory":
            store: TableStore = opened[0] if opened else MemoryStore.open()
        elif request.param == "sqlite":
            store = SQLiteStore.open(tmp_path, **options)
        else:
            store = PostgresStore.open(url, index_folder=tmp_path / "index", **options)
        opened.append(store)
        return store

    yield open_
    for store in opened:
        store.close()


def unjoined(seed: int, runs: int) -> list[bytes]:
    """A random history in which no two names turn out to be one dataset: that alone makes indexes begin again."""
    events = []
    for body in History(seed).events(runs):
        event = json.loads(body)
        for one in [*event.get("inputs", ()), *event.get("outputs", ()), event.get("dataset", {})]:
            for name in ("symlinks", "lifecycleStateChange", "dataSource"):
                one.get("facets", {}).pop(name, None)
        events.append(msgspec.json.encode(event))
    return events


def stored_edges(store: TableStore) -> dict[tuple[int, int], int]:
    """Every edge of the run level with its mapping, from the store's rows."""
    with store._reading():
        steps = store._tables.derivations_after(0, 1 << 20)
    return {edge: mapping for step in steps for edge, mapping in edges_of(step).items()}


def by_sql(edges: dict[tuple[int, int], int], root: int, near: str, far: str) -> list[int]:
    """What a node reaches along the edges, by a recursive common table expression."""
    with sqlite3.connect(":memory:") as db:
        db.execute("CREATE TABLE edge (source INT, target INT)")
        db.executemany("INSERT INTO edge VALUES (?, ?)", edges)
        found = db.execute(
            f"WITH RECURSIVE walk (id) AS (VALUES (?) UNION SELECT {far} FROM walk JOIN edge ON {near} = id) "
            "SELECT id FROM walk ORDER BY id",
            (root,),
        ).fetchall()
    db.close()
    return [row for (row,) in found]


def assert_follows(index: GraphIndex, store: TableStore, pick: random.Random) -> None:
    """An index is what the store's rows say: all edges with their mappings, and walks both ways from some nodes."""
    edges = stored_edges(store)
    inside = index.edges_among(range(index.node_count))
    mapping = inside.mapping.tolist() if inside.mapping is not None else [0] * len(inside)
    found = zip(zip(inside.source.tolist(), inside.target.tolist(), strict=True), mapping, strict=True)
    assert dict(found) == edges
    assert index.edge_count == len(edges)
    ends = sorted({end for edge in edges for end in edge})
    for root in pick.sample(ends, min(3, len(ends))):
        assert index.walk(root, direction="downstream").ids.tolist() == by_sql(edges, root, "source", "target")
        assert index.walk(root, direction="upstream").ids.tolist() == by_sql(edges, root, "target", "source")


@pytest.mark.parametrize("seed", range(6))
def test_an_index_follows_late_events(open_store: Open, seed: int) -> None:
    """Shuffled histories, a few events at a time: between them one index that writes, one that reads, and after them a
    fresh one are what the rows say; each was read from the store once."""
    pick = random.Random(seed)
    events = unjoined(seed, 30)
    pick.shuffle(events)
    writer = open_store()
    reader = open_store(read_only=True) if not isinstance(writer, MemoryStore) else writer
    mine, theirs = writer.index("run"), reader.index("run")
    epoch = mine.snapshot.epoch
    start = changed = 0
    while start < len(events):
        step = pick.choice([1, 1, 2, 5, 9])
        before = set(stored_edges(writer))
        writer.append(events[start : start + step])
        start += step
        changed += bool(before - set(stored_edges(writer)))
        for index in (mine, theirs):
            if pick.random() < 0.7:
                index.refresh()
                assert_follows(index, writer, pick)
    for index in (mine, theirs):
        index.refresh()
        assert_follows(index, writer, pick)
        assert (index.builds, index.snapshot.epoch) == (1, epoch)
    assert changed > 2
    assert_follows(GraphIndex.open(None, reader.edge_source("run")), writer, pick)
    with MemoryStore.open() as oracle:
        oracle.append(events)
        assert writer.graph_hash() == oracle.graph_hash()


def assert_carries(index: GraphIndex, store: TableStore, pick: random.Random) -> None:
    """An index carries columns as one does that was read from the store just now."""
    fresh = GraphIndex.open(None, store.edge_source("run"))
    ends = sorted({end for edge in stored_edges(store) for end in edge})
    for root in pick.sample(ends, min(4, len(ends))):
        for way in ("upstream", "downstream"):
            mine, theirs = (one.walk_columns({root: 0b1111}, direction=way) for one in (index, fresh))
            assert {node: mine.mask(node) for node in mine} == {node: theirs.mask(node) for node in theirs}
            lost = [
                list(zip(one.lost_source.tolist(), one.lost_target.tolist(), strict=True)) for one in (mine, theirs)
            ]
            assert lost[0] == lost[1]


@pytest.mark.parametrize("seed", range(8))
def test_names_that_join_are_followed(open_store: Open, seed: int) -> None:
    """In histories where names turn out to be one dataset, late and in any order, the run level is not read again: its
    edges, walks and columns are what the store says, for one index that keeps up and one that is seldom asked."""
    pick = random.Random(seed)
    events = History(seed).events(24)
    pick.shuffle(events)
    store = open_store()
    steady, seldom = store.index("run"), GraphIndex.open(None, store.edge_source("run"))
    epoch, joined = steady.snapshot.epoch, {store.index("dataset").snapshot.epoch}
    for event in events:
        store.append([event])
        joined.add(store.index("dataset").snapshot.epoch)
        steady.refresh()
        assert_follows(steady, store, pick)
        if pick.random() < 0.2:
            assert_carries(steady, store, pick)
        if pick.random() < 0.1:
            seldom.refresh()
    for index in (steady, seldom):
        index.refresh()
        assert_follows(index, store, pick)
        assert_carries(index, store, pick)
        assert (index.builds, index.snapshot.epoch) == (1, epoch)
    assert len(joined) > 1


def test_columns_find_their_places_after_a_join(open_store: Open) -> None:
    """Two names with columns of their own, walked before they become one dataset: after it a column of the one that
    was lost is found at its new place, behind those of the other, by the index that had asked for its mapping."""
    store = open_store()

    def columns(*names: str) -> dict[str, Any]:
        return {"schema": facet(fields=[{"name": name, "type": "INT"} for name in names])}

    def lineage(source: str, field: str) -> dict[str, Any]:
        fields = {"out": {"inputFields": [{"namespace": "db", "name": source, "field": field}]}}
        return {**columns("out"), "columnLineage": facet(fields=fields)}

    def run(number: int, name: str, field: str, target: str) -> list[dict[str, Any]]:
        source = dataset(name, "db", columns(field))
        return whole_run(number, f"j{number}", 10 * number, [source], [dataset(target, "db", lineage(name, field))])

    store.append(raw(run(1, "left", "x", "b") + run(2, "right", "y", "c")))
    index = store.index("run")
    assert_carries(index, store, random.Random(1))
    same = {"symlinks": facet(identifiers=[{"namespace": "db", "name": "left", "type": "TABLE"}])}
    store.append(raw(whole_run(3, "j3", 50, [dataset("right", "db", same)], ["d"])))
    index.refresh()
    assert index.builds == 1
    for seed in range(4):
        assert_carries(index, store, random.Random(seed))
    assert_follows(index, store, random.Random(2))


def test_what_is_undone_is_not_told(open_store: Open) -> None:
    """A batch with late writes that is rolled back leaves an index as it was; the same batch, committed, changes it."""
    store = open_store()
    store.append(raw(whole_run(1, "make", 0, [], ["a"]) + whole_run(2, "use", 100, ["a"], ["b"])))
    index = store.index("run")
    before = stored_edges(store)
    late = raw(whole_run(3, "make", 50, [], ["a"]))
    with store.write([store.prepare(late)]) as written:
        written.rollback()
    assert index.refresh() == 0
    assert stored_edges(store) == before
    store.append(late)
    assert index.refresh() > 0
    assert stored_edges(store) != before
    assert_follows(index, store, random.Random(1))
    assert index.builds == 1


def test_a_log_that_reaches_back_no_further(open_store: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Old changes are told no more once there are many: who comes back after that reads the graph again, who kept up
    does not, and both end at the same."""
    monkeypatch.setattr(rewrites, "_LEAST_KEPT", 20)
    store = open_store()
    runs = [event for number in range(1, 20) for event in whole_run(number, f"use{number}", 10 * number, ["a"], ["b"])]
    store.append(raw(runs))
    steady, absent = store.index("run"), GraphIndex.open(None, store.edge_source("run"))
    for number in range(30, 50):
        store.append(raw(whole_run(number, "make", 200 - 7 * (number - 30), [], ["a"], lasts_s=1)))
        steady.refresh()
    assert store.edge_source("run").floor > 0
    absent.refresh()
    assert (steady.builds, absent.builds) == (1, 2)
    for index in (steady, absent):
        assert_follows(index, store, random.Random(2))
    with store._reading():
        told = store._tables.rewrites.after(0, 1 << 40)
    assert sum(len(rewrites.numbers_of(body)) // rewrites.WIDTH for _, body in told) <= 40


def test_a_saved_index_goes_on_from_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of before a late write are taken over by the next process, which follows the change; files of before what
    is still told are not."""
    monkeypatch.setattr("headwater.storage.index.log_follower.OVERLAY_LEAST", 1)
    with SQLiteStore.open(tmp_path) as store:
        for number in range(1, 40):
            store.append(raw(whole_run(number, f"use{number}", 10 * number, ["a"], [f"b{number}"])))
        assert store.index("run").snapshot.generation > 0
    with SQLiteStore.open(tmp_path) as store:
        store.append(raw(whole_run(90, "make", 205, [], ["a"])))
        index = store.index("run")
        assert index.builds == 0
        assert_follows(index, store, random.Random(3))
    monkeypatch.setattr(rewrites, "_LEAST_KEPT", 4)
    monkeypatch.setattr(rewrites, "_SHARE_KEPT", 1 << 30)
    with SQLiteStore.open(tmp_path) as store:
        for number in range(91, 99):
            store.append(raw(whole_run(number, "make", 200 - 15 * (number - 91), [], ["a"], lasts_s=1)))
    with SQLiteStore.open(tmp_path) as store:
        index = store.index("run")
        assert index.builds == 1
        assert_follows(index, store, random.Random(4))


LATER_STEPS_UNDONE = (
    "DROP TABLE new_reads",
    "DROP TABLE touches",
    "DROP TABLE postings",
    "DROP TABLE loose",
    "ALTER TABLE search DROP COLUMN type",
    "ALTER TABLE search DROP COLUMN is_deleted",
    "CREATE VIRTUAL TABLE search_words USING fts5 (namespace, name, fields, description, tags, owners,"
    " tokenize = 'trigram', detail = column)",
)
"""Takes a file back before the steps that note what commits touched, and that changed how nodes are found."""


def test_a_file_of_the_step_before_goes_on(tmp_path: Path) -> None:
    """Filled when neither changes nor reads were kept: its projections are made again, and late writes are followed."""
    events = raw([event for n in range(1, 40) for event in whole_run(n, f"use{n}", 10 * n, ["a"], [f"b{n}"])])
    with SQLiteStore.open(tmp_path) as store:
        store.append(events)
        index = store.index("run")
        index.compact()
        (step,) = [one.number for one in migrations() if one.name == "rewrites"]
        for statement in (
            "DROP TABLE rewrites",
            "DROP TABLE reads",
            *LATER_STEPS_UNDONE,
            "DROP INDEX mentions_by_first",
            "ALTER TABLE mentions DROP COLUMN min_at",
            "CREATE INDEX mentions_by_time ON mentions (max_at)",
            "UPDATE counters SET value = 3 WHERE name = 'projection'",
            f"DELETE FROM migrations WHERE number >= {step}",
            f"PRAGMA user_version = {step - 1}",
        ):
            store._connection.execute(statement)
    with SQLiteStore.open(tmp_path) as store, MemoryStore.open() as oracle:
        late = raw(whole_run(90, "make", 205, [], ["a"]))
        store.append(late)
        oracle.append(events + late)
        assert_follows(store.index("run"), store, random.Random(6))
        assert store.graph_hash() == oracle.graph_hash()
        store.verify()


FOLLOWER = """
import sys
from headwater.storage.open import open_store
with open_store(sys.argv[1], read_only=True) as store:
    for line in sys.stdin:
        index = store.index("run")
        edges = index.edges_among(range(index.node_count))
        print(index.builds, sorted(zip(edges.source.tolist(), edges.target.tolist())), flush=True)
"""


@pytest.mark.parametrize("backend", ["sqlite", "postgres"])
def test_another_process_follows(backend: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """It is asked after every few late events, and read the graph from the store once."""
    from headwater.storage.open import open_store

    target = str(tmp_path)
    if backend == "postgres":
        target = request.getfixturevalue("postgres_server").new_store()
    pick = random.Random(8)
    events = unjoined(8, 40)
    pick.shuffle(events)
    with open_store(target) as store:
        assert isinstance(store, TableStore)
        store.append(events[:20])
        command = [sys.executable, "-c", FOLLOWER, target]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
            assert other.stdin is not None
            assert other.stdout is not None
            for start in range(20, len(events), 8):
                store.append(events[start : start + 8])
                other.stdin.write("\n")
                other.stdin.flush()
                assert other.stdout.readline() == f"1 {sorted(stored_edges(store))}\n"
            other.stdin.close()
        assert other.returncode == 0


KILLED = """
import os, sys
from headwater.storage.sqlite import SQLiteStore
from headwater.testing.events import raw, whole_run
store = SQLiteStore.open(sys.argv[1])
for number in range(100, 10_000):
    store.append(raw(whole_run(number, "make", 400 - 0.01 * (number - 100), [], ["a"], lasts_s=1)))
    print(number, flush=True)
"""


def test_a_writer_that_is_killed_in_between(tmp_path: Path) -> None:
    """Whatever commit it died in, those who follow have what is stored, and were never told anything else."""
    with SQLiteStore.open(tmp_path) as store:
        for number in range(1, 40):
            store.append(raw(whole_run(number, f"use{number}", 300 + 5 * number, ["a"], [f"b{number}"])))
        index = store.index("run")
        for round_ in range(3):
            with subprocess.Popen(
                [sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True
            ) as writer:
                assert writer.stdout is not None
                for _ in range(4 + 3 * round_):
                    writer.stdout.readline()
                    index.refresh()
                writer.kill()
            index.refresh()
            assert_follows(index, store, random.Random(round_))
        assert index.builds == 1
        store.verify()
        assert store.rebuild() == store.graph_hash()


def test_a_finished_run_that_is_heard_of_again(open_store: Open) -> None:
    """A second COMPLETE adds an input and an output; a later FAIL does not undo them; marks decide what was read."""
    store: Store = open_store()
    store.append(raw(whole_run(1, "make", 0, [], ["a"]) + whole_run(2, "use", 100, ["a"], ["b"])))
    index = store.index("run")
    assert isinstance(store, TableStore)
    marked = dataset("a", facets={"version": facet(datasetVersion="v1")})
    for events in (
        whole_run(2, "use", 100, ["a", "c"], ["b", "d"]),
        whole_run(3, "make", 40, [], [marked]),
        whole_run(4, "use", 70, [marked], ["e"]),
        whole_run(2, "use", 100, ["a"], [], end="FAIL", lasts_s=20),
    ):
        store.append(raw(events))
        index.refresh()
        assert_follows(index, store, random.Random(5))
    assert index.builds == 1
    assert {run.state for run in store.runs()} == {"COMPLETED"}


def test_what_the_log_means_by_a_field_handed_on() -> None:
    """The store knows nothing of the index, and says the same as it."""
    assert ONWARD == IDENTITY_MAPPING
