"""Answers that are put together from remembered pieces are, byte for byte, those that are made from nothing."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headwater.model.graph import Direction, NodeKind
from headwater.query.lineage import Lineage
from headwater.query.names import node_id
from headwater.query.result import LineageGraph
from headwater.query.walk_json import _Document, walk_json
from headwater.storage.base import Store
from headwater.storage.memory import MemoryStore
from headwater.storage.open import open_store
from headwater.storage.sqlite import SQLiteStore
from headwater.testing.events import History, dataset, facet, job_event, raw, run_event, run_id, whole_run

ACTS = ("append", "stranger", "rolled back", "rebuild", "retain")
Open = Callable[..., Store]


class Handles(NamedTuple):
    """A store as a process has it open: one handle that writes and one that reads; and another process's handle."""

    writer: Store
    reader: Store
    stranger: Store


@contextmanager
def handles(open_: Open, *, is_shared: bool) -> Iterator[Handles]:
    """The three handles; one for all where a store is held by one process alone."""
    with ExitStack() as stack:
        writer = stack.enter_context(open_())
        if is_shared:
            yield Handles(writer, writer, writer)
            return
        reader = stack.enter_context(open_(read_only=True, share_index_with=writer))
        yield Handles(writer, reader, stack.enter_context(open_()))


def graph(store: Store, name: str, direction: Direction, limit: int | None) -> bytes:
    """The answer as it is made from nothing."""
    lineage = Lineage(store, base="/")
    walk = lineage.upstream if direction is Direction.UPSTREAM else lineage.downstream
    return msgspec.json.encode(walk(name, limit=limit))


def check(store: Store, limit: int | None) -> None:
    """Compare every answer of a store with the one made from nothing, twice: the second is remembered for sure."""
    lineage = Lineage(store, base="/")
    for row in store.scan_nodes(limit=1000):
        for direction in Direction:
            expected = graph(store, node_id(row), direction, limit)
            for _ in range(2):
                assert bytes(walk_json(lineage, node_id(row), direction, limit=limit)) == expected


