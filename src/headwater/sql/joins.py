"""Joins: the columns of the other side, USING and NATURAL, and the columns used by the condition."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from headwater.sql.column_uses import FILTER, JOIN, Uses, merge
from headwater.sql.expressions import uses_of
from headwater.sql.from_items import add_source
from headwater.sql.relation import Column, Open, Out, Relation

if TYPE_CHECKING:
    from headwater.sql.context import Context
    from headwater.sql.scope import Scope, Source

# Where ``*`` shows the merged column of USING: in the place of the left one, else in front.
_IN_PLACE = frozenset({"duckdb", "sqlite"})


def add_join(ctx: Context, scope: Scope, join: exp.Expr) -> None:
    """Add one join to ``scope``."""
    kind = (join.args.get("kind") or "").upper()
    side = (join.args.get("side") or "").upper()
    narrows = kind in ("SEMI", "ANTI") or side in ("SEMI", "ANTI")
    left = list(scope.row)
    source = add_source(ctx, scope, join.this, in_row=not narrows)
    if join.args.get("on") is not None:
        merge(scope.rows, uses_of(ctx, scope, join.args["on"], FILTER if narrows else JOIN))
    names = [ctx.identifier(_plain(node)) for node in join.args.get("using") or ()]
    if (join.args.get("method") or "").upper() == "NATURAL":
        names = _common(ctx, left, source)
    if names:
        _using(ctx, scope, source, left, names, side="SEMI" if narrows else side)
    if narrows:
        source.is_visible = False


def _plain(node: exp.Expr) -> exp.Expr:
    return node.this if isinstance(node, exp.Column) else node


def _common(ctx: Context, left: list[Column], source: Source) -> list[str]:
    if any(isinstance(column, Open) for column in (*left, *source.relation.columns)):
        ctx.note(f"NATURAL JOIN {source.alias}", "common columns are not known without a schema")
    return [column.name for column in left if isinstance(column, Out) and source.relation.known(column.name)]


def _using(ctx: Context, scope: Scope, source: Source, left: list[Column], names: list[str], *, side: str) -> None:
    """Merge each named column of both sides into one."""
    row = Relation(left)
    front: list[Column] = []
    for name in names:
        key = name.casefold()
        mine = [scope.merged[key]] if key in scope.merged else row.find(name)
        theirs = source.relation.find(name)
        for hit in (*mine, *theirs):
            merge(scope.rows, hit.uses, FILTER if side == "SEMI" else JOIN)
        if side == "SEMI":
            continue
        if len(mine) > 1:
            ctx.note(name, "USING: more than one table on the left could have it; give a schema")
        merged = _merged(name, mine, theirs, side)
        scope.merged[key] = merged
        front.append(merged)
    if side == "SEMI":
        return
    keys = {name.casefold() for name in names}
    other = [_less(column, keys) for column in source.relation.columns if not _is_one_of(column, keys)]
    if ctx.dialect in _IN_PLACE:
        place = {column.name.casefold(): column for column in front if isinstance(column, Out)}
        shown = [place.pop(c.name.casefold(), c) if isinstance(c, Out) else _less(c, keys) for c in left]
        scope.row = [*place.values(), *shown, *other]
    else:
        rest = [_less(column, keys) for column in left if not _is_one_of(column, keys)]
        scope.row = [*front, *rest, *other]


def _merged(name: str, mine: list[Out], theirs: list[Out], side: str) -> Out:
    uses: Uses = {}
    if side in ("", "LEFT", "FULL", "INNER"):
        for hit in mine[:1]:
            merge(uses, hit.uses)
    if side in ("RIGHT", "FULL") or not mine:
        for hit in theirs[:1]:
            merge(uses, hit.uses)
    shown = mine[0].name if mine else name
    return Out(shown, uses)


def _is_one_of(column: Column, keys: set[str]) -> bool:
    return isinstance(column, Out) and column.name.casefold() in keys


def _less(column: Column, keys: set[str]) -> Column:
    return column.narrowed(without=keys) if isinstance(column, Open) else column
