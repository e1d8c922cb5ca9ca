"""Finds the expression whose result a running call was given, by the place of the call in the source."""

from __future__ import annotations

import ast
import sys
from functools import lru_cache
from types import CodeType
from typing import Final

from headwater.capture.notebook_cells import file_of, whole
from headwater.capture.source_analysis.bindings import MAX_SOURCE_LINES
from headwater.capture.source_analysis.code_lines import span_of
from headwater.capture.source_analysis.line_parts import parsed
from headwater.capture.source_analysis.parser import lines_of
from headwater.capture.user_code import user_frame

_SIMPLE: Final = (ast.Name, ast.Constant, ast.Attribute, ast.Starred, ast.List, ast.Tuple, ast.Dict)
"""Arguments that compute nothing, or are a collection of several."""


def expression_given(code: CodeType) -> ast.expr | None:
    """The one argument of the running call of ``code`` that is computed in the call: ``X - low`` in ``f(X - low, k)``.
    None if there is none, or more than one."""
    computed = expressions_given(code)
    return computed[0] if len(computed) == 1 else None


def expressions_given(code: CodeType) -> list[ast.expr]:
    """The arguments of the running call of ``code`` that are computed in the call."""
    frame = user_frame(sys._getframe(2))
    if frame.f_code is not code or whole(code, 1)[0] is not code:
        return []
    span = span_of(code, frame.f_lasti)
    given = _given(file_of(code), len(lines_of(code.co_filename)), span) if span is not None else ()
    return [item for item in given if not isinstance(item, _SIMPLE)]


@lru_cache(maxsize=256)
def _given(filename: str, count: int, span: tuple[int, int, int, int]) -> tuple[ast.expr, ...]:
    """The arguments of the call at a place in a file."""
    if not 0 < count <= MAX_SOURCE_LINES:
        return ()
    try:
        tree = parsed("".join(lines_of(filename)[:count]))
    except (SyntaxError, ValueError, RecursionError):
        return ()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or (node.lineno, node.end_lineno) != (span[0], span[2]):
            continue
        if (node.col_offset, node.end_col_offset) == (span[1], span[3]):
            return (*node.args, *(item.value for item in node.keywords))
    return ()