def act(what: str, at: Handles, events: list[bytes], now: int) -> None:
    """Do one thing to a store."""
    if what == "append":
        at.writer.append(events, received_at=now)
    elif what == "stranger":
        at.stranger.append(events, received_at=now)
    elif what == "rolled back":
        at.writer.write([at.writer.prepare(events, received_at=now)]).rollback()
        at.writer.append(events[::-1][: len(events) // 2], received_at=now)
    elif what == "rebuild":
        at.writer.rebuild()
    else:
        at.stranger.retain(before=now // 2)


def interleave(at: Handles, seed: int, acts: list[str], limit: int | None) -> None:
    """Ask everything after every act on a history."""
    history = History(seed)
    for now, what in enumerate(acts, 1):
        act(what, at, history.events(4), now)
        check(at.reader, limit)
        check(at.writer, limit)


acts = st.lists(st.sampled_from(ACTS), min_size=1, max_size=6).map(lambda found: ["append", *found])
limits = st.sampled_from([None, 1, 3, 1000])
common = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@given(seed=st.integers(0, 10_000), acts=acts, limit=limits)
@settings(common, max_examples=12)
def test_in_memory(seed: int, acts: list[str], limit: int | None) -> None:
    """Under random histories, with rebuilds, retention and commits that do not come about between the questions."""
    with handles(lambda **_: MemoryStore.open(), is_shared=True) as at:
        interleave(at, seed, acts, limit)


@given(seed=st.integers(0, 10_000), acts=acts, limit=limits)
@settings(common, max_examples=12)
def test_on_sqlite(seed: int, acts: list[str], limit: int | None) -> None:
    """The same, with a reader beside the writer, and another process that writes as well."""
    with (
        TemporaryDirectory() as folder,
        handles(lambda **how: SQLiteStore.open(Path(folder), **how), is_shared=False) as at,
    ):
        interleave(at, seed, acts, limit)


def test_on_postgres(postgres_url: str) -> None:
    """The same on PostgreSQL, a tenant an example."""
    postgres = pytest.importorskip("headwater.storage.postgres").PostgresStore

    @given(seed=st.integers(0, 10_000), acts=acts, limit=limits)
    @settings(common, max_examples=4)
    def everywhere(seed: int, acts: list[str], limit: int | None) -> None:
        tenant = hashlib.sha256(repr((seed, acts, limit)).encode()).hexdigest()[:20]
        postgres.drop(postgres_url, tenant)
        with handles(lambda **how: postgres.open(postgres_url, tenant=tenant, **how), is_shared=False) as at:
            interleave(at, seed, acts, limit)

    everywhere()


def test_a_document_has_the_members_of_a_graph() -> None:
    """In the same order and with the same defaults, so that the same members are left out."""
    assert _Document.__struct_fields__ == LineageGraph.__struct_fields__
    empty = LineageGraph()
    for name, default in zip(_Document.__struct_fields__, _Document.__struct_defaults__, strict=True):
        assert default is msgspec.UNSET or default == getattr(empty, name)


def test_what_is_no_plain_walk_is_the_answer_of_the_walk(empty: Store) -> None:
    """A job, a column, a version, an instant, kinds and the level of versions are answered as ever."""
    empty.append(raw(whole_run(1, "j", 0, ["a"], ["b"])))
    lineage = Lineage(empty, base="/")
    for name in ("job:jobs:j", "dataset:db:b#1"):
        found = walk_json(lineage, name, Direction.UPSTREAM)
        assert bytes(found) == msgspec.json.encode(lineage.upstream(name))
    for options in ({"as_of": "2026-06-01"}, {"columns": True}, {"kinds": ["TABLE"]}, {"level": "run"}):
        found = walk_json(lineage, "dataset:db:b", Direction.UPSTREAM, **options)  # type: ignore[arg-type]
        assert bytes(found) == msgspec.json.encode(lineage.upstream("dataset:db:b", **options))  # type: ignore[arg-type]


def known(store: Store) -> set[str]:
    """The names of the nodes that are remembered."""
    rows = store.scan_nodes(limit=1000)
    with store.view() as view:
        pieces = view.known_nodes([row.id for row in rows])
    return {row.name for row, piece in zip(rows, pieces, strict=True) if piece is not None}


def test_a_commit_has_forgotten_what_it_touches_and_nothing_else(empty: Store) -> None:
    """The job that ran and what it wrote or read are made anew; the rest of the answer is remembered."""
    empty.append(raw([*whole_run(1, "j1", 0, ["a"], ["b"]), *whole_run(2, "j2", 20, ["b"], ["c"])]))
    lineage = Lineage(empty, base="/")
    assert known(empty) == set()
    walk_json(lineage, "dataset:db:a", Direction.DOWNSTREAM)
    assert known(empty) == {"a", "b", "c", "j1", "j2"}
    empty.append(raw([run_event(run_id(3), "j2", "START", 40), run_event(run_id(3), "j2", "FAIL", 41)]))
    assert known(empty) == {"a", "b", "c", "j1"}
    found = msgspec.json.decode(walk_json(lineage, "dataset:db:a", Direction.DOWNSTREAM), type=LineageGraph)
    assert {node.name: node.state for node in found.jobs()} == {"j1": "COMPLETED", "j2": "FAILED"}


def others_leave_the_rest(open_: Open) -> None:
    """Ask, let another process write, and see what is remembered."""
    with handles(open_, is_shared=False) as at:
        at.writer.append(raw([*whole_run(1, "j1", 0, ["a"], ["b"]), *whole_run(2, "j2", 20, ["b"], ["c"])]))
        walk_json(Lineage(at.reader, base="/"), "dataset:db:a", Direction.DOWNSTREAM)
        assert known(at.reader) == {"a", "b", "c", "j1", "j2"}
        at.stranger.append(raw([run_event(run_id(3), "j2", "START", 40)]))
        at.stranger.append(raw([run_event(run_id(3), "j2", "FAIL", 41)]))
        assert known(at.reader) == {"a", "b", "c", "j1"}
        at.stranger.append(raw(whole_run(4, "j1", 60, ["a"], ["d"])))
        at.writer.append(raw(whole_run(5, "j9", 80, ["c"], [])))
        assert known(at.reader) == {"b"}
        at.stranger.rebuild()
        assert known(at.reader) == set()


def test_a_commit_of_another_process_leaves_the_rest_remembered(tmp_path: Path, postgres_url: str) -> None:
    """What it touched is forgotten, by readers here and by the next writer here; a rebuild is another matter."""
    others_leave_the_rest(lambda **how: SQLiteStore.open(tmp_path, **how))
    postgres = pytest.importorskip("headwater.storage.postgres").PostgresStore
    others_leave_the_rest(lambda **how: postgres.open(postgres_url, tenant=tmp_path.name, **how))


def test_an_event_that_is_late_is_in_the_next_answer(empty: Store) -> None:
    """Nothing was heard of its objects later than what is known, yet what is shown of them changes."""
    empty.append(raw([*whole_run(1, "j1", 50, ["a"], ["b"]), *whole_run(2, "j2", 50, ["b"], ["c"])]))
    late = (
        raw(whole_run(3, "j3", 10, ["a"], ["c"])),  # first read at an earlier time; a flow of another job
        raw([job_event("j2", 20, [dataset("a")], [dataset("c")])]),  # an edge by design
        raw([run_event(run_id(4), "j1", "START", 5)]),
        raw(whole_run(5, "j1", 30, ["c"], ["b"])),  # an edge that held for a time
        raw(whole_run(4, "j1", 5, ["c"], ["b"], end="FAIL")),
    )
    check(empty, None)
    for events in late:
        empty.append(events)
        check(empty, None)


def test_rows_of_raw_data_follow_what_its_first_reader_says(empty: Store) -> None:
    """Nobody known wrote it, so its rows are those that its first reader saw: when that run says more or otherwise,
    or another turns out to be the first, the next answer has it."""

    def reads(number: int, at: float, rows: int | None) -> list[bytes]:
        seen = {"headwater_fingerprint": facet(file={"sha256": "d"})}
        if rows is not None:
            seen["dataQualityMetrics"] = facet(rowCount=rows)
        return raw([run_event(run_id(number), f"j{number}", "COMPLETE", at, [dataset("raw", facets=seen)], ["out"])])

    def shown() -> int | None:
        check(empty, None)
        found = walk_json(Lineage(empty, base="/"), "dataset:db:out", Direction.UPSTREAM)
        (node,) = (n for n in msgspec.json.decode(found, type=LineageGraph).nodes if n.name == "raw")
        return node.properties.get("rows")

    steps = [
        (reads(5, 50, None), None),
        (reads(5, 51, 7), 7),
        (reads(3, 45, 8), 8),
        (reads(3, 46, 9), 9),
        (reads(3, 99, None), 7),  # it ended later than the other
        (reads(7, 20, 4), 4),
    ]
    for events, rows in steps:
        empty.append(events)
        assert shown() == rows


def test_a_reader_shows_the_commit_at_once(tmp_path: Path) -> None:
    """A commit of the writer in this process, and one of another process, are in the very next answer."""
    with handles(lambda **how: SQLiteStore.open(tmp_path, **how), is_shared=False) as at:
        at.writer.append(raw(whole_run(1, "j", 0, ["a"], ["b"])))
        for number, store in enumerate((at.writer, at.stranger, at.writer), 2):
            store.append(raw(whole_run(number, "j", 20 * number, ["a"], ["b"])))
            found = walk_json(Lineage(at.reader, base="/"), "dataset:db:a", Direction.DOWNSTREAM)
            edges = msgspec.json.decode(found, type=LineageGraph).edges
            last = at.reader.runs(limit=1)[0].run_id
            assert [edge.run for edge in edges] == [last]


def test_questions_of_many_threads_end(empty: Store) -> None:
    """Those that ask for what is remembered, those that ask for what is not, and a writer, on one handle: nobody waits,
    and each is answered."""
    history, begun = History(3), time.perf_counter()
    empty.append(history.events(10))
    names = [node_id(row) for row in empty.scan_nodes(limit=10)]
    assert {name.split(":")[0] for name in names} == {"dataset", "job"}
    answered: list[bytes] = []

    def ask(is_plain: bool) -> None:
        while time.perf_counter() < begun + 1.5:
            for name in names:
                if is_plain:
                    found = bytes(walk_json(Lineage(empty, base="/"), name, Direction.DOWNSTREAM))
                else:
                    found = graph(empty, name, Direction.DOWNSTREAM, None)
                answered.append(found)
        answered.append(b"at the end")

    def write() -> None:
        while time.perf_counter() < begun + 1.5:
            empty.append(history.events(1))

    threads = [threading.Thread(target=ask, args=(is_plain,), daemon=True) for is_plain in (True, True, False)]
    threads.append(threading.Thread(target=write, daemon=True))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not any(thread.is_alive() for thread in threads)
    assert answered.count(b"at the end") == 3


def test_tenants_share_nothing_that_is_remembered(tmp_path: Path) -> None:
    """Two tenants with nodes of the same names and ids are answered each from its own."""
    with open_store(tmp_path, tenant="one") as one, open_store(tmp_path, tenant="two") as two:
        one.append(raw(whole_run(1, "j", 0, ["a"], ["b"])))
        two.append(raw(whole_run(2, "j", 0, ["a"], ["b"])))
        for store in (one, two):
            assert known(store) == set()
            found = walk_json(Lineage(store, base="/"), "dataset:db:a", Direction.DOWNSTREAM)
            assert bytes(found) == graph(store, "dataset:db:a", Direction.DOWNSTREAM, None)
        assert known(one) == known(two) == {"a", "b", "j"}
        assert one.find(NodeKind.JOB, "jobs", "j") == two.find(NodeKind.JOB, "jobs", "j")
