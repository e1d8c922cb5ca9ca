"""Statements that change data, at the top or inside a WITH list."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlglot import exp

from headwater.sql.relation import Column, Relation
from headwater.sql.scope import Scope

if TYPE_CHECKING:
    from headwater.sql.context import Context
    from headwater.sql.ctes import Env

_KINDS: dict[type, str] = {exp.Insert: "INSERT", exp.Update: "UPDATE", exp.Delete: "DELETE", exp.Merge: "MERGE"}


def is_modifying(node: exp.Expr) -> bool:
    """Whether a node is an INSERT, UPDATE, DELETE or MERGE."""
    return type(node) in _KINDS


def kind_of_change(node: exp.Expr) -> str:
    """Give the kind of a changing statement."""
    return _KINDS[type(node)]


def modify(ctx: Context, node: exp.Expr, env: Env | None) -> Relation:
    """Analyse a changing statement; gives the relation of its RETURNING list."""
    from headwater.sql.delete import delete
    from headwater.sql.insert import insert
    from headwater.sql.merge import merge_into
    from headwater.sql.update import update

    rules: dict[type, Callable[[Context, exp.Expr, Env | None], Relation]] = {
        exp.Insert: insert,
        exp.Update: update,
        exp.Delete: delete,
        exp.Merge: merge_into,
    }
    return rules[type(node)](ctx, node, env)


def returning(ctx: Context, scope: Scope, node: exp.Expr) -> Relation:
    """Give the relation of a RETURNING or OUTPUT list."""
    from headwater.sql.select_list import project

    clause = node.args.get("returning")
    if clause is None:
        return Relation([])
    columns: list[Column] = []
    for item in clause.expressions:
        columns.extend(project(ctx, scope, item, len(columns)))
    relation = Relation(columns, scope.rows)
    if isinstance(clause.args.get("into"), exp.Expr):
        _output_into(ctx, clause.args["into"], relation)
    return relation


def _output_into(ctx: Context, into: exp.Expr, relation: Relation) -> None:
    """``OUTPUT inserted.a INTO audit(b)``, whose target the parser takes for a function."""
    from headwater.sql.write_edges import write_relation

    names = [ctx.identifier(item.this if isinstance(item, exp.Column) else item) for item in into.expressions]
    target = exp.Table(this=exp.to_identifier(into.name)) if isinstance(into, exp.Anonymous) else into
    if isinstance(target, exp.Table):
        write_relation(ctx, ctx.catalog.resolve(ctx, target), relation, names or None)
