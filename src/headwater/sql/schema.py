"""Known tables and their columns, in order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from headwater.errors import InvalidInput
from headwater.sql.results import TableName

Columns = Iterable[str] | Mapping[str, object]


class Schema:
    """Tables and their columns as their database spells them.

    ``tables`` maps ``table``, ``schema.table`` or ``catalog.schema.table`` (a file: its path) to its columns in
    order, as names or as a mapping of names to types. A statement's table matches the entry that ends like it, when
    only one does.

    >>> Schema({"crm.users": ["id", "mail"]}).columns_of(TableName("users"))
    ('id', 'mail')
    """

    def __init__(self, tables: Mapping[str, Columns] | None = None) -> None:
        self._exact: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._by_name: dict[str, list[tuple[str, ...]]] = {}
        for name, columns in (tables or {}).items():
            self.add(name, columns)

    @classmethod
    def of(cls, tables: Schema | Mapping[str, Columns] | None) -> Schema:
        """Take a schema as it is, or build one from a mapping."""
        return tables if isinstance(tables, Schema) else cls(tables)

    def add(self, table: str | TableName, columns: Columns) -> None:
        """Add or replace one table. Raises :class:`InvalidInput` when the columns are not names."""
        named = list(columns)
        if isinstance(columns, str) or not all(isinstance(column, str) for column in named):
            raise InvalidInput(field=f"schema[{table}]", value=repr(named)[:60], rule="must be a list of column names")
        if isinstance(table, TableName):
            parts = table.parts
        elif "/" in table or "'" in table:
            parts = (table,)
        else:
            parts = tuple(part.strip('"`[]') for part in table.split("."))
        self._exact[parts] = tuple(named)
        # A file name has dots of its own: it is found under its whole text too.
        self._exact[(".".join(parts),)] = tuple(named)
        keys = self._by_name.setdefault(parts[-1].casefold(), [])
        if parts not in keys:
            keys.append(parts)

    def columns_of(self, table: TableName) -> tuple[str, ...] | None:
        """Columns of ``table``, or ``None`` when it is not known or more than one entry could be meant."""
        if (found := self._exact.get(table.parts)) is not None:
            return found
        wanted = tuple(part.casefold() for part in table.parts)
        fits = [key for key in self._by_name.get(wanted[-1], ()) if _same_end(tuple(p.casefold() for p in key), wanted)]
        whole = [key for key in fits if len(key) == len(wanted)]
        fits = whole or fits
        return self._exact[fits[0]] if len(fits) == 1 else None

    def __contains__(self, table: TableName) -> bool:
        return self.columns_of(table) is not None


def _same_end(left: tuple[str, ...], right: tuple[str, ...]) -> bool:
    size = min(len(left), len(right))
    return left[-size:] == right[-size:]
