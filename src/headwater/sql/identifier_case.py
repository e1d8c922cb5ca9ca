"""Case folding of identifiers by dialect.

``lower`` and ``upper`` fold unquoted names, ``always_lower`` quoted ones too, ``exact`` none, ``blind`` compares
without case and shows a column as its table spells it (a table name becomes lower case, so that one table has one
name).
"""

from __future__ import annotations

from typing import NamedTuple


class Folding(NamedTuple):
    """The rules of one dialect for tables and for columns."""

    tables: str
    columns: str

    @property
    def is_exact(self) -> bool:
        """Whether columns whose folded names differ in case alone are two columns."""
        return self.columns in ("lower", "upper", "exact")

    def table(self, name: str, *, quoted: bool) -> str:
        """Fold the name of a table, schema or catalog."""
        return _fold(name, "always_lower" if self.tables == "blind" else self.tables, quoted=quoted)

    def column(self, name: str, *, quoted: bool) -> str:
        """Fold the name of a column or alias."""
        return name if self.columns == "blind" else _fold(name, self.columns, quoted=quoted)


def _fold(name: str, rule: str, *, quoted: bool) -> str:
    if rule == "always_lower" or (rule == "lower" and not quoted):
        return name.lower()
    return name.upper() if rule == "upper" and not quoted else name


_STANDARD = Folding("lower", "lower")
_RULES = {
    "snowflake": Folding("upper", "upper"),
    "oracle": Folding("upper", "upper"),
    "duckdb": Folding("blind", "blind"),
    "sqlite": Folding("blind", "blind"),
    "spark": Folding("blind", "blind"),
    "spark2": Folding("blind", "blind"),
    "databricks": Folding("blind", "blind"),
    "hive": Folding("blind", "blind"),
    "tsql": Folding("blind", "blind"),
    "mysql": Folding("exact", "blind"),
    "bigquery": Folding("exact", "blind"),
    "trino": Folding("always_lower", "always_lower"),
    "presto": Folding("always_lower", "always_lower"),
    "athena": Folding("always_lower", "always_lower"),
    "redshift": Folding("always_lower", "always_lower"),
    "clickhouse": Folding("exact", "exact"),
}


def folding_of(dialect: str | None) -> Folding:
    """Give the rules of ``dialect``; of standard SQL as PostgreSQL reads it (unquoted to lower) when it is not
    listed."""
    return _RULES.get(dialect or "", _STANDARD)
