"""The tables that migrations create are those that the layouts describe."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from headwater.storage.layouts import ALL, Layout
from headwater.storage.sqlite import SQLiteStore
from headwater.storage.sqlite.table import Statements
from headwater.testing.postgres import PostgresServer

_SQLITE = {"integer": "INTEGER", "code": "INTEGER", "boolean": "INTEGER", "text": "TEXT", "bytes": "BLOB"}
_POSTGRES = {"integer": "bigint", "code": "smallint", "boolean": "boolean", "text": "text", "bytes": "bytea"}
_by_name = pytest.mark.parametrize("layout", ALL, ids=lambda layout: layout.name)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The file of a new SQLite store."""
    folder: Path = tmp_path_factory.mktemp("layouts")
    SQLiteStore.open(folder).close()
    connection = sqlite3.connect(folder / "default.db")
    yield connection
    connection.close()


@_by_name
def test_a_sqlite_table_has_the_columns_and_the_key_of_its_layout(database: Any, layout: Layout[Any, Any]) -> None:
    """The same columns with the same types, and the same key in the same order."""
    found = database.execute(f"SELECT name, type, pk FROM pragma_table_info('{layout.name}')").fetchall()
    assert {name: kind for name, kind, _ in found} == {name: _SQLITE[one] for name, one in layout.columns.items()}
    places = {place: name for name, _, place in found if place}
    assert tuple(places[place] for place in sorted(places)) == layout.key


@_by_name
def test_sqlite_answers_every_look_up_by_an_index(database: Any, layout: Layout[Any, Any]) -> None:
    """No look-up that a layout declares reads the whole table."""
    statements = Statements(layout)
    for query in (statements.get, *statements.where.values(), *statements.among.values()):
        plan = database.execute(f"EXPLAIN QUERY PLAN {query}", [None] * query.count("?")).fetchall()
        assert plan[0][3].startswith(f"SEARCH {layout.name}"), (query, plan)


def test_postgresql_tables_have_the_columns_and_keys_of_their_layouts(postgres_server: PostgresServer) -> None:
    """The same columns with the same types; the tenant comes first in every key, and long names as their digest."""
    from headwater.storage.postgres import PostgresStore

    columns = (
        "SELECT column_name, data_type FROM information_schema.columns"
        " WHERE table_schema = current_schema() AND table_name = %s AND column_name NOT IN ('tenant_id', 'name_key')"
    )
    keys = (
        "SELECT attname FROM pg_index CROSS JOIN unnest(indkey) WITH ORDINALITY AS place (number, at)"
        " JOIN pg_attribute ON attrelid = indrelid AND attnum = number"
        " WHERE indrelid = %s::regclass AND indisprimary ORDER BY at"
    )
    with PostgresStore.open(postgres_server.new_store()) as store, store._reading():
        for layout in ALL:
            found = dict(store._session.rows(columns, (layout.name,)))
            assert found == {name: _POSTGRES[one] for name, one in layout.columns.items()}, layout.name
            key = [name for (name,) in store._session.rows(keys, (layout.name,))]
            expected = ["name_key" if name == "name" else name for name in layout.key]
            assert key == ["tenant_id", *expected], layout.name
