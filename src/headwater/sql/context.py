"""The state of the analysis of one statement."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.sql.identifier_case import Folding, folding_of
from headwater.sql.relation import Relation, table_relation
from headwater.sql.results import TableName, Unresolved

if TYPE_CHECKING:
    from sqlglot import exp

    from headwater.sql.catalog import Catalog
    from headwater.sql.write_edges import Write


class Context:
    """What one statement has read, written and left open so far, and the catalog that its names are resolved in."""

    def __init__(self, catalog: Catalog, dialect: str | None) -> None:
        self.catalog = catalog
        self.dialect = dialect
        self.folding: Folding = folding_of(dialect)
        self.reads: dict[TableName, None] = {}
        self.writes: list[Write] = []
        self.renames: list[tuple[TableName, TableName]] = []
        self.entered: set[str] = set()  # table functions that are being looked into
        self.result: Relation | None = None
        self.kind = "OTHER"
        self.calls: dict[str, None] = {}  # routines of this session that the statement calls
        self._unresolved: dict[tuple[str, str], Unresolved] = {}
        self._base: dict[TableName, Relation] = {}

    def note(self, what: str, why: str) -> None:
        """List something that could not be resolved, once."""
        self._unresolved.setdefault((what, why), Unresolved(what, why))

    @property
    def unresolved(self) -> tuple[Unresolved, ...]:
        """What could not be resolved, in the order in which it was met."""
        return tuple(self._unresolved.values())

    def listed(self) -> list[tuple[str, str]]:
        """What and why of all notes so far."""
        return list(self._unresolved)

    def identifier(self, node: exp.Expr | str | None) -> str:
        """Fold the name of a column or alias."""
        if node is None or isinstance(node, str):
            return self.folding.column(node or "", quoted=False)
        if node.key == "parameter":  # $1: a column by its position in a staged file
            return f"${node.name}"
        return self.folding.column(node.name, quoted=bool(node.args.get("quoted")))

    def base(self, table: TableName, *, is_read: bool = True) -> Relation:
        """Open a table: note that it is read, look through it when it is a temp table or a view of this session."""
        definition = self.catalog.definition(table)
        if definition is not None and definition.relation is not None and self.catalog.sees_through(definition.kind):
            if is_read:
                self.reads.update(dict.fromkeys(definition.sources))
            return definition.relation
        if is_read:
            self.reads[table] = None
        relation = self._base.get(table)
        if relation is None:
            relation = self._base[table] = table_relation(
                table, self.catalog.columns_of(table), is_exact=self.folding.is_exact
            )
        return relation
