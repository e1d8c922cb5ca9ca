"""Which columns a transformer of the user's own keeps, whose ``transform`` takes them by their places.

``return np.asarray(X)[:, self.kept_]`` runs in compiled code, and gives an array without names. But the places are an
attribute of the transformer, and the code shows that nothing else is done with the rows: so the columns are known.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Sequence
from types import CodeType
from typing import Any, Final

from headwater.capture.source_analysis.bindings import steps_of
from headwater.capture.source_analysis.row_list_syntax import called_name

_SAME: Final = frozenset(("asarray", "array", "check_array", "asanyarray", "ascontiguousarray", "to_numpy", "copy"))
"""Functions and methods that give the same columns."""
_CHECKS: Final = frozenset(("check_is_fitted",))


def places_kept(transform: Callable[..., Any], transformer: Any, width: int) -> list[int] | None:
    """The places of the columns that ``transform`` returns, of a matrix with ``width`` columns; None if its code does
    anything else."""
    code = getattr(inspect.unwrap(transform), "__code__", None)
    if code is None or code.co_argcount < 2:
        return None
    index = _index_of(code)
    if index is None:
        return None
    found = index if isinstance(index, list) else getattr(transformer, "__dict__", {}).get(index)
    return _as_places(found, width)


def _index_of(code: CodeType) -> str | list[Any] | None:
    """The attribute that chooses the columns, or the places themselves, if all that the code does is to take them."""
    own, rows = code.co_varnames[:2]
    same, chosen, index = {rows}, set[str](), None
    for step in steps_of(code):
        node = step.node
        if not step.is_sure:
            return None
        if isinstance(node, ast.Expr):
            if not isinstance(node.value, ast.Constant) and called_name(node.value) not in _CHECKS:
                return None
            continue
        value = node.value if isinstance(node, ast.Assign | ast.Return) else None
        if value is None:
            return None
        taken = _taken(value, own, same)
        index = taken if taken is not None else index
        is_chosen = taken is not None or _is_one_of(value, chosen)
        if isinstance(node, ast.Return):
            return index if is_chosen else None
        target = node.targets[0] if isinstance(node, ast.Assign) and len(node.targets) == 1 else None
        if not isinstance(target, ast.Name) or (is_chosen and chosen):
            return None
        if not is_chosen and not _is_one_of(value, same):
            return None
        same.discard(target.id)
        (chosen if is_chosen else same).add(target.id)
    return None


def _is_one_of(node: ast.expr, names: set[str]) -> bool:
    """Whether an expression is one of these names, or the same columns in another form."""
    if isinstance(node, ast.Attribute) and node.attr == "values":
        return _is_one_of(node.value, names)
    if isinstance(node, ast.Call) and called_name(node) in _SAME:
        function = node.func
        is_method = isinstance(function, ast.Attribute) and called_name(node) in ("to_numpy", "copy")
        inner = function.value if is_method and isinstance(function, ast.Attribute) else next(iter(node.args), None)
        return inner is not None and _is_one_of(inner, names)
    return isinstance(node, ast.Name) and node.id in names


def _taken(node: ast.expr, own: str, same: set[str]) -> str | list[Any] | None:
    """What chooses columns: in ``X[:, self.kept_]``, ``X.iloc[:, self.kept_]``, ``np.take(X, self.kept_, axis=1)``."""
    chosen: ast.expr | None = None
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Tuple) and len(node.slice.elts) == 2:
        rows, chosen = node.slice.elts
        owner = node.value
        if isinstance(owner, ast.Attribute) and owner.attr == "iloc":
            owner = owner.value
        is_whole = isinstance(rows, ast.Slice) and rows.lower is rows.upper is rows.step is None
        if not is_whole or not _is_one_of(owner, same):
            return None
    elif called_name(node) == "take" and isinstance(node, ast.Call) and len(node.args) == 2:
        axis = [item.value.value for item in node.keywords if isinstance(item.value, ast.Constant)]
        if axis != [1] or not _is_one_of(node.args[0], same):
            return None
        chosen = node.args[1]
    if isinstance(chosen, ast.List) and all(isinstance(item, ast.Constant) for item in chosen.elts):
        return [item.value for item in chosen.elts if isinstance(item, ast.Constant)]
    is_own = isinstance(chosen, ast.Attribute) and isinstance(chosen.value, ast.Name) and chosen.value.id == own
    return chosen.attr if is_own and isinstance(chosen, ast.Attribute) else None


def _as_places(index: Any, width: int) -> list[int] | None:
    """Places of columns, or a mask of them, as places."""
    if hasattr(index, "tolist") and getattr(index, "ndim", 0) == 1:
        index = index.tolist()
    if isinstance(index, slice):
        return list(range(width))[index]
    if not isinstance(index, Sequence) or isinstance(index, str) or not index:
        return None
    if all(isinstance(item, bool) for item in index):
        return [place for place, is_kept in enumerate(index) if is_kept] if len(index) == width else None
    if not all(isinstance(item, int) and not isinstance(item, bool) and -width <= item < width for item in index):
        return None
    return [item % width for item in index]
