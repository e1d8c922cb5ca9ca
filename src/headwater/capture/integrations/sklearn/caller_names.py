"""Names from the caller's source: the variables that a call is assigned to, and the object whose method is called.

Lineage names sets and models as their author does (``train``, ``clf``), according to the source of the calling line. A
file is parsed once, at the first such call in it.
"""

from __future__ import annotations

import ast
import functools
from types import CodeType
from typing import Final

from headwater.capture.notebook_cells import whole
from headwater.capture.source_analysis.parser import lines_of, syntax_tree

_SETTERS: Final = ("set_params", "set_output", "set_fit_request", "set_score_request")
"""Methods that return the object itself."""


@functools.lru_cache(maxsize=64)
def _calls(filename: str, count: int) -> dict[int, list[tuple[ast.Call, ast.stmt]]]:
    """All calls in the first ``count`` lines of a file, by line, with the statements around them; empty without
    source."""
    try:
        tree = syntax_tree("".join(lines_of(filename)[:count]))
    except (SyntaxError, ValueError, RecursionError):
        return {}
    found: dict[int, list[tuple[ast.Call, ast.stmt]]] = {}
    for statement in ast.walk(tree):
        if not isinstance(statement, ast.Assign | ast.AnnAssign | ast.Expr | ast.Return | ast.AugAssign):
            continue
        for node in ast.walk(statement):
            if isinstance(node, ast.Call):
                for line in range(node.lineno, (node.end_lineno or node.lineno) + 1):
                    found.setdefault(line, []).append((node, statement))
    return found


def _named(code: CodeType | None, line: int, function: str) -> tuple[ast.Call, ast.stmt] | None:
    if code is None:
        return None
    code, line = whole(code, line)
    for call, statement in _calls(code.co_filename, len(lines_of(code.co_filename))).get(int(line), ()):
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if name == function:
            return call, statement
    return None


def assigned_names(code: CodeType | None, line: int, function: str) -> list[str]:
    """The names on the left of ``a, b = function(...)`` in that line; empty if they are not plain names."""
    found = _named(code, line, function)
    if found is None or not isinstance(found[1], ast.Assign):
        return []
    target = found[1].targets[0]
    items = target.elts if isinstance(target, ast.Tuple | ast.List) else [target]
    names = [item.id for item in items if isinstance(item, ast.Name)]
    return names if len(names) == len(items) else []


def receiver_name(code: CodeType | None, line: int, method: str) -> str:
    """The name of the object in ``name.method(...)``, else the name that the result is assigned to, else empty."""
    found = _named(code, line, method)
    if found is None:
        return ""
    function = found[0].func
    if isinstance(function, ast.Attribute):
        owner = function.value
        while isinstance(owner, ast.Call) and isinstance(owner.func, ast.Attribute) and owner.func.attr in _SETTERS:
            owner = owner.func.value
        if isinstance(owner, ast.Name):
            return owner.id
        if isinstance(owner, ast.Attribute):
            return owner.attr
    names = assigned_names(code, line, method)
    return names[0] if len(names) == 1 else ""


def common_part(names: list[str]) -> str:
    """The common part of the names of one set's parts: ``train`` for ``X_train`` and ``y_train``."""
    pieces = [name.strip("_").split("_") for name in names]
    shared = [piece for piece in pieces[0] if all(piece in other for other in pieces)] if pieces else []
    return "_".join(shared)
