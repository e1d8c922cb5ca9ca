"""Finds the expression whose result a running call was given, by the place of the call in the source."""

from __future__ import annotations

import ast
import sys
from functools import lru_cache
from types import CodeType, FrameType
from typing import Final

from headwater.capture.caller_frame import variables
from headwater.capture.notebook_cells import file_of, whole
from headwater.capture.source_analysis.bindings import MAX_SOURCE_LINES, tree_of
from headwater.capture.source_analysis.code_lines import span_of
from headwater.capture.source_analysis.parser import lines_of
from headwater.capture.user_code import user_frame
from headwater.capture.wrapper_frames import FILENAME

Span = tuple[int, int, int, int]
"""First line, first column, last line and last column of an expression."""

_SIMPLE: Final = (ast.Name, ast.Constant, ast.Attribute, ast.Starred, ast.List, ast.Tuple, ast.Dict)
"""Arguments that compute nothing, or are a collection of several."""


def expression_given(code: CodeType) -> ast.expr | None:
    """The one argument of the running call of ``code`` that is computed in the call: ``X - low`` in ``f(X - low, k)``.
    None if there is none, or more than one."""
    computed = expressions_given(code)
    return computed[0] if len(computed) == 1 else None


def expressions_given(code: CodeType) -> list[ast.expr]:
    """The arguments of the running call of ``code`` that are computed in the call."""
    running = _running(code, user_frame(sys._getframe(2)))
    if not isinstance(running, ast.Call):
        return []
    given = (*running.args, *(item.value for item in running.keywords))
    return [item for item in given if not isinstance(item, _SIMPLE)]


def expression_of(obj: object, code: CodeType) -> ast.expr | None:
    """The expression in the running statement of ``code`` whose result an object is: an argument of the running call,
    or what is assigned to an item (``frame["a"] = list(column)``). None if it is no more than a name or a display."""
    found = given_as(obj, code)
    return None if isinstance(found, _SIMPLE) else found


def given_as(obj: object, code: CodeType, key: str = "") -> ast.expr | None:
    """As ``expression_of``, whatever the expression is. ``key`` is the column that the object becomes, of a table that
    a dictionary or keywords are given for."""
    frame = user_frame(sys._getframe(1))
    running = _running(code, frame)
    if not isinstance(running, ast.Call):
        return running.value if running is not None else None
    named = [item.value for item in running.keywords if item.arg == key]
    for table in running.args:
        pairs = zip(table.keys, table.values, strict=True) if isinstance(table, ast.Dict) else ()
        named += [node for label, node in pairs if isinstance(label, ast.Constant) and label.value == key]
    if key and named:
        return named[0] if len(named) == 1 else None
    return _argument(running, frame, obj)


def _argument(call: ast.Call, frame: FrameType, obj: object) -> ast.expr | None:
    """The argument that a call in the user's frame passed an object for, or the item of a list that it passed, as our
    wrapper of what it calls got it."""
    inner: FrameType | None = sys._getframe(1)
    wrapper = None
    while inner is not None and inner is not frame:
        wrapper = inner if inner.f_code.co_filename == FILENAME else wrapper
        inner = inner.f_back
    got = variables(wrapper, ("args", "kwargs")) if wrapper is not None else {}
    args, kwargs = got.get("args", ()), got.get("kwargs", {})
    named = {item.arg: item.value for item in call.keywords}
    beside = len(args) - len(call.args)  # the object whose method it is
    is_plain = not any(isinstance(item, ast.Starred) for item in call.args) and 0 <= beside <= 1
    passed = list(zip(call.args, args[beside:], strict=True)) if is_plain else []
    passed += [(named[name], value) for name, value in kwargs.items() if name in named]
    for node, value in passed:
        if value is obj:
            return node
        items: list[ast.expr] = node.values if isinstance(node, ast.Dict) else getattr(node, "elts", [])
        held = list(value.values()) if isinstance(value, dict) else value
        if isinstance(held, list | tuple) and len(items) == len(held):
            found = [item for item, one in zip(items, held, strict=True) if one is obj]
            if found and not any(isinstance(item, ast.Starred) for item in items):
                return found[0]
    return None


def _running(code: CodeType, frame: FrameType) -> ast.Call | ast.Assign | None:
    """The call of ``code`` that is running in its frame, or the statement that assigns to an item or attribute."""
    if frame.f_code is not code or whole(code, 1)[0] is not code:
        return None
    span = span_of(code, frame.f_lasti)
    return _node_at(file_of(code), len(lines_of(code.co_filename)), span) if span is not None else None


def _node_at(filename: str, count: int, span: Span) -> ast.Call | ast.Assign | None:
    """The call at a place in a file, or the statement that assigns to the item or attribute there."""
    return _nodes_of(filename, count).get(span) if 0 < count <= MAX_SOURCE_LINES else None


@lru_cache(maxsize=16)
def _nodes_of(filename: str, count: int) -> dict[Span, ast.Call | ast.Assign]:
    """The calls and assignments in a file, by their place: a program has many calls, and is parsed once for all."""
    found: dict[Span, ast.Call | ast.Assign] = {}
    for node in ast.walk(tree_of("".join(lines_of(filename)[:count]))):
        if isinstance(node, ast.Call):
            found.setdefault(_span(node), node)
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                found.setdefault(_span(target), node)
    return found


def _span(node: ast.expr) -> Span:
    return int(node.lineno), node.col_offset, int(node.end_lineno or 0), node.end_col_offset or 0
