"""COPY and related statements, between tables and files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from headwater.sql.files import file_name, looks_like_file
from headwater.sql.insert import target_of
from headwater.sql.relation import Relation, table_relation
from headwater.sql.results import TableName
from headwater.sql.write_edges import write_relation

if TYPE_CHECKING:
    from headwater.sql.context import Context

_STREAMS = frozenset({"stdin", "stdout", "program"})


def copy(ctx: Context, node: exp.Expr) -> None:
    """Analyse a COPY; ``kind`` of the tree is true when it reads the files."""
    ctx.kind = "COPY"
    files = node.args.get("files") or []
    outward = not node.args.get("kind") or _stage(ctx, node.this) is not None
    if outward:
        _unload(ctx, node.this, files)
        return
    table, names = target_of(ctx, node.this)
    for item in files:
        if isinstance(item, exp.Query):
            from headwater.sql.queries import relation_of

            write_relation(ctx, table, relation_of(ctx, item, None, None), names or _columns(ctx, table))
        elif (file := _file(ctx, item)) is not None:
            load(ctx, file, table, names)
        else:
            _stream(ctx, item, table)


def load(ctx: Context, file: TableName, table: TableName, names: list[str] | None) -> None:
    """A file into a table: by position where both sides are known, else as a whole."""
    ctx.reads[file] = None
    known = ctx.catalog.columns_of(file)
    relation = table_relation(file, known)
    write_relation(ctx, table, relation, (names or _columns(ctx, table)) if known is not None else None)


def _unload(ctx: Context, source: exp.Expr, files: list[exp.Expr]) -> None:
    from headwater.sql.queries import relation_of

    stage = _stage(ctx, source)
    if stage is not None:  # COPY INTO @stage FROM table or query
        targets, origins = [stage], files
    else:
        targets, origins = [file for item in files if (file := _file(ctx, item)) is not None], [source]
        if not targets:
            targets = [_nowhere(ctx, item) for item in files if _is_program(item)]
    for origin in origins:
        names: list[str] | None = None
        if isinstance(origin, exp.Schema):
            names = [ctx.identifier(item) for item in origin.expressions]
            origin = origin.this  # noqa: PLW2901 - what is inside it is the origin
        relation = relation_of(ctx, origin, None, None)
        if names:
            relation = _picked(relation, names)
        for target in targets:
            write_relation(ctx, target, relation)
        if not targets:
            ctx.result = relation


def _picked(relation: Relation, names: list[str]) -> Relation:
    picked = [hit for name in names for hit in relation.find(name)[:1]]
    return Relation(picked, relation.rows)


def _columns(ctx: Context, table: TableName) -> list[str] | None:
    known = ctx.catalog.columns_of(table)
    return list(known) if known is not None else None


def _file(ctx: Context, item: exp.Expr) -> TableName | None:
    if isinstance(item, exp.Literal) and item.is_string:
        return file_name(item.name)
    return _stage(ctx, item)


def _stage(ctx: Context, node: exp.Expr) -> TableName | None:
    if isinstance(node, exp.Literal) and node.is_string:
        return file_name(node.name)
    return looks_like_file(ctx, node) if isinstance(node, exp.Table) else None


def _is_program(item: exp.Expr) -> bool:
    return item.name.lower() == "program"


def _nowhere(ctx: Context, item: exp.Expr) -> TableName:
    ctx.note("PROGRAM", "copies to a command: where the data goes is not known")
    return TableName("PROGRAM", kind="stage")


def _stream(ctx: Context, item: exp.Expr, table: TableName) -> None:
    if _is_program(item):
        ctx.note("PROGRAM", "copies from a command: where the data comes from is not known")
    elif item.name.lower() not in _STREAMS:
        ctx.note("COPY", "the source is neither a file nor a query")
    write_relation(ctx, table, Relation([]))


def load_data(ctx: Context, path: str, table: exp.Expr) -> None:
    """``LOAD DATA ... INTO TABLE``."""
    ctx.kind = "COPY"
    target, names = target_of(ctx, table)
    load(ctx, file_name(path), target, names)


def export(ctx: Context, query: exp.Expr, path: str) -> None:
    """A query into a file: UNLOAD, EXPORT DATA, INTO OUTFILE."""
    from headwater.sql.queries import relation_of

    ctx.kind = "COPY"
    relation = relation_of(ctx, query, None, None)
    write_relation(ctx, file_name(path), relation)
