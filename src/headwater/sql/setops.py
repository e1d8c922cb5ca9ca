"""UNION, INTERSECT and EXCEPT."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from headwater.sql.clauses import tail_clauses
from headwater.sql.column_uses import FILTER, GROUP_BY, Uses, merge
from headwater.sql.ctes import with_env
from headwater.sql.name_lookup import ByName
from headwater.sql.relation import Column, Open, Out, Relation
from headwater.sql.scope import Scope

if TYPE_CHECKING:
    from headwater.sql.context import Context
    from headwater.sql.ctes import Env


def set_operation(ctx: Context, node: exp.Expr, env: Env | None, outer: Scope | None) -> Relation:
    """Combine the branches by position (or by name). Long chains lean to the left and are taken in a loop."""
    from headwater.sql.queries import relation_of

    chain: list[tuple[exp.Expr, Env | None]] = []
    first: exp.Expr = node
    while isinstance(first, exp.SetOperation):
        env = with_env(ctx, first, env, outer)
        chain.append((first, env))
        first = first.this
    relation = relation_of(ctx, first, env, outer)
    for operation, inside in reversed(chain):
        other = relation_of(ctx, operation.expression, inside, outer)
        relation = _combined(ctx, operation, relation, other)
        scope = Scope(inside, outer)
        scope.aliases = ByName((column.name, column) for column in relation.columns if isinstance(column, Out))
        scope.alias_rank = "first"
        scope.row = relation.columns
        tail_clauses(ctx, scope, operation, relation)
    return relation


def _combined(ctx: Context, node: exp.Expr, left: Relation, right: Relation) -> Relation:
    rows: Uses = {}
    merge(rows, left.rows)
    merge(rows, right.rows)
    if isinstance(node, exp.Union):
        columns = _by_name(left, right) if node.args.get("by_name") else _by_position(ctx, left, right)
    else:
        # Values come from the left; the right decides which rows stay.
        columns = list(left.columns)
        merge(rows, left.all_uses(0), FILTER)
        merge(rows, right.all_uses(0), FILTER)
    if node.args.get("distinct") is not False:
        merge(rows, Relation(columns).all_uses(0), GROUP_BY)
    return Relation(columns, rows)


def _by_position(ctx: Context, left: Relation, right: Relation) -> list[Column]:
    if not left.is_closed or not right.is_closed:
        return _with_open(ctx, left, right)
    columns: list[Column] = []
    for mine, theirs in zip(left.columns, right.columns, strict=False):
        assert isinstance(mine, Out)
        assert isinstance(theirs, Out)
        columns.append(_both(mine, theirs))
    return columns + left.columns[len(columns) :]


def _with_open(ctx: Context, left: Relation, right: Relation) -> list[Column]:
    """Positions behind a ``*`` of unknown width are not known: columns are matched by name, and that is said."""
    tables = [str(table) for place in (*left.opens, *right.opens) for table in place.tables]
    ctx.note(
        ", ".join(dict.fromkeys(tables)) + ".*", "set operation over unknown columns: matched by name, not by position"
    )
    if len(left.columns) == len(right.columns) == 1 and left.opens and right.opens:
        one, two = left.opens[0], right.opens[0]
        both = tuple(dict.fromkeys((*one.tables, *two.tables)))
        return [Open(both, use=max(one.use, two.use), without=one.without | two.without)]
    columns: list[Column] = []
    for column in left.columns:
        if isinstance(column, Out):
            theirs = (right.known(column.name) or right.possible(column.name))[:1]
            columns.append(_both(column, theirs[0]) if theirs else column)
        else:
            columns.append(column)
    # A known column on the right feeds the one of its name behind the left's star.
    have = {column.name.casefold() for column in columns if isinstance(column, Out)}
    for column in right.columns:
        if isinstance(column, Out) and column.name.casefold() not in have:
            mine = left.possible(column.name)
            if len(mine) == 1:
                columns.append(_both(mine[0], column))
                columns = [c.narrowed(without=[column.name.casefold()]) if isinstance(c, Open) else c for c in columns]
    return columns


def _by_name(left: Relation, right: Relation) -> list[Column]:
    columns: list[Column] = []
    for column in left.columns:
        theirs = right.known(column.name) if isinstance(column, Out) else []
        columns.append(_both(column, theirs[0]) if theirs and isinstance(column, Out) else column)
    columns.extend(c for c in right.columns if isinstance(c, Open) or not left.known(c.name))
    return columns


def _both(mine: Out, theirs: Out) -> Out:
    uses: Uses = {}
    merge(uses, mine.uses)
    merge(uses, theirs.uses)
    return Out(mine.name, uses, mine.text)
