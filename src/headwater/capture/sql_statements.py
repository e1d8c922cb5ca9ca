"""Turns executed SQL statements into values: what they read and wrote, column by column.

Parsing happens here, on the worker's thread; integrations only pass on the text, the frames that it names and the value
of its result. The statements of one database form a stream: a view, temporary table, attached file or search path set
up by one of them is known to those after it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from headwater.capture.locations import located
from headwater.capture.recorder import Statement
from headwater.capture.sql_parameters import ROWS, is_place, with_rows
from headwater.capture.sql_tables import Tables
from headwater.capture.values import NOTHING, Columns, DatasetRef, Dep, Rule, Value, make_value, opaque
from headwater.model.patterns import lazy_pattern

if TYPE_CHECKING:
    from headwater.sql import ColumnEdge, Session, TableName
    from headwater.sql import Statement as Parsed

_DEFINES: Final = ("DROP", "ALTER", "TRUNCATE", "CREATE_TABLE", "CREATE_INDEX", "COMMENT", "DELETE", "RENAME")
"""Kinds of statements that bring no data: their tables do not count as written."""

_ADDS: Final = ("INSERT", "UPDATE", "MERGE", "COPY")
"""Kinds of statements that leave in a table what it held. (``COPY`` to a file writes it anew.)"""

_MAKES: Final = "CREATE_TABLE_AS"
"""The kind of a statement that defines a table and fills it."""
_FUNCTION: Final = "a table function"
"""What the parser says of a function that may read anything."""
_EMPTIES: Final = ("DROP", "TRUNCATE", "CREATE_TABLE", "DELETE")
"""Kinds of statements after which a table is empty, unless ``_SPARES`` says otherwise."""

_SPARES: Final = lazy_pattern(r"\bIF\s+NOT\s+EXISTS\b|\bWHERE\b", re.IGNORECASE)
_IN_PARTS: Final = lazy_pattern(r"\b(?:PARTITION_BY|PER_THREAD_OUTPUT|FILE_SIZE_BYTES|APPEND)\b", re.IGNORECASE)
_OVERWRITES: Final = lazy_pattern(r"^\W*(?:INSERT|REPLACE)\s+OVERWRITE\b", re.IGNORECASE)

_CATALOGUES: Final = frozenset(("information_schema", "pg_catalog", "sys", "performance_schema"))
_MASTERS: Final = frozenset(("sqlite_master", "sqlite_schema", "sqlite_temp_master", "sqlite_sequence", "sqlite_stat1"))

Positions = Mapping[Any, Sequence[int]]
"""For each table, by its key: the positions of its values among the inputs."""


class Analysed(NamedTuple):
    """What one statement read and wrote."""

    masked_text: str
    reads: list[DatasetRef]
    writes: list[tuple[DatasetRef, Value]]
    unresolved: list[str]
    #: whether the tables keep what they held
    is_added: bool
    #: tables that hold nothing of what they held
    emptied: list[DatasetRef]
    #: whether what is written is a file, from its beginning
    is_anew: bool


def analyse(statement: Statement, tables: Tables) -> list[Analysed]:
    """Determine what the statement(s) read and wrote, and give the value of the result its inputs and rule."""
    from headwater.sql import mask_literals

    session = tables.stream(statement)
    known = set(session.catalog.definitions)
    text = with_rows(statement.text) if ROWS in statement.frames and not _is_spelled(statement) else None
    if text is None:
        return [_one(statement, parsed, tables, session, known) for parsed in session.feed(statement.text)]
    masked = mask_literals(statement.text, statement.dialect)
    return [
        _one(statement, parsed, tables, session, known)._replace(masked_text=masked) for parsed in session.feed(text)
    ]


def _one(statement: Statement, parsed: Parsed, tables: Tables, session: Session, known: set[TableName]) -> Analysed:
    written = {tables.ref(statement, session, table)[:2] for table in parsed.writes if statement.files}
    values: tuple[Value, ...] = ()
    positions: dict[Any, range] = {}
    for table in parsed.reads:
        found = _inputs(statement, table, tables, session, known, written)
        positions[table.key] = range(len(values), len(values) + len(found))
        values += found
    if not values and _is_spelled(statement) and not any(_FUNCTION in item.why for item in parsed.unresolved):
        values = (NOTHING,)
    writes, emptied = [], []
    for table in parsed.writes:
        columns = tuple(name for name in parsed.output_columns if name != "*")
        edges = [edge for edge in parsed.columns if edge.target_table == table]
        if table.kind == "temp":
            _keep_temporary(statement, parsed, table, tables, values, _rule(edges, positions, parsed), columns)
            continue
        ref = tables.ref(statement, session, table)
        if not parsed.reads and parsed.kind.startswith(_DEFINES) and parsed.kind != _MAKES:
            if parsed.kind.startswith(_EMPTIES) and not _SPARES.search(parsed.masked_text):
                emptied.append(ref)
            continue
        own, rule = columns or tables.columns_of(ref), _rule(edges, positions, parsed)
        if rule is not None and any(is_place(edge.target_column) for edge in edges):
            own, rule = None, _as_whole(rule)  # the columns of the table are not known
        value = make_value("sql." + parsed.kind.lower(), values, rule, columns=own)
        writes.append((ref, value))
    if statement.result is not None and not parsed.writes and (parsed.reads or parsed.columns):
        result = statement.result
        result.inputs = values
        result.depth = 1 + max((item.depth for item in values), default=-1)
        result.rule = _rule([edge for edge in parsed.columns if edge.target_table is None], positions, parsed)
    reads = [value.dataset for value in values if value.dataset is not None]
    is_asking = bool(parsed.reads) and all(map(_is_catalogue, parsed.reads)) and not parsed.writes
    unresolved = [f"{item.what}: {item.why}" for item in parsed.unresolved] if not is_asking else []
    return Analysed(parsed.masked_text, reads, writes, unresolved, _adds(parsed), emptied, _is_anew(statement, parsed))


def _is_spelled(statement: Statement) -> bool:
    """Whether the rows that a statement adds are written out in the user's code, and so have no source."""
    given = statement.frames.get(ROWS)
    return given is not None and given.inputs == (NOTHING,) and not given.column_names()


