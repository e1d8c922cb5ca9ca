"""What is known about the databases of one run, across its SQL statements.

Every run has such knowledge, and most never ask a database: what reads statements is loaded for the first of them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from headwater.capture.locations import located, table_in_memory
from headwater.capture.recorder import Statement
from headwater.capture.values import DatasetRef, Value
from headwater.model.names import IN_MEMORY, standard
from headwater.model.uris import in_database_file

if TYPE_CHECKING:
    from headwater.capture.sql_file_columns import FileColumns
    from headwater.sql import Session, TableName

_LOCAL: Final = ("sqlite", "duckdb")
_FILES: Final = frozenset(("parquet", "csv", "tsv", "json", "jsonl", "ndjson"))
"""Endings of names that duckdb takes for files if there is no such table."""


class Tables:
    """What is known about the databases of one run: for each a stream of statements, and their temporary tables.

    ``job_namespace`` and ``job_name`` are for the names of databases in memory.
    """

    def __init__(self, job_namespace: str = "", job_name: str = "") -> None:
        self._job = (job_namespace, job_name)
        self._streams: dict[tuple[str, str, str], Session] = {}
        self._columns: dict[tuple[str, str], tuple[str, ...]] = {}
        self._files: FileColumns | None = None
        self.temporary: dict[tuple[str, TableName], Value] = {}

    def stream(self, statement: Statement) -> Session:
        """The stream that a statement belongs to, with the columns of known tables and of the frames it names."""
        from headwater.sql import Session, TableName

        key = (statement.dialect, statement.namespace, statement.default_schema)
        session = self._streams.get(key)
        if session is None:
            session = self._streams[key] = Session(
                dialect=statement.dialect, default_schema=statement.default_schema or None, see_through=False
            )
        for (namespace, name), columns in self._columns.items():
            if namespace == statement.namespace:
                session.catalog.schema.add(name, columns)
        if statement.dialect == "duckdb":
            for name, columns in self._columns_of_files(statement.text):
                session.catalog.schema.add(TableName(name, kind="file"), columns)
        for name, value in statement.frames.items():
            if value.column_names():
                session.catalog.schema.add(name, value.column_names())
        return session

    def _columns_of_files(self, text: str) -> Iterator[tuple[str, tuple[str, ...]]]:
        from headwater.capture.sql_file_columns import FileColumns  # needed for duckdb only

        if self._files is None:
            self._files = FileColumns()
        return self._files.of(text)

    def learn(self, ref: DatasetRef, columns: tuple[str, ...]) -> None:
        """Remember the columns of a table that was read or written without SQL."""
        if columns and "*" not in columns:
            self._columns[ref.namespace, ref.name] = columns

    def columns_of(self, ref: DatasetRef) -> tuple[str, ...] | None:
        """The columns of a table, if known."""
        return self._columns.get(ref[:2])

    def ref(self, statement: Statement, session: Session, table: TableName) -> DatasetRef:
        """The dataset for a table in a statement."""
        if table.kind == "file":
            found = located(table.name)
            if found is not None:
                return found
        kind = "VIEW" if table.kind in ("view", "materialized") else "TABLE"
        attached = session.attached.get(table.catalog or table.schema or "")
        if attached is not None:
            return DatasetRef(*in_database_file(statement.dialect, attached, table.name), kind)
        file = ".".join(table.parts)
        if statement.dialect == "duckdb" and table.name.lower() in _FILES and os.path.isfile(file):  # noqa: PTH113 - a word of SQL
            found = located(file)  # FROM iris.parquet, without quotes
            if found is not None:
                return found
        if statement.dialect in _LOCAL and table.schema in (None, "main"):
            parts = [table.name]
        else:
            parts = _qualified(table, statement.default_schema)
        name = ".".join(parts)
        if statement.namespace.startswith(IN_MEMORY):
            return table_in_memory(*self._job, statement.namespace.removeprefix(IN_MEMORY), name)._replace(type=kind)
        return DatasetRef(*standard(statement.namespace, name), kind)


def _qualified(table: TableName, default_schema: str) -> list[str]:
    """Catalog, schema and name, completed from the connection's ``schema`` or ``catalog.schema``."""
    outer = default_schema.split(".") if default_schema else []
    own = list(table.parts)
    return [*outer[: max(0, len(outer) + 1 - len(own))], *own]
