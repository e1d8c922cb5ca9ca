"""The target of a statement, and the column edges into it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from headwater.sql.column_uses import Uses, kind_of
from headwater.sql.relation import Column, Open, Out, Relation
from headwater.sql.results import INDIRECT, ColumnEdge, TableName

if TYPE_CHECKING:
    from headwater.sql.context import Context


class Write:
    """Columns written to one table: pairs of target column and value, stars of unknown width, and what decides about
    rows.

    ``row_targets`` are the columns that the choice of rows bears on (``*``: all). ``is_change`` marks UPDATE, DELETE
    and MERGE, whose search for the rows of their own target is no flow of data.
    """

    __slots__ = ("columns", "is_change", "opens", "row_targets", "rows", "table")

    def __init__(
        self,
        table: TableName,
        columns: Iterable[tuple[str, Out]] = (),
        *,
        opens: Iterable[Open] = (),
        rows: Uses | None = None,
        row_targets: tuple[str, ...] = ("*",),
        is_change: bool = False,
    ) -> None:
        self.table = table
        self.columns = list(columns)
        self.opens = list(opens)
        self.rows: Uses = rows or {}
        self.row_targets = row_targets
        self.is_change = is_change


def write_relation(ctx: Context, table: TableName, relation: Relation, names: list[str] | None = None) -> None:
    """Write a relation into a table column by column: under ``names`` by position, else under its own names."""
    columns: list[tuple[str, Out]] = []
    opens: list[Open] = []
    for position, column in enumerate(relation.columns):
        if isinstance(column, Open):
            opens.append(column)
            if names is not None:
                ctx.note(f"{table}.*", "positions behind a * over unknown columns are not known")
                break
        elif names is None or position < len(names):
            columns.append((names[position] if names is not None else column.name, column))
    put(ctx, Write(table, columns, opens=opens, rows=relation.rows))


def put(ctx: Context, write: Write) -> None:
    """Record a write, and let the catalog learn what fed a table of this stream."""
    ctx.writes.append(write)
    ctx.catalog.absorb(write.table, write.columns, write.rows, ctx.reads)


def edges_of(write: Write) -> Iterator[ColumnEdge]:
    """Yield the edges of a write."""
    for name, out in write.columns:
        yield from _edges(out.uses, write.table, name, out.text, is_change=write.is_change)
    for place in write.opens:
        yield from _star_edges(place, write.table)
    for target in write.row_targets:
        yield from _edges(write.rows, write.table, target, "", is_change=write.is_change)


def edges_of_result(columns: Iterable[Column], rows: Uses) -> Iterator[ColumnEdge]:
    """Yield the edges of a query result, whose target table is ``None``."""
    for column in columns:
        if isinstance(column, Open):
            yield from _star_edges(column, None)
        else:
            yield from _edges(column.uses, None, column.name, column.text)
    yield from _edges(rows, None, "*", "")


def _edges(
    uses: Uses, target: TableName | None, name: str, text: str, *, is_change: bool = False
) -> Iterator[ColumnEdge]:
    for (table, column), codes in uses.items():
        for code in sorted(codes):
            kind, subtype, masking = kind_of(code)
            if is_change and kind == INDIRECT and table == target:
                continue
            yield ColumnEdge(table, column, target, name, kind, subtype, masking, text)


def _star_edges(place: Open, target: TableName | None) -> Iterator[ColumnEdge]:
    for table in place.tables:
        kind, subtype, masking = kind_of(place.use)
        yield ColumnEdge(table, "*", target, "*", kind, subtype, masking)
