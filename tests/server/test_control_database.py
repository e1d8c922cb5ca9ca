"""The control store's file: made whole or not at all, by whoever comes first."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from headwater.errors import StoreError
from headwater.server.access.control_database import SQLiteDatabase, text_of

SCHEMA = text_of("schema.sql")


def tables(path: Path) -> list[str]:
    """The tables of a file."""
    with closing(sqlite3.connect(path)) as connection:
        return [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]


def test_a_new_file_is_made_in_one_transaction(tmp_path):
    """A schema that fails at its end leaves nothing, and the database can be used after it."""
    database = SQLiteDatabase(tmp_path / "control.db")
    with closing(database):
        with pytest.raises(StoreError, match="cannot be made"):
            database.create(SCHEMA + "CREATE TABLE broken (;\n")
        assert tables(tmp_path / "control.db") == []
        database.create(SCHEMA)
        assert "tenants" in tables(tmp_path / "control.db")


def test_many_may_make_the_same_file(tmp_path):
    """Several that come at once all find every table; so does who comes later, and a table that is missing is added."""
    path = tmp_path / "control.db"

    def make(_: int) -> None:
        with closing(SQLiteDatabase(path)) as database:
            database.create(SCHEMA)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(make, range(16)))
    made = tables(path)
    with closing(SQLiteDatabase(path)) as database:
        database.change("DROP TABLE tenants")
        database.create(SCHEMA)
    assert sorted(tables(path)) == sorted(made)
