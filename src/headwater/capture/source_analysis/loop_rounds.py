"""Tells the rounds of loops apart: which arrays belong to what a statement in a loop has added up.

``total += model.predict(X)`` keeps what all rounds of its loop gave, and so does ``total = total + x``. If a loop
around that loop begins anew (``total = np.zeros(n)``), its earlier rounds have no part in it.
"""

from __future__ import annotations

import ast
from types import CodeType

from headwater.capture.notebook_cells import parts_of
from headwater.capture.source_analysis.bindings import Called, Step, comprehensions, loops_of, steps_of
from headwater.capture.source_analysis.made_values import is_store, line_in, made_there, within
from headwater.capture.value_table import Values
from headwater.capture.values import Value


def keeps_what_was(code: CodeType, step: Step, name: str) -> bool:
    """Whether a statement keeps what its target held before: ``oof[test, 1] = x``, ``rows.append(x)``, and in a loop
    that does not begin anew ``total = total + x``."""
    return _is_adding_up(step.node) or isinstance(step.node, ast.Expr) or _carries_on(code, step, name)


def _is_adding_up(node: ast.stmt) -> bool:
    """Whether a statement adds to an existing object: ``total += x``, ``rows[test] = x``."""
    targets = node.targets if isinstance(node, ast.Assign) else []
    return isinstance(node, ast.AugAssign) or (bool(targets) and all(isinstance(t, ast.Subscript) for t in targets))


def _carries_on(code: CodeType, step: Step, name: str) -> bool:
    """Whether a statement computes a name from what it held in the round before."""
    targets = step.node.targets if isinstance(step.node, ast.Assign) else []
    is_own = len(targets) == 1 and isinstance(targets[0], ast.Name) and targets[0].id == name
    return is_own and name in (*step.passed, *step.used) and gathering_loop(code, step, name) is not None


def gathering_loop(code: CodeType, step: Step, name: str) -> ast.stmt | None:
    """The outermost loop around a statement in all of whose rounds it adds to the same object of that name: up to the
    one in which another statement binds the name anew."""
    found = None
    for loop in reversed(_loops_around(code, step)):
        inside = [other for other in steps_of(code) if loop.lineno <= other.first <= _end(loop) and other is not step]
        if any(_begins_in_loop(other, name) for other in inside):
            break
        found = loop
    return found


def _begins_in_loop(step: Step, name: str) -> bool:
    """Whether a statement binds a name without what it held before, perhaps in a branch."""
    if isinstance(step.node, ast.For | ast.AsyncFor | ast.With | ast.AsyncWith):
        return name in step.binds
    targets = step.node.targets if isinstance(step.node, ast.Assign) else []
    plain = [item for target in targets for item in getattr(target, "elts", [target]) if isinstance(item, ast.Name)]
    return any(item.id == name for item in plain) and name not in (*step.passed, *step.used)


def arrays_of(
    values: Values, code: CodeType, step: Step, called: Called | None = None, loop: ast.stmt | None = None
) -> list[Value]:
    """The latest arrays that a statement made and did not itself use, in all iterations of a loop around it; with
    ``called``, only in the calls from that place, and with ``loop``, since that loop was last entered."""
    parts = {part for whole_part in parts_of(code) for part in (whole_part, *comprehensions(whole_part))}
    made = [entry for entry in values.arrays.made_in(parts) if step.first <= line_in(entry.value) <= step.last]
    found = [value for value, _, _ in made]
    if called is not None:
        callers = {part for whole_part in parts_of(called.code) for part in (whole_part, *comprehensions(whole_part))}
        found = [value for value, by, line in made if by in callers and called.first <= line <= called.last]
        after = 0 if called.is_each else _before_latest(values, code, step, called, found)
        found = [value for value in found if value.number > after]
    if loop is not None:
        entered = _before_loop(values, code, loop, found)
        found = [value for value in found if value.number > entered]
    used = {id(item) for value in found for item in value.inputs}
    return [value for value in found if id(value) not in used]


def _before_latest(values: Values, code: CodeType, step: Step, called: Called, made: list[Value]) -> int:
    """The number of a value made after the earlier calls of a function and before the arrays of its latest: by its
    caller, or by the function itself above the loop around the statement."""
    latest = max((value.number for value in made), default=0)
    loops = [loop.lineno for loop in _loops_around(code, step)]
    top = min(loops, default=0)
    above = made_there(values, code).on(lambda value: line_in(value) < top).last_before(latest, is_store)
    return max(above, values.made_in(parts_of(called.code)).last_before(latest))


def _before_loop(values: Values, code: CodeType, loop: ast.stmt, made: list[Value]) -> int:
    """The number of the last value that some code made outside of a loop before the latest arrays within it."""
    parts, latest = parts_of(code), max((value.number for value in made), default=0)
    is_inside = within(loop.lineno, _end(loop))
    others = [array.value for array in values.arrays.made_in(parts) if not is_inside(array.value)]
    last = max((value.number for value in others if value.number < latest), default=0)
    return max(last, values.made_in(parts).on(lambda value: not is_inside(value)).last_before(latest))


def _end(node: ast.stmt) -> int:
    return node.end_lineno or 0


def _loops_around(code: CodeType, step: Step) -> list[ast.stmt]:
    """The loops around a statement, the outermost first."""
    return [node for node in loops_of(code) if node.lineno < step.first <= (node.end_lineno or 0)]
