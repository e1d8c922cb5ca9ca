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
    share_index_with: Store | None = None,
    on_progress: Progress = in_silence,
) -> Store:
    """The store of a tenant; with ``share_index_with``, an open store of the same place, both hold one graph index.

    ``target``: a folder, ``sqlite:///folder``, ``postgresql://...``, ``memory://``, or None for ``.headwater`` in
    the working directory. ``on_progress`` is told how far it is while views of an earlier version are rebuilt.

    Raises:
        ConfigError: no store of that kind is known.
        MissingExtra: it needs a library that is not installed.
        StoreError: it cannot be opened; the subclass and its hint say why.
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
            index_folder=folder,
            share_index_with=near,
            on_progress=on_progress,
        )
    if separator and scheme != "sqlite":
        raise no_store(text)
    from headwater.storage.sqlite import SQLiteStore

    beside = share_index_with if isinstance(share_index_with, SQLiteStore) else None
    return SQLiteStore.open(
        folder_of(text), tenant=tenant, read_only=read_only, share_index_with=beside, on_progress=on_progress
    )


def outdated_store(target: str, tenant: str) -> Outdated | None:
    """What there is to do before the store of a tenant can be used, without doing it; None if there is nothing.

    Raises:
        MissingExtra: it needs a library that is not installed.
        StoreError: it cannot be read.
    """
    if target.startswith("memory:"):
        return None
    if target.startswith(POSTGRES):
        return require_postgres().outdated(target, tenant)
    from headwater.storage.sqlite import SQLiteStore

    return SQLiteStore.outdated(folder_of(target).expanduser(), tenant)


def no_store(target: str) -> ConfigError:
    """Why an address is none of a store. It is not repeated whole: a password may stand in it."""
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
    """The folder that a target names: ``sqlite:///folder`` from the root, ``sqlite://folder`` and a plain path not."""
    _, separator, rest = target.partition("://")
    if not separator:
        return Path(target)
    return Path(rest.removeprefix("/") if rest.startswith("//") else rest)


def may_only_read(target: str, tenant: str = "default") -> bool:
    """Tell whether a store is there as a file that this process may not write: another's folder, a mounted copy.

    It can be asked all the same, opened with ``read_only``.
    """
    if "://" in target and not target.startswith("sqlite://"):
        return False
    from headwater.storage.sqlite.store import store_path

    path = store_path(folder_of(target).expanduser(), tenant)
    return path.exists() and not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK))


def drop_store(target: str, tenant: str) -> None:
    """Delete everything that the store of a tenant holds; nobody may have it open. Does nothing if there is none.

    Raises:
        StoreError: it cannot be deleted.
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
    """Put a backup that ``Store.backup`` made in the place of a tenant's store that is not there, or is empty.

    Raises:
        StoreError: there is something in its place, or the backup is none; ``StoreCorrupt`` when it is damaged.
    """
    if target.startswith(POSTGRES):
        with require_postgres().open(target, tenant=tenant) as store:
            store.restore(source)
        return
    from headwater.storage.sqlite import restore

    restore(source, folder_of(target), tenant=tenant)


def index_folder(url: str, tenant: str) -> Path | None:
    """Where this machine saves the graph indexes of a tenant on a server: with what a user's programs can make again.

    They hold numbers, no names. ``XDG_CACHE_HOME`` says where such things go; where it may not be written, or where it
    is not set and the user has no home (None), they are rebuilt by each process.
    """
    base = os.environ.get("XDG_CACHE_HOME")
    try:
        cache = Path(base) if base else Path.home() / ".cache"
    except RuntimeError:  # a user of a container or a service, whom no list of users knows
        return None
    place = hashlib.sha256(f"{url}\0{tenant}".encode()).hexdigest()[:24]
    return cache / "headwater" / "index" / place


def require_postgres() -> type[PostgresStore]:
    """The PostgreSQL backend. Raises ``MissingExtra`` where its driver is not installed."""
    try:
        from headwater.storage.postgres import PostgresStore
    except ModuleNotFoundError as error:
        if error.name != "psycopg":
            raise
        raise MissingExtra(
            "a store on PostgreSQL needs psycopg", hint="install it: pip install 'headwater[postgres]'"
        ) from error
    return PostgresStore
