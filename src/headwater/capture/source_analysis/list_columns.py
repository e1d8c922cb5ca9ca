"""Infers from the source which columns were iterated over to build a list."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from types import CodeType

from headwater.capture.source_analysis.array_origins import MAX_STEPS
from headwater.capture.source_analysis.bindings import Step, last_binding, names_in, step_at, steps_of
from headwater.capture.source_analysis.meant_parts import given_there, made_for
from headwater.capture.values import Value


def iterated_columns(
    code: CodeType,
    line: int,
    passes: Mapping[int, tuple[Value, ...]],
    names: Sequence[str] = (),
    is_followed: Callable[[str], bool] = lambda name: False,
    within: ast.expr | None = None,
) -> tuple[Value, ...]:
    """The values of the columns that were iterated over to make a list used at ``line`` of ``code``.

    ``passes`` has the lines at which columns were iterated over. The statement itself may have done so, or one of those
    that bound the names it uses; only those that bound the list, if it has ``names`` there. What is behind a name whose
    object is followed itself, such as a model that was loaded from a path in a file, is not searched. ``within`` is the
    expression for a list without a name, if it is known.
    """
    steps = steps_of(code)
    at = step_at(steps, line)
    if at is None:
        return ()
    found = [] if names else _latest(at, _passed_in(at, passes, within))
    seen: set[tuple[str, int]] = set()
    meant = names or (at.passed or at.used if within is None else names_in(within))
    waiting = [(name, at.first) for name in meant] if not found else []
    for _ in range(MAX_STEPS):
        if not waiting:
            break
        name, before = waiting.pop()
        if (name, before) in seen:
            continue
        seen.add((name, before))
        step = last_binding(steps, name, before)
        if step is None:
            continue
        given = given_there(step.node, name)  # texts, labels = frame["text"].tolist(), frame["label"].tolist()
        values = _passed_in(step, passes, given)
        values = _latest(step, values) if _binds_anew(step) else values
        found += values
        if not values and (name in names or not is_followed(name)):
            behind = (*step.passed, *step.used) if given is None else names_in(given)
            waiting += [(other, step.first) for other in behind]
    return tuple(dict.fromkeys(found))


def _binds_anew(step: Step) -> bool:
    targets = step.node.targets if isinstance(step.node, ast.Assign) else []
    return bool(targets) and all(isinstance(target, ast.Name) for target in targets)


def _latest(step: Step, passed: list[Value]) -> list[Value]:
    """Those of the values that the latest run of a statement iterated over: an earlier round of a loop around it went
    through other columns (``frame[name].tolist()``)."""
    rounds = [item for item in ast.walk(step.node) if isinstance(item, ast.comprehension)]
    if len(rounds) > 1:  # one inside another may iterate over several
        return passed
    return list({(value.code, value.offset): value for value in passed}.values())


def goes_through(code: CodeType, line: int, passes: Mapping[int, tuple[Value, ...]], within: ast.expr) -> bool:
    """Whether an expression at a line iterates over something followed."""
    at = step_at(steps_of(code), line)
    return at is not None and bool(_passed_in(at, passes, within))


def _passed_in(step: Step, passes: Mapping[int, tuple[Value, ...]], within: ast.expr | None = None) -> list[Value]:
    """What the lines of a statement iterated over; without what it made beside the expression ``within``."""
    passed = [value for line, values in passes.items() if step.first <= line <= step.last for value in values]
    return passed if within is None else made_for(passed, within, step.first, step.last)
