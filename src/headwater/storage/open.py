"""Opens a store by its address: a folder, a PostgreSQL URL, or ``memory://``."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from headwater.errors import ConfigError, MissingExtra, StoreError
from headwater.storage.base import Store
from headwater.storage.memory import MemoryStore
from headwater.storage.view_rebuild import Outdated, Progress, in_silence

if TYPE_CHECKING:
    from headwater.storage.postgres import PostgresStore

POSTGRES = ("postgresql://", "postgres://")


def open_store(
    target: str | Path | None,
    *,
    tenant: str = "default",
    read_only: bool = False,
    create: bool = True,
    share_index_with: Store | None = None,
    on_progress: Progress = in_silence,
) -> Store:
    """Open the store of a tenant; with ``create`` it is created if missing.

    ``target`` is a folder, ``sqlite:///folder``, ``postgresql://...``, ``memory://``, or None for ``.headwater`` in the
    working directory. ``share_index_with`` is an open store of the same target to share one graph index with.
    ``on_progress`` is called while projections of an earlier version are rebuilt.

    Raises:
        ConfigError: the target is not the address of a store.
        MissingExtra: the store needs a library that is not installed.
        StoreError: the store cannot be opened; the subclass and its hint say why.
    """
    text = str(target) if target is not None else ".headwater"
    if text in ("memory://", "memory:"):
        return MemoryStore.open(tenant=tenant)
    scheme, separator, _ = text.partition("://")
    if text.startswith(POSTGRES):
        folder = index_folder(text, tenant)
        postgres = require_postgres()
        near = share_index_with if isinstance(share_index_with, postgres) else None
        return postgres.open(
            text,
            tenant=tenant,
            read_only=read_only,
            create=create,
            index_folder=folder,
            share_index_with=near,
            on_progress=on_progress,
        )
    if separator and scheme != "sqlite":
        raise no_store(text)
    from headwater.storage.sqlite import SQLiteStore

    beside = share_index_with if isinstance(share_index_with, SQLiteStore) else None
    return SQLiteStore.open(
        folder_of(text),
        tenant=tenant,
        read_only=read_only,
        create=create,
        share_index_with=beside,
        on_progress=on_progress,
    )


def outdated_store(target: str, tenant: str) -> Outdated | None:
    """The upgrade that the store of a tenant needs before it can be used, without doing it; None if it needs none.

    Raises:
        MissingExtra: the store needs a library that is not installed.
        StoreError: the store cannot be read.
    """
    if target.startswith("memory:"):
        return None
    if target.startswith(POSTGRES):
        return require_postgres().outdated(target, tenant)
    from headwater.storage.sqlite import SQLiteStore

    return SQLiteStore.outdated(folder_of(target).expanduser(), tenant)


def no_store(target: str) -> ConfigError:
    """The error for an address that is not a store. It does not quote the address in full, which may hold a
    password."""
    scheme = target.partition("://")[0]
    if scheme in ("http", "https"):
        return ConfigError(
            f"an {scheme} address is a service; this works on the store itself",
            hint="run it where the store is, with --store FOLDER or postgresql://...;"
            " a service takes queries and events over HTTP",
        )
    return ConfigError(
        f"no store of kind {scheme!r} is known",
        hint="use a folder, sqlite:///path/to/folder or postgresql://host/database; for queries http://host:port",
    )


def folder_of(target: str) -> Path:
    """The folder of a target: absolute for ``sqlite:///folder``, relative for ``sqlite://folder``, or a plain path."""
    _, separator, rest = target.partition("://")
    if not separator:
        return Path(target)
    return Path(rest.removeprefix("/") if rest.startswith("//") else rest)


def may_only_read(target: str, tenant: str = "default") -> bool:
    """Whether a store exists in a file that this process may not write (another user's folder, a read-only mount).

    It can still be opened with ``read_only``.
    """
    if "://" in target and not target.startswith("sqlite://"):
        return False
    from headwater.storage.sqlite.store import store_path

    path = store_path(folder_of(target).expanduser(), tenant)
    return os.access(path, os.F_OK) and not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK))


def drop_store(target: str, tenant: str) -> None:
    """Delete the store of a tenant, which nobody may have open. Does nothing if there is none.

    Raises:
        StoreError: the store cannot be deleted.
    """
    if target.startswith("memory:"):
        return
    if target.startswith(POSTGRES):
        require_postgres().drop(target, tenant)
        if folder := index_folder(target, tenant):
            shutil.rmtree(folder, ignore_errors=True)
        return
    if "://" in target and not target.startswith("sqlite://"):
        raise StoreError(
            f"tenants of {target.partition(':')[0]} stores cannot be deleted", hint="ask its administrator"
        )
    from headwater.storage.sqlite import SQLiteStore

    SQLiteStore.drop(folder_of(target), tenant)


def restore_store(target: str, source: Path, *, tenant: str) -> None:
    """Restore a backup made by ``Store.backup`` as the store of a tenant, which must be absent or empty.

    Raises:
        StoreError: the store is not empty, or the source is not a backup; ``StoreCorrupt`` if it is damaged.
    """
    if target.startswith(POSTGRES):
        with require_postgres().open(target, tenant=tenant) as store:
            store.restore(source)
        return
    from headwater.storage.sqlite.repair import restore

    restore(source, folder_of(target), tenant=tenant)


def index_folder(url: str, tenant: str) -> Path | None:
    """The local folder for the graph indexes of a tenant on a server, in the user's cache folder.

    They hold numbers, no names. The cache folder is ``XDG_CACHE_HOME``, or ``.cache`` in the home folder. Without a
    home folder (None), or if it is not writable, each process builds its own indexes.
    """
    base = os.environ.get("XDG_CACHE_HOME")
    try:
        cache = Path(base) if base else Path.home() / ".cache"
    except RuntimeError:  # the user of a container or service has no entry in the password database
        return None
    place = hashlib.sha256(f"{url}\0{tenant}".encode()).hexdigest()[:24]
    return cache / "headwater" / "index" / place


def require_postgres() -> type[PostgresStore]:
    """The PostgreSQL backend. Raises ``MissingExtra`` if its driver is not installed."""
    try:
        from headwater.storage.postgres import PostgresStore
    except ModuleNotFoundError as error:
        if error.name != "psycopg":
            raise
        raise MissingExtra(
            "a store on PostgreSQL needs psycopg", hint="install it: pip install 'headwater[postgres]'"
        ) from error
    return PostgresStore
