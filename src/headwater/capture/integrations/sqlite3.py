"""sqlite3: connections that tell which statements ran on them.

The standard library's connection and cursor cannot be hooked, but they can be sub-classed, and ``connect`` takes a
factory for that: the user gets a connection that is a ``sqlite3.Connection`` in every respect. A factory of the
user's own is sub-classed in turn.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from types import ModuleType
from typing import Any, ClassVar

from headwater.capture import recorder as recording
from headwater.capture.guard import GUARD
from headwater.capture.hooks import BUSY, Hooks, Integration


class Sqlite3Integration(Integration):
    """Follows the standard library's sqlite3, and everything that connects through it (SQLAlchemy, pandas)."""

    identifier: ClassVar[str] = "sqlite3"
    submodules: ClassVar[tuple[str, ...]] = ("sqlite3.dbapi2",)

    def install(self, hooks: Hooks, module: ModuleType) -> None:
        """Hook ``connect``."""
        hooks.replace(module, "connect", _connect)

    def install_submodule(self, hooks: Hooks, module: ModuleType) -> None:
        """``sqlite3.dbapi2`` has a name of its own for the same function; ``replace`` found it already."""


def _connect(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def connect(*args: Any, **kwargs: Any) -> Any:
        if recording.current() is not None and len(args) < _FACTORY_POSITION:
            from sqlite3 import Connection

            kwargs["factory"] = tracked(kwargs.get("factory", Connection))
        return original(*args, **kwargs)

    return connect


_FACTORY_POSITION = 6
"""``connect(database, timeout, detect_types, isolation_level, check_same_thread, factory, ...)``: a factory that is
given by position is left alone."""


def namespace_of(database: Any) -> str:
    """The namespace of a database file; empty for one in memory."""
    path = os.fspath(database) if isinstance(database, str | os.PathLike) else ""
    if path.startswith("file:"):
        path = path[5:].split("?", 1)[0]
    if not path or path == ":memory:":
        return ""
    return "sqlite://" + os.path.abspath(path)  # noqa: PTH100 - a name, not a file of ours


@functools.cache
def tracked(base: Any) -> Any:
    """A sub-class of a connection class that records what it executes; it keeps the name of its base."""
    if not isinstance(base, type):
        return base
    from sqlite3 import Cursor

    class Tracked(base):  # type: ignore[misc]
        """A connection whose statements are recorded."""

        def __init__(self, database: Any, *args: Any, **kwargs: Any) -> None:
            super().__init__(database, *args, **kwargs)
            self._headwater_namespace = namespace_of(database)

        def cursor(self, factory: Any = Cursor) -> Any:
            return super().cursor(_tracked_cursor(factory))

        def execute(self, *args: Any) -> Any:
            return self.cursor().execute(*args)

        def executemany(self, *args: Any) -> Any:
            return self.cursor().executemany(*args)

        def executescript(self, *args: Any) -> Any:
            return self.cursor().executescript(*args)

    Tracked.__name__, Tracked.__qualname__, Tracked.__module__ = base.__name__, base.__qualname__, base.__module__
    return Tracked


@functools.cache
def _tracked_cursor(base: Any) -> Any:
    if not isinstance(base, type):
        return base

    class Tracked(base):  # type: ignore[misc]
        """A cursor whose statements are recorded."""

        def execute(self, sql: str, *args: Any) -> Any:
            result = super().execute(sql, *args)
            _record(self, sql)
            return result

        def executemany(self, sql: str, *args: Any) -> Any:
            result = super().executemany(sql, *args)
            _record(self, sql)
            return result

        def executescript(self, sql: str) -> Any:
            result = super().executescript(sql)
            _record(self, sql)
            return result

    Tracked.__name__, Tracked.__qualname__, Tracked.__module__ = base.__name__, base.__qualname__, base.__module__
    return Tracked


def _record(cursor: Any, sql: str) -> None:
    recorder = None if BUSY.depth else recording.current()
    if (
        recorder is None
        or not isinstance(sql, str)
        or sql.lstrip()[:6].upper() in ("PRAGMA", "BEGIN", "COMMIT", "ROLLBA")
    ):
        return
    with GUARD.at("sqlite3.execute"):
        namespace = cursor.connection._headwater_namespace
        recorder.statement(sql, "sqlite", namespace or f"inmemory://{recorder.job_namespace}/{recorder.job_name}")
