"""Evaluates a query (SELECT, set operation, VALUES, parenthesised) to the relation it returns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from headwater.sql.ctes import with_env
from headwater.sql.pivot import pivoted
from headwater.sql.relation import Relation
from headwater.sql.scope import Scope
from headwater.sql.select import select_relation
from headwater.sql.setops import set_operation
from headwater.sql.values import values_relation

if TYPE_CHECKING:
    from headwater.sql.context import Context
    from headwater.sql.ctes import Env


def relation_of(ctx: Context, node: exp.Expr, env: Env | None, outer: Scope | None) -> Relation:
    """Give the relation of a query that stands in ``outer`` (for correlated names) and sees the CTEs of ``env``."""
    while isinstance(node, (exp.Subquery, exp.Paren)) and not _has_more(node):
        env = with_env(ctx, node, env, outer)
        node = node.this
    if isinstance(node, exp.SetOperation):
        return set_operation(ctx, node, env, outer)
    env = with_env(ctx, node, env, outer)
    if isinstance(node, exp.Select):
        return select_relation(ctx, node, env, outer)
    if isinstance(node, exp.Values):
        return values_relation(ctx, node, Scope(env, outer))
    if isinstance(node, exp.Pivot):
        return _pivot_statement(ctx, node, Scope(env, outer))
    return _wrapped(ctx, node, env, outer)


def _pivot_statement(ctx: Context, node: exp.Expr, scope: Scope) -> Relation:
    """DuckDB's ``PIVOT t ON ...``, which stands where a query can."""
    from headwater.sql.from_items import add_source

    source = add_source(ctx, scope, node.this)
    return pivoted(ctx, scope, source.relation, node)


def _has_more(node: exp.Expr) -> bool:
    """Whether brackets carry clauses of their own: ``(SELECT ...) ORDER BY x``, pivots, joins."""
    return any(node.args.get(key) for key in ("order", "limit", "offset", "pivots", "joins", "where", "laterals"))


def _wrapped(ctx: Context, node: exp.Expr, env: Env | None, outer: Scope | None) -> Relation:
    """A table or bracket in the place of a query: everything of it."""
    from headwater.sql.clauses import tail_clauses
    from headwater.sql.from_items import add_source

    scope = Scope(env, outer)
    add_source(ctx, scope, node)
    relation = Relation(scope.row, scope.rows)
    tail_clauses(ctx, scope, node, relation)
    return relation
