"""The result of an analysis: statements, the tables they read and write, and column edges."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

DIRECT = "DIRECT"
INDIRECT = "INDIRECT"

# In the order of their codes: see headwater.sql.column_uses. The first three are DIRECT.
SUBTYPES = (
    "IDENTITY",
    "TRANSFORMATION",
    "AGGREGATION",
    "JOIN",
    "FILTER",
    "GROUP_BY",
    "SORT",
    "WINDOW",
    "CONDITIONAL",
)


class TableName(msgspec.Struct, frozen=True, eq=False):
    """The name of a table, view or file as a statement reaches it, folded to the case in which its database keeps it.

    ``kind`` is ``table``, ``view``, ``temp``, ``file`` or ``stage``; a file's ``name`` is its path or URL without
    credentials. ``raw`` keeps the spelling of the statement. Two names are equal when their parts are: kind and
    spelling do not count, except that a file is never a table.
    """

    name: str
    schema: str | None = None
    catalog: str | None = None
    kind: str = "table"
    raw: str = ""

    @property
    def key(self) -> tuple[str | None, str | None, str, bool]:
        """What makes two names the same."""
        return (self.catalog, self.schema, self.name, self.kind in ("file", "stage"))

    @property
    def parts(self) -> tuple[str, ...]:
        """Catalog, schema and name, without those that are not given."""
        return tuple(part for part in (self.catalog, self.schema, self.name) if part)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TableName) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __str__(self) -> str:
        return ".".join(self.parts)


class ColumnEdge(msgspec.Struct, frozen=True):
    """How one source column bears on one target column.

    ``target_table`` is ``None`` when the target is the result of a query. ``source_column`` ``*`` is every column of a
    table whose columns are not known; ``target_column`` ``*`` is every column: with a DIRECT edge the one of the same
    name, with an INDIRECT edge all of them, since a filter, join or grouping decides about whole rows.
    """

    source_table: TableName
    source_column: str
    target_table: TableName | None
    target_column: str
    type: str
    subtype: str
    masking: bool = False
    description: str = ""


class Unresolved(msgspec.Struct, frozen=True):
    """Something that could not be resolved or was assumed: what (a name, never a literal) and why."""

    what: str
    why: str


class Statement(msgspec.Struct, frozen=True):
    """What one statement does.

    ``kind`` is its kind as executed (an EXECUTE has the kind of the prepared statement, EXPLAIN ANALYZE of what it
    runs). Every source table of ``columns`` is in ``reads``. ``output_columns`` names the columns of the result, or
    the columns written, in order (``*`` where they are not known). ``renames`` are pairs of old and new name.
    """

    kind: str
    reads: tuple[TableName, ...] = ()
    writes: tuple[TableName, ...] = ()
    columns: tuple[ColumnEdge, ...] = ()
    output_columns: tuple[str, ...] = ()
    unresolved: tuple[Unresolved, ...] = ()
    masked_text: str = ""
    renames: tuple[tuple[TableName, TableName], ...] = ()

    def each_edge(self) -> Iterator[ColumnEdge]:
        """Yield ``columns`` with each INDIRECT edge onto ``*`` written out for every known output column."""
        known = [name for name in self.output_columns if name != "*"]
        for edge in self.columns:
            if edge.type == INDIRECT and edge.target_column == "*" and known:
                for name in known:
                    yield msgspec.structs.replace(edge, target_column=name)
            else:
                yield edge
