"""Opens a store by what the user wrote: a folder, or ``memory://``."""

from __future__ import annotations

from pathlib import Path

from headwater.errors import ConfigError
from headwater.storage.base import Store
from headwater.storage.memory import MemoryStore


def open_store(target: str | Path | None, *, tenant: str = "default", read_only: bool = False) -> Store:
    """The store of a tenant.

    ``target``: a folder, ``sqlite:///folder``, ``memory://``, or None for ``.headwater`` in the working directory.

    Raises:
        ConfigError: no store of that kind is known.
        StoreError: it cannot be opened; the subclass and its hint say why.
    """
    text = str(target) if target is not None else ".headwater"
    if text in ("memory://", "memory:"):
        return MemoryStore.open(tenant=tenant)
    scheme, separator, rest = text.partition("://")
    if separator and scheme != "sqlite":
        raise ConfigError(
            f"no store of kind {scheme!r} is known", hint="give a folder, sqlite:///path/to/folder or memory://"
        )
    folder = Path(rest.removeprefix("/") if rest.startswith("//") else rest) if separator else Path(text)
    from headwater.storage.sqlite import SQLiteStore

    return SQLiteStore.open(folder, tenant=tenant, read_only=read_only)
