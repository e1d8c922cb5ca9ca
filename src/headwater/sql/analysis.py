"""Analyses SQL text: split, parse, evaluate, report."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlglot import exp

from headwater.sql import alter, copy, create
from headwater.sql.commands import rewritten
from headwater.sql.context import Context
from headwater.sql.dialects import is_known_dialect
from headwater.sql.dml import is_modifying, kind_of_change, modify
from headwater.sql.files import file_name
from headwater.sql.literals import mask_literals
from headwater.sql.multi_insert import insert_many
from headwater.sql.parser import NotParsed, tree_of
from headwater.sql.parser_errors import PARSER_FAULTS
from headwater.sql.queries import relation_of
from headwater.sql.relation import Open
from headwater.sql.results import ColumnEdge, Statement, TableName, Unresolved
from headwater.sql.routines import body_of
from headwater.sql.splitter import LONGEST, Piece, split
from headwater.sql.write_edges import edges_of, edges_of_result

if TYPE_CHECKING:
    from headwater.sql.catalog import Catalog

Rule = Callable[[Context, exp.Expr], None]

# A routine may call a routine; one that calls itself is entered this often.
_DEEPEST = 8


def analyze_text(text: str, dialect: str | None, catalog: Catalog) -> tuple[Statement, ...]:
    """Analyse each statement of ``text`` against, and into, ``catalog``."""
    note = None
    if not is_known_dialect(dialect):
        note = Unresolved(f"dialect {dialect}", "not known: read as generic SQL")
        dialect = None
    return tuple(_statement(piece, dialect, catalog, note) for piece in split(text, dialect))


def _statement(piece: Piece, dialect: str | None, catalog: Catalog, note: Unresolved | None) -> Statement:
    ctx = Context(catalog, dialect)
    if note is not None:
        ctx.note(note.what, note.why)
    try:
        if len(piece.code) > LONGEST:
            raise NotParsed(f"longer than {LONGEST} characters")
        _run(ctx, piece.code)
    except NotParsed as error:
        ctx.kind = "UNPARSED"
        ctx.note("statement", str(error))
    except PARSER_FAULTS as error:
        ctx.kind = "UNPARSED" if ctx.kind == "OTHER" else ctx.kind
        ctx.note("statement", f"analysis failed with {type(error).__name__}: what is given may be incomplete")
    return _report(ctx, mask_literals(piece.text, dialect))


def _run(ctx: Context, code: str, depth: int = 0) -> None:
    """Analyse one statement, or what it makes the database execute."""
    if depth > _DEEPEST:
        ctx.note("statement", "routines call one another too deeply")
        return
    instead = rewritten(ctx, code)
    if instead is None:
        _dispatch(ctx, tree_of(code, ctx.dialect))
    for part in instead or ():
        around = ctx.kind
        _run(ctx, part, depth + 1)
        if around in ("DO", "CALL"):
            ctx.kind, ctx.result = around, None
    calls, ctx.calls = list(ctx.calls), {}
    for name in calls:
        kind, result = ctx.kind, ctx.result
        for part in body_of(ctx, name):
            _run(ctx, part, depth + 1)
        ctx.kind, ctx.result = kind, result


def _dispatch(ctx: Context, tree: exp.Expr) -> None:
    if isinstance(tree, exp.Select) and tree.args.get("into") is not None:
        _select_into(ctx, tree)
    elif isinstance(tree, (exp.Query, exp.Values, exp.Table, exp.Pivot)):
        ctx.kind = "SELECT"
        ctx.result = relation_of(ctx, tree, None, None)
    elif is_modifying(tree):
        ctx.kind = kind_of_change(tree)
        modify(ctx, tree, None)
    elif type(tree) in _RULES:
        _RULES[type(tree)](ctx, tree)
    elif isinstance(tree, exp.Command):
        ctx.kind = "OTHER"
        ctx.note(str(tree.this).upper()[:40], "a statement that the parser does not read")


def _select_into(ctx: Context, tree: exp.Select) -> None:
    into = tree.args["into"]
    tree.set("into", None)
    ctx.kind = "CREATE_TABLE_AS"
    if not isinstance(into.this, exp.Table):  # into variables: a plain query
        ctx.kind, ctx.result = "SELECT", relation_of(ctx, tree, None, None)
        return
    create.from_query(ctx, into, tree, "temp" if into.args.get("temporary") else "table")


def _attach(ctx: Context, tree: exp.Expr) -> None:
    ctx.kind = "ATTACH"
    inner = tree.this
    if isinstance(inner, exp.Alias) and isinstance(inner.this, exp.Expression):
        name = ctx.folding.table(inner.alias, quoted=False)
        ctx.catalog.attached[name] = file_name(inner.this.name).name
    elif isinstance(inner, exp.Literal):
        stem = inner.name.rsplit("/", 1)[-1].split(".", 1)[0]
        ctx.catalog.attached[ctx.folding.table(stem, quoted=False)] = file_name(inner.name).name


def _export(ctx: Context, tree: exp.Expr) -> None:
    """BigQuery's EXPORT DATA."""
    options = tree.args.get("options")
    uris = [item.args["value"].name for item in options.expressions if item.name.lower() == "uri"] if options else []
    if uris:
        copy.export(ctx, tree.this, uris[0])
    else:
        ctx.note("EXPORT DATA", "no uri is given")


