"""Scopes: the meaning of a name at one position of a query."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.sql.column_uses import IDENTITY, TRANSFORMATION, Uses, merge
from headwater.sql.name_lookup import ByName
from headwater.sql.relation import Column, Out, Relation
from headwater.sql.results import TableName

if TYPE_CHECKING:
    from sqlglot import exp

    from headwater.sql.context import Context
    from headwater.sql.ctes import Env

# Columns that every row has without being in the schema: row ids, transaction ids, file metadata.
_NAMES = """
ctid oid xmin xmax cmin cmax tableoid rowid _rowid_ rownum level filename file_row_number _metadata
_partitiontime _partitiondate _table_suffix ora_rowscn metadata$filename metadata$file_row_number
input__file__name
"""
PSEUDO = frozenset(_NAMES.split())


class Source:
    """One item of a FROM list: the name that qualifies its columns, and the relation."""

    __slots__ = ("alias", "is_visible", "relation", "table")

    def __init__(
        self, alias: str, relation: Relation, *, table: TableName | None = None, is_visible: bool = True
    ) -> None:
        self.alias = alias
        self.relation = relation
        self.table = table
        self.is_visible = is_visible

    def answers_to(self, qualifier: tuple[str, ...]) -> bool:
        """Whether ``alias.column`` or ``schema.table.column`` with this qualifier means this source."""
        wanted = tuple(part.casefold() for part in qualifier)
        if wanted == (self.alias.casefold(),):
            return True
        if self.table is None or len(wanted) < 2:
            return False
        parts = tuple(part.casefold() for part in self.table.parts)
        return parts[-len(wanted) :] == wanted


class Scope:
    """The sources of one SELECT, the row that ``*`` stands for, aliases that may be referred to, and the outer
    scope."""

    def __init__(self, env: Env | None, parent: Scope | None = None) -> None:
        self.env = env
        self.parent = parent
        self.sources: list[Source] = []
        self.row: list[Column] = []
        self.merged: dict[str, Out] = {}
        self.rows: Uses = {}
        self.aliases: ByName[Out] = ByName()
        self.alias_rank = "never"  # "lateral" (within the select list), "after" the columns of the sources, or "first"
        self.plain: ByName[bool] = ByName()  # aliases of bare columns
        self.windows: dict[str, exp.Expression] = {}
        self.bound: list[frozenset[str]] = []

    def add(self, source: Source, *, in_row: bool = True) -> None:
        """Add a source and its columns to the row."""
        self.sources.append(source)
        merge(self.rows, source.relation.rows)
        if in_row and source.is_visible:
            self.row.extend(source.relation.columns)

    def source(self, qualifier: tuple[str, ...]) -> Source | None:
        """Find the source that a qualifier means, in this scope or an outer one."""
        scope: Scope | None = self
        while scope is not None:
            for source in scope.sources:
                if source.answers_to(qualifier):
                    return source
            scope = scope.parent
        return None

    def known(self, name: str) -> list[Out]:
        """Columns of that name which the sources are known to have."""
        if (found := self.merged.get(name.casefold())) is not None:
            return [found]
        return [hit for source in self.sources if source.is_visible for hit in source.relation.known(name)]

    def possible(self, name: str) -> list[tuple[Source, Out]]:
        """Columns of that name which sources with unknown columns may have."""
        visible = (source for source in self.sources if source.is_visible)
        found = [(source, hit) for source in visible for hit in source.relation.possible(name)]
        if found:
            return found
        named = [source for source in self.sources if source.is_visible and source.relation.fallback is not None]
        return [(source, Out(name, dict(source.relation.fallback or {}))) for source in named]

    def whole(self, relation: Relation) -> Out:
        """Give a whole row as one value."""
        return Out("*", relation.all_uses(TRANSFORMATION))


def resolve(
    ctx: Context, scope: Scope, parts: tuple[str, ...], *, quoted: bool = False, may_be_row: bool = True
) -> Out | None:
    """Give what a column reference means, or ``None`` (listed as unresolved) when it cannot be told. ``may_be_row``:
    the name of a table means its whole row, unless a column is known by that name."""
    if len(parts) > 1:
        return _qualified(ctx, scope, parts)
    source = scope.source(parts)
    if source is not None and may_be_row and not _has_column(scope, parts[0]):
        return scope.whole(source.relation)
    found = _by_name(ctx, scope, parts[0])
    if found is not None:
        return found
    if parts[0].casefold() in PSEUDO or (quoted and ctx.dialect == "sqlite"):
        return None
    _give_up(ctx, scope, parts[0])
    only = scope.sources[0].relation.table if len(scope.sources) == 1 and scope.parent is None else None
    # The one table there is must have it: the schema that was given is older.
    return Out(parts[0], {(only, parts[0]): frozenset({IDENTITY})}) if only is not None else None


def _has_column(scope: Scope | None, name: str) -> bool:
    """Whether a column, or a value that a table function gives, has the name that a table has too."""
    while scope is not None:
        if scope.known(name) or name in scope.aliases:
            return True
        scope = scope.parent
    return False


def _give_up(ctx: Context, scope: Scope, name: str) -> None:
    if not any(what == name for what, _ in ctx.listed()):
        where = ", ".join(source.alias for source in scope.sources) or "no table"
        ctx.note(name, f"no column of that name in {where}")


def _qualified(ctx: Context, scope: Scope, parts: tuple[str, ...]) -> Out | None:
    source = scope.source(parts[:-1])
    if source is not None:
        return _of_source(ctx, source, parts[-1])
    # Not a table: a field of a nested column. ``t.col.field`` first, then ``col.field``.
    head = scope.source(parts[:1])
    found = _of_source(ctx, head, parts[1]) if head is not None and len(parts) > 2 else _by_name(ctx, scope, parts[0])
    if found is None:
        if parts[-1].casefold() not in PSEUDO:
            ctx.note(".".join(parts), f"no table or alias {'.'.join(parts[:-1])} in this query")
        return None
    nested = Out(parts[-1], {})
    merge(nested.uses, found.uses, TRANSFORMATION)
    return nested


def _of_source(ctx: Context, source: Source, name: str) -> Out | None:
    relation = source.relation
    hits = relation.find(name)
    if len(hits) == 1:
        return hits[0]
    if len(hits) > 1:
        ctx.note(f"{source.alias}.{name}", "more than one column could be meant; give a schema")
        return None
    if name.casefold() in PSEUDO:
        return None
    ctx.note(f"{source.alias}.{name}", f"{source.alias} has no column of that name")
    if relation.table is None:
        return None
    # The statement ran, so the schema that was given is older than the table.
    return Out(name, {(relation.table, name): frozenset({IDENTITY})})


def _by_name(ctx: Context, scope: Scope, name: str) -> Out | None:
    current: Scope | None = scope
    while current is not None:
        found = _in_scope(ctx, current, name)
        if found is not None:
            return found
        current = current.parent
    return None


def _in_scope(ctx: Context, scope: Scope, name: str) -> Out | None:
    alias = scope.aliases.get(name) if scope.alias_rank != "never" else None
    if alias is not None and scope.alias_rank == "first":
        return alias
    known = scope.known(name)
    if len(known) == 1:
        return known[0]
    if known:
        ctx.note(name, "more than one table has a column of that name")
        return alias
    possible = scope.possible(name)
    if alias is not None and possible and scope.alias_rank == "lateral" and name in scope.plain:
        # ``SELECT a AS b, b AS a``: nobody renames a column to use it under the new name in the next item.
        return possible[0][1] if len(possible) == 1 else alias
    if alias is not None:
        # An alias made of a column of the same name shows that the table has it, and the table goes before the alias.
        shown = [hit for _, hit in possible if any(ref in alias.uses for ref in hit.uses)]
        return shown[0] if len(shown) == 1 else alias
    if len(possible) == 1:
        if _outer_has(scope, name):
            ctx.note(name, f"taken for a column of {possible[0][0].alias}; an outer query has one of that name too")
        return possible[0][1]
    if possible:
        could = ", ".join(dict.fromkeys(source.alias for source, _ in possible))
        ctx.note(name, f"could be a column of {could}: give a schema, or qualify it")
    return None


def _outer_has(scope: Scope, name: str) -> bool:
    outer = scope.parent
    while outer is not None:
        if outer.known(name):
            return True
        outer = outer.parent
    return False
