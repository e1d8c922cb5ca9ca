"""Connections and cursors of sqlite3 that record what they execute."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Any, Final

from headwater.capture.databases import has_memory, main_file, memory_of
from headwater.capture.dbapi import Connections, Place, notify_after, renamed, watched
from headwater.capture.recorder import Recorder
from headwater.capture.wrapper_frames import unseen
from headwater.model.names import IN_MEMORY
from headwater.model.uris import in_database_file

_FACTORY_POSITION: Final = 5
"""``connect(database, timeout, detect_types, isolation_level, check_same_thread, factory, ...)``."""


def with_factory(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of ``connect``, with a tracking subclass in place of the factory."""
    from sqlite3 import Connection

    if len(args) > _FACTORY_POSITION:
        factory = tracked(args[_FACTORY_POSITION])
        return (*args[:_FACTORY_POSITION], factory, *args[_FACTORY_POSITION + 1 :]), kwargs
    return args, {**kwargs, "factory": tracked(kwargs.get("factory", Connection))}


_TRACKED: Final[list[type]] = []


def place(connection: Any, database: Any) -> None:
    """Note where a connection leads that was made by our ``connect``, if it is a tracked one."""
    if hasattr(connection, "cursor") and isinstance(connection, tuple(_TRACKED)):
        if shared := _shared_memory(database):
            has_memory(connection, shared)
        _CONNECTIONS.place(connection, Place("sqlite", namespace_of(database) or memory_of(connection), "main"))


def namespace_of(database: Any) -> str:
    """The namespace of a database file; empty for one in memory."""
    path = os.fsdecode(database) if isinstance(database, str | bytes | os.PathLike) else ""
    if path.startswith("file:"):
        head, _, options = path[5:].partition("?")
        if "mode=memory" in options.split("&") or head == ":memory:":
            return ""
        from urllib.parse import unquote

        path = unquote(head.removeprefix("//localhost") if head.startswith("//localhost/") else head)
        path = path.removeprefix("//") if path.startswith("///") else path
    if not path or path == ":memory:":
        return ""
    return in_database_file("sqlite", path, "t").namespace


def _shared_memory(database: Any) -> str:
    """The namespace of a database in memory that several connections share; empty for any other."""
    path = os.fsdecode(database) if isinstance(database, str | bytes | os.PathLike) else ""
    head, _, options = path.partition("?")
    is_shared = path.startswith("file:") and "cache=shared" in options.split("&") and not namespace_of(path)
    return IN_MEMORY + head if is_shared else ""


def _place_of(connection: Any) -> Place:
    """Where a connection leads that was not made by our ``connect`` (but by a pickled factory or ``__init__``)."""
    return Place("sqlite", namespace_of(main_file(connection)) or memory_of(connection), "main")


_CONNECTIONS: Final = Connections(_place_of, lambda connection: bool(connection.in_transaction))


def _ran(recorder: Recorder, executed: Any, sql: Any, given: str) -> None:
    """Record a statement. ``executed`` is a cursor, or a connection whose class overrides the method."""
    _CONNECTIONS.ran(recorder, getattr(executed, "connection", executed), sql, cursor=executed, given=given)


def _left(connection: Any, args: tuple[Any, ...]) -> None:
    (_CONNECTIONS.committed if args and args[0] is None else _CONNECTIONS.rolled_back)(connection)


@functools.cache
def tracked(base: Any) -> Any:
    """A subclass of a connection class, with the same name, that records what it executes."""
    if not isinstance(base, type):
        return base
    from sqlite3 import Cursor

    def cursor(self: Any, factory: Any = Cursor) -> Any:
        return base.cursor(self, _tracked_cursor(factory))  # type: ignore[attr-defined]

    commit, rollback = _CONNECTIONS.committed, _CONNECTIONS.rolled_back
    methods = {
        "cursor": unseen(cursor),
        "commit": notify_after(base.commit, lambda connection, args: commit(connection), "sqlite3.commit"),  # type: ignore[attr-defined]
        "rollback": notify_after(base.rollback, lambda connection, args: rollback(connection), "sqlite3.rollback"),  # type: ignore[attr-defined]
        "close": notify_after(base.close, lambda connection, args: rollback(connection), "sqlite3.close"),  # type: ignore[attr-defined]
        "__exit__": notify_after(base.__exit__, _left, "sqlite3.exit"),  # type: ignore[attr-defined]
    }
    for name in ("execute", "executemany", "executescript"):
        methods[name] = _by_cursor(base, name)
    made = renamed(base, methods, ("__weakref__",))
    _TRACKED.append(made)
    return made


def _by_cursor(base: Any, name: str) -> Callable[..., Any]:
    """``Connection.execute`` and similar methods, which make a plain cursor in sqlite3; here they make a tracked
    one."""
    from sqlite3 import Connection, Cursor

    own = getattr(base, name)
    if own is not getattr(Connection, name):
        return watched(own, _ran, f"sqlite3.{name}")

    @functools.wraps(own)
    def execute(self: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(Connection.cursor(self, _tracked_cursor(Cursor)), name)(*args, **kwargs)

    return unseen(execute)


@functools.cache
def _tracked_cursor(base: Any) -> Any:
    """A subclass of a cursor class that records what it executes."""
    if not isinstance(base, type):
        return base
    names = [name for name in ("execute", "executemany", "executescript") if hasattr(base, name)]
    return renamed(base, {name: watched(getattr(base, name), _ran, "sqlite3.execute") for name in names})
