"""Months: the log lies in one partition per month of receipt.

A partition is made ahead of its month, in a transaction of its own: making one needs the table for itself for a moment,
and what was received in a month without a partition lies in ``frames_other``. A partition of the past that is empty is
dropped, which gives its space back at once. The store's role owns no table, so both are done by functions of the owner
that take no names and touch nothing but empty partitions.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import psycopg
from psycopg import sql

FUNCTIONS = ("make_months", "drop_empty_months")


def adopt(connection: psycopg.Connection[Any], schema: str) -> None:
    """Give the log a partition for what no month holds, and the functions that make and drop months."""
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
