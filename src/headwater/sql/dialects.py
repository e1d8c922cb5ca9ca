"""Names of dialects, as used by drivers and people."""

from __future__ import annotations

_ALIASES = {
    "": None,
    "generic": None,
    "ansi": None,
    "postgresql": "postgres",
    "pg": "postgres",
    "pgsql": "postgres",
    "cockroachdb": "postgres",
    "mariadb": "mysql",
    "mssql": "tsql",
    "sqlserver": "tsql",
    "sparksql": "spark",
    "sqlite3": "sqlite",
    "presto": "presto",
    "awsathena": "athena",
}


def dialect_name(dialect: str | None) -> str | None:
    """Give the parser's name of a dialect; ``None`` is generic SQL.

    >>> dialect_name("PostgreSQL")
    'postgres'
    """
    name = (dialect or "").strip().lower()
    return _ALIASES.get(name, name)


def is_known_dialect(dialect: str | None) -> bool:
    """Whether the parser has that dialect."""
    from sqlglot.dialects.dialect import Dialect, Dialects

    if dialect is None:
        return True
    return dialect in {member.value for member in Dialects} or Dialect.get(dialect) is not None
