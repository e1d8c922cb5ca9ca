"""The base columns that a scalar expression uses, and how it uses them.

The walk keeps its own stack: a chain of ten thousand additions does not overflow. Each kind of node that means more
than "transforms its operands" has a rule in ``_RULES``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlglot import exp

from headwater.sql.column_uses import (
    AGGREGATION,
    CONDITIONAL,
    FILTER,
    MASKED,
    SORT,
    TRANSFORMATION,
    WINDOW,
    Uses,
    compose,
    merge,
)
from headwater.sql.masking import is_masking
from headwater.sql.relation import Out
from headwater.sql.scope import resolve
from headwater.sql.syntax_tree import parts_of

if TYPE_CHECKING:
    from headwater.sql.context import Context
    from headwater.sql.scope import Scope

Work = list[tuple[exp.Expr, int]]

# Aggregates that, over a window, pass on the value of one row.
_PICKS = (exp.Lag, exp.Lead, exp.FirstValue, exp.LastValue, exp.NthValue)


# Databases in which the name of a table means a whole row where no column has it; None is one that is not known.
_ROWS_ARE_VALUES = frozenset({None, "postgres", "redshift", "materialize", "risingwave", "duckdb", "bigquery"})

# Functions that no row can be given to.
_OF_NUMBERS = (exp.Sum, exp.Avg, exp.Min, exp.Max, exp.Stddev, exp.Variance, exp.Round, exp.Abs, exp.Floor, exp.Ceil)


def uses_of(ctx: Context, scope: Scope, expression: exp.Expr | None, outer: int = 0) -> Uses:
    """Give the base columns that ``expression`` uses in ``scope``, each use seen through ``outer``."""
    uses: Uses = {}
    if expression is None:
        return uses
    work: Work = [(expression, outer)]
    while work:
        node, use = work.pop()
        rule = _RULES.get(type(node))
        if rule is not None:
            rule(ctx, scope, node, use, work, uses)
        elif isinstance(node, exp.Query):
            _query(ctx, scope, node, use, work, uses)
        else:
            if isinstance(node, exp.Anonymous) and node.name.lower() in ctx.catalog.routines:
                ctx.calls[node.name.lower()] = None
            _push(work, node.iter_expressions(), compose(_own_use(node), use))
    return uses


def column_of(ctx: Context, scope: Scope, node: exp.Expr) -> Out | None:
    """Give the column that a bare reference means."""
    parts = tuple(ctx.identifier(part) for part in parts_of(node))
    is_row = len(parts) == 1 and _may_be_row(ctx, scope, node)
    return resolve(ctx, scope, parts, quoted=bool(node.this.args.get("quoted")), may_be_row=is_row)


def _may_be_row(ctx: Context, scope: Scope, node: exp.Expr) -> bool:
    """Whether a bare name that a table has too can mean a whole row, if it is not known to be a column.

    Only some databases let a row be a value. There a table is mostly given an alias for it, or it goes into a function
    that takes rows; otherwise a table whose columns are not known is more likely to have one of its own name
    (``SELECT sales FROM sales``).
    """
    parent = node.parent
    if isinstance(parent, exp.Match):  # of SQLite's full-text search, where the table stands for all its columns
        return True
    if ctx.dialect not in _ROWS_ARE_VALUES:
        return False
    source = scope.source((ctx.identifier(node.this),))
    if source is None or source.table is None or source.relation.is_closed:
        return True
    if source.alias.casefold() != source.table.parts[-1].casefold():
        return True
    if isinstance(parent, exp.Cast):
        return parent.is_type(*exp.DataType.TEXT_TYPES)
    return isinstance(parent, exp.Func) and not isinstance(parent, _OF_NUMBERS)


def _own_use(node: exp.Expr) -> int:
    use = AGGREGATION if isinstance(node, exp.AggFunc) else TRANSFORMATION
    return use | MASKED if isinstance(node, exp.Func) and is_masking(node) else use


def _push(work: Work, nodes: object, use: int) -> None:
    work.extend((node, use) for node in reversed(list(nodes)) if isinstance(node, exp.Expression))  # type: ignore[call-overload]


def _column(ctx: Context, scope: Scope, node: exp.Expr, use: int, work: Work, uses: Uses) -> None:
    if isinstance(node.this, exp.Star):
        source = scope.source(tuple(ctx.identifier(part) for part in parts_of(node)[:-1]))
        if source is not None:
            merge(uses, source.relation.all_uses(TRANSFORMATION), use)
        return
    if len(parts_of(node)) == 1 and any(node.name.casefold() in names for names in scope.bound):
        return
    if _is_sqlite_string(ctx, node):
        return
    found = column_of(ctx, scope, node)
    if found is not None:
        merge(uses, found.uses, use)


def _is_sqlite_string(ctx: Context, node: exp.Expr) -> bool:
    """SQLite reads a double-quoted word as a string where no column fits; on the far side of a comparison it mostly
    is."""
    if ctx.dialect not in ("sqlite", None) or len(parts_of(node)) > 1 or not node.this.args.get("quoted"):
        return False
    parent = node.parent
    if isinstance(parent, (exp.EQ, exp.NEQ, exp.Like, exp.GT, exp.LT, exp.GTE, exp.LTE, exp.Glob)):
        return node.arg_key == "expression"
    if isinstance(parent, exp.Between):
        return node.arg_key in ("low", "high")
    return (isinstance(parent, exp.In) and node.arg_key == "expressions") or isinstance(
        parent.parent if isinstance(parent, exp.Tuple) else None, (exp.Values, exp.In)
    )


def _same(ctx: Context, scope: Scope, node: exp.Expr, use: int, work: Work, uses: Uses) -> None:
    work.append((node.this, use))


def _dot(ctx: Context, scope: Scope, node: exp.Expr, use: int, work: Work, uses: Uses) -> None:
    """``(row).field``: of a whole row that field alone, of a nested column the column."""
    inner = node.this
    while isinstance(inner, exp.Paren):
        inner = inner.this
    if isinstance(inner, exp.Column) and len(inner.parts) == 1 and isinstance(node.expression, exp.Identifier):
        source = scope.source((ctx.identifier(inner.this),))
        if source is not None:
            found = resolve(ctx, scope, (source.alias, ctx.identifier(node.expression)))
            if found is not None:
                merge(uses, found.uses, use)
            return
    work.append((inner, compose(TRANSFORMATION, use)))
    if isinstance(node.expression, exp.Func):
        work.append((node.expression, compose(TRANSFORMATION, use)))


def _case(ctx: Context, scope: Scope, node: exp.Expr, use: int, work: Work, uses: Uses) -> None:
    """The branches of a CASE or IF give the value, its conditions only choose."""
    value = compose(TRANSFORMATION, use)
    chooser = compose(CONDITIONAL, use)
    _push(work, [node.args.get("default")], value)
    for branch in reversed(node.args.get("ifs") or []):
        work += [(branch.args["true"], value), (branch.this, chooser)]
    if isinstance(node, exp.Case):
        if node.this is not None:
            work.append((node.this, chooser))
        return
    for key in ("false", "true"):
        if node.args.get(key) is not None:
            work.append((node.args[key], value))
    work.append((node.this, chooser))


def _nullif(ctx: Context, scope: Scope, node: exp.Expr, use: int, work: Work, uses: Uses) -> None:
    work += [(node.expression, compose(CONDITIONAL, use)), (node.this, compose(TRANSFORMATION, use))]


def _filter(ctx: Context, scope: Scope, node: exp.Expr, use: int, work: Work, uses: Uses) -> None:
    """``sum(x) FILTER (WHERE c)``."""
    _push(work, [node.this], use)
    _push(work, [node.expression], compose(FILTER, use))


def _within_group(ctx: Context, scope: Scope, node: exp.Expr, use: int, work: Work, uses: Uses) -> None:
    """``percentile_cont(p) WITHIN GROUP (ORDER BY x)`` aggregates x, ``string_agg(x) WITHIN GROUP (ORDER BY y)``
    sorts by y."""
    inner = node.this
    has_operand = any(True for _ in inner.find_all(exp.Column))
    work.append((node.expression, compose(SORT if has_operand else AGGREGATION, use)))
    work.append((inner, use))


def _order(ctx: Context, scope: Scope, node: exp.Expr, use: int, work: Work, uses: Uses) -> None:
    """``array_agg(x ORDER BY y)``; without an operand the keys are what the parent wants."""
    keys = use if node.this is None else compose(SORT, use)
    _push(work, node.expressions, keys)
    _push(work, [node.this], use)


def _window(ctx: Context, scope: Scope, node: exp.Expr, use: int, work: Work, uses: Uses) -> None:
    beside = compose(WINDOW, use)
    _push(work, [node.args.get("order"), *(node.args.get("partition_by") or ())], beside)
    spec = node.args.get("spec")
    if isinstance(spec, exp.WindowSpec):
        _push(work, [spec.args.get("start"), spec.args.get("end")], beside)
    named = node.args.get("alias")
    if named is not None:
        shared = scope.windows.get(named.name.casefold())
        if shared is not None:
            work.append((shared, beside))
    inner = node.this
    while isinstance(inner, (exp.IgnoreNulls, exp.RespectNulls)):
        inner = inner.this
    if isinstance(inner, _PICKS):
        _push(work, inner.iter_expressions(), compose(TRANSFORMATION, use))
    elif isinstance(inner, exp.Expression) and not isinstance(inner, exp.Identifier):
        work.append((inner, use))


def _query(ctx: Context, scope: Scope, node: exp.Expr, use: int, work: Work, uses: Uses) -> None:
    """A scalar sub-query gives its columns; its filters and joins bear on the value indirectly."""
    from headwater.sql.queries import relation_of

    relation = relation_of(ctx, node, scope.env, scope)
    merge(uses, relation.all_uses(0), use)
    merge(uses, relation.rows, use)


def _exists(ctx: Context, scope: Scope, node: exp.Expr, use: int, work: Work, uses: Uses) -> None:
    """EXISTS asks for rows, not for columns."""
    from headwater.sql.queries import relation_of

    if not isinstance(node.this, exp.Query):
        _push(work, node.iter_expressions(), compose(TRANSFORMATION, use))
        return
    relation = relation_of(ctx, node.this, scope.env, scope)
    merge(uses, relation.rows, compose(CONDITIONAL, use))


def _lambda(ctx: Context, scope: Scope, node: exp.Expr, use: int, work: Work, uses: Uses) -> None:
    """The parameters of a lambda or comprehension are not columns."""
    if isinstance(node, exp.Comprehension):
        names = [node.expression]
        _push(work, [node.args.get("iterator")], compose(TRANSFORMATION, use))
        inside = [node.this, node.args.get("condition")]
    else:
        names, inside = node.expressions, [node.this]
    scope.bound.append(frozenset(name.name.casefold() for name in names if isinstance(name, exp.Expression)))
    for part in inside:
        merge(uses, uses_of(ctx, scope, part, compose(TRANSFORMATION, use)))
    scope.bound.pop()


def _columns(ctx: Context, scope: Scope, node: exp.Expr, use: int, work: Work, uses: Uses) -> None:
    """``COLUMNS(...)`` inside an expression that was not written out: every column of the row."""
    from headwater.sql.relation import Relation

    merge(uses, Relation(scope.row).all_uses(TRANSFORMATION), use)


def _star(ctx: Context, scope: Scope, node: exp.Expr, use: int, work: Work, uses: Uses) -> None:
    """``count(*)`` counts rows and reads no column; any other function over ``*`` reads them all."""
    if not isinstance(node.parent, (exp.Count, exp.CountIf)):
        _columns(ctx, scope, node, use, work, uses)


def _named_argument(ctx: Context, scope: Scope, node: exp.Expr, use: int, work: Work, uses: Uses) -> None:
    """``name => value`` and ``{'key': value}``: the name is not a column."""
    _push(work, [node.expression], use)


def _parameter(ctx: Context, scope: Scope, node: exp.Expr, use: int, work: Work, uses: Uses) -> None:
    """``$1`` is a bound value, but over a staged file its first column."""
    for source in scope.sources:
        if node.name.isdecimal() and source.table is not None and source.table.kind in ("stage", "file"):
            for hit in source.relation.find(f"${node.name}"):
                merge(uses, hit.uses, use)


def _nothing(ctx: Context, scope: Scope, node: exp.Expr, use: int, work: Work, uses: Uses) -> None:
    return


Rule = Callable[["Context", "Scope", exp.Expr, int, Work, Uses], None]
_RULES: dict[type, Rule] = {
    exp.Column: _column,
    exp.Dot: _dot,
    exp.Paren: _same,
    exp.Alias: _same,
    exp.Ordered: _same,
    exp.Where: _same,
    exp.Distinct: lambda ctx, scope, node, use, work, uses: _push(work, node.expressions, use),
    exp.Case: _case,
    exp.If: _case,
    exp.Nullif: _nullif,
    exp.Filter: _filter,
    exp.WithinGroup: _within_group,
    exp.Order: _order,
    exp.Window: _window,
    exp.Exists: _exists,
    exp.Lambda: _lambda,
    exp.Comprehension: _lambda,
    exp.Columns: _columns,
    exp.Star: _star,
    exp.Kwarg: _named_argument,
    exp.PropertyEQ: _named_argument,
    exp.Literal: _nothing,
    exp.Identifier: _nothing,
    exp.DataType: _nothing,
    exp.Null: _nothing,
    exp.Boolean: _nothing,
    exp.Var: _nothing,
    exp.Placeholder: _nothing,
    exp.Parameter: _parameter,
}
