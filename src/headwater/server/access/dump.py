"""Dumps the control store as plain data for a backup, and restores it."""

from __future__ import annotations

import re
from typing import Any

from headwater.errors import StoreError
from headwater.server.access.control_database import Database, text_of

Dump = dict[str, list[list[Any]]]
_TABLE = re.compile(r"CREATE TABLE IF NOT EXISTS (\w+) \((.*?)\n\);", re.DOTALL)
_COLUMN = re.compile(r"^  ([a-z_]+) (?!\{identity\})[A-Z]", re.MULTILINE)


def columns() -> dict[str, list[str]]:
    """The columns of every table of the schema, except the auto-increment ones."""
    return {table: _COLUMN.findall(body) for table, body in _TABLE.findall(text_of("schema.sql"))}


def dump(database: Database) -> Dump:
    """All rows of all tables, with values in the order of ``columns``."""
    found: Dump = {}
    for table, names in columns().items():
        rows = database.execute(f"SELECT {', '.join(names)} FROM {table} ORDER BY 1, 2")  # noqa: S608 - names of our own
        found[table] = [list(row) for row in rows]
    return found


def check_loadable(database: Database, dumped: Dump) -> None:
    """Check that ``load`` will find empty tables, and rows that fit them.

    Raises:
        StoreError: there are tenants already, or the dump has another form.
    """
    known = columns()
    if database.execute("SELECT name FROM tenants"):
        raise StoreError(
            "the control store is not empty", hint="restore a backup to a place where there is no store yet"
        )
    for table, rows in dumped.items():
        if table not in known or any(len(row) != len(known[table]) for row in rows):
            raise StoreError(f"the backup's table {table[:40]!r} is not one of this version", hint="upgrade headwater")


def load(database: Database, dumped: Dump) -> None:
    """Insert the rows of a ``dump`` that ``check_loadable`` has passed; all of them or none."""
    try:
        _load(database, dumped)
    except BaseException:
        for table in reversed(dumped):
            database.change(f"DELETE FROM {table}")  # noqa: S608 - a name of our own, which the check has passed
        raise


def _load(database: Database, dumped: Dump) -> None:
    known = columns()
    for table, rows in dumped.items():
        names = known[table]
        sql = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"  # noqa: S608 - ours
        for row in rows:
            database.change(sql, row)
