"""psycopg 3: statements of client-side, server-side and asynchronous cursors. Only committed writes count.

Only the text of a statement is examined, never its parameters.
"""

from __future__ import annotations

import functools
from types import ModuleType
from typing import Any, ClassVar, Final

from headwater.capture.dbapi import (
    Connections,
    notify_after,
    notify_after_async,
    place_in_postgres,
    watched,
    watched_async,
)
from headwater.capture.followed_drivers import follow
from headwater.capture.hooks import Hooks, Integration
from headwater.capture.recorder import Recorder

_IDLE: Final = 0
_CONNECTIONS: Final = Connections(
    lambda connection: place_in_postgres(connection.info),
    lambda connection: int(connection.info.transaction_status) != _IDLE,
)


class PsycopgIntegration(Integration):
    """Follows psycopg 3, synchronous and asynchronous."""

    identifier: ClassVar[str] = "psycopg"

    def install(self, hooks: Hooks, module: ModuleType) -> None:
        """Hook all classes of cursors, connections and transactions."""
        _install_cursors(hooks, (module.Cursor, module.ServerCursor), watched)
        _install_cursors(hooks, (module.AsyncCursor, module.AsyncServerCursor), watched_async)
        for connection, wrapper in ((module.Connection, notify_after), (module.AsyncConnection, notify_after_async)):
            hooks.replace(connection, "commit", functools.partial(wrapper, notify=_committed, site="psycopg.commit"))
            hooks.replace(
                connection, "rollback", functools.partial(wrapper, notify=_rolled_back, site="psycopg.rollback")
            )
            hooks.replace(connection, "close", functools.partial(wrapper, notify=_rolled_back, site="psycopg.close"))
        left = functools.partial(notify_after, notify=_left, site="psycopg.transaction")
        hooks.replace(module.Transaction, "__exit__", left)
        left = functools.partial(notify_after_async, notify=_left, site="psycopg.transaction")
        hooks.replace(module.AsyncTransaction, "__aexit__", left)
        follow(hooks, "psycopg")


def _install_cursors(hooks: Hooks, cursors: tuple[Any, ...], watch: Any) -> None:
    for cursor in cursors:
        for name in ("execute", "executemany"):
            if name in vars(cursor):
                hooks.replace(cursor, name, functools.partial(watch, ran=_ran, site=f"psycopg.{name}"))
        if "copy" in vars(cursor):  # returns a context manager, in both variants
            hooks.replace(cursor, "copy", functools.partial(watched, ran=_copied, site="psycopg.copy"))


def _text(cursor: Any, query: Any) -> Any:
    """The text of a query, which may be composed of parts."""
    return query.as_string(cursor) if hasattr(query, "as_string") else query


def _ran(recorder: Recorder, cursor: Any, query: Any, given: str) -> None:
    _CONNECTIONS.ran(recorder, cursor.connection, _text(cursor, query), cursor=cursor, given=given)


def _copied(recorder: Recorder, cursor: Any, query: Any, given: str) -> None:
    del given
    is_own = bool(cursor.connection.autocommit)
    _CONNECTIONS.ran(recorder, cursor.connection, _text(cursor, query), is_started=is_own)


def _committed(connection: Any, args: tuple[Any, ...]) -> None:
    del args
    _CONNECTIONS.committed(connection)


def _rolled_back(connection: Any, args: tuple[Any, ...]) -> None:
    del args
    _CONNECTIONS.rolled_back(connection)


def _left(transaction: Any, args: tuple[Any, ...]) -> None:
    """A ``with connection.transaction()`` block ended. A nested one counts when the outer one ends."""
    connection = transaction.connection
    if int(connection.info.transaction_status) == _IDLE:
        (_CONNECTIONS.committed if args and args[0] is None else _CONNECTIONS.rolled_back)(connection)
