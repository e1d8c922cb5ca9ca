"""SET lists of UPDATE, MERGE and ON CONFLICT."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sqlglot import exp

from headwater.sql.column_uses import Uses, merge
from headwater.sql.expressions import uses_of
from headwater.sql.relation import Out
from headwater.sql.render import text_of
from headwater.sql.select_list import project

if TYPE_CHECKING:
    from headwater.sql.context import Context
    from headwater.sql.scope import Scope


def assigned(ctx: Context, scope: Scope, items: Iterable[exp.Expr]) -> list[tuple[str, Out]]:
    """Give pairs of target column and value; ``(a, b) = (SELECT x, y ...)`` goes by position."""
    pairs: list[tuple[str, Out]] = []
    for item in items:
        if not isinstance(item, (exp.EQ, exp.PropertyEQ)):
            continue
        target, value = item.this, item.expression
        if isinstance(target, exp.Paren):
            target = target.this
        if isinstance(target, exp.Tuple):
            names = [target_name(ctx, column) for column in target.expressions]
            pairs.extend(zip(names, _values(ctx, scope, value, len(names)), strict=False))
        else:
            pairs.append((target_name(ctx, target), value_of(ctx, scope, value)))
    return pairs


def target_name(ctx: Context, node: exp.Expr) -> str:
    """Give the column that is assigned to: of ``t.a`` a, of ``a.field`` or ``a[1]`` a."""
    while not isinstance(node, (exp.Column, exp.Identifier)) and isinstance(node.this, exp.Expression):
        node = node.this
    return ctx.identifier(node.this if isinstance(node, exp.Column) else node)


def value_of(ctx: Context, scope: Scope, value: exp.Expr) -> Out:
    """Give one value as a column."""
    found = project(ctx, scope, value)
    if len(found) == 1 and isinstance(found[0], Out):
        return found[0]
    return Out("", uses_of(ctx, scope, value), text_of(ctx, value))


def _values(ctx: Context, scope: Scope, value: exp.Expr, width: int) -> list[Out]:
    from headwater.sql.queries import relation_of

    if isinstance(value, exp.Query):
        relation = relation_of(ctx, value, scope.env, scope)
        found: list[Out] = []
        for column in relation.columns:
            uses: Uses = {}
            merge(uses, column.uses if isinstance(column, Out) else relation.all_uses(0))
            merge(uses, relation.rows)
            found.append(Out("", uses, column.text if isinstance(column, Out) else ""))
        return found
    items = value.expressions if isinstance(value, exp.Tuple) else [value] * width
    return [value_of(ctx, scope, item) for item in items]
