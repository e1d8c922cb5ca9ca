"""psycopg2: statements of cursors. Only committed writes count.

Its connection and cursor are compiled and cannot be hooked, but they can be subclassed, and ``connect`` takes a factory
for that. Only the text of a statement is examined, never its parameters.
"""

from __future__ import annotations

import functools
import inspect
import re
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, ClassVar, Final

from headwater.capture import context
from headwater.capture.dbapi import Connections, notify_after, place_in_postgres, renamed, watched
from headwater.capture.followed_drivers import follow
from headwater.capture.guard import GUARD
from headwater.capture.hooks import BUSY, Hooks, Integration
from headwater.capture.recorder import Recorder
from headwater.capture.wrapper_frames import USERS_CODE, unseen
from headwater.model.patterns import lazy_pattern

_IDLE: Final = 0
_BULK: Final = ("cur", "sql", "argslist", "template")
_COLUMNS: Final = lazy_pattern(r"\s*INSERT\s+INTO\s+[^(]*\(([^()]*)\)", re.IGNORECASE)
_CONNECTIONS: Final = Connections(
    lambda connection: place_in_postgres(connection.info),
    lambda connection: int(connection.get_transaction_status()) != _IDLE,
)


class Psycopg2Integration(Integration):
    """Follows psycopg2."""

    identifier: ClassVar[str] = "psycopg2"
    submodules: ClassVar[tuple[str, ...]] = ("psycopg2.extras",)

    def install(self, hooks: Hooks, module: ModuleType) -> None:
        """Hook ``connect``."""
        hooks.replace(module, "connect", _connect)
        follow(hooks, "psycopg2")

    def install_submodule(self, hooks: Hooks, module: ModuleType) -> None:
        """Hook the functions that put many rows into one statement."""
        for name in ("execute_values", "execute_batch"):
            hooks.replace(module, name, _in_bulk)


def _connect(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def connect(dsn: Any = None, connection_factory: Any = None, *args: Any, **kwargs: Any) -> Any:
        if context.current() is not None:
            with GUARD.at("psycopg2.connect"):
                connection_factory = _tracked(connection_factory)
        return original(dsn, connection_factory, *args, **kwargs)

    return unseen(connect)


def _ran(recorder: Recorder, cursor: Any, query: Any, given: str) -> None:
    text = query.as_string(cursor) if hasattr(query, "as_string") else query
    _CONNECTIONS.ran(recorder, cursor.connection, text, cursor=cursor, given=given)


def _in_bulk(original: Callable[..., Any]) -> Callable[..., Any]:
    """A wrapper for ``execute_values(cursor, sql, rows, ...)`` and ``execute_batch``: they execute one statement with
    the rows of the user, whatever its text becomes. Iterators of rows are the user's code."""
    name = original.__name__

    @functools.wraps(original)
    def execute(*args: Any, **kwargs: Any) -> Any:
        recorder = None if BUSY.depth else context.current()
        if recorder is None:
            return original(*args, **kwargs)
        BUSY.depth = USERS_CODE
        try:
            result = original(*args, **kwargs)
            BUSY.depth = 1
            with GUARD.at(f"psycopg2.{name}"):
                _ran_in_bulk(recorder, name, dict(zip(_BULK, args, strict=False)) | kwargs)
        finally:
            BUSY.depth = 0
        return result

    return unseen(execute)


def _ran_in_bulk(recorder: Recorder, name: str, given: dict[str, Any]) -> None:
    cursor, text, rows = given["cur"], given["sql"], given["argslist"]
    text = text.as_string(cursor) if hasattr(text, "as_string") else text
    text = text.decode(errors="replace") if isinstance(text, bytes) else text
    if name == "execute_values":
        width = len(rows[0]) if isinstance(rows, list | tuple) and rows else _columns_named(text)
        row = given.get("template") or f"({', '.join(['%s'] * width)})"
        text = text.replace("%s", row.decode() if isinstance(row, bytes) else row) if width else text
    _CONNECTIONS.ran(recorder, cursor.connection, text, cursor=cursor, given=name)


def _columns_named(text: str) -> int:
    """How many columns an ``INSERT`` names; 0 if it names none."""
    found = _COLUMNS.match(text)
    return found[1].count(",") + 1 if found else 0


def _copied(recorder: Recorder, cursor: Any, table: Any) -> None:
    """Record ``copy_from(file, table)``: rows from a file object of the user."""
    if isinstance(table, str):
        _CONNECTIONS.ran(recorder, cursor.connection, f"COPY {table} FROM STDIN")


@functools.cache
def _tracked(factory: Any) -> Any:
    """A subclass of a connection class (psycopg2's own for None); other factories are returned unchanged."""
    extensions: Any = sys.modules["psycopg2.extensions"]
    if factory is not None and not inspect.isclass(factory):
        return factory
    base: Any = extensions.connection if factory is None else factory

    def cursor(self: Any, *args: Any, **kwargs: Any) -> Any:
        if len(args) > 1:
            return base.cursor(self, args[0], _tracked_cursor(args[1]), *args[2:], **kwargs)
        wanted: Any = kwargs.get("cursor_factory")
        if wanted is None and base.cursor is extensions.connection.cursor:
            wanted = self.cursor_factory or extensions.cursor
        elif wanted is None:  # a connection class with its own cursors: make one to find out their class
            example: Any = base.cursor(self)
            wanted = example.__class__
            example.close()
        return base.cursor(self, *args, **{**kwargs, "cursor_factory": _tracked_cursor(wanted)})

    def notifying(name: str, what: Callable[[Any], None]) -> Any:
        return notify_after(getattr(base, name), lambda connection, args: what(connection), f"psycopg2.{name}")

    methods = {"cursor": unseen(cursor), "commit": notifying("commit", _CONNECTIONS.committed)}
    methods |= {name: notifying(name, _CONNECTIONS.rolled_back) for name in ("rollback", "close")}
    return renamed(base, methods, ("__weakref__",))


@functools.cache
def _tracked_cursor(factory: Any) -> Any:
    """A subclass of a cursor class that records what it executes; other factories are returned unchanged."""
    if not inspect.isclass(factory):
        return factory
    base: Any = factory
    names = ("execute", "executemany", "copy_expert")
    methods = {name: watched(getattr(base, name), _ran, f"psycopg2.{name}") for name in names}
    copy: Any = base.copy_from

    @functools.wraps(copy)
    def copy_from(self: Any, file: Any, table: Any, *args: Any, **kwargs: Any) -> Any:
        return notify_after(copy, lambda cursor, _: _record_copy(cursor, table), "psycopg2.copy_from")(
            self, file, table, *args, **kwargs
        )

    return renamed(base, {**methods, "copy_from": unseen(copy_from)})


def _record_copy(cursor: Any, table: Any) -> None:
    recorder = context.current()
    if recorder is not None:
        _copied(recorder, cursor, table)
