"""What is made of the index of a frame and put beside it: ``frame["weekday"] = frame.index.weekday``.

An index is shared by many frames and asked for at every turn, so that it is not followed itself. Where one that is not
known is used, the user's line says whose index it was made of; that frame is looked up among the variables there.
"""

from __future__ import annotations

import ast
import sys
from types import CodeType
from typing import Any, Final, NamedTuple

import pandas as pd

from headwater.capture import notebook_cells
from headwater.capture.caller_frame import variables
from headwater.capture.integrations.pandas.labels import index_levels
from headwater.capture.integrations.pandas.rules import TRANSFORMATION, level, whole
from headwater.capture.levels import Labels, field_of_level, levels_of
from headwater.capture.recorder import Recorder
from headwater.capture.source_analysis.bindings import last_binding, step_at, steps_of
from headwater.capture.user_code import user_frame
from headwater.capture.values import INFERRED, Columns, Dep, Rule, Value, make_value

_LINES: Final = 1_000
"""Lines of code whose names are remembered; beyond them all are forgotten."""
_owners: dict[tuple[CodeType, int], Owners] = {}


class Owners(NamedTuple):
    """The names in a statement of which an index may have been made."""

    here: tuple[str, ...]
    """Those whose index the statement uses."""
    before: tuple[str, ...]
    """Those whose index stands behind a name that it uses."""
    used: tuple[str, ...]
    """All names that it uses; one may be an index itself."""


def index_value(recorder: Recorder, index: Any) -> Value | None:
    """A value for what was made of the index of a frame: of its levels that are followed, or of an index that is
    followed itself. None where the line does not tell. What was bound to a name in between is a guess."""
    frame = user_frame(sys._getframe(2))
    code, line = notebook_cells.whole(frame.f_code, frame.f_lineno or 0)
    owners = _owners_at(code, line)
    held = {**frame.f_globals, **variables(frame, {*owners.here, *owners.before, *owners.used})}
    found: dict[Value, str] = {}
    for names, description in ((owners.here, ""), ((), "") if owners.here else (owners.before, INFERRED)):
        for name in names:
            known = recorder.values.get(held.get(name))
            if known is not None and levels_of(known):
                found.setdefault(known, description)
    for name in owners.used:
        item = held.get(name)
        known = recorder.values.get(item) if isinstance(item, pd.Index) and item is not index else None
        if known is not None:
            found.setdefault(known, "")
    if not found:
        return None
    rule = _from_levels(tuple(found.values()))
    columns = Labels("*", index_levels(index)) if isinstance(index, pd.MultiIndex) else None
    return make_value("index", tuple(found), rule, columns=columns, rows=len(index), code=code, line=line)


def _from_levels(descriptions: tuple[str, ...]) -> Rule:
    def rule(value: Value) -> Columns:
        deps: list[Dep] = []
        for position, description in enumerate(descriptions):
            known = levels_of(value.inputs[position])
            found = [dep for name in known for dep in level(value, position, name, TRANSFORMATION)]
            deps += [dep._replace(description=description) for dep in found or _itself(value, position)]
        fields = {"*": deps}
        for name in levels_of(value):  # of an index of several levels, each
            own = [dep for i in range(len(descriptions)) for dep in level(value, i, name)]
            fields[field_of_level(name)] = own or deps
        return Columns(fields)

    return rule


def _itself(value: Value, position: int) -> list[Dep]:
    """An index that is followed: it has no levels of its own, being one."""
    return [] if levels_of(value.inputs[position]) else whole(value, position)


def _owners_at(code: CodeType, line: int) -> Owners:
    found = _owners.get((code, line))
    if found is None:
        if len(_owners) >= _LINES:
            _owners.clear()
        found = _owners[code, line] = _read_owners(code, line)
    return found


def _read_owners(code: CodeType, line: int) -> Owners:
    steps = steps_of(code)
    at = step_at(steps, line)
    evaluated = _evaluated(at.node) if at is not None else None
    if at is None or evaluated is None:
        return Owners((), (), ())
    names = (*at.passed, *at.used)
    bound = [last_binding(steps, name, at.first) for name in names]
    behind = [_evaluated(step.node) for step in bound if step is not None]
    before = tuple(name for node in behind if node is not None for name in _indexed(node))
    return Owners(tuple(_indexed(evaluated)), before, tuple(names))


def _evaluated(node: ast.stmt) -> ast.expr | None:
    """The expression that a statement evaluates; of a loop what it goes through."""
    found = node.iter if isinstance(node, ast.For | ast.AsyncFor) else getattr(node, "value", None)
    return found if isinstance(found, ast.expr) else None


def _indexed(node: ast.expr) -> list[str]:
    """The names whose index an expression uses for more than its length."""
    found: list[str] = []
    waiting: list[ast.AST] = [node]
    while waiting:
        item = waiting.pop()
        if isinstance(item, ast.Attribute) and item.attr == "index" and isinstance(item.value, ast.Name):
            found.append(item.value.id)
        is_count = isinstance(item, ast.Call) and isinstance(item.func, ast.Name) and item.func.id == "len"
        if not is_count and not (isinstance(item, ast.Attribute) and item.attr in ("shape", "size", "empty")):
            waiting += ast.iter_child_nodes(item)
    return found