def _summarize(ctx: Context, tree: exp.Expr) -> None:
    """SUMMARIZE reads the table; DESCRIBE only its schema."""
    ctx.kind = "SELECT"
    if isinstance(tree.this, exp.Expression):
        relation_of(ctx, tree.this, None, None)


def _kind(name: str) -> Rule:
    def rule(ctx: Context, tree: exp.Expr) -> None:
        ctx.kind = name

    return rule


_RULES: dict[type, Rule] = {
    exp.Create: create.create,
    exp.Cache: create.cache,
    exp.Copy: copy.copy,
    exp.Alter: alter.alter,
    exp.Drop: alter.drop,
    exp.TruncateTable: alter.truncate,
    exp.MultitableInserts: insert_many,
    exp.Attach: _attach,
    exp.Detach: _kind("DETACH"),
    exp.Export: _export,
    exp.Summarize: _summarize,
    exp.Describe: _kind("DESCRIBE"),
    exp.Set: _kind("SET"),
    exp.Use: _kind("USE"),
    exp.Transaction: _kind("TRANSACTION"),
    exp.Commit: _kind("TRANSACTION"),
    exp.Rollback: _kind("TRANSACTION"),
}


def _report(ctx: Context, masked: str) -> Statement:
    edges: dict[ColumnEdge, None] = {}
    for write in ctx.writes:
        edges.update(dict.fromkeys(edges_of(write)))
    result = ctx.result.columns if ctx.result is not None and ctx.kind == "SELECT" else []
    for place in [*(place for write in ctx.writes for place in write.opens), *result]:
        for table in place.tables if isinstance(place, Open) else ():
            ctx.note(f"{table}.*", "its columns are not known: give a schema")
    outputs = [name for write in ctx.writes for name, _ in write.columns]
    outputs += ["*" for write in ctx.writes if write.opens]
    if ctx.result is not None:
        outputs = ["*" if isinstance(column, Open) else column.name for column in ctx.result.columns]
        if ctx.kind == "SELECT":
            edges.update(dict.fromkeys(edges_of_result(ctx.result.columns, ctx.result.rows)))
    reads = dict(ctx.reads)
    for edge in edges:
        reads.setdefault(edge.source_table, None)
    writes: dict[TableName, None] = dict.fromkeys(write.table for write in ctx.writes)
    return Statement(
        ctx.kind,
        tuple(reads),
        tuple(writes),
        tuple(edges),
        tuple(outputs) if ctx.result is not None else tuple(dict.fromkeys(outputs)),
        ctx.unresolved,
        masked,
        tuple(ctx.renames),
    )
