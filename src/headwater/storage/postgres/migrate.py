"""Upgrades a database to the schema of this version: numbered SQL files, applied once, with checksums.

After each step, so that none can forget it, every table is put behind row-level security and granted to the role that
the store works as.
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

from headwater.errors import StoreError, StoreReadOnly, StoreTooNew
from headwater.storage.migration import Migration, steps_of
from headwater.storage.postgres import citus, partitions, timescale
from headwater.storage.postgres.connection import connect, explained
from headwater.storage.postgres.security import close_tables, grant, make_role, working_role

_LOCK = 0x4845_4144_5741_5445
"""Advisory lock for migrations: one at a time per database."""


def migrations() -> tuple[Migration, ...]:
    """The steps this version knows, in order."""
    return steps_of(__package__)


def statements(step: Migration) -> list[str]:
    """The SQL of a step by statement: Citus forwards a table change to its nodes with the whole text it came in.
    A statement ends at a line end; comments have their own lines."""
    found, lines, is_within = [], list[str](), False
    for line in step.sql.splitlines():
        if not line.startswith("--"):
            lines.append(line)
            is_within ^= line.count("$$") % 2 == 1
            if line.endswith(";") and not is_within:
                found.append("\n".join(lines).strip())
                lines = []
    if any(lines):
        raise StoreError(f"schema step {step.number} ({step.name}) ends within a statement")
    return found


def migrate(url: str, *, schema: str, role: str, upto: int | None = None) -> list[int]:
    """Apply the missing steps to a database, each in its own transaction; returns their numbers.

    Works through a pooler as well: the lock against concurrent migrations is held per transaction. ``upto`` stops after
    that step. If Citus got its first node since the last step, the tables are distributed now.
    Raises:
        StoreTooNew: the database has steps that this version does not know.
        StoreError: a step was changed after it was applied, the connecting role may not change the schema, or the
            encoding of the database is not UTF8.
    """
    known = migrations()
    done = []
    with explained(), connect(url) as connection:
        check_encoding(connection)
        for step in known:
            if upto is not None and step.number > upto:
                break
            with connection.transaction():
                connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
                check(connection, schema)
                if step.number > version_of(connection, schema):
                    _apply(connection, step, schema, role)
                    done.append(step.number)
        if upto is None:
            with connection.transaction():
                connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
                check(connection, schema)
                if citus.adopt(connection, schema):
                    _secure(connection, schema, role)
    return done


def check_encoding(connection: psycopg.Connection[Any]) -> None:
    """Check that the database can store and compare names in any script.

    Raises:
        StoreError: its encoding is not UTF8.
    """
    found = connection.info.parameter_status("server_encoding")
    if found != "UTF8":
        raise StoreError(
            f"the database has the encoding {found}, not UTF8",
            hint="make one with CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0",
        )


def is_current(connection: psycopg.Connection[Any], schema: str) -> bool:
    """Whether the database has every step, unchanged. Raises as ``migrate`` does."""
    return check(connection, schema) == migrations()[-1].number


def version_of(connection: psycopg.Connection[Any], schema: str) -> int:
    """The number of the last step applied to a database; 0 for none."""
    return max(_applied(connection, schema), default=0)


def check(connection: psycopg.Connection[Any], schema: str) -> int:
    """The number of the last step applied to a database.

    Raises:
        StoreTooNew: this version does not know that step.
        StoreError: a step was changed after it was applied.
    """
    known = {step.number: step for step in migrations()}
    seen = _applied(connection, schema)
    have = max(seen, default=0)
    if have > max(known):
        raise StoreTooNew(f"the store has schema {have}, this version knows {max(known)}", hint="upgrade headwater")
    for number, checksum in seen.items():
        if known[number].checksum != checksum:
            raise StoreError(
                f"schema step {number} ({known[number].name}) differs from the one that was applied to this store",
                hint="a released migration never changes; add a new one",
            )
    return have


def _applied(connection: psycopg.Connection[Any], schema: str) -> dict[int, str]:
    """The checksum of every applied step, by number."""
    table = sql.Identifier(schema, "migrations")
    exists = connection.execute("SELECT to_regclass(%s)", (table.as_string(None),)).fetchone()
    if exists is None or exists[0] is None:
        return {}
    return dict(connection.execute(sql.SQL("SELECT number, checksum FROM {}").format(table)).fetchall())


def _apply(connection: psycopg.Connection[Any], step: Migration, schema: str, role: str) -> None:
    name = sql.Identifier(schema)
    try:
        connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(name))
        connection.execute(sql.SQL("SET LOCAL search_path TO {}, public").format(name))
        connection.execute(
            "CREATE TABLE IF NOT EXISTS migrations (number integer PRIMARY KEY, name text NOT NULL,"
            " checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        for statement in statements(step):
            connection.execute(statement)
        adopt(connection, schema)
    except psycopg.errors.InsufficientPrivilege as error:
        raise StoreReadOnly(
            f"{(error.diag.message_primary or str(error)).strip()}: the schema cannot be brought up to date",
            hint="run 'headwater migrate' once with a role that owns the database; where Citus has nodes, a superuser",
        ) from error
    _secure(connection, schema, role)
    connection.execute(
        "INSERT INTO migrations (number, name, checksum) VALUES (%s, %s, %s)", (*step[:2], step.checksum)
    )


def _secure(connection: psycopg.Connection[Any], schema: str, role: str) -> None:
    close_tables(connection, schema)
    worker = make_role(connection, role)
    grant(connection, schema, worker)
    if worker is not None and citus.is_used(connection, schema):
        citus.let_in(connection, worker)


def adopt(connection: psycopg.Connection[Any], schema: str) -> None:
    """Adapt the tables to the server: TimescaleDB, Citus, or partitions by month."""
    timescale.adopt(connection, schema)
    partitions.adopt(connection, schema)
    citus.adopt(connection, schema)


__all__ = ["Migration", "check", "is_current", "migrate", "migrations", "version_of", "working_role"]
