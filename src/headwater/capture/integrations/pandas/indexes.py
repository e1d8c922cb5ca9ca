"""Columns computed from the index of a frame: ``frame["weekday"] = frame.index.weekday``.

An index is shared by many frames and accessed everywhere, so it is not followed itself. If one of unknown origin is
used, the user's line shows from which frame it was taken, and that frame is looked up among the variables there.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from types import CodeType, FrameType
from typing import Any, Final, NamedTuple

import pandas as pd
from pandas.core.generic import NDFrame

from headwater.capture import notebook_cells
from headwater.capture.caller_frame import variables
from headwater.capture.code_numbers import number_of
from headwater.capture.integrations.pandas.labels import index_levels
from headwater.capture.integrations.pandas.rules import TRANSFORMATION, level, whole
from headwater.capture.levels import Labels, field_of_level, levels_of
from headwater.capture.recorder import Recorder
from headwater.capture.source_analysis.bindings import last_binding, step_at, steps_of
from headwater.capture.source_analysis.made_values import is_store, made_there, within
from headwater.capture.user_code import user_frame
from headwater.capture.values import INFERRED, Columns, Dep, Rule, Value, make_value

_LINES: Final = 1_000
"""Lines of code that are remembered; if there are more, all are forgotten."""
_CALLERS: Final = 3
"""How many callers are searched for the frame of an index that was passed as an argument."""
_owners: dict[tuple[int, int], Owners] = {}


class Owners(NamedTuple):
    """The objects that a statement may have taken an index from."""

    here: tuple[ast.expr, ...]
    """The expressions whose index the statement uses."""
    before: tuple[ast.expr, ...]
    """The expressions whose index was assigned to a name that it uses."""
    used: tuple[str, ...]
    """All names that it uses, one of which may be an index itself."""
    names: frozenset[str]
    """All names to look up for any of these."""
    has_argument: bool
    """Whether one of these names is an argument of the function."""


def index_value(recorder: Recorder, index: Any) -> Value | None:
    """The value of something made from the index of a frame, or from an index that is followed itself; None if the line
    does not show which. If the index was assigned to a name in between, it is a guess, unless the frame still has that
    very index."""
    frame = user_frame(sys._getframe(2))
    code, line = notebook_cells.place_of(frame)
    owners = _owners_at(code, line)
    if not owners.names:
        return None
    held = _held(frame, owners)
    found: dict[Value, str] = {}
    for nodes, description in ((owners.here, ""), (() if owners.here else owners.before, INFERRED)):
        for node in nodes:
            item = _object_of(node, held)
            known = recorder.values.get(item) if item is not None else _made_of_levels(recorder, code, line, index)
            if known is not None and levels_of(known):
                found.setdefault(known, "" if _is_index_of(item, index) else description)
    for name in owners.used:
        item = held.get(name)
        known = recorder.values.get(item) if isinstance(item, pd.Index) and item is not index else None
        if known is not None:
            found.setdefault(known, "")
    if not found and owners.has_argument:
        found.update(dict.fromkeys(_given_by_callers(recorder, index, frame), ""))
    if not found:
        return None
    names = _names_of(index)
    rule = _from_levels(tuple(found.values()), names)
    columns = Labels("*", names) if isinstance(index, pd.MultiIndex) else None
    return make_value("index", tuple(found), rule, columns=columns, rows=len(index), code=code, line=line)


def _held(frame: FrameType, owners: Owners) -> dict[str, Any]:
    """The objects that the names refer to."""
    own = variables(frame, owners.names)
    return {name: own[name] if name in own else frame.f_globals.get(name) for name in owners.names}


def _given_by_callers(recorder: Recorder, index: Any, frame: FrameType) -> Iterator[Value]:
    """The value of the frame that has this very index, if a caller of the user's function took it from there."""
    for _ in range(_CALLERS):
        if frame.f_back is None:
            return
        frame = user_frame(frame.f_back)
        code, line = notebook_cells.place_of(frame)
        owners = _owners_at(code, line)
        held = _held(frame, owners)
        for node in (*owners.here, *owners.before):
            item = _object_of(node, held)
            known = recorder.values.get(item) if _is_index_of(item, index) else None
            if known is not None and levels_of(known):
                yield known
                return


def _is_index_of(item: Any, index: Any) -> bool:
    """Whether the frame has this very index, which other frames may share."""
    is_one = isinstance(index, pd.Index) and isinstance(item, pd.DataFrame | pd.Series)
    return is_one and bool(index.is_(item.index))


