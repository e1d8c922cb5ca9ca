"""Support for TimescaleDB: if it is installed when the schema is created, the log is a hypertable, compressed with
age."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import psycopg
from psycopg import sql

Connection = psycopg.Connection[Any]
EXTENSION = "timescaledb"


def log_schema(schema: str) -> str:
    """The schema of the hypertable and its chunks, inaccessible to the role that the store works as."""
    return f"{schema}_log"


def statements(schema: str) -> str:
    """The SQL that turns the log into a hypertable."""
    log = log_schema(schema)
    text = files(__package__).joinpath("timescale.sql").read_text(encoding="utf-8")
    for place, value in (
        (":schema", sql.Identifier(schema)),
        (":log", sql.Identifier(log)),
        (":frames", sql.Literal(sql.Identifier(log, "frames").as_string(None))),
        (":clock", sql.Literal(sql.Identifier(log, "now_us").as_string(None))),
        (":chunks", sql.Literal(log)),
    ):
        text = text.replace(place, value.as_string(None))
    return text


def is_installed(connection: Connection) -> bool:
    """Whether the database has the extension."""
    return connection.execute("SELECT FROM pg_extension WHERE extname = %s", (EXTENSION,)).fetchone() is not None


def is_used(connection: Connection, schema: str) -> bool:
    """Whether the log is a hypertable."""
    name = sql.Identifier(log_schema(schema), "frames").as_string(None)
    found = connection.execute("SELECT to_regclass(%s) IS NOT NULL", (name,)).fetchone()
    return found is not None and bool(found[0])


def adopt(connection: Connection, schema: str) -> None:
    """Turn the log into a hypertable, if it is a plain table and the extension is installed."""
    frames = sql.Identifier(schema, "frames").as_string(None)
    found = connection.execute("SELECT relkind FROM pg_class WHERE oid = to_regclass(%s)", (frames,)).fetchone()
    if found is not None and found[0] in ("r", b"r") and is_installed(connection):
        connection.execute(statements(schema))
