"""The items of a FROM list: tables, files, CTEs, sub-queries, functions, VALUES, laterals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from headwater.sql.ctes import lookup, with_env
from headwater.sql.files import files_of_function, looks_like_file
from headwater.sql.functions import function_relation
from headwater.sql.pivot import pivoted
from headwater.sql.relation import Column, Open, Out, Relation, table_relation
from headwater.sql.results import TableName
from headwater.sql.scope import Scope, Source
from headwater.sql.syntax_tree import alias_columns, alias_name, function_name
from headwater.sql.values import values_relation

if TYPE_CHECKING:
    from headwater.sql.context import Context

# Dialects in which a sub-query in FROM sees the items before it without the word LATERAL.
_ALWAYS_LATERAL = frozenset({"duckdb"})


def add_source(ctx: Context, scope: Scope, node: exp.Expr, *, in_row: bool = True) -> Source:
    """Add one item of a FROM list to ``scope``; with ``in_row=False`` its columns do not join the row of ``*`` yet."""
    from headwater.sql.joins import add_join

    while isinstance(node, exp.Final):
        node = node.this
    source = _source(ctx, scope, node)
    scope.add(source, in_row=in_row)
    if not isinstance(node, exp.Subquery) or not isinstance(node.this, exp.Table):
        for join in node.args.get("joins") or ():
            add_join(ctx, scope, join)
    for lateral in node.args.get("laterals") or ():
        add_source(ctx, scope, lateral)
    return source


def _source(ctx: Context, scope: Scope, node: exp.Expr) -> Source:
    alias = alias_name(node)
    name = ctx.identifier(alias) if alias is not None else ""
    table: TableName | None = None
    if isinstance(node, exp.Table):
        relation, table, spelled = _table(ctx, scope, node)
        name = name or spelled
    elif isinstance(node, exp.Lateral):
        relation = _lateral(ctx, scope, node, name)
    elif isinstance(node, exp.Values):
        relation = values_relation(ctx, node, scope)
    elif (
        isinstance(node, exp.Subquery)
        and isinstance(node.this, (exp.Table, exp.Subquery))
        and not isinstance(node.this.unnest(), exp.Query)
    ):
        relation = _bracket(ctx, scope, node)
    elif isinstance(node, exp.Query):
        relation = _derived(ctx, scope, node, is_lateral=ctx.dialect in _ALWAYS_LATERAL)
    else:
        relation = function_relation(ctx, scope, node, name)
    names = [ctx.identifier(column) for column in alias_columns(node)]
    if names and not isinstance(node, exp.Values):
        relation = _with_names(relation, names)
    for pivot in node.args.get("pivots") or ():
        relation = pivoted(ctx, scope, relation, pivot)
        pivot_alias = alias_name(pivot)
        if pivot_alias is not None:
            name = ctx.identifier(pivot_alias)
        names = [ctx.identifier(column) for column in alias_columns(pivot)]
        relation = _with_names(relation, names) if names else relation
    return Source(name, relation, table=table)


def _with_names(relation: Relation, names: list[str]) -> Relation:
    if relation.fallback is not None and len(relation.columns) <= len(names):
        return Relation([Out(name, dict(relation.fallback)) for name in names], relation.rows)
    return relation.renamed(names)


def _table(ctx: Context, scope: Scope, node: exp.Expr) -> tuple[Relation, TableName | None, str]:
    """A table reference gives its relation, its name when it is a table, and what qualifies its columns."""
    this = node.this
    if node.args.get("rows_from"):
        columns: list[Column] = []
        for item in node.args["rows_from"]:
            columns.extend(_source(ctx, scope, item).relation.columns)
        return Relation(columns), None, ""
    if isinstance(this, exp.Expression) and not isinstance(this, (exp.Identifier, exp.Var, exp.Literal, exp.Dot)):
        return _table_function(ctx, scope, node), None, ctx.identifier(function_name(this))
    spelled = ctx.identifier(this) if isinstance(this, exp.Identifier) else node.name
    if not node.args.get("db"):
        cte = lookup(scope.env, spelled)
        if cte is not None:
            return cte.evaluate(ctx), None, spelled
    file = looks_like_file(ctx, node)
    if file is not None and ctx.catalog.definition(ctx.catalog.resolve(ctx, node)) is None:
        ctx.reads[file] = None
        stem = file.name.rsplit("/", 1)[-1].split(".", 1)[0]
        return table_relation(file, ctx.catalog.columns_of(file)), file, stem
    table = ctx.catalog.resolve(ctx, node)
    return ctx.base(table), table, spelled


def _table_function(ctx: Context, scope: Scope, node: exp.Expr) -> Relation:
    function = node.this
    files = files_of_function(function)
    if files is None:
        alias = alias_name(node)
        return function_relation(ctx, scope, function, ctx.identifier(alias) if alias is not None else "")
    if not files:
        ctx.note(function_name(function), "reads a file whose name is not a literal")
        return Relation([], fallback={})
    ctx.reads.update(dict.fromkeys(files))
    known = ctx.catalog.columns_of(files[0])
    if known is not None and len(files) == 1:
        return table_relation(files[0], known)
    return Relation([Open(tuple(dict.fromkeys(files)))], table=files[0] if len(files) == 1 else None)


def _lateral(ctx: Context, scope: Scope, node: exp.Expr, name: str) -> Relation:
    inner = node.this
    if isinstance(inner, exp.Query):
        return _derived(ctx, scope, inner, is_lateral=True)
    return function_relation(ctx, scope, inner, name)


def _derived(ctx: Context, scope: Scope, node: exp.Expr, *, is_lateral: bool) -> Relation:
    """A sub-query in FROM. Its alias and pivots are the caller's; a WITH list inside its brackets is its own."""
    from headwater.sql.queries import relation_of

    outer = scope if is_lateral else scope.parent
    env = scope.env
    if isinstance(node, exp.Subquery):
        env = with_env(ctx, node, env, outer)
        node = node.this
    relation = relation_of(ctx, node, env, outer)
    return Relation(relation.columns, relation.rows, fallback=relation.fallback)


def _bracket(ctx: Context, scope: Scope, node: exp.Expr) -> Relation:
    """``(a JOIN b ON ...)``: its tables can be named from outside as well."""
    from headwater.sql.joins import add_join

    inner = Scope(scope.env, scope.parent)
    add_source(ctx, inner, node.this)
    for join in node.args.get("joins") or ():
        add_join(ctx, inner, join)
    if alias_name(node) is None:
        for source in inner.sources:
            scope.sources.append(Source(source.alias, source.relation, table=source.table, is_visible=False))
    return Relation(inner.row, inner.rows)
