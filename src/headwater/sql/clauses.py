"""The clauses of a query that determine rows: WHERE, GROUP BY, HAVING, QUALIFY, DISTINCT, ORDER BY, LIMIT."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from headwater.sql.column_uses import FILTER, GROUP_BY, SORT, merge
from headwater.sql.expressions import uses_of
from headwater.sql.relation import Out, Relation

if TYPE_CHECKING:
    from headwater.sql.context import Context
    from headwater.sql.scope import Scope

# Where an alias of the select list may be used in the select list itself, and in WHERE.
LATERAL_ALIASES = frozenset({"duckdb", "snowflake", "redshift", "spark", "databricks", "clickhouse", "teradata"})
_ALIAS_IN_WHERE = frozenset({"duckdb", "snowflake", "redshift", "clickhouse", "sqlite"})


def row_clauses(ctx: Context, scope: Scope, node: exp.Expr, relation: Relation) -> None:
    """Add what the clauses of a SELECT use to the rows of ``relation``."""
    scope.alias_rank = "after" if ctx.dialect in _ALIAS_IN_WHERE else "never"
    for key in ("where", "prewhere"):
        _clause(ctx, scope, node.args.get(key), FILTER, relation)
    connect = node.args.get("connect")
    if connect is not None:
        _clause(ctx, scope, connect, FILTER, relation)
    scope.alias_rank = "after"
    _group(ctx, scope, node, relation)
    for key in ("having", "qualify"):
        _clause(ctx, scope, node.args.get(key), FILTER, relation)
    distinct = node.args.get("distinct")
    if isinstance(distinct, exp.Distinct):
        on = distinct.args.get("on")
        if on is not None:
            _clause(ctx, scope, on, GROUP_BY, relation)
        else:
            merge(relation.rows, relation.all_uses(0), GROUP_BY)
    tail_clauses(ctx, scope, node, relation)


def tail_clauses(ctx: Context, scope: Scope, node: exp.Expr, relation: Relation) -> None:
    """ORDER BY, LIMIT and their kin, which set operations have too."""
    scope.alias_rank = "first"
    for key in ("order", "sort", "cluster", "distribute"):
        clause = node.args.get(key)
        for item in clause.expressions if clause is not None else ():
            _keys(ctx, scope, item, SORT, relation)
    for key in ("limit", "offset"):
        clause = node.args.get(key)
        if clause is not None and clause.find(exp.Query):
            _clause(ctx, scope, clause, FILTER, relation)


def _clause(ctx: Context, scope: Scope, clause: exp.Expr | None, use: int, relation: Relation) -> None:
    if clause is not None:
        merge(relation.rows, uses_of(ctx, scope, clause, use))


def _group(ctx: Context, scope: Scope, node: exp.Expr, relation: Relation) -> None:
    group = node.args.get("group")
    if group is None:
        return
    items = list(group.expressions)
    for key in ("cube", "rollup", "grouping_sets"):
        items.extend(group.args.get(key) or ())
    if group.args.get("all"):
        for column, source in zip(relation.columns, node.expressions, strict=False):
            if isinstance(column, Out) and source.find(exp.AggFunc) is None:
                merge(relation.rows, column.uses, GROUP_BY)
    for item in items:
        _keys(ctx, scope, item, GROUP_BY, relation)


def _keys(ctx: Context, scope: Scope, item: exp.Expr, use: int, relation: Relation) -> None:
    """One key; a bare number is a position in the select list."""
    bare = item.this if isinstance(item, exp.Ordered) else item
    if isinstance(bare, exp.Literal) and not bare.is_string:
        position = int(bare.name) - 1 if bare.name.isdecimal() else -1
        column = relation.columns[position] if 0 <= position < len(relation.columns) else None
        if isinstance(column, Out) and all(isinstance(c, Out) for c in relation.columns[:position]):
            merge(relation.rows, column.uses, use)
        else:
            ctx.note("ORDER BY or GROUP BY position", "stands behind columns that are not known")
        return
    if isinstance(bare, (exp.Column, exp.Var)) and bare.name.upper() == "ALL" and not scope.known("all"):
        merge(relation.rows, relation.all_uses(0), use)
        return
    merge(relation.rows, uses_of(ctx, scope, item, use))
