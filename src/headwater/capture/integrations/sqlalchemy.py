"""SQLAlchemy: every statement of every engine, by its public events.

SQLite engines connect through the standard library's sqlite3, which has an integration of its own.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any, ClassVar, Final

from headwater.capture import recorder as recording
from headwater.capture.guard import GUARD
from headwater.capture.hooks import BUSY, Hooks, Integration

_DIALECTS: Final = {"postgresql": "postgres", "mariadb": "mysql", "mssql": "tsql"}
"""SQLAlchemy's names of dialects where the SQL parser has others."""


class SqlalchemyIntegration(Integration):
    """Follows SQLAlchemy engines, those made before included."""

    identifier: ClassVar[str] = "sqlalchemy"
    min_version: ClassVar[tuple[int, ...]] = (1, 4)

    def install(self, hooks: Hooks, module: ModuleType) -> None:
        """Listen to the class of all engines."""
        from sqlalchemy import event
        from sqlalchemy.engine import Engine

        del module
        event.listen(Engine, "after_cursor_execute", _after_execute)
        hooks.on_remove(lambda: event.remove(Engine, "after_cursor_execute", _after_execute))


def _after_execute(
    connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, executemany: bool
) -> None:
    """The event's signature is SQLAlchemy's. Parameters are values: they are not looked at."""
    del cursor, parameters, context, executemany
    recorder = None if BUSY.depth else recording.current()
    if recorder is None or connection.dialect.name == "sqlite":
        return
    with GUARD.at("sqlalchemy.execute"):
        dialect = connection.dialect.name
        recorder.statement(
            statement,
            _DIALECTS.get(dialect, dialect),
            namespace_of(connection.engine.url),
            default_schema=getattr(connection.dialect, "default_schema_name", None) or "",
        )


def namespace_of(url: Any) -> str:
    """``dialect://host:port`` of an engine's URL, without user, password or options."""
    scheme = {"postgresql": "postgres"}.get(url.get_backend_name(), url.get_backend_name())
    port = f":{url.port}" if url.port else ""
    return f"{scheme}://{url.host or 'localhost'}{port}"
