"""Which columns a matrix has that a function of numpy made of followed arrays, and where each comes from.

Some functions set matrices side by side or take columns out; others work cell by cell or down the rows, so that each
column comes from the one at its place. For the rest no column is known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from headwater.capture.values import Columns, Dep, Rule, Value

LookUp = Callable[[Any], Value | None]
"""Returns the value of an argument, or None if it is not followed."""


class Made(NamedTuple):
    """The columns of a matrix, the values that they come from, and how."""

    inputs: list[Value]
    columns: tuple[str, ...]
    rule: Rule


_Slot = tuple[str, Value | None, str | None]
"""A column: its name, the value that it comes from, if one is followed, and the column of that."""

_CELL_BY_CELL: Final = frozenset({"where", "select", "choose", "nan_to_num", "clip", "round", "digitize", "interp"})
_DOWN: Final = {
    **dict.fromkeys(("vstack", "concatenate", "gradient"), 0),
    **dict.fromkeys(("sort", "diff"), -1),
    **dict.fromkeys(("cumsum", "repeat", "delete", "insert", "append", "roll", "flip", "unique", "take")),
}
"""Functions that keep each column if they work along the first axis, each with the axis that it has by default."""
_AXIS_AT: Final = {
    **dict.fromkeys(("cumsum", "sort", "flip", "concatenate"), 1),
    **dict.fromkeys(("diff", "repeat", "delete", "append", "roll", "take"), 2),
    "insert": 3,
}
"""The position of the argument ``axis``; for other functions it is given by name."""
_BESIDE: Final = frozenset({"hstack", "column_stack", "c_"})
_OF_EITHER: Final = frozenset({"concatenate", "append", "delete", "insert", "take"})
"""Functions that put together or take out rows or columns, as ``axis`` says."""


def columns_made(
    name: str, result: np.ndarray[Any, Any], args: tuple[Any, ...], kwargs: dict[str, Any], look_up: LookUp
) -> Made | None:
    """The columns of the matrix that the function ``name`` made; None if they cannot be told apart."""
    if result.ndim != 2:
        return None
    axis = _axis(name, args, kwargs)
    is_across = name in _BESIDE or (name in _OF_EITHER and axis in (1, -1))
    if is_across:
        slots = _across(name, args, kwargs, look_up)
        return _of_slots(slots) if slots is not None and len(slots) == result.shape[1] else None
    if name in _CELL_BY_CELL or (name in _DOWN and axis == 0):
        return _column_by_column(_operands(name, args, kwargs), result.shape[1], look_up)
    return None


def _axis(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    position = _AXIS_AT.get(name)
    given = args[position] if position is not None and position < len(args) else None
    return kwargs.get("axis", given if given is not None else _DOWN.get(name))


def _operands(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
    """The arguments whose cells are in the result or decide about it, without those that name rows and axes."""
    if name in ("vstack", "concatenate"):
        return list(args[0]) if args and isinstance(args[0], list | tuple) else []
    if name in ("select", "choose"):
        return [item for part in args for item in (part if isinstance(part, list | tuple) else [part])]
    counts = {"insert": (0, 2), "append": (0, 1), "where": (0, 1, 2), "clip": (0, 1, 2)}.get(name, (0,))
    return [args[place] for place in counts if place < len(args)] or list(kwargs.values())[:1]


def _column_by_column(operands: Sequence[Any], width: int, look_up: LookUp) -> Made | None:
    inputs: dict[Value, bool] = {}
    for item in operands:
        value = look_up(item)
        if value is None:
            continue
        is_alike = getattr(item, "ndim", 0) == 2 and item.shape[1] == width == len(value.column_names())
        inputs[value] = inputs.get(value, False) or is_alike
    alike = next((value for value, is_alike in inputs.items() if is_alike), None)
    if alike is None:
        return None
    names = alike.column_names()

    def rule(value: Value) -> Columns:
        fields: dict[str, list[Dep]] = {}
        for place, name in enumerate(names):
            deps = []
            for position, (item, is_alike) in enumerate(inputs.items()):
                own = item.column_names()
                deps.append(Dep(position, own[place] if is_alike else own[0] if len(own) == 1 else None))
            fields[name] = deps
        return Columns(fields)

    return Made(list(inputs), names, rule)


def _across(name: str, args: tuple[Any, ...], kwargs: dict[str, Any], look_up: LookUp) -> list[_Slot] | None:
    """The columns of matrices set side by side, or of one without or with some; None if not all are known."""
    if name in ("delete", "insert", "take"):
        own = _slots(args[0], look_up) if args else None
        places = args[1] if len(args) > 1 else kwargs.get("obj", kwargs.get("indices"))
        if own is None or isinstance(places, bool) or not isinstance(places, int | np.integer | list | tuple):
            return None
        try:
            if name == "delete":
                kept = np.delete(np.arange(len(own)), places)
            elif name == "take":
                kept = np.take(np.arange(len(own)), places)
            else:  # whole numbers stand for the columns, and negative ones for what is put between
                kept = np.insert(np.arange(len(own)), places, -1)
        except (IndexError, ValueError):
            return None
        added = args[2] if len(args) > 2 else kwargs.get("values")
        value = look_up(added) if name == "insert" else None
        names = value.column_names() if value is not None else ()
        between: _Slot = ("", value, names[0] if len(names) == 1 else None)
        return [own[place] if place >= 0 else between for place in kept]
    items = args[:2] if name == "append" else args if name == "c_" else args[0] if args else ()
    if not isinstance(items, list | tuple):
        return None
    slots: list[_Slot] = []
    for item in items:
        own = _slots(item, look_up)
        if own is None:
            return None
        slots += own
    return slots


def _slots(item: Any, look_up: LookUp) -> list[_Slot] | None:
    """The columns of one matrix, or of a row of numbers that becomes a column."""
    ndim = getattr(item, "ndim", 1 if isinstance(item, list | tuple) else None)
    if ndim not in (1, 2):
        return None
    width = item.shape[1] if ndim == 2 and hasattr(item, "shape") else 1
    value = look_up(item)
    if value is None:
        return [("", None, None)] * width
    names = value.column_names()
    if len(names) == width:
        return [(name, value, name) for name in names]
    return [("", value, names[0] if len(names) == 1 else None)] * width


def _of_slots(slots: Sequence[_Slot]) -> Made | None:
    inputs = list(dict.fromkeys(value for _, value, _ in slots if value is not None))
    if not inputs:
        return None
    place = {value: position for position, value in enumerate(inputs)}
    fields: dict[str, list[Dep]] = {}
    for at, (name, value, column) in enumerate(slots):
        own = name or f"x{at}"
        while own in fields:
            own += "_"
        fields[own] = [Dep(place[value], column, subtype="IDENTITY")] if value is not None else []
    return Made(inputs, tuple(fields), lambda _value: Columns(fields))
