"""One query into many tables: Snowflake's and Oracle's INSERT ALL, Hive's FROM ... INSERT ... INSERT."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from headwater.sql.column_uses import FILTER, Uses, merge
from headwater.sql.expressions import uses_of
from headwater.sql.from_items import add_source
from headwater.sql.insert import insert
from headwater.sql.relation import Column, Relation
from headwater.sql.scope import Scope
from headwater.sql.select_list import project
from headwater.sql.syntax_tree import arg

if TYPE_CHECKING:
    from headwater.sql.context import Context


def insert_many(ctx: Context, node: exp.Expr) -> None:
    """Each branch writes to its own table, from the shared source."""
    ctx.kind = "INSERT"
    scope = Scope(None)
    source = node.args["source"]
    if isinstance(source, exp.Query):
        source = exp.Subquery(this=source)
    shared = add_source(ctx, scope, source).relation
    for branch in node.expressions:
        if isinstance(branch, exp.ConditionalInsert):
            insert(ctx, _without_query(branch.this), None, _branch(ctx, scope, shared, branch))
            continue
        query = branch.expression
        if isinstance(query, exp.Select) and arg(query, "from") is None:
            query.set("from_", exp.From(this=node.args["source"].copy()))
        insert(ctx, branch, None)


def _branch(ctx: Context, scope: Scope, shared: Relation, branch: exp.Expr) -> Relation:
    rows: Uses = {}
    merge(rows, scope.rows)
    condition = branch.args.get("expression")
    if isinstance(condition, exp.Expression):
        merge(rows, uses_of(ctx, scope, condition, FILTER))
    values = branch.this.expression
    if not isinstance(values, exp.Values):
        return Relation(shared.columns, rows)
    cells = values.expressions[0].expressions
    columns: list[Column] = [column for cell in cells for column in project(ctx, scope, cell)]
    return Relation(columns, rows)


def _without_query(node: exp.Expr) -> exp.Expr:
    made = node.copy()
    made.set("expression", None)
    return made
