"""Which values the statements of some code made, as far as their objects are alive or have only just gone."""

from __future__ import annotations

from collections.abc import Callable
from types import CodeType
from typing import Final

from headwater.capture.notebook_cells import parts_of, position_of, whole
from headwater.capture.settled_values import MadeByCode
from headwater.capture.source_analysis.bindings import Step, comprehensions, has_rounds
from headwater.capture.value_table import Values
from headwater.capture.values import Value

_STORES: Final = frozenset({"setitem", "insert", "isetitem", "loc", "iloc", "at", "iat", "DataFrame", "Series"})
"""Operations that store an array in an object; their results are not sources of the array."""


def made_there(values: Values, code: CodeType) -> MadeByCode:
    """The values made by a code object, and by the comprehensions in it."""
    return values.made_in([part for whole_part in parts_of(code) for part in (whole_part, *comprehensions(whole_part))])


def is_store(value: Value) -> bool:
    """Whether an operation stored something in an object, whose value this is: it is no source of what it stored."""
    return value.op in _STORES


def line_in(value: Value) -> int:
    """The line that made a value, as a position in the analysis."""
    if value.code is None:
        return 0
    if value.offset >= 0:  # found by ``user_place``, or that of a cell
        return whole(value.code, value.offset)[1]
    return position_of(value.code, value.line, -1 - value.offset)


def within(first: int, last: int) -> Callable[[Value], bool]:
    """Tests for values that were made on one of these lines."""
    return lambda value: first <= line_in(value) <= last


def ends_of(made: MadeByCode, step: Step) -> list[Value]:
    """The values that the latest run of a statement made and did not itself use, in order: of a comprehension in it, in
    all of its rounds."""
    here = made.on(within(step.first, step.last))
    latest = _latest_run(made, here, step) if has_rounds(step) else _latest_in_turn(here)
    used = {id(item) for value in latest for item in value.inputs}
    return sorted((v for v in latest if id(v) not in used), key=lambda value: value.number)


def _latest_in_turn(made: MadeByCode) -> list[Value]:
    """The values that the latest run of a statement without a comprehension made: as it runs through its instructions
    in turn, an earlier one after a later one is of another round of a loop. One call may make several values, one after
    the other: data and labels."""
    found: list[Value] = []
    for value in made.latest_first():
        if is_store(value):
            continue
        if found and value.offset < 0 and found[-1].offset < 0:
            is_later = value.offset < found[-1].offset  # instructions are counted downwards from -1
            is_again = value.offset == found[-1].offset and found[-1].number - value.number > 1
            if is_later or is_again:
                break
        found.append(value)
    return list({(value.offset, value.column_names()): value for value in reversed(found)}.values())


def _latest_run(made: MadeByCode, here: MadeByCode, step: Step) -> list[Value]:
    """The values that a statement made since its code last made something elsewhere."""
    elsewhere = made.on(lambda value: not step.first <= line_in(value) <= step.last)
    found: list[Value] = []
    before = 0
    for value in here.latest_first():
        if is_store(value):
            continue
        if not found:
            before = elsewhere.last_before(value.number, is_store)
        if value.number < before:
            break
        found.append(value)
    return found
