"""Frames made from lists that the user's code filled: of rows, or one for each column."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

import pandas as pd

from headwater.capture.integrations.pandas.labels import columns_of, is_frame, label, names_of
from headwater.capture.integrations.pandas.recording import DATA
from headwater.capture.recorder import SCALARS, Recorder, table_of
from headwater.capture.values import GATHERED, Columns, Dep, Value, make_value

_LOOKED_AT: Final = 1_000
"""How many rows of a list are searched for followed objects."""
_ROWS: Final = frozenset(("Series", "numpy.view", "to_numpy", "getitem", "loc", "iloc", "xs"))
"""Operations between a frame and one of its rows (``iterrows`` makes each row from a slice of one array)."""
_CELLS_SET: Final = frozenset(("setitem", "loc", "iloc", "at", "iat"))
_CHANGES: Final = _CELLS_SET | {"copy"}
"""Operations that change cells of a row, or copy it."""
_STEPS_TO_A_ROW: Final = 4
_PASSING: Final = frozenset(("zip", "dict_items", "map", "filter", "enumerate", "generator", "reader", "DictReader"))
"""Classes of iterators and views that provide rows, and may be used up by now."""


def made_of_items(recorder: Recorder, frame: pd.DataFrame, data: Any) -> Value | None:
    """The value of the list of rows, or dictionary of lists, that ``frame`` was just made from. None if the items are
    followed themselves, or if nothing is known.

    Numbers taken out of data are recognised by identity; for columns with anything else in them, the code shows what
    was iterated over.
    """
    if type(data).__name__ in _PASSING:
        return table_of(names_of(frame.columns), len(frame))
    items = data.values() if isinstance(data, dict) else data if isinstance(data, list) else None
    if not items:
        return None
    for item in islice(items, _LOOKED_AT):
        known = recorder.values.get(item) if isinstance(item, DATA) else None
        if known is not None and (known.inputs or known.dataset is not None) and not _is_changed_row(item, known):
            return None
    names = names_of(frame.columns)
    read = table_of(names, len(frame))
    cells = [(name, SCALARS.value_of(item)) for name, item in _cells(data, names)] if len(SCALARS) else []
    numbers = [(name, value) for name, value in cells if value is not None]
    others = {name for name, value in cells if value is None} | ({*names} if len(data) > _LOOKED_AT else set())
    return _with_numbers(read, numbers, others, names, len(frame)) if numbers else read


def numbers_in(data: Any) -> list[Value]:
    """The values of numbers in a list, or in the values of a dictionary, that were taken out of data."""
    items = data.values() if isinstance(data, dict) else data if isinstance(data, list | tuple) else ()
    found = (SCALARS.value_of(item) for item in islice(items, _LOOKED_AT)) if len(SCALARS) else ()
    return list(dict.fromkeys(value for value in found if value is not None))


def _cells(data: Any, names: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    if isinstance(data, dict):
        for key, items in data.items():
            given = items.values() if isinstance(items, dict) else items
            cells = islice(given, _LOOKED_AT) if isinstance(items, list | tuple | dict) else (items,)
            yield from ((label(key), item) for item in cells)
        return
    for row in islice(data, _LOOKED_AT):
        if isinstance(row, dict):
            yield from ((label(key), item) for key, item in row.items())
        elif isinstance(row, list | tuple):
            yield from zip(names, row, strict=False)


def _with_numbers(
    read: Value | None, numbers: list[tuple[str, Value]], others: set[str], names: tuple[str, ...], rows: int
) -> Value:
    """A value that combines what is known about the numbers with what the code shows of columns that have ``others``,
    too."""
    inputs = tuple(dict.fromkeys(value for _, value in numbers))
    place = {value: position for position, value in enumerate(inputs)}
    fields: dict[str, list[Dep]] = {name: [] for name in names}
    for name, value in dict.fromkeys(numbers):
        if name in fields:
            fields[name].append(Dep(place[value], None, subtype="IDENTITY"))
    if read is not None:
        for name in names:
            if name in others or not fields[name]:
                fields[name].append(Dep(len(inputs), name, subtype="IDENTITY"))
        inputs = (*inputs, read)
    first = inputs[0]
    return make_value(
        GATHERED, inputs, lambda _: Columns(fields), columns=names, rows=rows, code=first.code, line=first.line
    )


def _is_changed_row(item: Any, known: Value) -> bool:
    """Whether a series is the row of a frame with cells set since, for which the code shows what went where."""
    is_changed = False
    for _ in range(_STEPS_TO_A_ROW * 2):
        if not isinstance(item, pd.Series) or not known.inputs or known.op not in _ROWS | _CHANGES:
            return False
        made_of = known.inputs[0]
        if is_frame(made_of):
            return is_changed
        is_changed = is_changed or known.op in _CELLS_SET
        known = made_of
    return False


def row_of(recorder: Recorder, frame: pd.DataFrame, item: Any) -> Any:
    """The value of the frame that a row was taken from, if it has all columns of ``frame``; else the item itself."""
    known = recorder.values.get(item) if isinstance(item, pd.Series) else None
    wanted = set(names_of(frame.columns))
    for _ in range(_STEPS_TO_A_ROW):
        if known is None or known.op not in _ROWS or len(known.inputs) != 1:
            break
        known = known.inputs[0]
        if is_frame(known) and wanted <= set(columns_of(known)):
            return known
    return item
