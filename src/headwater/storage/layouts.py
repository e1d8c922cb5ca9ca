"""The layout of every table that is read and written row by row: its columns, key and look-ups.

One declaration serves all backends. SQLite and PostgreSQL each build their statements from it (``sqlite/table.py``,
``postgres/table.py``), and the memory backend its dictionaries. The tables themselves are created by the numbered
migrations of each backend: every store records their checksums, so they cannot be generated from here. A test compares
the migrated tables with these layouts instead.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, Generic, Literal, TypeVar, get_args

import msgspec

from headwater.storage import rows
from headwater.storage.projection import weights
from headwater.storage.projection.records import (
    Change,
    Dependency,
    Derivation,
    Edge,
    Fields,
    Flow,
    Listing,
    Name,
    Node,
    Pulse,
    Run,
    SearchText,
    Statement,
    Version,
)

K = TypeVar("K", bound=Hashable)
R = TypeVar("R", bound=msgspec.Struct)

ColumnType = Literal["integer", "code", "boolean", "text", "bytes"]
"""The type of a column. A ``code`` is a small integer that represents a member of an enumeration."""


class Layout(Generic[K, R]):
    """One table.

    ``columns`` names the columns with their types, in order. ``encode`` turns a row into columns and ``decode`` turns
    them back; by default the columns are the fields of the row. ``lookups`` are the sets of columns, each in
    alphabetical order, by which rows are looked up; every backend indexes them. ``weigh`` estimates the bytes that
    a row takes in memory if it can be large.
    """

    def __init__(
        self,
        name: str,
        row_type: type[R],
        columns: str,
        *,
        key: tuple[str, ...],
        lookups: tuple[tuple[str, ...], ...] = (),
        encode: Callable[[R], rows.Columns] = rows.astuple,
        decode: Callable[..., R] | None = None,
        weigh: Callable[[R], int] | None = None,
    ) -> None:
        self.name = name
        self.columns: dict[str, ColumnType] = {}
        for column in columns.split(","):
            column_name, column_type = column.split()
            self.columns[column_name] = _column_type(column_type)
        self.key = key
        self.lookups = lookups
        self.encode = encode
        self.weigh = weigh
        booleans = [one for one, column_type in self.columns.items() if column_type == "boolean"]
        self.decode: Callable[..., R] = decode or rows.plain(row_type, *booleans)

    @property
    def values(self) -> list[str]:
        """The columns that are not part of the key."""
        return [name for name in self.columns if name not in self.key]


def _column_type(text: str) -> ColumnType:
    return next(one for one in get_args(ColumnType) if one == text)


NAMES: Layout[int, Name] = Layout(
    "names",
    Name,
    "id integer, kind code, namespace text, name text, node integer, raw_namespace text, raw_name text,"
    " first_at integer, first_key bytes, is_direct boolean, is_renamed boolean",
    key=("id",),
    lookups=(("node",), ("kind", "name", "namespace")),
    decode=rows.name_row,
    weigh=weights.of_name,
)
NODES: Layout[int, Node] = Layout(
    "nodes",
    Node,
    "id integer, kind code, type text, created_at integer, updated_at integer, head integer, head_at integer,"
    " head_run text, read_until integer, life_at integer, life_key bytes, life_run text, is_dropped boolean",
    key=("id",),
    decode=rows.node_row,
)
RUNS: Layout[int, Run] = Layout(
    "runs",
    Run,
    "id integer, run_id bytes, job integer, state code, operation text, started_at integer, ended_at integer,"
    " parent_run text, doc bytes",
    key=("id",),
    lookups=(("job",),),
    encode=rows.run_columns,
    decode=rows.run_row,
    weigh=weights.of_run,
)
VERSIONS: Layout[int, Version] = Layout(
    "versions",
    Version,
    "id integer, dataset integer, created_at integer, run integer, run_id bytes, job integer, tag text,"
    " fingerprint text, file_digest text, row_count integer, shape integer",
    key=("id",),
    lookups=(("dataset",), ("dataset", "run", "tag")),
    encode=rows.version_columns,
    decode=rows.version_row,
)
DERIVATIONS: Layout[int, Derivation] = Layout(
    "derivations",
    Derivation,
    "id integer, run integer, job integer, edges bytes",
    key=("id",),
    encode=rows.derivation_columns,
    decode=rows.derivation_row,
    weigh=weights.of_derivation,
)
DEPENDENCIES: Layout[tuple[str, str], Dependency] = Layout(
    "dependencies",
    Dependency,
    "run_id text, on_run text, at integer",
    key=("run_id", "on_run"),
    lookups=(("run_id",), ("on_run",)),
)
FLOWS: Layout[tuple[int, int, int], Flow] = Layout(
    "flows",
    Flow,
    "job integer, target integer, kind code, last_at integer, last_by text, shape integer",
    key=("job", "target", "kind"),
    lookups=(("job",), ("target",)),
)
EdgeKey = tuple[int, int, int, int, int]
"""Source, target, job, kind and start of validity."""
EDGES: Layout[EdgeKey, Edge] = Layout(
    "edges",
    Edge,
    "source integer, target integer, job integer, kind code, valid_from integer, valid_to integer, how code,"
    " run text, mapping integer",
    key=("source", "target", "job", "kind", "valid_from"),
    lookups=(("source",), ("target",), ("job",), ("job", "kind", "target")),
)
CHANGES: Layout[tuple[int, str, int, bytes], Change] = Layout(
    "changes",
    Change,
    "node integer, name text, at integer, key bytes, body integer, run_id text, is_repeated boolean",
    key=("node", "name", "at", "key"),
    lookups=(("node",), ("name", "node")),
)
STATEMENTS: Layout[tuple[int, int, int, bytes], Statement] = Layout(
    "statements",
    Statement,
    "subject integer, kind code, at integer, key bytes, says bytes",
    key=("subject", "kind", "at", "key"),
    lookups=(("kind", "subject"),),
    encode=rows.statement_columns,
    decode=rows.statement_row,
    weigh=weights.of_statement,
)
FIELDS: Layout[int, Fields] = Layout(
    "fields",
    Fields,
    "node integer, names bytes",
    key=("node",),
    encode=rows.fields_columns,
    decode=rows.fields_row,
    weigh=weights.of_fields,
)
SEARCH: Layout[int, SearchText] = Layout(
    "search",
    SearchText,
    "node integer, kind code, namespace text, name text, fields text, description text, tags text, owners text,"
    " type text, is_deleted boolean",
    key=("node",),
    weigh=weights.of_search_text,
)
LISTINGS: Layout[int, Listing] = Layout(
    "listings",
    Listing,
    "node integer, kind code, namespace text, name text, spelt text, created_at integer, is_deleted boolean,"
    " source text, source_uri text",
    key=("node",),
)
PULSES: Layout[tuple[int, int], Pulse] = Layout(
    "pulses", Pulse, "start integer, type code, count integer", key=("start", "type")
)

ALL: tuple[Layout[Any, Any], ...] = (
    NAMES, NODES, RUNS, VERSIONS, DERIVATIONS, DEPENDENCIES, FLOWS, EDGES, CHANGES, STATEMENTS, FIELDS, SEARCH,
    LISTINGS, PULSES,
)  # fmt: skip
