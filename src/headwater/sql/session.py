"""A session: a stream of statements in which later ones can use what earlier ones created."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from headwater.sql.catalog import Catalog
from headwater.sql.dialects import dialect_name
from headwater.sql.results import Statement, TableName
from headwater.sql.schema import Columns, Schema


class Session:
    """State of one connection: search path, temp tables, views, created schemas, renames, prepared statements,
    routines.

    ``see_through`` names the kinds of tables of this session whose reads are reported as reads of what they were made
    from: ``temp`` and ``view`` by default, ``True`` for both, ``False`` for none. Not shared between threads.

    >>> session = Session(dialect="postgres")
    >>> _ = session.feed("create temp table x as select id from users")
    >>> [str(table) for table in session.feed("insert into report select id from x")[0].reads]
    ['users']
    """

    def __init__(
        self,
        *,
        dialect: str | None = None,
        schema: Schema | Mapping[str, Columns] | None = None,
        default_schema: str | None = None,
        see_through: bool | Iterable[str] = True,
    ) -> None:
        if isinstance(see_through, bool):
            see_through = ("temp", "view") if see_through else ()
        self.dialect = dialect_name(dialect)
        self.catalog = Catalog(Schema.of(schema), default_schema, frozenset(see_through))

    def feed(self, text: str) -> tuple[Statement, ...]:
        """Analyse the next statements of the stream."""
        from headwater.sql.analysis import analyze_text

        return analyze_text(text, self.dialect, self.catalog)

    def columns_of(self, table: TableName) -> tuple[str, ...] | None:
        """Columns of a table as this session knows them now."""
        return self.catalog.columns_of(table)

    @property
    def attached(self) -> Mapping[str, str]:
        """Database files by the name under which they were attached."""
        return dict(self.catalog.attached)
