"""Evaluates one SELECT to the relation it returns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from headwater.sql.clauses import LATERAL_ALIASES, row_clauses
from headwater.sql.from_items import add_source
from headwater.sql.relation import Column, Out, Relation
from headwater.sql.scope import Scope
from headwater.sql.select_list import project
from headwater.sql.syntax_tree import arg

if TYPE_CHECKING:
    from headwater.sql.context import Context
    from headwater.sql.ctes import Env


def select_relation(ctx: Context, node: exp.Expr, env: Env | None, outer: Scope | None) -> Relation:
    """Evaluate FROM, then the select list, then the clauses that decide about rows."""
    from headwater.sql.joins import add_join

    scope = Scope(env, outer)
    clause = arg(node, "from")
    if clause is not None:
        add_source(ctx, scope, clause.this)
    for join in node.args.get("joins") or ():
        add_join(ctx, scope, join)
    for lateral in node.args.get("laterals") or ():
        add_source(ctx, scope, lateral)
    for window in node.args.get("windows") or ():
        scope.windows[window.this.name.casefold()] = window
    scope.alias_rank = "lateral" if ctx.dialect in LATERAL_ALIASES else "never"
    columns: list[Column] = []
    for item in node.expressions:
        for column in project(ctx, scope, item, len(columns)):
            columns.append(column)
            if isinstance(column, Out) and isinstance(item, exp.Alias):
                scope.aliases.add(column.name, column)
                if isinstance(item.this, exp.Column):
                    scope.plain.add(column.name, True)
    relation = Relation(columns, scope.rows)
    row_clauses(ctx, scope, node, relation)
    return relation
