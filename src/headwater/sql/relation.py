"""Relations: the columns a query, table or file offers, each with the base columns behind it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from headwater.sql.column_uses import IDENTITY, Uses, merge, through
from headwater.sql.name_lookup import ByName
from headwater.sql.results import TableName


class Out:
    """One column of a relation: its name, what it uses, and the masked text of the expression that makes it."""

    __slots__ = ("name", "text", "uses")

    def __init__(self, name: str, uses: Uses, text: str = "") -> None:
        self.name = name
        self.uses = uses
        self.text = text


class Open:
    """The columns of ``tables`` whose schemas are not known, in the place of a ``*``.

    ``use`` is how each is used on the way, ``without`` the names that an EXCEPT list took out (case-folded), ``seen``
    the first spelling of each name, so that one column keeps one name in one analysis. ``is_exact``: names that differ
    in case are of different columns.
    """

    __slots__ = ("is_exact", "seen", "tables", "use", "without")

    def __init__(
        self,
        tables: tuple[TableName, ...],
        *,
        use: int = IDENTITY,
        without: frozenset[str] = frozenset(),
        is_exact: bool = False,
    ) -> None:
        self.is_exact = is_exact
        self.tables = tables
        self.use = use
        self.without = without
        self.seen: dict[str, str] = {}

    def column(self, name: str) -> Out:
        """Give the column of that name, which must be there if the statement is valid."""
        if not self.is_exact:
            name = self.seen.setdefault(name.casefold(), name)
        return Out(name, {(table, name): through(frozenset({IDENTITY}), self.use) for table in self.tables})

    def narrowed(self, *, without: Iterable[str] = (), use: int = IDENTITY) -> Open:
        """Give the same columns, less some, used in one more way."""
        made = Open(self.tables, use=max(self.use, use), without=self.without | frozenset(without))
        made.is_exact = self.is_exact
        made.seen = self.seen
        return made


Column = Out | Open


class Relation:
    """Columns in order, the uses that decide about whole rows, and what answers for a name that no column has."""

    __slots__ = ("_index", "columns", "fallback", "pseudo", "rows", "table")

    def __init__(
        self,
        columns: Sequence[Column],
        rows: Uses | None = None,
        *,
        table: TableName | None = None,
        fallback: Uses | None = None,
    ) -> None:
        self.columns = list(columns)
        self.rows: Uses = rows if rows is not None else {}
        self.table = table
        self.fallback = fallback
        self._index: dict[str, list[Out]] | None = None

    @property
    def opens(self) -> list[Open]:
        """The places where columns are not known."""
        return [column for column in self.columns if isinstance(column, Open)]

    @property
    def is_closed(self) -> bool:
        """Whether every column is known."""
        return not any(isinstance(column, Open) for column in self.columns)

    def known(self, name: str) -> list[Out]:
        """Known columns of that name: the exact spelling first, else without regard to case."""
        if self._index is None:
            self._index = {}
            for column in self.columns:
                if isinstance(column, Out):
                    self._index.setdefault(column.name.casefold(), []).append(column)
        hits = self._index.get(name.casefold(), [])
        if len(hits) > 1:
            exact = [hit for hit in hits if hit.name == name]
            return exact or hits
        return hits

    def possible(self, name: str) -> list[Out]:
        """Columns that would be meant if a table whose columns are not known has that name."""
        folded = name.casefold()
        return [place.column(name) for place in self.opens if folded not in place.without]

    def find(self, name: str) -> list[Out]:
        """Columns that a qualified name can mean: known ones, else possible ones, else what answers for any name."""
        found = self.known(name) or self.possible(name)
        if not found and self.fallback is not None:
            found = [Out(name, dict(self.fallback))]
        return found

    def renamed(self, names: Sequence[str]) -> Relation:
        """Give the relation with its first columns renamed by position, as an alias list does."""
        columns: list[Column] = []
        for position, column in enumerate(self.columns):
            if position < len(names) and isinstance(column, Out):
                columns.append(Out(names[position], column.uses, column.text))
            elif isinstance(column, Open) and position < len(names):
                # Which columns these are is not known; by name they all depend on the same tables.
                everything: Uses = {(table, "*"): frozenset({column.use}) for table in column.tables}
                columns.extend(Out(name, dict(everything)) for name in names[position:])
                break
            else:
                columns.append(column)
        if len(self.columns) < len(names) and self.fallback is not None:
            columns.extend(Out(name, dict(self.fallback)) for name in names[len(self.columns) :])
        return Relation(columns, self.rows, table=None, fallback=self.fallback)

    def overlaid(self, pairs: Sequence[tuple[str, Out]]) -> Relation:
        """Give the relation after columns were assigned to."""
        gone = [name.casefold() for name, _ in pairs]
        # of several assignments to one column the last holds
        new = ByName((name, Out(name, out.uses, out.text)) for name, out in reversed(pairs))
        columns: list[Column] = [c.narrowed(without=gone) if isinstance(c, Open) else c for c in self.columns]
        columns = [new.pop(c.name) or c if isinstance(c, Out) else c for c in columns]
        return Relation([*columns, *reversed(list(new.values()))], self.rows, table=self.table, fallback=self.fallback)

    def all_uses(self, outer: int) -> Uses:
        """Give what all columns together use, seen through ``outer``."""
        uses: Uses = {}
        for column in self.columns:
            if isinstance(column, Out):
                merge(uses, column.uses, outer)
            else:
                merge(uses, {(table, "*"): frozenset({column.use}) for table in column.tables}, outer)
        return uses

    def size(self) -> int:
        """A number that grows whenever a use is added: recursion ends when it stands still."""
        total = sum(len(codes) for codes in self.rows.values())
        for column in self.columns:
            if isinstance(column, Out):
                total += sum(len(codes) for codes in column.uses.values())
        return total


def table_relation(table: TableName, columns: Sequence[str] | None, *, is_exact: bool = False) -> Relation:
    """Give the relation of a base table or file, open when its columns are not known; ``is_exact`` as of ``Open``."""
    if columns is None:
        return Relation([Open((table,), is_exact=is_exact)], table=table)
    return Relation([Out(name, {(table, name): frozenset({IDENTITY})}) for name in columns], table=table)