def _names_of(index: Any) -> tuple[str, ...]:
    """The levels of something made from an index; none for an array, such as a mask."""
    return index_levels(index) if isinstance(index, pd.Index) else ()


def _made_of_levels(recorder: Recorder, code: CodeType, line: int, index: Any) -> Value | None:
    """The value of an unnamed frame whose index the statement at a line uses: the latest it made with these levels."""
    at = step_at(steps_of(code), line)
    if at is None:
        return None
    names = _names_of(index)
    made = made_there(recorder.values, code).on(within(at.first, at.last)) if names else None
    for value in made.latest_first() if made is not None else ():
        if not is_store(value) and levels_of(value) == names and value.rows == len(index):
            return value
    return None


def _object_of(node: ast.expr, held: Mapping[str, Any]) -> Any:
    """The object that an expression of names, attributes and keys refers to, or a frame in place of its column, which
    has the same index. None if the expression calls anything."""
    if isinstance(node, ast.Name):
        return held.get(node.id)
    if not isinstance(node, ast.Attribute | ast.Subscript):
        return None
    owner = _object_of(node.value, held)
    if isinstance(owner, NDFrame):
        return owner
    if isinstance(node, ast.Attribute):
        return getattr(owner, "__dict__", {}).get(node.attr)
    key = node.slice.value if isinstance(node.slice, ast.Constant) else None
    return owner.get(key) if type(owner) is dict and isinstance(key, str | int) else None


def _from_levels(descriptions: tuple[str, ...], names: tuple[str, ...]) -> Rule:
    """An index comes from the levels of its sources that have one of ``names``, else from all of their levels."""

    def rule(value: Value) -> Columns:
        deps: list[Dep] = []
        for position, description in enumerate(descriptions):
            known = levels_of(value.inputs[position])
            meant = [name for name in known if name in names] or known
            found = [dep for name in meant for dep in level(value, position, name, TRANSFORMATION)]
            deps += [dep._replace(description=description) for dep in found or _itself(value, position)]
        fields = {"*": deps}
        for name in levels_of(value):  # of a MultiIndex, each separately
            own = [
                dep._replace(description=description)
                for position, description in enumerate(descriptions)
                for dep in level(value, position, name)
            ]
            fields[field_of_level(name)] = own or deps
        return Columns(fields)

    return rule


def _itself(value: Value, position: int) -> list[Dep]:
    """The dependency on an index that is followed itself, and so has no levels."""
    return [] if levels_of(value.inputs[position]) else whole(value, position)


def _owners_at(code: CodeType, line: int) -> Owners:
    key = number_of(code), line
    found = _owners.get(key)
    if found is None:
        if len(_owners) >= _LINES:
            _owners.clear()
        found = _owners[key] = _read_owners(code, line)
    return found


def _read_owners(code: CodeType, line: int) -> Owners:
    steps = steps_of(code)
    at = step_at(steps, line)
    evaluated = _evaluated(at.node) if at is not None else None
    if at is None or evaluated is None:
        return Owners((), (), (), frozenset(), has_argument=False)
    used = (*at.passed, *at.used)
    bound = [last_binding(steps, name, at.first) for name in used]
    behind = [_evaluated(step.node) for step in bound if step is not None]
    here = tuple(_indexed(evaluated))
    before = tuple(owner for node in behind if node is not None for owner in _indexed(node))
    inner = {item.id for owner in (*here, *before) for item in ast.walk(owner) if isinstance(item, ast.Name)}
    names = frozenset((*used, *inner))
    given = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return Owners(here, before, used, names, has_argument=not names.isdisjoint(given))


def _evaluated(node: ast.stmt) -> ast.expr | None:
    """The expression that a statement evaluates; for a loop, what it iterates over."""
    found = node.iter if isinstance(node, ast.For | ast.AsyncFor) else getattr(node, "value", None)
    return found if isinstance(found, ast.expr) else None


def _indexed(node: ast.expr) -> list[ast.expr]:
    """The expressions whose ``index`` an expression uses, except for its length."""
    found: list[ast.expr] = []
    waiting: list[ast.AST] = [node]
    while waiting:
        item = waiting.pop()
        if isinstance(item, ast.Attribute) and item.attr == "index":
            found.append(item.value)
        is_count = isinstance(item, ast.Call) and isinstance(item.func, ast.Name) and item.func.id == "len"
        if not is_count and not (isinstance(item, ast.Attribute) and item.attr in ("shape", "size", "empty")):
            waiting += ast.iter_child_nodes(item)
    return found
