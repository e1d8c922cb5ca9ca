"""Recovers what is readable from a damaged file, and restores a backup. Both build a new file beside the store, which
takes its place once it is whole: whatever ends them earlier, the store is as it was."""

from __future__ import annotations

import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import msgspec

from headwater.errors import StoreCorrupt, StoreError, StoreLocked
from headwater.storage.base import Store
from headwater.storage.new_files import new_file
from headwater.storage.row_types import ReceiptStatus
from headwater.storage.sqlite.connection import connect, explained, is_in_use
from headwater.storage.sqlite.migrate import migrate
from headwater.storage.sqlite.salvage import Salvage
from headwater.storage.sqlite.store import TIMEOUT_S, SQLiteStore, store_path

_ENDS = ("-wal", "-shm", "")
"""The files of a store, that of the data last: a log without it does no harm, the other way round it does."""


class Repaired(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a repair. ``quarantined`` is the new path of the damaged file.

    ``frames_lost`` counts the places of the log from which nothing could be read. Unless ``is_end_known``, the file no
    longer tells how many events it held, and more may be lost.
    """

    quarantined: Path
    frames_read: int
    frames_lost: int
    events: int
    is_end_known: bool


def repair(folder: Path, *, tenant: str = "default") -> Repaired:
    """Build a new file for a tenant from every frame of the log that can be read, and set the damaged one aside.

    Raises:
        StoreError: there is no store.
        StoreLocked: another process has it open, and would go on writing to the file that is set aside.
        StoreFull, StoreReadOnly: the new file cannot be written; nothing was changed.
    """
    path = store_path(Path(folder), tenant)
    if not path.exists():
        raise StoreError(f"there is no store at {path}")
    _check_unused(path)
    work = path.parent / f".{tenant}.repair"
    salvage = Salvage(path)
    with explained(path):
        shutil.rmtree(work, ignore_errors=True)  # of a repair that was killed
        try:
            with SQLiteStore.open(work, tenant=tenant) as store:
                events = sum(_append(store, frame) for frame in salvage.frames())
            stamp = f".damaged-{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{time.monotonic_ns() % 1_000_000}"
            aside = _set_aside(path, stamp)
            store_path(work, tenant).rename(path)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return Repaired(
        quarantined=aside,
        frames_read=salvage.read,
        frames_lost=salvage.lost,
        events=events,
        is_end_known=salvage.is_end_known,
    )


def _check_unused(path: Path) -> None:
    with explained(path):
        if is_in_use(path):
            raise StoreLocked(
                f"{path.name}: another process has it open, and would go on writing to the old file",
                hint="end it first: a script that runs, 'headwater ui' or 'headwater serve'",
            )


def _set_aside(path: Path, suffix: str) -> Path:
    """Rename the files of a store by a suffix, and delete its indexes; returns the new path of the data."""
    shutil.rmtree(path.parent / "index" / path.stem, ignore_errors=True)
    for end in _ENDS:
        part = path.with_name(path.name + end)
        if part.exists():
            part.rename(path.with_name(path.name + suffix + end))
    return path.with_name(path.name + suffix)


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


def restore(source: Path, folder: Path, *, tenant: str = "default", is_replacing: bool = False) -> None:
    """Restore a backup as the store of a tenant. With ``is_replacing``, a store that exists is kept next to it, with
    ``.replaced`` after its name.

    Raises:
        StoreError: the store exists, or the source is not a backup; ``StoreCorrupt`` if it is damaged.
        StoreLocked: another process has the store open that is to be replaced.
    """
    source, path = Path(source), store_path(Path(folder), tenant)
    if path.exists() and not is_replacing:
        raise StoreError(f"there is a store at {path}", hint="move it away first, or name another folder or tenant")
    if not source.exists():
        raise StoreError(f"there is no backup at {source}")
    if path.exists():
        _check_unused(path)
    with closing(_opened(source)) as original:
        _check_sound(original, source)
        with explained(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with new_file(path) as part:
                with closing(connect(part, read_only=False, timeout_s=TIMEOUT_S)) as copy:
                    original.backup(copy)
                    migrate(copy, read_only=False)
                _set_aside(path, ".replaced")


def _opened(source: Path) -> sqlite3.Connection:
    """A connection to a backup."""
    try:
        return connect(source, read_only=True, timeout_s=TIMEOUT_S)
    except StoreCorrupt as error:
        raise StoreCorrupt(f"{error.message}: it is no backup, or damaged", hint="use another backup") from None


def _check_sound(original: sqlite3.Connection, source: Path) -> None:
    with explained(source):
        found = original.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise StoreCorrupt(f"{source.name}: {found}", hint="use another backup")
