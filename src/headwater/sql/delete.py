"""DELETE, with USING, with joins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from headwater.sql.column_uses import FILTER, merge
from headwater.sql.ctes import with_env
from headwater.sql.dml import returning
from headwater.sql.expressions import uses_of
from headwater.sql.from_items import add_source
from headwater.sql.relation import Relation
from headwater.sql.scope import Scope
from headwater.sql.update import add_target
from headwater.sql.write_edges import Write, put

if TYPE_CHECKING:
    from headwater.sql.context import Context
    from headwater.sql.ctes import Env


def delete(ctx: Context, node: exp.Expr, env: Env | None) -> Relation:
    """What chooses the rows bears indirectly on all of the target; nothing flows directly."""
    env = with_env(ctx, node, env, None)
    scope = Scope(env)
    using = node.args.get("using")
    for other in using if isinstance(using, list) else []:
        add_source(ctx, scope, other)
    targets = node.args.get("tables") or []
    tables = [add_target(ctx, scope, node.this)] if isinstance(node.this, exp.Expression) else []
    if targets:
        tables = []
        for target in targets:
            source = scope.source((ctx.identifier(target.this),))
            tables.append(source.table if source is not None and source.table else ctx.catalog.resolve(ctx, target))
        for table in tables:
            ctx.reads.pop(table, None)
    if node.args.get("where") is not None:
        merge(scope.rows, uses_of(ctx, scope, node.args["where"], FILTER))
    for table in tables:
        put(ctx, Write(table, rows=scope.rows, is_change=True))
    return returning(ctx, scope, node)
