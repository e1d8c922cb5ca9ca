"""WITH lists: lazily evaluated, recursive ones to a fixed point."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from headwater.sql.relation import Column, Open, Out, Relation
from headwater.sql.syntax_tree import arg

if TYPE_CHECKING:
    from headwater.sql.context import Context
    from headwater.sql.scope import Scope


class Env:
    """One CTE, and those that are visible beside it: a linked list, newest first."""

    def __init__(
        self,
        name: str,
        query: exp.Expr,
        names: list[str],
        outer: Env | None,
        scope: Scope | None,
        *,
        recursive: bool,
    ) -> None:
        self.name = name
        self.query = query
        self.names = names
        self.outer = outer
        self.scope = scope
        self.is_recursive = recursive
        self.relation: Relation | None = None

    def evaluate(self, ctx: Context) -> Relation:
        """Give the relation of this CTE; within its own recursion what is known of it so far."""
        from headwater.sql.queries import relation_of

        if self.relation is None:
            if self.is_recursive and isinstance(self.query.unnest(), exp.SetOperation):
                self._recurse(ctx)
            else:
                self.relation = self._named(relation_of(ctx, self.query, self.outer, self.scope))
        assert self.relation is not None
        return self.relation

    def _recurse(self, ctx: Context) -> None:
        from headwater.sql.queries import relation_of

        anchor = self.query.unnest()
        while isinstance(anchor, exp.SetOperation):
            anchor = anchor.this.unnest()
        self.relation = self._named(relation_of(ctx, anchor, self.outer, self.scope))
        # Uses only grow, and one of them passes at least one column on in each round.
        for _ in range(len(self.relation.columns) + 2):
            before = self.relation.size()
            self.relation = self._named(relation_of(ctx, self.query, self, self.scope))
            if self.relation.size() == before:
                return

    def _named(self, relation: Relation) -> Relation:
        relation = relation.renamed(self.names) if self.names else relation
        # A CTE is no base table: a column it lacks is a mistake, not a stale schema.
        columns: list[Column] = [c if isinstance(c, Open) else Out(c.name, c.uses, c.text) for c in relation.columns]
        return Relation(columns, relation.rows, fallback=relation.fallback)


def lookup(env: Env | None, name: str) -> Env | None:
    """Find the CTE that a table name means."""
    wanted = name.casefold()
    while env is not None:
        if env.name.casefold() == wanted:
            return env
        env = env.outer
    return None


def with_env(ctx: Context, node: exp.Expr, env: Env | None, scope: Scope | None) -> Env | None:
    """Give the environment in which the body of ``node`` stands; data-modifying CTEs take effect here."""
    from headwater.sql.dml import is_modifying, modify

    clause = arg(node, "with")
    if clause is None:
        return env
    for cte in clause.expressions:
        alias = cte.args.get("alias")
        names = [ctx.identifier(column) for column in (alias.args.get("columns") or [])] if alias else []
        made = Env(
            ctx.identifier(alias.this) if alias else "", cte.this, names, env, scope, recursive=bool(clause.recursive)
        )
        if is_modifying(cte.this):
            returned = modify(ctx, cte.this, env)
            made.relation = returned.renamed(names) if names else returned
        env = made
    return env
