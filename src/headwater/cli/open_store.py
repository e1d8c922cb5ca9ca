"""Opens the store or service that a command works on."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from headwater.errors import NoLineage, StoreError
from headwater.model.uris import without_password
from headwater.query.terminal_text import listing, plural

if TYPE_CHECKING:
    from headwater.cli.commands import Settings
    from headwater.query.api import LineageAPI
    from headwater.storage.base import Store
    from headwater.storage.view_rebuild import Progress

SET_ASIDE = "accepted by an earlier version, refused by this one; the graph is without them"
"""What it means that events are set aside."""
_YOUNG = 50_000
"""New objects before a garbage collection, while a store is brought up to date."""


def target(settings: Settings) -> str:
    """Return the address of the store: from the option, the environment, the settings file, else ``.headwater``."""
    from headwater.capture.config import load, working_folder

    working_folder()  # names of files are relative to it, whatever the store is
    named = settings.store or os.environ.get("HEADWATER_STORE", "")
    if settings.store or "://" in named:
        return named
    config = load()
    return config.settings.store if "://" in config.settings.store else str(config.store)


@contextmanager
def patient(tenant: str) -> Iterator[Progress]:
    """Show progress while a store is opened, which can take long once after an upgrade.

    That creates and drops rows by the thousand, so the garbage collector is made to run less often meanwhile.
    """
    from headwater.cli.progress import renewing

    thresholds = gc.get_threshold()
    gc.set_threshold(_YOUNG, *thresholds[1:])
    try:
        with renewing(tenant) as told:
            yield told
    finally:
        gc.set_threshold(*thresholds)


def open_patiently(where: str, tenant: str, *, is_read_only: bool = False, create: bool = True) -> Store:
    """Open a store, and tell of the progress, and of events that are set aside, if its views had to be rebuilt."""
    from headwater.storage.open import open_store

    is_renewed = False

    def watched(done: int, last: int) -> None:
        nonlocal is_renewed
        is_renewed = True
        on_progress(done, last)

    with patient(tenant) as on_progress:
        store = open_store(where, tenant=tenant, read_only=is_read_only, create=create, on_progress=watched)
    if is_renewed:
        tell_set_aside(store)
    return store


def tell_set_aside(store: Store) -> None:
    """Tell how many events of the log a rebuild left out, if it did."""
    count = store.tally().set_aside
    if count:
        says = "'headwater quarantine list' says why"
        click.echo(f"{store.tenant}: {plural(count, 'event')} set aside, {SET_ASIDE}: {says}", err=True)


@contextmanager
def opened(ctx: click.Context, *, must_exist: bool = True) -> Iterator[Store]:
    """Open the store for the duration of a command. Raises ``NoLineage`` if it must exist and does not."""
    settings: Settings = ctx.find_root().obj
    where = target(settings)
    waiting = ""
    if "://" not in where:
        from headwater.embedded import settle

        if must_exist and not os.path.lexists(Path(where).expanduser()):
            raise NoLineage(f"there is no store at {where}")
        waiting = settle(Path(where).expanduser())  # take in what a killed process left behind
        if must_exist:
            _check_tenant_exists(where, settings.tenant)
    from headwater.storage.open import may_only_read

    is_read_only = must_exist and may_only_read(where, settings.tenant)
    store = open_patiently(where, settings.tenant, is_read_only=is_read_only, create=not must_exist)
    if waiting and not is_read_only:
        click.echo(f"note: lineage of the latest runs waits in {where}/spool: {waiting}", err=True)
    try:
        yield store
    finally:
        store.close()


def _check_tenant_exists(where: str, tenant: str) -> None:
    """Raise ``NoLineage`` if a folder has no store of a tenant: a question makes none."""
    from headwater.storage.sqlite import stored_tenants
    from headwater.storage.sqlite.store import store_path

    folder = Path(where).expanduser()
    if not folder.is_dir() or store_path(folder, tenant).exists():
        return
    others = stored_tenants(folder)
    if not others:
        raise NoLineage(f"there is no store at {where}")
    hint = f"its tenants are {listing(others, 8)}: --tenant, HEADWATER_TENANT"
    raise NoLineage(f"there is no store of tenant {tenant!r} at {where}", hint=hint)


@contextmanager
def asking(ctx: click.Context, *, may_be_empty: bool = False) -> Iterator[LineageAPI]:
    """Open the store, or connect to the service, to ask questions.

    Raises ``NoLineage`` if the store is empty, unless it ``may_be_empty``: a list for a program is an empty list then.
    """
    where = target(ctx.find_root().obj)
    if where.startswith(("http://", "https://")):
        from headwater.query.remote import connect

        with connect(where) as remote:
            yield remote
        return
    with opened(ctx) as store:
        if not may_be_empty and next(store.events(limit=1), None) is None:
            raise NoLineage("the store is empty")
        from headwater.query.lineage import Lineage

        yield Lineage(store)


def file_of(ctx: click.Context) -> Path:
    """Return the path of the store. Raises ``StoreError`` if it is not a file or folder."""
    where = target(ctx.find_root().obj)
    if "://" in where:
        raise StoreError(f"{without_password(where)} is not a folder", hint="this command works on an embedded store")
    return Path(where).expanduser()
