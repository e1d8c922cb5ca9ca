"""Follows origins across calls of the user's own functions: arguments to their callers, results to ``return``.

An array passed in as an argument was made by the caller, whose line is on the stack. An array that a function returned
was made in that function, by the expressions of its ``return`` statements.
"""

from __future__ import annotations

import ast
import sys
from types import CodeType, FrameType, FunctionType
from typing import Final, NamedTuple

from headwater.capture import notebook_cells
from headwater.capture.latest_arrays import Made
from headwater.capture.settled_values import MadeByCode
from headwater.capture.source_analysis.bindings import Called, Step, has_rounds, names_in, step_at, steps_of
from headwater.capture.source_analysis.loop_rounds import arrays_of
from headwater.capture.source_analysis.made_values import ends_of, line_in, made_there
from headwater.capture.source_analysis.own_attributes import method_of
from headwater.capture.source_analysis.row_list_syntax import called_name
from headwater.capture.source_analysis.running_names import position_of
from headwater.capture.user_code import COMPREHENSIONS, is_users, user_frame
from headwater.capture.value_table import Values
from headwater.capture.values import Value


class Passed(NamedTuple):
    """What the caller passed for a name: names in the caller, above a line, and values made within the call."""

    code: CodeType
    names: tuple[str, ...]
    values: tuple[Value, ...]
    first: int
    is_parameter: bool


class Places:
    """The code objects examined for one array: what each made, who called it, and what it returned."""

    def __init__(self, values: Values) -> None:
        self.values = values
        self._made: dict[CodeType, MadeByCode] = {}

    def made(self, code: CodeType) -> MadeByCode:
        """The values that the code object made."""
        found = self._made.get(code)
        if found is None:
            found = self._made[code] = made_there(self.values, code)
        return found

    def argument(self, code: CodeType, name: str, called: Called | None = None) -> Passed:
        """What the caller passed for a parameter; empty if it is none, or the caller cannot be analysed. ``called`` is
        the place of the call for a function that has ended."""
        parameters = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        nothing = Passed(code, (), (), 0, is_parameter=name in parameters)
        caller = caller_of(code) if nothing.is_parameter else None
        if caller is None and called is not None and nothing.is_parameter:
            caller = Caller(called.code, called.first, is_through_library=False)
        if caller is None:
            return nothing
        steps = steps_of(caller[0])
        at = step_at(steps, caller[1])
        if at is not None and caller.is_through_library:
            return Passed(caller.code, (*at.passed, *at.used), (), at.first, is_parameter=True)
        call = call_of(at, code) if at is not None else None
        given = given_for(call, code, name, parameters.index(name)) if call is not None else None
        if at is None or given is None:
            return nothing
        within = tuple(
            value
            for line, value in [(line_in(value), value) for value in ends_of(self.made(caller[0]), at)]
            if given.lineno <= line <= (given.end_lineno or given.lineno) and not isinstance(given, ast.Name)
        )
        return Passed(caller[0], () if within else tuple(names_in(given)), within, at.first, is_parameter=True)

    def made_by_return(self, step: Step, called: Called) -> list[Value]:
        """The arrays that a function of the user made in a comprehension of its ``return`` statement, when that
        statement called it."""
        return [
            value
            for code in self.functions_called(getattr(step.node, "value", None), called.code)
            for inner in steps_of(code)
            if isinstance(inner.node, ast.Return) and not isinstance(inner.node.value, ast.Tuple) and has_rounds(inner)
            for value in arrays_of(self.values, code, inner, called)
        ]

    def returned(
        self, step: Step, name: str, mentions: frozenset[str], caller: CodeType
    ) -> list[tuple[CodeType, str, int]]:
        """The names that functions of the user returned for ``name`` to ``caller``, each with the code and line of the
        return. Of a returned dictionary, only what is under the mentioned keys, if any key is mentioned."""
        place = place_of(step.node, name)
        found = []
        for code in self.functions_called(getattr(step.node, "value", None), caller):
            for inner in steps_of(code):
                given = inner.node.value if isinstance(inner.node, ast.Return) else None
                if given is not None and place is not None and (parts := parts_of(given, len(_targets(step.node)))):
                    given = parts[place] if place < len(parts) else None
                if isinstance(given, ast.Dict):
                    given = _under_keys(given, mentions)
                if given is not None:
                    found += [(code, other, inner.first) for other in names_in(given)]
        return found

    def functions_called(self, call: object, code: CodeType) -> list[CodeType]:
        """The functions of the user that a call in ``code`` may have called: by their name, or as a method of an object
        that has a name there."""
        function = call.func if isinstance(call, ast.Call) else None
        if isinstance(function, ast.Name):
            made = self.values.codes_named(function.id)
            found = position_of(code, 0).lookup(function.id) if not made else None  # all that it made is gone
            return [found.__code__] if isinstance(found, FunctionType) and is_users(found.__code__) else made
        if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
            method = method_of(position_of(code, 0).lookup(function.value.id), function.attr)
            return [method.code] if method is not None else []
        return []


