"""Backup of a whole service to a folder: every tenant's store and the control store, with checksums.

The service may run meanwhile: each store is copied at one consistent state. A manifest lists the files; a restore first
checks them against it, so that a damaged backup is detected before anything is written.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import msgspec

from headwater.errors import StoreCorrupt, StoreError
from headwater.server.access.control_database import open_database
from headwater.server.access.control_store import Control
from headwater.server.access.dump import Dump, check_loadable, dump, load
from headwater.server.settings import Settings
from headwater.storage.ingest import now_us
from headwater.storage.open import drop_store, open_store, restore_store

MANIFEST = "manifest.json"
CONTROL = "control.json"
_FORM = 1
Tell = Callable[[str], None]


class Copied(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a backup. ``graph_hash`` is that of the copy; empty for PostgreSQL, where only the log is copied."""

    file: str
    sha256: str
    size_bytes: int
    graph_hash: str = ""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The contents of a backup. ``kind`` is the kind of store that it can be restored to."""

    form: int
    kind: str
    made_at: int
    control: Copied
    tenants: dict[str, Copied]


def back_up(settings: Settings, folder: Path, *, tell: Tell) -> Manifest:
    """Copy every store into a new folder, which is either complete or absent afterwards.

    Raises:
        StoreError: the folder exists or cannot be written, or a store cannot be copied.
    """
    folder = Path(folder)
    if folder.exists():
        raise StoreError(f"{folder} exists", hint="name a folder that does not exist yet")
    part = folder.with_name(folder.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        part.mkdir(parents=True, mode=0o700)
        manifest = _copied(settings, part, tell)
        (part / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=2))
        _synced(part)
        part.rename(folder)
    except OSError as error:
        shutil.rmtree(part, ignore_errors=True)
        raise StoreError(
            f"cannot write {error.filename or folder}: {error.strerror}",
            hint="a backup needs free space, and a folder that this user can write",
        ) from error
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return manifest


def _copied(settings: Settings, part: Path, tell: Tell) -> Manifest:
    control = Control(open_database(settings.store, settings.folder))
    try:
        tenants = [tenant.name for tenant in control.tenants()]
    finally:
        control.close()
    if not tenants:
        raise StoreError(
            "there is no tenant to copy: no service ran on this store yet",
            hint="'headwater store backup FILE' copies the lineage of a project",
        )
    with closing(open_database(settings.store, settings.folder)) as database:
        (part / CONTROL).write_bytes(msgspec.json.encode(dump(database)))
    copied = {}
    for name in tenants:
        copied[name] = _copy(settings, name, part)
        tell(f"{name}: {copied[name].size_bytes:,} bytes")
    return Manifest(
        form=_FORM,
        kind=kind_of(settings),
        made_at=now_us(),
        control=_described(part / CONTROL),
        tenants=copied,
    )


def _copy(settings: Settings, tenant: str, part: Path) -> Copied:
    is_file = settings.folder is not None
    target = part / f"{tenant}.{'db' if is_file else 'log'}"
    with open_store(settings.store, tenant=tenant) as store:
        store.backup(target)
    if not is_file:  # a copied log has no graph before it is restored
        return _described(target)
    # The graph of the copy, not of the store, which others may have written to since.
    with open_store(part, tenant=tenant, read_only=True) as store:
        graph_hash = store.graph_hash()
    return _described(target, graph_hash=graph_hash)


def put_back(settings: Settings, folder: Path, *, tell: Tell) -> Manifest:
    """Restore a backup whose tenants have no stores yet, and verify that each graph equals the copied one. Whatever
    ends it earlier takes back what was restored until then.

    Raises:
        StoreCorrupt: a file does not match the manifest.
        StoreError: it is not a backup, it is for another kind of store, or a store exists already.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    if manifest.kind != kind_of(settings):
        raise StoreError(
            f"this is a backup of {manifest.kind} stores, and {settings.store} is {kind_of(settings)}",
            hint="'headwater store export' and 'import' carry a log from one kind to another",
        )
    for copied in (manifest.control, *manifest.tenants.values()):
        _check(folder, copied)
    dumped = msgspec.json.decode((folder / manifest.control.file).read_bytes(), type=Dump)
    with closing(open_database(settings.store, settings.folder)) as database:
        Control(database)  # creates the tables
        check_loadable(database, dumped)
        restored: list[str] = []
        try:
            for name, copied in manifest.tenants.items():
                restore_store(settings.store, folder / copied.file, tenant=name)
                restored.append(name)
                tell(f"{name}: {_verified(settings, name, copied):,} events")
            load(database, dumped)  # last: without its tenants, what was put back so far is no service
        except BaseException:
            for name in restored:
                drop_store(settings.store, name)
            raise
    return manifest


def _verified(settings: Settings, tenant: str, copied: Copied) -> int:
    """The number of events of a store that was put back. Raises ``StoreCorrupt`` if its graph is another one."""
    with open_store(settings.store, tenant=tenant) as store:
        if copied.graph_hash and store.graph_hash() != copied.graph_hash:
            raise StoreCorrupt(f"the graph of {tenant} is not the one that was copied", hint="use another backup")
        return store.tally().events


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a backup.

    Raises:
        StoreError: there is none in the folder.
    """
    try:
        manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
    except FileNotFoundError:
        raise StoreError(f"there is no backup in {folder}", hint=f"a backup has a {MANIFEST}") from None
    except msgspec.MsgspecError as error:
        raise StoreCorrupt(f"{MANIFEST}: {error}", hint="use another backup") from None
    if manifest.form != _FORM:
        raise StoreError(f"the backup is of form {manifest.form}, which this version does not read", hint="upgrade")
    return manifest


def kind_of(settings: Settings) -> str:
    """The kind of stores: ``sqlite`` or ``postgresql``.

    Raises:
        StoreError: stores in memory have no backup.
    """
    if settings.folder is not None:
        return "sqlite"
    if settings.store.startswith(("postgresql://", "postgres://")):
        return "postgresql"
    raise StoreError("stores in memory are not backed up", hint="give a folder or a database")


def _described(path: Path, *, graph_hash: str = "") -> Copied:
    return Copied(file=path.name, sha256=_digest(path), size_bytes=path.stat().st_size, graph_hash=graph_hash)


def _check(folder: Path, copied: Copied) -> None:
    path = folder / copied.file
    if path.parent != folder or not path.is_file():
        raise StoreCorrupt(f"{copied.file} is missing", hint="use another backup")
    if path.stat().st_size != copied.size_bytes or _digest(path) != copied.sha256:
        raise StoreCorrupt(f"{copied.file} is not what it was when it was copied", hint="use another backup")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _synced(folder: Path) -> None:
    """Flush everything to disk before the folder gets its final name."""
    for path in [*folder.iterdir(), folder]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
