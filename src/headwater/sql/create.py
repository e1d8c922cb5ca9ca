"""CREATE: tables from queries, views, clones, plain tables, routines; SELECT INTO."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from headwater.sql.ctes import with_env
from headwater.sql.insert import target_of
from headwater.sql.relation import Out, Relation
from headwater.sql.write_edges import write_relation

if TYPE_CHECKING:
    from headwater.sql.context import Context
    from headwater.sql.results import TableName


def create(ctx: Context, node: exp.Expr) -> None:
    """Analyse a CREATE."""
    kind = str(node.args.get("kind") or "").upper()
    if kind in ("FUNCTION", "PROCEDURE", "MACRO", "TRIGGER"):
        ctx.kind = f"CREATE_{kind}"
        _routine(ctx, node)
        return
    if kind not in ("TABLE", "VIEW", "DYNAMIC TABLE") or node.this is None:
        ctx.kind = f"CREATE_{kind.replace(' ', '_')}" if kind else "OTHER"
        return
    clone = node.args.get("clone")
    query = node.expression if isinstance(node.expression, exp.Expression) else None
    is_temp = _has(node, exp.TemporaryProperty) or bool(_identifier(node).args.get("temporary"))
    materialized = _has(node, exp.MaterializedProperty)
    ctx.kind = "CREATE_VIEW" if kind == "VIEW" else "CREATE_TABLE_AS" if query is not None or clone else "CREATE_TABLE"
    made = "temp" if is_temp else "table" if kind != "VIEW" else "materialized" if materialized else "view"
    if clone is not None:
        from_query(ctx, node, exp.select("*").from_(clone.this.copy()), made)
    elif query is not None:
        from_query(ctx, node, query, made)
    else:
        _plain(ctx, node, made)


def from_query(ctx: Context, node: exp.Expr, query: exp.Expr, made: str) -> None:
    """A table or view made by a query: its columns take the names of the column list, or of the query."""
    from headwater.sql.queries import relation_of

    env = with_env(ctx, node, None, None)
    relation = relation_of(ctx, query, env, None)
    table, names = target_of(ctx, node.this, is_new=True)
    if _is_empty(node):
        relation = Relation([Out(column.name, {}) for column in relation.columns if isinstance(column, Out)])
        ctx.reads.clear()
    if names:
        relation = relation.renamed(names)
    define(ctx, table, made, relation)


def define(ctx: Context, table: TableName, made: str, relation: Relation) -> None:
    """Write the relation and remember it under the new name."""
    name = ctx.catalog.define(table, made, relation, ctx.reads)
    # The catalog already holds the origins: recording the write must not add them a second time.
    ctx.catalog.definitions.pop(name, None)
    write_relation(ctx, name, relation)
    ctx.catalog.define(table, made, relation, ctx.reads)
    ctx.result = relation


def _plain(ctx: Context, node: exp.Expr, made: str) -> None:
    """A table made by its column list, or like another one."""
    table, names = target_of(ctx, node.this, is_new=True)
    items = node.this.expressions if isinstance(node.this, exp.Schema) else []
    names = [ctx.identifier(item.this) for item in items if isinstance(item, exp.ColumnDef)]
    likes = [item for item in items if isinstance(item, exp.LikeProperty)]
    properties = node.args.get("properties")
    likes += [item for item in properties.expressions if isinstance(item, exp.LikeProperty)] if properties else []
    for like in likes:
        names.extend(ctx.catalog.columns_of(ctx.catalog.resolve(ctx, like.this)) or ())
    if node.args.get("exists") and ctx.catalog.definition(table) is not None:
        return
    relation = Relation([Out(name, {}) for name in names]) if names else None
    name = ctx.catalog.define(table, made, relation, ())
    write_relation(ctx, name, Relation([]))


def cache(ctx: Context, node: exp.Expr) -> None:
    """Spark's ``CACHE TABLE name AS query`` makes a temporary view."""
    ctx.kind = "CREATE_VIEW" if isinstance(node.expression, exp.Expr) else "CACHE"
    if isinstance(node.expression, exp.Expr):
        from_query(ctx, node, node.expression, "temp")


def _is_empty(node: exp.Expr) -> bool:
    """``WITH NO DATA``: the shape is taken, no row flows."""
    properties = node.args.get("properties")
    found = properties.find(exp.WithDataProperty) if properties is not None else None
    return found is not None and bool(found.args.get("no"))


def _has(node: exp.Expr, kind: type) -> bool:
    properties = node.args.get("properties")
    return properties is not None and any(isinstance(item, kind) for item in properties.expressions)


def _identifier(node: exp.Expr) -> exp.Expr:
    while not isinstance(node, exp.Identifier) and isinstance(node.this, exp.Expression):
        node = node.this
    return node


def _routine(ctx: Context, node: exp.Expr) -> None:
    """Remember the body of a routine, for when it is called."""
    name = _identifier(node).name.lower()
    body = node.expression
    if isinstance(body, exp.Heredoc) or (isinstance(body, exp.Literal) and body.is_string):
        ctx.catalog.routines[name] = str(body.this)
    elif isinstance(body, exp.Query):
        ctx.catalog.routines[name] = body.sql(dialect=ctx.dialect)
