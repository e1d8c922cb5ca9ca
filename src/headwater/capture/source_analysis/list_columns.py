"""Infers from the source which columns were iterated over to build a list."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import CodeType

from headwater.capture.source_analysis.array_origins import MAX_STEPS
from headwater.capture.source_analysis.bindings import Step, last_binding, step_at, steps_of
from headwater.capture.values import Value


def iterated_columns(
    code: CodeType,
    line: int,
    passes: Mapping[int, tuple[Value, ...]],
    names: Sequence[str] = (),
    is_followed: Callable[[str], bool] = lambda name: False,
) -> tuple[Value, ...]:
    """The values of the columns that were iterated over to make a list used at ``line`` of ``code``.

    ``passes`` has the lines at which columns were iterated over. The statement itself may have done so, or one of those
    that bound the names it uses; only those that bound the list, if it has ``names`` there. What is behind a name whose
    object is followed itself, such as a model that was loaded from a path in a file, is not searched.
    """
    steps = steps_of(code)
    at = step_at(steps, line)
    if at is None:
        return ()
    found = [] if names else _passed_in(at, passes)
    seen: set[tuple[str, int]] = set()
    waiting = [(name, at.first) for name in names or at.passed or at.used] if not found else []
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
        values = _passed_in(step, passes)
        found += values
        if not values and (name in names or not is_followed(name)):
            waiting += [(other, step.first) for other in (*step.passed, *step.used)]
    return tuple(dict.fromkeys(found))


def _passed_in(step: Step, passes: Mapping[int, tuple[Value, ...]]) -> list[Value]:
    return [value for line, values in passes.items() if step.first <= line <= step.last for value in values]
