"""Tells which expressions compute each column of a matrix from the same column of another, by their syntax.

``X.values.astype(float)``, ``np.log(X)`` and ``(X - low) / 2`` have the columns of ``X``; ``X[:, ::-1]``, ``X @ w`` and
``X - X.mean()`` do not.
"""

from __future__ import annotations

import ast
from types import CodeType
from typing import Final

from headwater.capture.source_analysis.bindings import Step, steps_of
from headwater.capture.source_analysis.call_origins import place_of
from headwater.capture.source_analysis.meant_parts import given_there
from headwater.capture.source_analysis.row_list_syntax import called_name

_METHODS: Final = frozenset(("astype", "copy", "round", "clip"))
_ENDS: Final = frozenset(("values", "to_numpy"))
"""Attributes and methods of a frame whose result is followed: what comes before them does not matter."""
_FUNCTIONS: Final = frozenset((
    *("array", "asarray", "asanyarray", "ascontiguousarray", "float32", "float64", "nan_to_num", "clip", "round"),
    *("log", "log1p", "log2", "log10", "exp", "expm1", "sqrt", "square", "abs", "absolute", "sign", "tanh", "cbrt"),
))  # fmt: skip
"""Functions of numpy that work element by element on their first argument."""
_DOWN: Final = frozenset((
    *("mean", "sum", "std", "var", "min", "max", "median", "prod", "ptp", "average", "percentile", "quantile"),
    *("nanmean", "nansum", "nanstd", "nanvar", "nanmin", "nanmax", "nanmedian", "nanpercentile"),
    *("cumsum", "any", "all"),
))  # fmt: skip
"""Functions and methods that give one cell, or some, for each column if they work along ``axis=0``."""


def keeps_columns(step: Step, name: str) -> bool:
    """Whether a statement binds a name to something whose columns are, in order, those of what it names or makes."""
    node = step.node
    if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
        return False
    given = given_there(node, name) or node.value
    return isinstance(given, ast.expr) and (given is not node.value or len(step.binds) == 1) and _keeps(given)


def returns_unchanged(code: CodeType, line: int, step: Step, name: str) -> bool:
    """Whether the ``return`` at a line gives back a plain name where ``step`` binds ``name`` to the result."""
    place = place_of(step.node, name)
    found = [
        statement.node.value
        for statement in steps_of(code)
        if statement.first == line and isinstance(statement.node, ast.Return)
    ]
    given = found[0] if len(found) == 1 else None
    if isinstance(given, ast.Tuple) and place is not None:
        given = given.elts[place] if place < len(given.elts) else None
    return isinstance(given, ast.Name)


def keeps_columns_of(node: ast.expr) -> bool:
    """As ``keeps_columns``, for an expression."""
    return _keeps(node)


def _keeps(node: ast.expr) -> bool:
    if isinstance(node, ast.Name):
        return True
    if isinstance(node, ast.Attribute):
        return node.attr in _ENDS
    if isinstance(node, ast.UnaryOp):
        return _keeps(node.operand)
    if isinstance(node, ast.BinOp | ast.Compare):
        sides = [node.left, node.right] if isinstance(node, ast.BinOp) else [node.left, *node.comparators]
        is_mixed = isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult)
        return not is_mixed and any(map(_keeps, sides)) and all(_keeps(side) or _is_beside(side) for side in sides)
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    name, owner = called_name(node), node.func.value
    is_along = name in _DOWN and _is_along_rows(node)
    if isinstance(owner, ast.Name) and owner.id in ("np", "numpy"):
        return (name in _FUNCTIONS or is_along) and bool(node.args) and _keeps(node.args[0])
    return name in _ENDS or ((name in _METHODS or is_along) and _keeps(owner))


def _is_along_rows(node: ast.Call) -> bool:
    """Whether a call works along the first axis, and so gives something for each column."""
    return any(item.arg == "axis" and getattr(item.value, "value", None) == 0 for item in node.keywords)


def _is_beside(node: ast.expr) -> bool:
    """Whether an operand is a number, an array, or a row of one, which all columns are combined with."""
    if isinstance(node, ast.Constant | ast.Name):
        return True
    if isinstance(node, ast.Attribute | ast.Subscript):
        return _is_beside(node.value) and not isinstance(getattr(node, "slice", None), ast.Tuple | ast.Slice)
    return isinstance(node, ast.UnaryOp) and _is_beside(node.operand)
