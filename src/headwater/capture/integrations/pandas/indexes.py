"""What is made of the index of a frame and put beside it: ``frame["weekday"] = frame.index.weekday``.

An index is shared by many frames and asked for at every turn, so that it is not followed itself. Where one that is not
known is used, the user's line says whose index it was made of; that frame is looked up among the variables there.
"""

from __future__ import annotations

import ast
import sys
from types import CodeType
from typing import Any

from headwater.capture.as_caller import variables
from headwater.capture.cells import whole
from headwater.capture.integrations.pandas.labels import levels_of
from headwater.capture.integrations.pandas.rules import TRANSFORMATION, level
from headwater.capture.recorder import Recorder
from headwater.capture.statements_read import last_binding, step_at, steps_of
from headwater.capture.values import INFERRED, Columns, Rule, Value, make_value, user_frame


def index_value(recorder: Recorder, index: Any) -> Value | None:
    """A value for what was made of the index of a frame: of its levels that have names. None where the line does not
    tell, or no level has one. What was bound to a name in between is a guess."""
    frame = user_frame(sys._getframe(2))
    code, line = whole(frame.f_code, frame.f_lineno or 0)
    here, before = _owners(code, line)
    held = {**frame.f_globals, **variables(frame, {*here, *before})}
    found: dict[Value, str] = {}
    for names, description in ((here, ""), (before if not here else [], INFERRED)):
        for name in names:
            known = recorder.values.get(held.get(name))
            if known is not None and levels_of(known):
                found.setdefault(known, description)
    if not found:
        return None
    rule = _from_levels(tuple(found.values()))
    return make_value("index", tuple(found), rule, rows=len(index), code=code, line=line)


def _from_levels(descriptions: tuple[str, ...]) -> Rule:
    def rule(value: Value) -> Columns:
        deps = [
            dep._replace(description=description)
            for position, description in enumerate(descriptions)
            for name in levels_of(value.inputs[position])
            for dep in level(value, position, name, TRANSFORMATION)
        ]
        return Columns({"*": deps})

    return rule


def _owners(code: CodeType, line: int) -> tuple[list[str], list[str]]:
    """The names whose index the statement at a line uses, and those whose index stands behind a name that it uses."""
    steps = steps_of(code)
    at = step_at(steps, line)
    value = getattr(at.node, "value", None) if at is not None else None
    if at is None or not isinstance(value, ast.expr):
        return [], []
    bound = [last_binding(steps, name, at.first) for name in (*at.passed, *at.used)]
    behind = [getattr(step.node, "value", None) for step in bound if step is not None]
    return _indexed(value), [name for node in behind if isinstance(node, ast.expr) for name in _indexed(node)]


def _indexed(node: ast.expr) -> list[str]:
    return [
        item.value.id
        for item in ast.walk(node)
        if isinstance(item, ast.Attribute) and item.attr == "index" and isinstance(item.value, ast.Name)
    ]
