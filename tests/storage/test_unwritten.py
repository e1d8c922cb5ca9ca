"""States that nobody known wrote: one more reader costs the same, however many states its dataset has."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path
from typing import Any

from headwater.storage.projection.bindings import Bindings
from headwater.storage.projection.records import Run
from headwater.storage.sqlite import SQLiteStore
from headwater.storage.table_store import TableStore
from headwater.testing.events import dataset, facet, raw, run_id, whole_run
from headwater.testing.postgres import PostgresServer

_STATES = 300


def reader(number: int, digest: str) -> list[dict[str, Any]]:
    """A run that reads the one dataset, and saw a file of that digest."""
    source = dataset("raw", facets={"headwater_fingerprint": facet(file={"sha256": digest})})
    return whole_run(number, f"j{number}", number, [source], [f"out{number}"])


def test_a_reader_of_one_state_looks_at_that_state_alone(store: TableStore, monkeypatch) -> None:
    """Of hundreds that nobody wrote no other is fetched, for a reader of one of them or of a new one, with nothing
    remembered."""
    store.append(raw([event for number in range(1, _STATES + 1) for event in reader(number, f"digest {number}")]))
    table = store._tables.versions
    fetched: list[int] = []
    where = table.where

    def counting(**equal: Any) -> list[Any]:
        found = where(**equal)
        fetched.append(len(found))
        return found

    monkeypatch.setattr(table, "where", counting)
    for number, digest in ((1001, "digest 7"), (1002, "new")):
        store._projector.bindings._unwritten.clear()
        store.append(raw(reader(number, digest)))
    assert sum(fetched) == 1
    (seen,), _ = store.run_io(run_id(1001))
    (first,), _ = store.run_io(run_id(7))
    assert seen == first
    assert store.run_io(run_id(1002))[0][0].version == "new"


def test_a_late_write_looks_at_the_first_readers_alone(store: TableStore, monkeypatch) -> None:
    """A write that arrives after hundreds have read takes the last of them from the state that nobody wrote; whether
    others are left, and since when, does not take a look at each."""
    runs = [event for number in range(1, _STATES + 1) for event in whole_run(number, "j", number, ["raw"], ["out"])]
    store.append(raw(runs))
    looked_at: list[Run] = []
    has_read = Bindings._has_read
    monkeypatch.setattr(Bindings, "_has_read", lambda self, run, row: looked_at.append(run) or has_read(self, run, row))
    store.append(raw(whole_run(1001, "w", _STATES - 10.5, [], ["raw"])))
    assert len(looked_at) < 5
    ((late,), _), ((early,), _) = store.run_io(run_id(_STATES)), store.run_io(run_id(1))
    assert (late.run_id, early.run_id) == (run_id(1001), "")
    assert early.created_at == store.run(run_id(1)).started_at


def test_sqlite_finds_it_by_its_index(tmp_path: Path) -> None:
    """By dataset and mark, not by going through what the dataset has."""
    from headwater.storage import layouts
    from headwater.storage.sqlite.table import Statements

    query = Statements(layouts.VERSIONS).where["dataset", "run", "tag"]
    with SQLiteStore.open(tmp_path) as store:
        store.append(raw(reader(1, "d")))
    with sqlite3.connect(tmp_path / "default.db") as db:
        plan = db.execute(f"EXPLAIN QUERY PLAN {query}", (1, 0, "d")).fetchall()
    db.close()
    assert [row[3] for row in plan] == ["SEARCH versions USING INDEX versions_unwritten (dataset=? AND tag=?)"]


def test_postgresql_finds_it_by_its_index(postgres_server: PostgresServer) -> None:
    """By tenant, dataset and mark; a mark may be longer than an entry of an index."""
    from headwater.storage.postgres import PostgresStore

    long = f"{random.Random(1).getrandbits(80_000):x}"
    with PostgresStore.open(postgres_server.new_store()) as store:
        store.append(raw([event for number in range(1, 2 * _STATES) for event in reader(number, f"d{number}")]))
        store.append(raw(reader(5000, long)))
        (seen,), _ = store.run_io(run_id(5000))
        assert seen.version == long
        query = store._tables.versions._statements.where(("dataset", "run", "tag"))
        with store._reading():
            plan = store._session.rows(f"EXPLAIN {query}", (seen.dataset_id, 0, long))
    text = "\n".join(row[0] for row in plan)
    assert "versions_unwritten" in text, text
    assert "md5" in text.partition("Index Cond")[2].partition("\n")[0], text
