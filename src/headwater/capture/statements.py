"""SQL statements that ran, turned into values: what they read, what they wrote, column by column.

Parsing happens here, on the worker's thread; the integration only hands over the text, the frames it names and the
value of its result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from headwater.capture.locations import located
from headwater.capture.recorder import Statement
from headwater.capture.values import Columns, DatasetRef, Dep, Rule, Value

if TYPE_CHECKING:
    from headwater.sql import ColumnEdge, TableName
    from headwater.sql import Statement as Parsed


class Analysed(NamedTuple):
    """What one statement meant."""

    masked_text: str
    reads: list[DatasetRef]
    writes: list[tuple[DatasetRef, Value]]
    unresolved: list[str]


class Tables:
    """The columns of tables as far as they were seen, per (namespace, name): what ``*`` stands for."""

    def __init__(self) -> None:
        self.columns: dict[tuple[str, str], tuple[str, ...]] = {}

    def schema(self, statement: Statement) -> dict[str, tuple[str, ...]]:
        """Known columns by table name, the statement's frames first."""
        known = {
            name: columns for (namespace, name), columns in self.columns.items() if namespace == statement.namespace
        }
        short = {name.rpartition(".")[2]: columns for name, columns in known.items()}
        frames = {name: value.column_names() for name, value in statement.frames.items() if value.column_names()}
        return {**short, **known, **frames}

    def learn(self, ref: DatasetRef, columns: tuple[str, ...]) -> None:
        """Remember what columns a table has."""
        if columns and "*" not in columns:
            self.columns[ref.namespace, ref.name] = columns


def analyse(statement: Statement, tables: Tables) -> list[Analysed]:
    """Work out what the statement(s) read and wrote; gives the statement's result its inputs and rule."""
    from headwater.sql import analyze

    parsed_statements = analyze(
        statement.text,
        dialect=statement.dialect,
        schema=tables.schema(statement),
        default_schema=statement.default_schema or None,
    )
    return [_one(statement, parsed, tables) for parsed in parsed_statements]


def _one(statement: Statement, parsed: Parsed, tables: Tables) -> Analysed:
    inputs = {table.key: _input(statement, table, tables) for table in parsed.reads}
    values = tuple(inputs.values())
    positions = {key: position for position, key in enumerate(inputs)}
    writes = []
    for table in parsed.writes:
        ref = _ref(statement, table)
        edges = [edge for edge in parsed.columns if edge.target_table == table]
        columns = tuple(name for name in parsed.output_columns if name != "*") or tables.columns.get(ref[:2])
        value = Value("sql." + parsed.kind.lower(), values, _rule(edges, positions), columns, None, None, None, None, 0)
        tables.learn(ref, value.column_names())
        writes.append((ref, value))
    if statement.result is not None and not parsed.writes:
        result = statement.result
        result.inputs = values
        result.depth = 1 + max((item.depth for item in values), default=-1)
        result.rule = _rule([edge for edge in parsed.columns if edge.target_table is None], positions)
    reads = [value.dataset for value in values if value.dataset is not None]
    return Analysed(parsed.masked_text, reads, writes, [f"{item.what}: {item.why}" for item in parsed.unresolved])


def _ref(statement: Statement, table: TableName) -> DatasetRef:
    if table.kind == "file":
        found = located(table.name)
        if found is not None:
            return found
    parts = [part for part in (table.catalog, table.schema or statement.default_schema, table.name) if part]
    return DatasetRef(statement.namespace, ".".join(parts), "VIEW" if table.kind == "view" else "TABLE")


def _input(statement: Statement, table: TableName, tables: Tables) -> Value:
    if table.schema in (None, "", statement.default_schema) and table.kind != "file":
        for name, value in statement.frames.items():
            if name.casefold() == table.name.casefold():
                return value
    ref = _ref(statement, table)
    return Value("sql.read", (), None, tables.columns.get(ref[:2]), None, None, ref, None, 0)


def _rule(edges: list[ColumnEdge], positions: dict[Any, int]) -> Rule | None:
    """The rule for what the parse found; None (opaque) where it found no columns at all."""
    if not edges:
        return None
    fields: dict[str, list[Dep]] = {}
    passed: list[Dep] = []
    indirect: list[Dep] = []
    for edge in edges:
        column = None if edge.source_column == "*" else edge.source_column
        dep = Dep(positions[edge.source_table.key], column, edge.type, edge.subtype, edge.masking, edge.description)
        if edge.target_column != "*":
            fields.setdefault(edge.target_column, []).append(dep)
        else:
            (passed if edge.type == "DIRECT" else indirect).append(dep)

    def rule(value: Value) -> Columns:
        """By name; where the engine named its columns otherwise, by position; ``*`` passes the rest through."""
        own = value.column_names() or tuple(fields)
        if not passed and len(own) == len(fields) and set(own) != set(fields):
            return Columns(dict(zip(own, fields.values(), strict=True)), indirect)
        rest = {name: [dep._replace(column=dep.column or name) for dep in passed] for name in own if name not in fields}
        return Columns({name: fields.get(name) or rest.get(name, []) for name in own}, indirect)

    return rule
