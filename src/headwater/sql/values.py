"""VALUES lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from headwater.sql.column_uses import Uses, merge
from headwater.sql.expressions import uses_of
from headwater.sql.relation import Out, Relation
from headwater.sql.syntax_tree import alias_columns

if TYPE_CHECKING:
    from headwater.sql.context import Context
    from headwater.sql.scope import Scope

_FIRST = {"duckdb": ("col", 0), "spark": ("col", 1), "databricks": ("col", 1), "mysql": ("column_", 0)}


def values_relation(ctx: Context, node: exp.Expr, scope: Scope) -> Relation:
    """Give the columns of a VALUES list, named by its alias list or as the dialect names them."""
    names = [ctx.identifier(name) for name in alias_columns(node)]
    width = max((len(_cells(row)) for row in node.expressions), default=0)
    uses: list[Uses] = [{} for _ in range(width)]
    for row in node.expressions:
        for position, cell in enumerate(_cells(row)):
            if not isinstance(cell, (exp.Literal, exp.Null, exp.Placeholder, exp.Boolean)):
                merge(uses[position], uses_of(ctx, scope, cell))
    stem, first = _FIRST.get(ctx.dialect or "", ("column", 1))
    spare = [f"{stem}{position + first}" for position in range(width)]
    return Relation([Out(name, use) for name, use in zip(names + spare[len(names) :], uses, strict=False)])


def _cells(row: exp.Expr) -> list[exp.Expr]:
    return list(row.expressions) if isinstance(row, exp.Tuple) else [row.this if isinstance(row, exp.Paren) else row]
