"""ALTER, DROP and TRUNCATE, and their effect on names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from sqlglot import exp

from headwater.sql.relation import Column, Open, Out, Relation
from headwater.sql.write_edges import Write

if TYPE_CHECKING:
    from headwater.sql.context import Context
    from headwater.sql.results import TableName


def rename(ctx: Context, old: TableName, new: TableName) -> None:
    """The data of ``old`` is found under ``new`` from now on: an identity edge, or what fed a table of this stream."""
    ctx.kind = "ALTER_RENAME"
    if new.schema is None and new.catalog is None:
        new = msgspec.structs.replace(new, schema=old.schema, catalog=old.catalog, kind=old.kind)
    definition = ctx.catalog.definition(old)
    if definition is not None and definition.relation is not None:
        relation = definition.relation
        ctx.reads.update(dict.fromkeys(definition.sources))
    else:
        relation = ctx.base(old)
    new = ctx.catalog.rename(old, new)
    ctx.renames.append((old, new))
    columns = [(column.name, column) for column in relation.columns if isinstance(column, Out)]
    # Recorded without the catalog: moving data adds nothing to what the table was made from.
    ctx.writes.append(Write(new, columns, opens=relation.opens, rows=relation.rows))


def swap(ctx: Context, one: TableName, two: TableName) -> None:
    """``ALTER TABLE a SWAP WITH b``."""
    mine, theirs = ctx.catalog.definition(one), ctx.catalog.definition(two)
    middle = msgspec.structs.replace(one, name=one.name + "$swap")
    for table, definition in ((one, mine), (two, theirs)):
        if definition is None:
            ctx.base(table)
    rename(ctx, two, middle)
    ctx.writes.pop()
    rename(ctx, one, two)
    rename(ctx, middle, one)
    ctx.reads.pop(middle, None)
    ctx.renames[:] = [(one, two), (two, one)]
    if theirs is None:
        ctx.writes.pop()
        ctx.writes.append(Write(one, opens=[Open((two,))]))


def alter(ctx: Context, node: exp.Expr) -> None:
    """ALTER TABLE: renames of tables and columns, added and dropped columns."""
    ctx.kind = "ALTER"
    if not isinstance(node.this, exp.Table):
        return
    table = ctx.catalog.resolve(ctx, node.this)
    for action in node.args.get("actions") or ():
        if isinstance(action, exp.AlterRename):
            rename(
                ctx,
                table,
                ctx.catalog.resolve(ctx, action.this) if action.this.args.get("db") else _bare(ctx, action.this),
            )
        elif isinstance(action, exp.SwapTable):
            swap(ctx, table, ctx.catalog.resolve(ctx, action.this))
        else:
            _columns(ctx, table, action)


def _bare(ctx: Context, node: exp.Expr) -> TableName:
    from headwater.sql.results import TableName

    name = ctx.folding.table(node.name, quoted=bool(node.this.args.get("quoted")))
    return TableName(name, raw=node.name)


def _columns(ctx: Context, table: TableName, action: exp.Expr) -> None:
    """Keep the columns of a table of this stream up to date; of any other the given schema is."""
    definition = ctx.catalog.definition(table)
    if not any(write.table == table for write in ctx.writes):
        ctx.writes.append(Write(table))
    known = ctx.catalog.columns_of(table)
    if known is None:
        return
    relation = (
        definition.relation
        if definition is not None and definition.relation is not None
        else ctx.base(table, is_read=False)
    )
    columns: list[Column] = list(relation.columns)
    if isinstance(action, exp.ColumnDef):
        columns.append(Out(ctx.identifier(action.this), {}))
    elif isinstance(action, exp.Drop) and str(action.args.get("kind") or "").upper() == "COLUMN":
        gone = {item.name.casefold() for item in (action.args.get("tables") or [action.this]) if item is not None}
        columns = [column for column in columns if isinstance(column, Open) or column.name.casefold() not in gone]
    elif isinstance(action, exp.RenameColumn):
        old, new = ctx.identifier(action.this.this), ctx.identifier(action.args["to"].this)
        columns = [
            Out(new, c.uses) if isinstance(c, Out) and c.name.casefold() == old.casefold() else c for c in columns
        ]
    else:
        return
    if definition is not None:
        ctx.catalog.definitions[table] = type(definition)(
            definition.kind, Relation(columns, relation.rows), definition.sources
        )
    else:
        ctx.catalog.altered[table] = tuple(column.name for column in columns if isinstance(column, Out))


def drop(ctx: Context, node: exp.Expr) -> None:
    """DROP: the name is written to, and forgotten."""
    kind = str(node.args.get("kind") or "").upper()
    ctx.kind = "DROP"
    if kind not in ("TABLE", "VIEW", ""):
        return
    for item in node.args.get("tables") or ([node.this] if node.this is not None else []):
        if isinstance(item, exp.Table):
            table = ctx.catalog.resolve(ctx, item)
            ctx.writes.append(Write(table))
            ctx.catalog.drop(table)


def truncate(ctx: Context, node: exp.Expr) -> None:
    """TRUNCATE."""
    ctx.kind = "TRUNCATE"
    for item in node.expressions:
        table = ctx.catalog.resolve(ctx, item)
        ctx.writes.append(Write(table))
        ctx.catalog.emptied(table)
