"""Reads from the code where an array is from that a loop or a function of the user's fills: predictions of folds."""

from __future__ import annotations

import ast
from types import CodeType
from typing import Any

from headwater.capture.source_analysis.array_origins import read_as
from headwater.capture.source_analysis.bindings import last_binding, steps_of
from headwater.capture.source_analysis.budget import BUDGET
from headwater.capture.source_analysis.literals import function_named
from headwater.capture.user_code import is_users
from headwater.capture.value_table import Values
from headwater.capture.values import UNKNOWN, Value


def filled_read(values: Values, item: Any, code: CodeType, line: int, name: str) -> Value | None:
    """The value of an array of that name in the running code, above a line that need not use it; None for anything
    else, and for an array that one statement computes: the names in that statement say more."""
    if type(item).__name__ != "ndarray" or not item.ndim or not is_users(code):
        return None
    step = last_binding(steps_of(code), name, line)
    if step is None or not _fills(step.node, code) or not BUDGET.may_read(code, line):
        return None
    found = read_as(values, item, code, line, len(item), (name,))
    return None if found is UNKNOWN else found


def _fills(node: ast.stmt, code: CodeType) -> bool:
    """Whether a statement puts something into an array, or calls a function of the user's that returns one."""
    if isinstance(node, ast.AugAssign):
        return True
    if not isinstance(node, ast.Assign):
        return False
    function = node.value.func if isinstance(node.value, ast.Call) else None
    is_own = isinstance(function, ast.Name) and function_named(function.id, code) is not None
    return is_own or isinstance(node.targets[0], ast.Subscript)
