"""PIVOT and UNPIVOT, as a clause of FROM and as DuckDB's statements."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from headwater.sql.column_uses import CONDITIONAL, FILTER, GROUP_BY, TRANSFORMATION, Uses, merge
from headwater.sql.expressions import uses_of
from headwater.sql.relation import Column, Open, Out, Relation
from headwater.sql.render import text_of
from headwater.sql.scope import Scope, Source

if TYPE_CHECKING:
    from headwater.sql.context import Context


def pivoted(ctx: Context, outer: Scope, relation: Relation, pivot: exp.Expr) -> Relation:
    """Give the relation that a PIVOT or UNPIVOT makes of ``relation``."""
    scope = Scope(outer.env, outer.parent)
    scope.add(Source("", relation))
    if pivot.args.get("unpivot"):
        return _unpivot(ctx, scope, relation, pivot)
    return _pivot(ctx, scope, relation, pivot)


def _pivot(ctx: Context, scope: Scope, relation: Relation, pivot: exp.Expr) -> Relation:
    aggregates = pivot.args.get("using") or [] if not pivot.args.get("fields") else pivot.expressions
    fields = pivot.args.get("fields") or pivot.expressions
    keys: Uses = {}
    for field in fields:
        merge(keys, uses_of(ctx, scope, field.this if isinstance(field, exp.In) else field, CONDITIONAL))
    columns = _groups(ctx, scope, relation, pivot, [*aggregates, *fields])
    rows: Uses = dict(relation.rows)
    merge(rows, Relation(columns).all_uses(0), GROUP_BY)
    names = [ctx.identifier(name) for name in pivot.args.get("columns") or _listed(ctx, fields, aggregates)]
    if not names:
        ctx.note("PIVOT", "the columns it makes depend on the data")
        names = ["*"]
    for position, name in enumerate(names):
        uses: Uses = {}
        chosen = [aggregates[position % len(aggregates)]] if aggregates else []
        for aggregate in chosen:
            merge(uses, uses_of(ctx, scope, aggregate))
        merge(uses, keys)
        columns.append(Out(name, uses))
    return Relation(columns, rows)


def _listed(ctx: Context, fields: list[exp.Expr], aggregates: list[exp.Expr]) -> list[str]:
    """Names of ``FOR k IN ('a', 'b')`` where the parser does not give them."""
    if len(fields) != 1 or not isinstance(fields[0], exp.In):
        return []
    values = [item.alias_or_name for item in fields[0].expressions]
    if len(aggregates) == 1 and not aggregates[0].alias:
        return values
    labels = [aggregate.alias or text_of(ctx, aggregate) for aggregate in aggregates]
    return [f"{value}_{label}" for value in values for label in labels]


def _groups(ctx: Context, scope: Scope, relation: Relation, pivot: exp.Expr, used: list[exp.Expr]) -> list[Column]:
    group = pivot.args.get("group")
    if group is not None:
        from headwater.sql.select_list import project

        return [column for item in group.expressions for column in project(ctx, scope, item)]
    names = {column.name.casefold() for item in used for column in item.find_all(exp.Column)}
    columns: list[Column] = []
    for column in relation.columns:
        if isinstance(column, Open):
            columns.append(column.narrowed(without=names))
        elif column.name.casefold() not in names:
            columns.append(column)
    return columns


def _unpivot(ctx: Context, scope: Scope, relation: Relation, pivot: exp.Expr) -> Relation:
    """The value column takes from each listed column; the name column holds their names and comes from none."""
    into = pivot.args.get("into")
    if into is not None:
        listed, name_column = pivot.expressions, into.this
        values = into.expressions
    else:
        fields = pivot.args.get("fields") or []
        listed = [item for field in fields for item in field.expressions]
        name_column = fields[0].this if fields else None
        values = pivot.expressions
    groups = [_members(item) for item in listed]
    gone = {name.casefold() for group in groups for name in group}
    kept: list[Column] = []
    for column in relation.columns:
        if isinstance(column, Open):
            kept.append(column.narrowed(without=gone))
        elif column.name.casefold() not in gone:
            kept.append(column)
    made: list[Column] = [Out(_label(ctx, name_column, "name"), {})]
    for position, value in enumerate(values or [None]):
        uses: Uses = {}
        for group in groups:
            for member in group[position : position + 1]:
                for hit in relation.find(member):
                    merge(uses, hit.uses, TRANSFORMATION)
        made.append(Out(_label(ctx, value, "value"), uses))
    rows: Uses = dict(relation.rows)
    for column in made[1:]:
        if isinstance(column, Out):
            merge(rows, column.uses, FILTER)  # rows whose value is null are left out
    return Relation([*kept, *made], rows)


def _members(item: exp.Expr) -> list[str]:
    if isinstance(item, (exp.Alias, exp.PivotAlias)):
        item = item.this
    if isinstance(item, (exp.Tuple, exp.Paren)):
        return [column.name for column in item.find_all(exp.Column)]
    if isinstance(item, exp.Columns):
        return []
    return [item.name]


def _label(ctx: Context, node: exp.Expr | None, default: str) -> str:
    if node is None:
        return default
    inner = node.this if isinstance(node, exp.Column) else node
    return ctx.identifier(inner) if isinstance(inner, exp.Identifier) else node.name or default
