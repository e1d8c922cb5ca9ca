"""SQL text to lineage: reads, writes and column edges, for ten dialects and standard SQL. Pure functions, no I/O.

>>> statement, = analyze("insert into report(total) select sum(amount) as x from orders", dialect="postgres")
>>> [str(table) for table in statement.reads], [str(table) for table in statement.writes]
(['orders'], ['report'])
>>> edge, = statement.columns
>>> edge.source_column, edge.target_column, edge.subtype
('amount', 'total', 'AGGREGATION')

Importing this package loads no parser; the first call of :func:`analyze` does. :func:`mask_literals` and
:func:`fingerprint` never do.
"""

from __future__ import annotations

from collections.abc import Mapping

from headwater.sql.literals import fingerprint, mask_literals
from headwater.sql.results import ColumnEdge, Statement, TableName, Unresolved
from headwater.sql.schema import Columns, Schema
from headwater.sql.session import Session

__all__ = [
    "ColumnEdge",
    "Schema",
    "Session",
    "Statement",
    "TableName",
    "Unresolved",
    "analyze",
    "fingerprint",
    "mask_literals",
]


def analyze(
    text: str,
    *,
    dialect: str | None = None,
    schema: Schema | Mapping[str, Columns] | None = None,
    default_schema: str | None = None,
    session: Session | None = None,
) -> tuple[Statement, ...]:
    """Analyse a statement or a script; one :class:`Statement` each, in order.

    ``schema`` maps table names to their columns, which is what ``*`` and unqualified names are resolved with.
    ``default_schema`` (``schema`` or ``catalog.schema``) completes names that have none. With a ``session`` its
    dialect, schema and state are used and kept, and the other arguments are not looked at; without one the statements
    of ``text`` form a session of their own. Never raises on any text: what cannot be parsed has the kind
    ``UNPARSED``.
    """
    if session is None:
        session = Session(dialect=dialect, schema=schema, default_schema=default_schema)
    return session.feed(text)
