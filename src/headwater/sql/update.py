"""UPDATE, with FROM, with joins, and through an alias of FROM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from headwater.sql.assignments import assigned
from headwater.sql.column_uses import FILTER, merge
from headwater.sql.ctes import with_env
from headwater.sql.dml import returning
from headwater.sql.expressions import uses_of
from headwater.sql.from_items import add_source
from headwater.sql.joins import add_join
from headwater.sql.relation import Relation
from headwater.sql.results import TableName
from headwater.sql.scope import Scope, Source
from headwater.sql.syntax_tree import alias_name, arg
from headwater.sql.write_edges import Write, put

if TYPE_CHECKING:
    from headwater.sql.context import Context
    from headwater.sql.ctes import Env


def update(ctx: Context, node: exp.Expr, env: Env | None) -> Relation:
    """Each assigned column takes from its expression; filters and joins bear on the assigned columns alone."""
    env = with_env(ctx, node, env, None)
    scope = Scope(env)
    add_others(ctx, scope, arg(node, "from"))
    default = add_target(ctx, scope, node.this)
    if node.args.get("where") is not None:
        merge(scope.rows, uses_of(ctx, scope, node.args["where"], FILTER))
    by_table: dict[TableName, list[exp.Expr]] = {}
    for item in node.expressions:
        by_table.setdefault(_table_of(ctx, scope, item, default), []).append(item)
    for table, items in by_table.items():
        pairs = assigned(ctx, scope, items)
        put(ctx, Write(table, pairs, rows=scope.rows, row_targets=tuple(name for name, _ in pairs), is_change=True))
        for source in scope.sources:
            if source.table == table:
                source.relation = source.relation.overlaid(pairs)
    return returning(ctx, scope, node)


def add_others(ctx: Context, scope: Scope, clause: exp.Expr | None) -> None:
    """Add the FROM clause of an UPDATE or DELETE."""
    if clause is not None:
        add_source(ctx, scope, clause.this)
        for join in clause.args.get("joins") or ():
            add_join(ctx, scope, join)


def add_target(ctx: Context, scope: Scope, node: exp.Expr) -> TableName:
    """Add the table that is changed, in front of the others; it may be named by its alias in FROM."""
    if not isinstance(node, exp.Table) or not isinstance(node.this, exp.Identifier):
        source = add_source(ctx, scope, node)
        return source.table or TableName(source.alias)
    for source in scope.sources:
        if source.table is not None and not node.args.get("db") and source.answers_to((ctx.identifier(node.this),)):
            ctx.reads.pop(source.table, None)
            return source.table
    table = ctx.catalog.resolve(ctx, node)
    alias = alias_name(node)
    relation = ctx.base(table, is_read=False)
    name = ctx.identifier(alias if alias is not None else node.this)
    source = Source(name, relation, table=table)
    scope.sources.insert(0, source)
    scope.row[:0] = relation.columns
    for join in node.args.get("joins") or ():
        add_join(ctx, scope, join)
    return table


def _table_of(ctx: Context, scope: Scope, item: exp.Expr, default: TableName) -> TableName:
    """MySQL can assign to columns of several tables at once."""
    target = item.this if isinstance(item, exp.EQ) else None
    if isinstance(target, exp.Column) and len(target.parts) > 1:
        source = scope.source(tuple(ctx.identifier(part) for part in target.parts[:-1]))
        if source is not None and source.table is not None:
            ctx.reads.pop(source.table, None) if source.table != default else None
            return source.table
    return default
