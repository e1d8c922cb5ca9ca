"""The select list: stars, COLUMNS(...), aliases, and the names of columns that have none."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlglot import exp

from headwater.sql.column_uses import AGGREGATION, TRANSFORMATION, merge
from headwater.sql.expressions import column_of, uses_of
from headwater.sql.relation import Column, Open, Out, Relation
from headwater.sql.render import text_of
from headwater.sql.syntax_tree import arg, function_name, parts_of

if TYPE_CHECKING:
    from headwater.sql.context import Context
    from headwater.sql.scope import Scope


def project(ctx: Context, scope: Scope, item: exp.Expr, position: int = 0) -> list[Column]:
    """Give the columns that one item of a select list (or RETURNING list) makes."""
    if isinstance(item, exp.Star):
        return _star(ctx, scope, item, Relation(scope.row))
    if isinstance(item, exp.Column) and isinstance(item.this, exp.Star):
        return _qualified_star(ctx, scope, item)
    if isinstance(item, (exp.Column, exp.Paren)) and (bare := _bare(item)) is not None:
        return [_reference(ctx, scope, bare)]
    if isinstance(item, (exp.Like, exp.ILike)) and isinstance(item.this, exp.Star):
        return _star_like(ctx, scope, item)
    found = item.find(exp.Columns)
    if found is not None:
        return _columns_of(ctx, scope, item, found)
    if isinstance(item, exp.Aliases):
        uses = uses_of(ctx, scope, item.this, TRANSFORMATION)
        return [Out(ctx.identifier(name), dict(uses), text_of(ctx, item.this)) for name in item.args["expressions"]]
    if isinstance(item, exp.Alias):
        name = ctx.identifier(item.args.get("alias"))
        inner = item.this
        if (bare := _bare(inner)) is not None:
            column = _reference(ctx, scope, bare)
            return [Out(name, column.uses, column.text)]
        return [Out(name, uses_of(ctx, scope, inner), text_of(ctx, inner))]
    return [Out(_default_name(ctx, item, position), uses_of(ctx, scope, item), text_of(ctx, item))]


def _bare(item: exp.Expr) -> exp.Expr | None:
    while isinstance(item, exp.Paren):
        item = item.this
    return item if isinstance(item, exp.Column) and not isinstance(item.this, exp.Star) else None


def _reference(ctx: Context, scope: Scope, node: exp.Expr) -> Out:
    name = ctx.identifier(node.this)
    found = column_of(ctx, scope, node)
    if found is None:
        return Out(name, uses_of(ctx, scope, node))
    return Out(found.name if found.name.casefold() == name.casefold() else name, found.uses, found.text)


def _qualified_star(ctx: Context, scope: Scope, item: exp.Expr) -> list[Column]:
    qualifier = tuple(ctx.identifier(part) for part in parts_of(item)[:-1])
    source = scope.source(qualifier)
    if source is not None:
        return _star(ctx, scope, item.this, source.relation)
    found = scope.known(qualifier[0]) if len(qualifier) == 1 else []
    if found:  # every field of a nested column
        nested = Out(qualifier[0], {})
        merge(nested.uses, found[0].uses, TRANSFORMATION)
        return [nested]
    ctx.note(".".join(qualifier) + ".*", "no table or alias of that name in this query")
    return []


def _star(ctx: Context, scope: Scope, star: exp.Expr, relation: Relation) -> list[Column]:
    """Write out ``*`` with its EXCEPT, REPLACE and RENAME lists."""
    without = {ctx.identifier(_name(node)).casefold() for node in arg(star, "except") or ()}
    replaced = {ctx.identifier(node.args.get("alias")).casefold(): node for node in star.args.get("replace") or ()}
    renamed = {
        ctx.identifier(_name(node.this)).casefold(): ctx.identifier(node.args.get("alias"))
        for node in star.args.get("rename") or ()
    }
    columns: list[Column] = []
    for column in relation.columns:
        if isinstance(column, Open):
            gone = without | set(replaced) | set(renamed)
            columns.append(column.narrowed(without=gone) if gone else column)
            columns.extend(_moved(column, renamed))
            columns.extend(
                _replacement(ctx, scope, node) for node in replaced.values() if not relation.known(node.alias)
            )
            continue
        key = column.name.casefold()
        if key in without:
            continue
        if key in replaced:
            columns.append(_replacement(ctx, scope, replaced[key]))
        else:
            columns.append(Out(renamed.get(key, column.name), column.uses, column.text))
    return columns


def _moved(place: Open, renamed: dict[str, str]) -> list[Out]:
    return [Out(new, place.column(old).uses) for old, new in renamed.items()]


def _replacement(ctx: Context, scope: Scope, node: exp.Expr) -> Out:
    return Out(ctx.identifier(node.args.get("alias")), uses_of(ctx, scope, node.this), text_of(ctx, node.this))


def _name(node: exp.Expr) -> exp.Expr:
    return node.this if isinstance(node, exp.Column) else node


def _columns_of(ctx: Context, scope: Scope, item: exp.Expr, found: exp.Expr) -> list[Column]:
    """``COLUMNS('regex')``, ``COLUMNS(*)`` and expressions over them: one column for each that fits."""
    use = 0
    node: exp.Expr | None = found.parent
    while node is not None and found is not item:
        if isinstance(node, exp.AggFunc):
            use = AGGREGATION
        elif not isinstance(node, (exp.Alias, exp.Paren)):
            use = max(use, TRANSFORMATION)
        if node is item:
            break
        node = node.parent
    inner = found.this
    if isinstance(inner, exp.Star):
        matching = _star(ctx, scope, inner, Relation(scope.row))
    else:
        matching = [column for column in scope.row if isinstance(column, Open) or _fits(inner, column.name)]
    columns: list[Column] = []
    for column in matching:
        if isinstance(column, Open):
            columns.append(column.narrowed(use=use))
        else:
            made = Out(column.name, {})
            merge(made.uses, column.uses, use)
            columns.append(made)
    return columns


def _star_like(ctx: Context, scope: Scope, item: exp.Expr) -> list[Column]:
    """DuckDB's ``* LIKE 'a%'``: the columns whose names fit."""
    pattern = re.escape(item.expression.name).replace("%", ".*").replace("_", ".")
    flags = re.IGNORECASE if isinstance(item, exp.ILike) else 0
    columns = _star(ctx, scope, item.this, Relation(scope.row))
    return [column for column in columns if isinstance(column, Open) or re.fullmatch(pattern, column.name, flags)]


def _fits(pattern: exp.Expr, name: str) -> bool:
    if not isinstance(pattern, exp.Literal):
        return True  # a lambda over names: every column may be meant
    try:
        return re.search(pattern.name, name) is not None
    except re.error:
        return True


def _default_name(ctx: Context, item: exp.Expr, position: int) -> str:
    """Name a column as its engine would, as far as that holds no literal."""
    if ctx.dialect in ("postgres", "redshift"):
        while isinstance(item, (exp.Cast, exp.Paren)):
            item = item.this
        if isinstance(item, exp.Column):
            return ctx.identifier(item.this)
        if isinstance(item, exp.Case):
            return "case"
        while isinstance(item, (exp.Window, exp.WithinGroup, exp.Filter)):
            item = item.this
        return function_name(item) or "?column?"
    if isinstance(item, exp.Dot):
        return item.name
    return text_of(ctx, item, limit=60) or f"_col{position}"
