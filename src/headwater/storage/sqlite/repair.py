"""Recovers what is readable from a damaged file, and restores a backup."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import zstandard

from headwater.errors import StoreCorrupt, StoreError
from headwater.storage.base import Store
from headwater.storage.frames import received_times, unframe
from headwater.storage.row_types import ReceiptStatus
from headwater.storage.sqlite.connection import connect, explained
from headwater.storage.sqlite.migrate import migrate
from headwater.storage.sqlite.store import TIMEOUT_S, SQLiteStore, store_path

_ENDS = ("", "-wal", "-shm")
_FRAME = "SELECT last_seq, first_seq, keys, received, body FROM frames "


class Repaired(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a repair. ``quarantined`` is the new path of the damaged file."""

    quarantined: Path
    frames_read: int
    frames_lost: int
    events: int


def repair(folder: Path, *, tenant: str = "default") -> Repaired:
    """Move the file of a tenant aside, and build a new one from every frame of the log that can be read.

    ``frames_lost`` counts the frames that were found but unreadable, or are missing between readable ones.
    Raises:
        StoreError: there is no store.
    """
    path = store_path(Path(folder), tenant)
    if not path.exists():
        raise StoreError(f"there is no store at {path}")
    aside = _set_aside(path)
    shutil.rmtree(path.parent / "index" / tenant, ignore_errors=True)
    reader = _Salvage(aside)
    with SQLiteStore.open(path.parent, tenant=tenant) as store:
        events = sum(_append(store, frame) for frame in reader.frames())
    return Repaired(quarantined=aside, frames_read=reader.read, frames_lost=reader.lost, events=events)


def _set_aside(path: Path) -> Path:
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
    aside = path.with_name(f"{path.stem}.damaged-{stamp}-{time.monotonic_ns() % 1_000_000}.db")
    with explained(path):
        for end in _ENDS:
            part = path.with_name(path.name + end)
            if part.exists():
                part.rename(aside.with_name(aside.name + end))
    return aside


def _append(store: Store, frame: list[tuple[int, bytes]]) -> int:
    """Append the events of a frame with their original times of receipt; returns how many were new."""
    count = 0
    by_time: dict[int, list[bytes]] = {}
    for received_at, body in frame:
        by_time.setdefault(received_at, []).append(body)
    for received_at, bodies in by_time.items():
        receipts = store.append(bodies, received_at=received_at)
        count += sum(receipt.status is ReceiptStatus.STORED for receipt in receipts)
    return count


class _Salvage:
    """Reads frames from both ends of a damaged log, then tries each number in between."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.read = 0
        self.lost = 0

    def frames(self) -> Iterator[list[tuple[int, bytes]]]:
        """(receive time, body) pairs of each frame that can be read."""
        connection = sqlite3.connect(self._path, isolation_level=None)
        try:
            yield from self._frames(connection)
        finally:
            connection.close()

    def _frames(self, connection: sqlite3.Connection) -> Iterator[list[tuple[int, bytes]]]:
        found: dict[int, tuple[Any, ...]] = {}
        low, is_whole = self._scan(connection, found, "ORDER BY last_seq")
        if not is_whole:
            high, _ = self._scan(connection, found, "ORDER BY last_seq DESC")
            last = _last_seq(connection)
            for seq in range(low + 1, high or last + 1):
                self._scan(connection, found, f"WHERE last_seq = {seq}")
            self.lost += max(found, default=0) < last
        expected = 1
        for last_seq in sorted(found):
            _, first, _, received, body = found[last_seq]
            self.lost += first > expected
            expected = last_seq + 1
            try:
                events = list(zip(received_times(received), unframe(body), strict=True))
            except (zstandard.ZstdError, ValueError, IndexError):
                self.lost += 1
                continue
            self.read += 1
            yield events
        self.lost += self._last_counted(connection) >= expected

    def _last_counted(self, connection: sqlite3.Connection) -> int:
        """The number of the last event according to the file's counters, if readable."""
        try:
            found = connection.execute("SELECT value FROM counters WHERE name = 'event'").fetchone()
        except sqlite3.DatabaseError:
            return 0
        return int(found[0]) if found is not None else 0

    def _scan(self, connection: sqlite3.Connection, found: dict[int, tuple[Any, ...]], how: str) -> tuple[int, bool]:
        """Collect frames until one cannot be read; returns (number of the last one, whether the end was reached)."""
        last = 0
        try:
            for row in connection.execute(_FRAME + how):
                last = row[0]
                found[last] = row
        except sqlite3.DatabaseError:
            return last, False
        return last, True


def _last_seq(connection: sqlite3.Connection) -> int:
    """The number of the last event ever stored; 0 if the file no longer tells."""
    try:
        row = connection.execute("SELECT value FROM counters WHERE name = 'event'").fetchone()
    except sqlite3.DatabaseError:
        return 0
    return 0 if row is None else int(row[0])


def restore(source: Path, folder: Path, *, tenant: str = "default") -> None:
    """Restore a backup as the store of a tenant, which must not exist yet.

    Raises:
        StoreError: the store exists, or the source is not a backup; ``StoreCorrupt`` if it is damaged.
    """
    source, path = Path(source), store_path(Path(folder), tenant)
    if path.exists():
        raise StoreError(f"there is a store at {path}", hint="move it away first, or name another folder or tenant")
    if not source.exists():
        raise StoreError(f"there is no backup at {source}")
    with explained(source):
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(path.parent / "index" / tenant, ignore_errors=True)
    original = connect(source, read_only=True, timeout_s=TIMEOUT_S)
    try:
        with explained(source):
            found = original.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise StoreCorrupt(f"{source.name}: {found}", hint="use another backup")
        with explained(path):
            copy = connect(path, read_only=False, timeout_s=TIMEOUT_S)
            try:
                original.backup(copy)
                migrate(copy, read_only=False)
            finally:
                copy.close()
    finally:
        original.close()
