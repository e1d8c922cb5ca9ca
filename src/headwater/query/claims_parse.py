"""Our own parse of a job's SQL, cached by the fingerprint of the statement."""

from __future__ import annotations

from functools import lru_cache

import msgspec

LONGEST = 256 << 10
"""Characters of a statement that are parsed on request; a longer one is said to be too long."""
_DIALECTS = {
    "postgres": "postgres",
    "postgresql": "postgres",
    "redshift": "redshift",
    "mysql": "mysql",
    "mariadb": "mysql",
    "snowflake": "snowflake",
    "bigquery": "bigquery",
    "trino": "trino",
    "presto": "presto",
    "hive": "hive",
    "mssql": "tsql",
    "sqlserver": "tsql",
    "oracle": "oracle",
    "duckdb": "duckdb",
    "sqlite": "sqlite",
    "awsathena": "athena",
    "databricks": "databricks",
    "clickhouse": "clickhouse",
    "teradata": "teradata",
}
TableColumns = tuple[tuple[str, tuple[str, ...]], ...]
"""(name of a table, its columns): what ``*`` and unqualified names are resolved with."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """The effect of a statement or script, in terms of the names it contains."""

    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    columns: tuple[tuple[str, str, str, str], ...] = ()
    """(source table, source column, target table, target column) where the value flows."""
    unresolved: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    text: str = ""
    """The statement with its literals masked."""


def dialect_of(given: str, namespaces: list[str]) -> str | None:
    """The dialect that a ``sql`` facet names, else the one of the databases that the job reads and writes."""
    from headwater.sql.dialects import dialect_name, is_known_dialect

    named = dialect_name(given)
    if given and is_known_dialect(named):
        return named
    schemes = {namespace.partition(":")[0].lower() for namespace in namespaces}
    known = {_DIALECTS[scheme] for scheme in schemes if scheme in _DIALECTS}
    return known.pop() if len(known) == 1 else None


def parse(text: str, dialect: str | None, tables: TableColumns) -> Found:
    """What a statement or script reads, writes and moves from column to column. Never raises on any text."""
    from headwater.sql import fingerprint

    return _parsed(fingerprint(text, dialect), _Text(text), dialect, tables)


class _Text(str):
    """A statement identified by its fingerprint alone, because literals do not affect the result."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Text)

    def __hash__(self) -> int:
        return 0


@lru_cache(maxsize=2048)
def _parsed(mark: str, text: _Text, dialect: str | None, tables: TableColumns) -> Found:
    from headwater.sql import analyze

    del mark
    statements = analyze(str(text), dialect=dialect, schema=dict(tables))
    reads: dict[str, None] = {}
    writes: dict[str, None] = {}
    columns: dict[tuple[str, str, str, str], None] = {}
    unresolved: dict[str, None] = {}
    for statement in statements:
        reads.update((str(table), None) for table in statement.reads if table.kind != "temp")
        writes.update((str(table), None) for table in statement.writes if table.kind != "temp")
        unresolved.update((f"{part.what}: {part.why}", None) for part in statement.unresolved)
        for edge in statement.each_edge():
            target = edge.target_table
            if edge.type == "DIRECT" and target is not None and "temp" not in (target.kind, edge.source_table.kind):
                columns[str(edge.source_table), edge.source_column, str(target), edge.target_column] = None
    return Found(
        reads=tuple(reads),
        writes=tuple(writes),
        columns=tuple(columns),
        unresolved=tuple(unresolved),
        kinds=tuple(statement.kind for statement in statements),
        text="; ".join(statement.masked_text for statement in statements if statement.masked_text),
    )
