"""Upgrades a file to the schema of this version: numbered SQL files, applied once, with recorded checksums."""

from __future__ import annotations

import sqlite3

from headwater.errors import StoreError, StoreTooNew
from headwater.storage.migration import Migration, steps_of


def migrations() -> tuple[Migration, ...]:
    """The steps this version knows, in order."""
    return steps_of(__package__)


def version_of(connection: sqlite3.Connection) -> int:
    """The number of the last step applied to a file."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def migrate(connection: sqlite3.Connection, *, read_only: bool) -> None:
    """Apply the missing steps to a file, all in one transaction.

    Raises:
        StoreTooNew: the file has steps that this version does not know.
        StoreError: a step was changed after it was applied, or the file is older and may not be written.
    """
    known = migrations()
    have = version_of(connection)
    if have > known[-1].number:
        raise StoreTooNew(f"the store has schema {have}, this version knows {known[-1].number}")
    if have:
        _check(connection, known)
    if have == known[-1].number:
        return
    if read_only:
        raise StoreError(f"the store has schema {have} and is open for reading", hint="open it once for writing")
    _apply(connection, known)


def _check(connection: sqlite3.Connection, known: tuple[Migration, ...]) -> None:
    seen = dict(connection.execute("SELECT number, checksum FROM migrations"))
    for step in known:
        if seen.get(step.number, step.checksum) != step.checksum:
            raise StoreError(
                f"schema step {step.number} ({step.name}) differs from the one that was applied to this store",
                hint="a released migration never changes; add a new one",
            )


def _apply(connection: sqlite3.Connection, known: tuple[Migration, ...]) -> None:
    """Apply the missing steps in one transaction, because each waits for the disk: a new file would ten times."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        have = version_of(connection)  # another process may have applied some
        connection.execute(
            "CREATE TABLE IF NOT EXISTS migrations"
            " (number INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL) STRICT"
        )
        for step in known:
            if step.number <= have:
                continue
            for statement in statements(step.sql):
                connection.execute(statement)
            connection.execute("INSERT INTO migrations VALUES (?, ?, ?)", (step.number, step.name, step.checksum))
            connection.execute(f"PRAGMA user_version = {step.number}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk ends it, and is what is to be told
            connection.execute("ROLLBACK")
        raise


def statements(sql: str) -> list[str]:
    """The statements of a script."""
    found, start = [], 0
    for at, char in enumerate(sql):
        if char == ";" and sqlite3.complete_statement(sql[start : at + 1]):
            found.append(sql[start : at + 1].strip())
            start = at + 1
    return found
