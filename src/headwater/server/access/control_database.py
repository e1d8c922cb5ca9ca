"""Opens the database of the control store: a SQLite file next to the stores, or the PostgreSQL database with them.

Both run the same statements: standard SQL, with ``?`` for values, and integers and text for times and ids.
"""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, ClassVar, Protocol

from headwater.errors import MissingExtra, StoreError
from headwater.storage.open import no_store
from headwater.storage.sqlite.connection import use_write_ahead_log

Row = tuple[Any, ...]
_TIMEOUT_S = 10.0
_NAME = re.compile(r"^-- (\w+)$", re.MULTILINE)


def text_of(name: str) -> str:
    """The text of a file of this package."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def named_statements(name: str) -> dict[str, str]:
    """The statements of a file by name: a comment with a single word before each."""
    pieces = _NAME.split(text_of(name))[1:]
    return {key: sql.strip().rstrip(";") for key, sql in zip(pieces[::2], pieces[1::2], strict=True)}


class Database(Protocol):
    """Runs statements one at a time, each in its own transaction."""

    def create(self, schema: str) -> None:
        """Create the missing tables of a script, in which ``{identity}`` stands for an auto-increment column. Safe to
        call from several processes at once."""

    def execute(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """Run a statement and return its rows, if any.

        Raises:
            StoreError: the database cannot be reached or used.
        """

    def change(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Run a statement that changes rows, and say how many."""

    def close(self) -> None:
        """Close the database. Idempotent."""


class SQLiteDatabase:
    """One connection under a lock. With ``path`` None it is in memory."""

    def __init__(self, path: Path | None) -> None:
        self._lock = threading.Lock()
        if path is not None:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch(mode=0o600)
            except OSError as error:
                raise StoreError(
                    f"{path.parent} cannot be written: {error.strerror}",
                    hint="tenants and keys are kept beside the stores",
                ) from error
        place = ":memory:" if path is None else path
        try:
            self._connection = sqlite3.connect(place, isolation_level=None, check_same_thread=False, timeout=_TIMEOUT_S)
        except sqlite3.Error as error:
            raise StoreError(f"the control store cannot be opened: {error}") from error
        if path is not None:
            try:
                use_write_ahead_log(self._connection, _TIMEOUT_S)
            except sqlite3.Error as error:
                self._connection.close()
                raise StoreError(f"the control store cannot be opened: {error}") from error

    def create(self, schema: str) -> None:
        """Make the tables that are not there yet: all of a new file in one transaction, for the disk is waited for at
        the end of each."""
        script = schema.replace("{identity}", "INTEGER PRIMARY KEY")
        with self._lock:
            try:
                is_new = self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
                self._connection.executescript(f"BEGIN IMMEDIATE;\n{script}\nCOMMIT;" if is_new else script)
            except sqlite3.Error as error:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise StoreError(f"the control store cannot be made: {error}") from error

    def execute(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """The rows that a statement gives."""
        return self._run(sql, values)[0]

    def change(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Run a statement that changes rows, and say how many."""
        return self._run(sql, values)[1]

    def _run(self, sql: str, values: Sequence[Any]) -> tuple[list[Row], int]:
        with self._lock:
            try:
                done = self._connection.execute(sql, tuple(values))
                return done.fetchall(), done.rowcount
            except sqlite3.Error as error:
                raise StoreError(f"the control store cannot be asked: {error}") from error

    def close(self) -> None:
        """Close the file. Idempotent."""
        with self._lock:
            self._connection.close()


class PostgresDatabase:
    """One connection under a lock, reopened when lost. The tables are in the schema ``headwater_control``."""

    SCHEMA: ClassVar[str] = "headwater_control"

    def __init__(self, url: str) -> None:
        try:
            import psycopg
        except ImportError:
            raise MissingExtra("PostgreSQL needs psycopg", hint="pip install 'headwater[postgres]'") from None
        from headwater.storage.postgres.connection import explain

        self._psycopg = psycopg
        self._explain = explain
        self._url = url
        self._lock = threading.Lock()
        self._connection: Any = None

    def create(self, schema: str) -> None:
        """Create the missing schema and tables, in one block so that only one process at a time does so."""
        numbered = schema.replace("{identity}", "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY")
        lock = f"SELECT pg_advisory_xact_lock(hashtext('{self.SCHEMA}'))"
        self._run(f"{lock}; CREATE SCHEMA IF NOT EXISTS {self.SCHEMA}; {numbered}", ())

    def execute(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """The rows that a statement gives."""
        return self._run(sql, values)[0]

    def change(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Run a statement that changes rows, and say how many."""
        return self._run(sql, values)[1]

    def _run(self, sql: str, values: Sequence[Any]) -> tuple[list[Row], int]:
        with self._lock:
            try:
                return self._once(sql, values)
            except self._psycopg.OperationalError:
                # The connection was lost. Each statement is its own transaction, so it can be retried on a new one.
                self._disconnect()
            except self._psycopg.Error as error:
                raise self._explain(error) from error
            try:
                return self._once(sql, values)
            except self._psycopg.Error as error:
                self._disconnect()
                raise self._explain(error) from error

    def _once(self, sql: str, values: Sequence[Any]) -> tuple[list[Row], int]:
        from headwater.storage.postgres.migrate import check_encoding

        if self._connection is None:
            # A pooler may use another session for every transaction: prepare nothing, and set nothing per session.
            self._connection = self._psycopg.connect(self._url, prepare_threshold=None, connect_timeout=5)
            check_encoding(self._connection)
        with self._connection.transaction(), self._connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL search_path = {self.SCHEMA}, pg_catalog")
            cursor.execute(sql.replace("?", "%s"), tuple(values) or None)
            return (cursor.fetchall() if cursor.description else []), cursor.rowcount

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def close(self) -> None:
        """Close the connection. Idempotent."""
        with self._lock:
            self._disconnect()


def open_database(store: str, folder: Path | None) -> Database:
    """The database of the control store for a store target. Raises ``ConfigError`` if the target is not a store."""
    if store.startswith(("postgresql://", "postgres://")):
        return PostgresDatabase(store)
    if folder is None and not store.startswith("memory:"):
        raise no_store(store)
    return SQLiteDatabase(None if folder is None else control_file(folder))


def control_file(folder: Path) -> Path:
    """The file of the control store in the folder of the stores. It has a folder of its own: next to the stores its
    name would look like that of a tenant."""
    return folder / "service" / "control.db"
