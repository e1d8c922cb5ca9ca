"""Identifies the database that a connection, engine or URL refers to."""

from __future__ import annotations

import os
import sys
import weakref
from itertools import count
from typing import Any, Final, NamedTuple

from headwater.capture import context
from headwater.capture.hooks import unobserved
from headwater.capture.locations import table_in_memory
from headwater.capture.values import DatasetRef
from headwater.model.names import IN_MEMORY
from headwater.model.uris import from_uri

_DIALECTS: Final = {"postgresql": "postgres", "postgres": "postgres", "mssql": "tsql", "mariadb": "mysql"}
_PROBE: Final = "headwater_probe"
_MEMORIES: Final[weakref.WeakKeyDictionary[Any, str]] = weakref.WeakKeyDictionary()
"""The databases in memory behind connections and engines."""
_NUMBERS: Final = count(1)


def new_memory() -> str:
    """The namespace of a database in the memory of this process: no other has it."""
    return f"{IN_MEMORY}{next(_NUMBERS)}"


def memory_of(connection: Any) -> str:
    """The namespace of the database in memory behind a connection or an engine; the same for all that cannot be told
    apart."""
    try:
        return _MEMORIES.setdefault(connection, new_memory())
    except TypeError:  # no weak references: a connection that was made before capture began
        return IN_MEMORY


def has_memory(connection: Any, namespace: str) -> None:
    """Note the namespace of the database in memory behind a connection or an engine."""
    _MEMORIES[connection] = namespace


class Database(NamedTuple):
    """A database by its URL, without credentials. ``dialect`` is the SQL parser's name for it."""

    url: str
    dialect: str
    namespace: str
    default_schema: str

    def table(self, name: str, schema: str | None = None) -> DatasetRef:
        """The dataset for a table of this database."""
        recorder = context.current()
        if self.namespace.startswith(IN_MEMORY) and recorder is not None:
            database = recorder.memory_database(self.dialect, self.namespace)
            return table_in_memory(recorder.job_namespace, recorder.job_name, database, name)
        return DatasetRef(*from_uri(self.url, table=f"{schema}.{name}" if schema else name), "TABLE")


def database_of(connection: Any) -> Database | None:
    """The database behind what functions like ``read_sql`` accept: a URL, an SQLAlchemy engine or connection, a
    connection of sqlite3, psycopg or ADBC. None if it cannot be told."""
    url = _url(connection)
    if url is None:
        return None
    scheme = url.partition(":")[0].partition("+")[0]
    named = from_uri(url, table=_PROBE)
    schema = named.name.removesuffix(_PROBE).rstrip(".")
    is_in_memory = named.namespace == IN_MEMORY and not isinstance(connection, str)
    namespace = memory_of(getattr(connection, "engine", connection)) if is_in_memory else named.namespace
    return Database(url, _DIALECTS.get(scheme, scheme), namespace, schema)


def _url(connection: Any) -> str | None:
    if isinstance(connection, str):
        return connection
    engine = getattr(connection, "engine", None)
    rendered = getattr(getattr(engine, "url", None), "render_as_string", None)
    if rendered is not None:
        url: Any = engine.url  # type: ignore[union-attr]
        if url.get_backend_name() == "postgresql" and not url.host:
            host = str(url.query.get("host", ""))
            url = url.set(host="localhost" if not host or host.startswith("/") else host)
        return str(url.render_as_string(hide_password=True))
    sqlite3 = sys.modules.get("sqlite3")
    if sqlite3 is not None and isinstance(connection, sqlite3.Connection):
        return _sqlite_url(connection)
    info: Any = getattr(connection, "info", None)
    if hasattr(info, "dbname") and hasattr(info, "host"):
        port = f":{info.port}" if getattr(info, "port", None) else ""
        host = "localhost" if not info.host or info.host.startswith("/") else info.host
        return f"postgresql://{host}{port}/{info.dbname}"
    return None


def _sqlite_url(connection: Any) -> str:
    path = main_file(connection)
    return f"sqlite:///{path}" if path else "sqlite://"


def main_file(connection: Any) -> str:
    """The file behind a connection of sqlite3; empty for a database in memory."""
    with unobserved():
        cursor = connection.cursor()
        cursor.row_factory = None
        rows = cursor.execute("PRAGMA database_list").fetchall()
        cursor.close()
    path = next((row[2] for row in rows if row[1] in ("main", b"main")), "")  # bytes with text_factory=bytes
    return os.fsdecode(path or "")
