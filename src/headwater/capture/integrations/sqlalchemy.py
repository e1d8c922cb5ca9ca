"""SQLAlchemy: statements of engines whose driver has no integration, through SQLAlchemy's public events.

If the driver has an integration (sqlite3, psycopg), statements are recorded there only.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any, ClassVar, Final

from headwater.capture.context import current
from headwater.capture.databases import has_memory, memory_of
from headwater.capture.dbapi import Connections, Place
from headwater.capture.followed_drivers import FOLLOWED
from headwater.capture.given_rows import COMPILED
from headwater.capture.guard import GUARD
from headwater.capture.hooks import BUSY, Hooks, Integration
from headwater.errors import InvalidName
from headwater.model.names import IN_MEMORY
from headwater.model.uris import from_uri

_DIALECTS: Final = {"postgresql": "postgres", "mariadb": "mysql", "mssql": "tsql"}
"""SQLAlchemy's names of dialects that differ from the SQL parser's."""

_PROBE: Final = "headwater_probe"


class SqlalchemyIntegration(Integration):
    """Follows all SQLAlchemy engines, including existing ones."""

    identifier: ClassVar[str] = "sqlalchemy"

    def install(self, hooks: Hooks, module: ModuleType) -> None:
        """Listen to events of the class of all engines."""
        from sqlalchemy import event
        from sqlalchemy.engine import Engine

        del module
        for name, listener in (
            ("before_cursor_execute", _before_execute),
            ("after_cursor_execute", _after_execute),
            ("commit", _on_commit),
            ("rollback", _on_rollback),
        ):
            event.listen(Engine, name, listener)
            hooks.on_remove(lambda name=name, listener=listener: event.remove(Engine, name, listener))  # type: ignore[misc]


def _before_execute(
    connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, executemany: bool
) -> None:
    """Keep the names of the parameters that the user gave for a statement, which the driver may know by place only."""
    del cursor, parameters, executemany
    with GUARD.at("sqlalchemy.memory"):
        _note_memory(connection)
    if not BUSY.depth and current() is not None:
        with GUARD.at("sqlalchemy.before"):
            compiled = getattr(context, "compiled", None)
            COMPILED.text = statement if compiled is not None else ""
            COMPILED.names = tuple(getattr(compiled, "positiontup", None) or ())


def _note_memory(connection: Any) -> None:
    """Note which database in memory is behind an engine whose driver is followed, so that both have one name for it."""
    url = connection.engine.url
    if connection.dialect.driver in FOLLOWED and url.database in (None, "", ":memory:"):
        has_memory(connection.engine, memory_of(connection.connection.dbapi_connection))


def _after_execute(
    connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, executemany: bool
) -> None:
    """Record a statement, with the signature of SQLAlchemy's event. Parameters are data, and not examined."""
    del cursor, context
    recorder = None if BUSY.depth else current()
    if recorder is None or connection.dialect.driver in FOLLOWED:
        return
    with GUARD.at("sqlalchemy.execute"):
        given = "executemany" if executemany else "execute" if parameters else ""
        _CONNECTIONS.ran(recorder, connection, statement, given=given)


def _on_commit(connection: Any) -> None:
    with GUARD.at("sqlalchemy.commit"):
        _CONNECTIONS.committed(connection)


def _on_rollback(connection: Any) -> None:
    with GUARD.at("sqlalchemy.rollback"):
        _CONNECTIONS.rolled_back(connection)


def place_of(connection: Any) -> Place:
    """Where a connection leads, by its engine's URL without user, password or options."""
    url, dialect = connection.engine.url, connection.dialect.name
    known = _DIALECTS.get(dialect, dialect)
    try:
        named = from_uri(str(url.render_as_string(hide_password=True)), table=_PROBE)
    except InvalidName:
        port = f":{url.port}" if url.port else ""
        return Place(known, f"{url.get_backend_name()}://{url.host or 'localhost'}{port}", "")
    namespace = memory_of(connection.engine) if named.namespace == IN_MEMORY else named.namespace
    return Place(known, namespace, named.name.removesuffix(_PROBE).rstrip("."))


_CONNECTIONS: Final = Connections(place_of, lambda connection: bool(connection.in_transaction()))