def _under_keys(written: ast.Dict, mentions: frozenset[str]) -> ast.Dict:
    """The part of a dictionary under the mentioned keys; all of it if none is mentioned, or a key is computed."""
    keys = [key.value if isinstance(key, ast.Constant) else None for key in written.keys]
    chosen = [place for place, key in enumerate(keys) if key in mentions]
    if not chosen or None in keys:
        return written
    return ast.Dict([written.keys[place] for place in chosen], [written.values[place] for place in chosen])


class Caller(NamedTuple):
    """A place in the user's code from which a function was called."""

    code: CodeType
    line: int
    is_through_library: bool
    """Whether that place called a library, which called the function with arguments of its own making."""


def caller_of(code: CodeType) -> Caller | None:
    """The user's code and line that called a running function."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_code is not code:
        frame = frame.f_back  # type: ignore[assignment]
    if frame is None or frame.f_back is None:
        return None
    above = user_frame(frame.f_back)
    return Caller(*notebook_cells.place_of(above), is_through_library=_is_library(frame.f_back.f_code))


def _is_library(code: CodeType) -> bool:
    """Whether code belongs to an installed library; our wrappers do not."""
    return "-packages" in code.co_filename


def called_now(code: CodeType) -> Called | None:
    """The place from which a running function was called."""
    caller = caller_of(code)
    return Called(caller.code, caller.line, caller.line, is_each=False) if caller is not None else None


def call_of(step: Step, code: CodeType) -> ast.Call | None:
    """The call of a function in a statement; None if there is none by its name."""
    for node in ast.walk(step.node):
        if isinstance(node, ast.Call) and code.co_name in (
            getattr(node.func, "attr", None),
            getattr(node.func, "id", None),
        ):
            return node
    return None


def given_for(call: ast.Call, code: CodeType, name: str, place: int) -> ast.expr | None:
    """The argument of a call for the parameter of that name, which is at position ``place``."""
    if isinstance(call.func, ast.Attribute):
        place -= code.co_varnames[:1] in (("self",), ("cls",))
    for keyword in call.keywords:
        if keyword.arg == name:
            return keyword.value
    return call.args[place] if 0 <= place < len(call.args) else None


def place_of(node: ast.stmt, name: str) -> int | None:
    """The position of a name among the targets of ``a, b = ...``; None for a single target."""
    names = [item.id if isinstance(item, ast.Name) else "" for item in _targets(node)]
    return names.index(name) if name in names else None


def _targets(node: ast.stmt) -> list[ast.expr]:
    target = node.targets[0] if isinstance(node, ast.Assign) else None
    return target.elts if isinstance(target, ast.Tuple | ast.List) else []


_SPLITS: Final = frozenset(("train_test_split",))
"""Functions of scikit-learn that return two parts of each argument, one after the other."""


def parts_of(value: ast.expr, count: int) -> list[ast.expr]:
    """The expressions of the ``count`` results that one gives: those of a tuple, or what a split cuts in two. Without
    any if that is not known."""
    if isinstance(value, ast.Tuple):
        return value.elts
    if not isinstance(value, ast.Call) or called_name(value) not in _SPLITS:
        return []
    parts = [item for item in value.args for _ in range(2)]
    return parts if len(parts) == count and not any(isinstance(item, ast.Starred) for item in parts) else []


def place_made(value: Value) -> Made:
    """An array, with the place that called the user's function that made it."""
    code = value.code
    if code is None or code.co_name == "<module>":
        return Made(value, None, 0)
    frame: FrameType | None = user_frame(sys._getframe(2))
    while frame is not None and frame.f_code is not code:
        frame = frame.f_back
    while frame is not None and frame.f_code.co_name in COMPREHENSIONS:
        frame = user_frame(frame.f_back) if frame.f_back is not None else None
    above = user_frame(frame.f_back) if frame is not None and frame.f_back is not None else None
    if above is None:
        return Made(value, None, 0)
    return Made(value, *notebook_cells.place_of(above))
