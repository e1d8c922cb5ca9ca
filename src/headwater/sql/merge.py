"""MERGE."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from headwater.sql.assignments import assigned, target_name, value_of
from headwater.sql.column_uses import FILTER, JOIN, Uses, merge
from headwater.sql.ctes import with_env
from headwater.sql.dml import returning
from headwater.sql.expressions import uses_of
from headwater.sql.from_items import add_source
from headwater.sql.relation import Out, Relation
from headwater.sql.results import TableName
from headwater.sql.scope import Scope, Source
from headwater.sql.update import add_target
from headwater.sql.write_edges import Write, put, write_relation

if TYPE_CHECKING:
    from headwater.sql.context import Context
    from headwater.sql.ctes import Env


def merge_into(ctx: Context, node: exp.Expr, env: Env | None) -> Relation:
    """Each WHEN branch writes by itself, under the join condition and its own."""
    env = with_env(ctx, node, env, None)
    scope = Scope(env)
    source = add_source(ctx, scope, node.args["using"])
    table = add_target(ctx, scope, node.this)
    shared: Uses = dict(scope.rows)
    if isinstance(node.args.get("on"), exp.Expr):
        merge(shared, uses_of(ctx, scope, node.args["on"], JOIN))
    using = node.args.get("using_cond")
    for name in using if isinstance(using, list) else []:
        for hit in source.relation.find(name.name):
            merge(shared, hit.uses, JOIN)
    whens = node.args.get("whens")
    for branch in whens.expressions if whens is not None else node.expressions:
        _branch(ctx, scope, source, table, branch, shared)
    return returning(ctx, scope, node)


def _branch(ctx: Context, scope: Scope, source: Source, table: TableName, branch: exp.Expr, shared: Uses) -> None:
    rows: Uses = dict(shared)
    if branch.args.get("condition") is not None:
        merge(rows, uses_of(ctx, scope, branch.args["condition"], FILTER))
    then = branch.args.get("then")
    if isinstance(then, exp.Update):
        if isinstance(then.args.get("expressions"), exp.Star) or not then.expressions:
            _everything(ctx, source, table, rows)
            return
        pairs = assigned(ctx, scope, then.expressions)
        put(ctx, Write(table, pairs, rows=rows, row_targets=tuple(name for name, _ in pairs), is_change=True))
    elif isinstance(then, exp.Insert):
        _insert(ctx, scope, source, table, then, rows)
    elif isinstance(then, exp.Expression) and then.name.upper() == "DELETE":
        put(ctx, Write(table, rows=rows, is_change=True))


def _everything(ctx: Context, source: Source, table: TableName, rows: Uses) -> None:
    """``UPDATE SET *`` and ``INSERT *`` go by name."""
    write_relation(ctx, table, Relation(source.relation.columns, rows))
    ctx.writes[-1].is_change = True


def _insert(ctx: Context, scope: Scope, source: Source, table: TableName, then: exp.Expr, rows: Uses) -> None:
    whole = isinstance(then.this, exp.Star) or isinstance(then.expression, exp.Star)
    if whole or not isinstance(then.expression, exp.Expr):
        _everything(ctx, source, table, rows)
        return
    values = list(then.expression.expressions) if isinstance(then.expression, exp.Tuple) else [then.expression]
    if isinstance(then.this, exp.Tuple):
        names = [target_name(ctx, item) for item in then.this.expressions]
    elif isinstance(then.this, exp.Expression):
        names = [target_name(ctx, then.this)]
    else:
        names = list(ctx.catalog.columns_of(table) or ())
        if not names:
            ctx.note(f"{table}.*", "columns of the target are not known: MERGE inserts by position")
    pairs: list[tuple[str, Out]] = [
        (name, value_of(ctx, scope, value)) for name, value in zip(names, values, strict=False)
    ]
    put(ctx, Write(table, pairs, rows=rows, is_change=True))
