"""Partitions of the log by month of receipt.

A partition is created ahead of its month, in its own transaction, because that briefly locks the table. Events received
in a month without a partition go to ``frames_other``. An empty partition of a past month is dropped, which frees its
space at once. The store's role owns no tables, so functions of the owner do both; they take no names and only touch
empty partitions.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import psycopg
from psycopg import sql

FUNCTIONS = ("make_months", "drop_empty_months")


def adopt(connection: psycopg.Connection[Any], schema: str) -> None:
    """Create the default partition of the log, and the functions that create and drop months."""
    if not is_partitioned(connection, schema):
        return
    other = sql.Identifier(schema, "frames_other")
    frames = sql.Identifier(schema, "frames")
    connection.execute(sql.SQL("CREATE TABLE IF NOT EXISTS {} PARTITION OF {} DEFAULT").format(other, frames))
    text = files(__package__).joinpath("partitions.sql").read_text(encoding="utf-8")
    connection.execute(text.replace(":schema", sql.Identifier(schema).as_string(None)))


def is_partitioned(connection: psycopg.Connection[Any], schema: str) -> bool:
    """Whether the log is partitioned by PostgreSQL itself."""
    found = connection.execute(
        "SELECT relkind = 'p' FROM pg_class WHERE oid = to_regclass(%s)",
        (sql.Identifier(schema, "frames").as_string(None),),
    ).fetchone()
    return found is not None and bool(found[0])
