"""The state built up by a stream of statements: tables, temp tables, views, search path, prepared statements."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec

from headwater.sql.column_uses import Uses, merge
from headwater.sql.name_lookup import ByName
from headwater.sql.relation import Column, Open, Out, Relation
from headwater.sql.results import TableName
from headwater.sql.schema import Schema

if TYPE_CHECKING:
    from sqlglot import exp

    from headwater.sql.context import Context

_TEMP_SCHEMAS = frozenset({"pg_temp", "temp"})


class Definition:
    """A table that this stream made: its kind (``table temp view materialized``), columns with their origins, and
    what fed it."""

    __slots__ = ("kind", "relation", "sources")

    def __init__(self, kind: str, relation: Relation | None, sources: Iterable[TableName] = ()) -> None:
        self.kind = kind
        self.relation = relation
        self.sources = tuple(dict.fromkeys(sources))


_State = tuple[
    dict[TableName, Definition], dict[TableName, tuple[str, ...]], dict[str, TableName], dict[str, str], list[str]
]


class Catalog:
    """Names resolved for one stream of statements. Mutable; not shared between threads."""

    def __init__(self, schema: Schema, default_schema: str | None, through: frozenset[str]) -> None:
        self.schema = schema
        self.catalog: str | None = None
        self.search_path: list[str] = []
        if default_schema:
            head, _, tail = default_schema.rpartition(".")
            self.catalog, self.search_path = head or None, [tail]
        self.initial = (self.catalog, list(self.search_path))
        self.through = through
        self.definitions: dict[TableName, Definition] = {}
        self.altered: dict[TableName, tuple[str, ...]] = {}  # columns of tables that the schema does not have like that
        self.temporary: dict[str, TableName] = {}
        self.prepared: dict[str, str] = {}
        self.routines: dict[str, str] = {}
        self.attached: dict[str, str] = {}
        self._saved: list[tuple[str, _State]] = []

    def begin(self, name: str = "") -> None:
        """Open a transaction, or a savepoint in it."""
        if not name:
            self._saved.clear()
        self._saved.append((name, self._state()))

    def roll_back(self, name: str = "") -> None:
        """Undo what was made since the transaction began, or since a savepoint, which stays open."""
        while self._saved:
            saved, state = self._saved.pop()
            if saved == name or (not name and not saved):
                self.definitions, self.altered, self.temporary, self.routines, self.search_path = state
                if name:
                    self._saved.append((name, self._state()))
                return

    def commit(self) -> None:
        """Keep what was made."""
        self._saved.clear()

    def _state(self) -> _State:
        # Shallow: entries are replaced, never changed.
        made = (dict(self.definitions), dict(self.altered), dict(self.temporary), dict(self.routines))
        return (*made, list(self.search_path))

    def routine(self, name: str) -> str | None:
        """Body of a routine that this stream created."""
        return self.routines.get(name.strip('"`[]').lower())

    def sees_through(self, kind: str) -> bool:
        """Whether reads of a thing of this kind are reads of what it was made from."""
        return kind in self.through

    def definition(self, table: TableName) -> Definition | None:
        """What this stream knows to have made under that name."""
        return self.definitions.get(table)

    def columns_of(self, table: TableName) -> tuple[str, ...] | None:
        """Columns of a table, from what this stream made, else from the schema; ``None`` when not all are known."""
        definition = self.definitions.get(table)
        if definition is not None and definition.relation is not None and definition.relation.is_closed:
            return tuple(column.name for column in definition.relation.columns if isinstance(column, Out))
        if definition is not None:
            return None
        return self.altered.get(table) or self.schema.columns_of(table)

    def resolve(self, ctx: Context, node: exp.Expr, *, is_new: bool = False) -> TableName:
        """Give the full name of a table reference: as written, else through temp tables and the search path.

        ``is_new`` is for a table that is being made, which goes into the first schema of the path.
        """
        from headwater.sql.syntax_tree import parts_of

        fold, raw = ctx.folding.table, ".".join(part.name for part in parts_of(node)) if parts_of(node) else node.name
        ids = [node.args.get(key) for key in ("catalog", "db")]
        catalog, schema = (fold(part.name, quoted=bool(part.args.get("quoted"))) if part else None for part in ids)
        this = node.this
        is_temp = bool(this.args.get("temporary")) if hasattr(this, "args") else False
        quoted = bool(this.args.get("quoted")) if hasattr(this, "args") else False
        name = ("#" if is_temp else "") + fold(node.name, quoted=quoted)
        if schema is not None and schema.lower() not in _TEMP_SCHEMAS:
            if catalog is None and schema in self.attached:
                return self._named(TableName(name, None, schema, raw=raw))
            return self._named(TableName(name, schema, catalog or self.catalog, raw=raw))
        if name in self.temporary and not is_new:
            return self.temporary[name]
        if is_temp or schema is not None:
            return TableName(name, kind="temp", raw=raw)
        return self._searched(ctx, name, raw, is_new=is_new)

    def _named(self, table: TableName) -> TableName:
        made = self.definitions.get(table)
        kind = {"view": "view", "materialized": "view", "temp": "temp"}.get(made.kind, "table") if made else "table"
        return table if table.kind == kind else msgspec.structs.replace(table, kind=kind)

    def _searched(self, ctx: Context, name: str, raw: str, *, is_new: bool) -> TableName:
        path = [schema for schema in self.search_path if schema != "$user"]
        path = path[:1] if is_new else path
        for schema in path:
            table = TableName(name, schema, self.catalog, raw=raw)
            if table in self.definitions or (len(path) > 1 and table in self.schema):
                return self._named(table)
        if len(path) > 1:
            ctx.note(name, f"taken for {path[0]}.{name}: which schema of the search path has it is not known")
        return self._named(TableName(name, path[0] if path else None, self.catalog, raw=raw))

    def define(self, table: TableName, kind: str, relation: Relation | None, sources: Iterable[TableName]) -> TableName:
        """Remember what a CREATE made; gives the name as it is known from now on."""
        if kind == "temp":
            table = TableName(table.name, kind="temp", raw=table.raw)
            self.temporary[table.name] = table
        self.definitions[table] = Definition(kind, relation, sources)
        return self._named(table)

    def absorb(
        self, table: TableName, columns: list[tuple[str, Out]], rows: Uses, sources: Iterable[TableName]
    ) -> None:
        """Add what a statement wrote into a table that this stream made."""
        definition = self.definitions.get(table)
        if definition is None or definition.relation is None or definition.kind == "view":
            return
        added = ByName((name, (name, out)) for name, out in columns)
        made: list[Column] = []
        for column in definition.relation.columns:
            fed = added.pop(column.name) if isinstance(column, Out) else None
            if fed is not None and isinstance(column, Out):
                uses: Uses = {}
                merge(uses, column.uses)
                merge(uses, fed[1].uses)
                made.append(Out(column.name, uses, column.text or fed[1].text))
            else:
                made.append(column)
        if any(isinstance(column, Open) for column in made) or not made:
            made.extend(Out(name, out.uses, out.text) for name, out in added.values())
        every: Uses = {}
        merge(every, definition.relation.rows)
        merge(every, rows)
        self.definitions[table] = Definition(definition.kind, Relation(made, every), (*definition.sources, *sources))

    def emptied(self, table: TableName) -> None:
        """Forget what fed a table (TRUNCATE), not its columns."""
        definition = self.definitions.get(table)
        if definition is not None and definition.relation is not None and definition.kind in ("table", "temp"):
            columns = [Out(column.name, {}) for column in definition.relation.columns if isinstance(column, Out)]
            self.definitions[table] = Definition(definition.kind, Relation(columns))

    def drop(self, table: TableName) -> None:
        """Forget a table."""
        self.definitions.pop(table, None)
        if table.kind == "temp":
            self.temporary.pop(table.name, None)

    def rename(self, old: TableName, new: TableName) -> TableName:
        """Move what is known of ``old`` to ``new``; gives the new name."""
        definition = self.definitions.pop(old, None)
        if old.kind == "temp":
            self.temporary.pop(old.name, None)
        if definition is None:
            columns = self.altered.pop(old, None) or self.schema.columns_of(old)
            self.definitions.pop(new, None)
            if columns is not None:
                self.altered[new] = columns
            return new
        return self.define(new, definition.kind, definition.relation, definition.sources)
