"""INSERT: by position into the column list, by name, from VALUES, on conflict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from headwater.sql.assignments import assigned
from headwater.sql.column_uses import FILTER, Uses, merge
from headwater.sql.ctes import with_env
from headwater.sql.dml import returning
from headwater.sql.expressions import uses_of
from headwater.sql.files import file_name
from headwater.sql.relation import Column, Out, Relation
from headwater.sql.results import TableName
from headwater.sql.scope import Scope, Source
from headwater.sql.write_edges import Write, put, write_relation

if TYPE_CHECKING:
    from headwater.sql.context import Context
    from headwater.sql.ctes import Env


def insert(ctx: Context, node: exp.Expr, env: Env | None, source: Relation | None = None) -> Relation:
    """Analyse an INSERT; ``source`` stands in for its query where one query feeds many (INSERT ALL)."""
    from headwater.sql.queries import relation_of

    env = with_env(ctx, node, env, None)
    table, listed = target_of(ctx, node.this)
    relation = source
    query = node.expression
    if isinstance(query, exp.Expression):
        relation = relation_of(ctx, query, env, None)
    if relation is None:
        relation = Relation([])
    names = None if node.args.get("by_name") else listed or _known_names(ctx, node, table)
    if names is None and relation.columns and not node.args.get("by_name") and _has_origins(relation):
        ctx.note(f"{table}.*", "columns of the target are not known: named as in the query")
    write_relation(ctx, table, relation, names)
    if names is None and not node.args.get("by_name"):
        ctx.writes[-1].columns = [(name, out) for name, out in ctx.writes[-1].columns if out.uses]
    inserted = _inserted(ctx, table, relation, names)
    _conflict(ctx, node, table, inserted)
    scope = Scope(env)
    scope.add(Source(table.name, inserted, table=table))
    for alias in ("inserted", "excluded"):
        scope.sources.append(Source(alias, inserted, is_visible=False))
    return returning(ctx, scope, node)


def target_of(ctx: Context, node: exp.Expr, *, is_new: bool = False) -> tuple[TableName, list[str] | None]:
    """Give the table that is written to (or made, with ``is_new``), and the column list beside it."""
    if isinstance(node, exp.Schema):
        names = [ctx.identifier(_plain(item)) for item in node.expressions]
        return target_of(ctx, node.this, is_new=is_new)[0], names or None
    if isinstance(node, exp.Directory):
        return file_name(node.this.name), None
    if isinstance(node, exp.Table) and isinstance(node.this, exp.Func):
        node = node.this
    if isinstance(node, exp.Func):
        ctx.note(node.sql_name() if node.sql_names() else "function", "writes through a table function")
        return TableName(node.name), None
    return ctx.catalog.resolve(ctx, node, is_new=is_new), None


def _plain(item: exp.Expr) -> exp.Expr:
    return item.this if isinstance(item, (exp.ColumnDef, exp.Column)) else item


def _known_names(ctx: Context, node: exp.Expr, table: TableName) -> list[str] | None:
    """Columns of the target in order, those of a dynamic partition last, without those of a static one."""
    known = ctx.catalog.columns_of(table)
    if known is None:
        return None
    partition = node.this.args.get("partition") or node.args.get("partition")
    items = partition.expressions if isinstance(partition, exp.Partition) else []
    static = {item.this.name.casefold() for item in items if isinstance(item, exp.EQ)}
    dynamic = [item.name.casefold() for item in items if not isinstance(item, exp.EQ)]
    plain = [name for name in known if name.casefold() not in static and name.casefold() not in dynamic]
    return plain + [name for name in known if name.casefold() in dynamic]


def _has_origins(relation: Relation) -> bool:
    return not relation.is_closed or any(isinstance(c, Out) and c.uses for c in relation.columns)


def _inserted(ctx: Context, table: TableName, relation: Relation, names: list[str] | None) -> Relation:
    """The row as written: what came from the query, for other columns (defaults, keys) the target itself."""
    columns: list[Column] = []
    for position, column in enumerate(relation.columns):
        if isinstance(column, Out) and (names is None or position < len(names)):
            columns.append(Out(names[position] if names is not None else column.name, column.uses, column.text))
        elif not isinstance(column, Out):
            break
    have = {column.name.casefold() for column in columns if isinstance(column, Out)}
    for column in ctx.base(table, is_read=False).columns:
        if not isinstance(column, Out):
            columns.append(column.narrowed(without=have))
        elif column.name.casefold() not in have:
            columns.append(column)
    return Relation(columns, relation.rows)


def _values_function(node: exp.Expr) -> exp.Expr:
    """MySQL's ``VALUES(a)`` is the inserted row's a."""
    if isinstance(node, exp.Anonymous) and str(node.this).upper() == "VALUES" and len(node.expressions) == 1:
        return exp.column(node.expressions[0].name, table="values")
    return node


def _conflict(ctx: Context, node: exp.Expr, table: TableName, inserted: Relation) -> None:
    """ON CONFLICT DO UPDATE, ON DUPLICATE KEY UPDATE."""
    conflict = node.args.get("conflict")
    if conflict is None or not conflict.expressions:
        return
    scope = Scope(None)
    scope.add(Source(table.name, ctx.base(table, is_read=False), table=table))
    for alias in ("excluded", "values", "new"):
        scope.sources.append(Source(alias, inserted, is_visible=False))
    pairs = assigned(ctx, scope, [item.transform(_values_function) for item in conflict.expressions])
    rows: Uses = {}
    if conflict.args.get("where") is not None:
        merge(rows, uses_of(ctx, scope, conflict.args["where"], FILTER))
    put(ctx, Write(table, pairs, rows=rows, row_targets=tuple(name for name, _ in pairs), is_change=True))
