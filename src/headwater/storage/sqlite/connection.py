"""Opens the SQLite file, and translates its errors into ones with hints."""

from __future__ import annotations

import os
import re
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from pathlib import Path

from headwater.errors import StoreCorrupt, StoreError, StoreFull, StoreLocked, StoreReadOnly
from headwater.model.patterns import lazy_pattern
from headwater.storage.file_errors import explain_os

PAGE_SIZE_BYTES = 4096
"""Of new files. A page is written whole, and a commit changes a few rows on each of many."""
CHECKPOINT_BYTES = 32 << 20
CACHE_KIB = 32_768
HURRYING_CHECKPOINT_BYTES = 128 << 20
HURRYING_CACHE_KIB = 131_072
_BETWEEN_SWITCHES_S = 0.01
_SHARED_FIRST, _SHARED_BYTES = 0x40000002, 510
"""The bytes of a file that every open connection holds a lock on (https://www.sqlite.org/fileformat2.html#lock_byte)."""
_PRIMARY = 0xFF
_OURS = {"migrations", "frames"}
"""Tables that every store has had from its first schema on."""
_READ_ONLY = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH}
_NAME = lazy_pattern(r"^-- (\w+)$", re.MULTILINE)


@cache
def queries() -> dict[str, str]:
    """The statements of ``queries.sql`` by name."""
    text = files(__package__).joinpath("queries.sql").read_text(encoding="utf-8")
    pieces = _NAME.split(text)[1:]
    return {name: sql.strip() for name, sql in zip(pieces[::2], pieces[1::2], strict=True)}


def connect(path: Path, *, read_only: bool, timeout_s: float) -> sqlite3.Connection:
    """Open a connection to the file, with common settings.

    Raises:
        StoreError: it cannot be opened, or is the database of another program.
    """
    with explained(path):
        place = str(path)
        if read_only:
            mode = "ro" if _has_log(path) or os.access(path.parent, os.W_OK) else "ro&immutable=1"
            place = f"{path.absolute().as_uri()}?mode={mode}"
        connection = sqlite3.connect(
            place, uri=read_only, timeout=timeout_s, isolation_level=None, check_same_thread=False
        )
        try:
            _check_own(connection, path)
            _prepare(connection, read_only=read_only, timeout_s=timeout_s)
        except BaseException:
            connection.close()
            raise
        return connection


def _check_own(connection: sqlite3.Connection, path: Path) -> None:
    """Raise ``StoreError`` if the file is the database of another program, which must not get our tables."""
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    if tables and not tables >= _OURS:
        raise StoreError(
            f"{path.name} is a database of another program, no store of lineage",
            hint="name another folder or tenant: --store, HEADWATER_STORE, --tenant",
        )


def _has_log(path: Path) -> bool:
    log = path.with_name(path.name + "-wal")
    return log.exists() and log.stat().st_size > 0


def is_in_use(path: Path) -> bool:
    """Whether another process has the file open. This process must not: it would lose its own locks on it.

    Raises:
        OSError: the file cannot be opened for writing.
    """
    if sys.platform == "win32":
        return False  # a file that is open cannot be renamed there anyway
    import fcntl

    with path.open("r+b") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, _SHARED_BYTES, _SHARED_FIRST)
        except (BlockingIOError, PermissionError):
            return True
        except OSError:
            return False  # a file system without locks
    return False


def use_write_ahead_log(connection: sqlite3.Connection, timeout_s: float) -> None:
    """Switch the file to a write-ahead log.

    Of several processes that switch a new file at the same time, SQLite refuses all but one at once, whatever the
    timeout of the connection: the others try again until it has passed.
    """
    until = time.monotonic() + timeout_s
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & _PRIMARY != sqlite3.SQLITE_BUSY or time.monotonic() >= until:
                raise
            time.sleep(_BETWEEN_SWITCHES_S)
        else:
            return


def _prepare(connection: sqlite3.Connection, *, read_only: bool, timeout_s: float) -> None:
    if read_only:
        connection.execute("PRAGMA query_only = 1")
        return
    connection.execute(f"PRAGMA page_size = {PAGE_SIZE_BYTES}")
    use_write_ahead_log(connection, timeout_s)
    connection.execute("PRAGMA synchronous = FULL")
    _checkpoint_every(connection, CHECKPOINT_BYTES)
    connection.execute("PRAGMA journal_size_limit = 67108864")
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("PRAGMA secure_delete = ON")  # not every build overwrites deleted data by default


def _checkpoint_every(connection: sqlite3.Connection, size_bytes: int) -> None:
    """Move the write-ahead log into the file when it has that size. (Files of earlier versions have larger pages.)"""
    page_bytes: int = connection.execute("PRAGMA page_size").fetchone()[0]
    connection.execute(f"PRAGMA wal_autocheckpoint = {size_bytes // page_bytes}")


@contextmanager
def hurrying(connection: sqlite3.Connection) -> Iterator[None]:
    """A context for bulk writes that can be repeated: with more memory, and without waiting for the disk at each
    commit.

    The file stays consistent in any case, but a power cut can lose the last commits. Later commits are durable again.
    """
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute(f"PRAGMA cache_size = -{HURRYING_CACHE_KIB}")
    _checkpoint_every(connection, HURRYING_CHECKPOINT_BYTES)
    try:
        yield
    finally:
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        _checkpoint_every(connection, CHECKPOINT_BYTES)


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """A context that translates errors of SQLite and of the file system into ``StoreError``."""
    try:
        yield
    except sqlite3.Error as error:
        raise _explain(error, path) from error
    except OSError as error:
        raise _explain_os(error, path) from error


def _explain(error: sqlite3.Error, path: Path) -> StoreError:
    code = getattr(error, "sqlite_errorcode", 0)
    primary = code & _PRIMARY
    what = f"{path.name}: {error}"
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreLocked(f"{path.name}: another process is writing and did not finish in time")
    if primary in _READ_ONLY:
        return StoreReadOnly(what)
    if primary == sqlite3.SQLITE_FULL:
        return StoreFull(what)
    if primary in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return StoreCorrupt(what)
    if primary == sqlite3.SQLITE_IOERR and _is_full(path):
        return StoreFull(what)
    return StoreError(what)


def _explain_os(error: OSError, path: Path) -> StoreError:
    if isinstance(error, FileExistsError | NotADirectoryError):
        return StoreError(
            f"{path.parent.name} is a file, or lies in one: a store is a folder",
            hint="name a folder: --store, HEADWATER_STORE or the setting store",
        )
    return explain_os(error, path)


def _is_full(path: Path) -> bool:
    try:
        found = os.statvfs(path.parent)
    except (OSError, AttributeError):
        return False
    return found.f_bavail * found.f_frsize < 1 << 20
