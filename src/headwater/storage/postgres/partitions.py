"""Months: what grows with every commit lies in one partition a month of receipt, made when the month begins."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql


def adopt(connection: psycopg.Connection[Any], schema: str) -> None:
    """Give the partitioned tables a partition for what no month holds."""
    for table in partitioned(connection, schema):
        connection.execute(
            sql.SQL("CREATE TABLE IF NOT EXISTS {} PARTITION OF {} DEFAULT").format(
                sql.Identifier(schema, f"{table}_other"), sql.Identifier(schema, table)
            )
        )


def partitioned(connection: psycopg.Connection[Any], schema: str) -> list[str]:
    """The tables of a schema that are partitioned by time."""
    found = connection.execute(
        "SELECT relname FROM pg_class JOIN pg_namespace AS n ON n.oid = relnamespace"
        " WHERE nspname = %s AND relkind = 'p' ORDER BY relname",
        (schema,),
    )
    return [table for (table,) in found]