def _adds(parsed: Parsed) -> bool:
    """Whether what a statement writes is added to what is there."""
    is_file = any(table.kind == "file" for table in parsed.writes)
    return parsed.kind.startswith(_ADDS) and not is_file and _OVERWRITES.match(parsed.masked_text) is None


def _is_anew(statement: Statement, parsed: Parsed) -> bool:
    """Whether a statement writes a file from its beginning. Only duckdb's are recorded each time that they run."""
    is_file = any(table.kind == "file" for table in parsed.writes)
    return is_file and statement.dialect == "duckdb" and _IN_PARTS.search(parsed.masked_text) is None


def _keep_temporary(
    statement: Statement,
    parsed: Parsed,
    table: TableName,
    tables: Tables,
    values: tuple[Value, ...],
    rule: Rule | None,
    columns: tuple[str, ...],
) -> None:
    """Keep a temporary table as a value in memory, like a frame, so that its readers depend on its sources."""
    key = (statement.namespace, table)
    before = tables.temporary.get(key)
    if parsed.kind.startswith("DROP"):
        tables.temporary.pop(key, None)
    elif parsed.kind.startswith("CREATE") or before is None or not before.inputs:
        tables.temporary[key] = make_value("sql.temporary", values, rule, columns=columns)
    elif values:
        added = make_value("sql.temporary", values, rule, columns=before.columns or columns)
        tables.temporary[key] = make_value("sql.insert", (before, added), _both, columns=before.columns)


def _both(value: Value) -> Columns:
    """The rule for rows of two values, one below the other."""
    names = value.column_names()
    return Columns({name: [Dep(i, name, subtype="IDENTITY") for i in range(len(value.inputs))] for name in names})


def _inputs(
    statement: Statement,
    table: TableName,
    tables: Tables,
    session: Session,
    known: set[TableName],
    written: set[tuple[str, str]],
) -> tuple[Value, ...]:
    """The values behind one table of a statement; for a pattern, one for each file that it did not itself write. What a
    catalogue says of the tables is no data."""
    if _is_catalogue(table):
        return (NOTHING,)
    if table.kind == "file":
        refs = [ref for file in statement.files.get(table.name, ()) if (ref := located(file)) is not None]
        refs = [ref for ref in refs if ref[:2] not in written]
        if refs:
            columns = session.columns_of(table)
            return tuple(
                [make_value("sql.read", columns=tables.columns_of(ref) or columns, dataset=ref) for ref in refs]
            )
    return (_input(statement, table, tables, session, known),)


def _is_catalogue(table: TableName) -> bool:
    """Whether a table is one of those in which a database describes its own."""
    schema, name = (table.schema or "").casefold(), table.name.casefold()
    return table.kind != "file" and (
        schema in _CATALOGUES or name in _MASTERS or (not schema and name.startswith("pg_"))
    )


def _input(statement: Statement, table: TableName, tables: Tables, session: Session, known: set[TableName]) -> Value:
    if table.kind == "temp" and (statement.namespace, table) in tables.temporary:
        return tables.temporary[statement.namespace, table]
    is_plain = table.kind != "file" and table.schema in (None, "", statement.default_schema.rpartition(".")[2])
    if is_plain and table not in known:
        for name, value in statement.frames.items():
            if name.casefold() == table.name.casefold():
                return value
    ref = tables.ref(statement, session, table)
    columns = tables.columns_of(ref) or session.columns_of(table)
    return make_value("sql.read", columns=columns, dataset=ref)


def _rule(edges: list[ColumnEdge], positions: Positions, parsed: Parsed | None) -> Rule | None:
    """The rule for the column edges that the parser found; None (opaque) if there are none, unless all columns are
    known to have no source (``count(*)``)."""
    outputs = parsed.output_columns if parsed is not None and "*" not in parsed.output_columns else ()
    if not edges and (not outputs or parsed is None or parsed.unresolved):
        return None
    fields: dict[str, list[Dep]] = {}
    passed: list[Dep] = []
    indirect: list[Dep] = []
    for edge in edges:
        column = None if edge.source_column == "*" else edge.source_column
        how = (column, edge.type, edge.subtype, edge.masking, edge.description)
        deps = [Dep(position, *how) for position in positions[edge.source_table.key]]
        if edge.target_column != "*":
            fields.setdefault(edge.target_column, []).extend(deps)
        else:
            (passed if edge.type == "DIRECT" else indirect).extend(deps)

    def rule(value: Value) -> Columns:
        """By name; by position if the engine named its columns differently; ``*`` passes the other columns through."""
        own = value.column_names() or tuple(fields)
        named = outputs or tuple(fields)
        if not passed and len(own) == len(named) and set(own) != set(named):
            return Columns({name: fields.get(one, []) for name, one in zip(own, named, strict=True)}, indirect)
        rest = {name: [dep._replace(column=dep.column or name) for dep in passed] for name in own if name not in fields}
        return Columns({name: fields.get(name) or rest.get(name, []) for name in own}, indirect)

    return rule


def _as_whole(rule: Rule) -> Rule:
    """The rule for a table without known columns that holds what ``rule`` gives."""

    def whole(value: Value) -> Columns:
        found = rule(value)
        return Columns({"*": [dep for deps in found.fields.values() for dep in deps]}, found.indirect)

    return whole


def rule_of(text: str, names: tuple[str, ...], dialect: str) -> Rule:
    """The rule of an operation that can be written as a query over its inputs, which are called ``names`` in it; inputs
    with the same name form one table."""

    def rule(value: Value) -> Columns:
        from headwater.sql import analyze

        known = dict(zip(names, value.inputs, strict=False))
        schema = {name: item.column_names() for name, item in known.items() if item.column_names()}
        parsed = analyze(text, dialect=dialect, schema=schema)
        columns = parsed[-1].columns if parsed else ()
        edges = [edge for edge in columns if edge.target_table is None and edge.source_table.name in names]
        positions = {
            edge.source_table.key: [place for place, name in enumerate(names) if name == edge.source_table.name]
            for edge in edges
        }
        found = _rule(edges, positions, parsed[-1] if parsed else None)
        return found(value) if found is not None else opaque(value)

    return rule
