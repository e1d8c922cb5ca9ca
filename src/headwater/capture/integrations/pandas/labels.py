"""The axes of pandas objects as values keep them: immutable, shared with pandas, not copied.

For names in the index see :mod:`headwater.capture.levels`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import pandas as pd
from pandas import DataFrame, MultiIndex, RangeIndex, Series

from headwater.capture.axis_names import names_in
from headwater.capture.levels import UNNAMED, Labels, field_of_level, levels_of
from headwater.capture.values import Value

_WITH_INDEX: Final = (DataFrame, Series)
_WITHOUT_NAME: Final = (MultiIndex, RangeIndex)
"""Indexes that have labels without a name of their own, or none. These are asked for at each operation."""


def label(name: Any) -> str:
    """A column label as the string in ``Value.column_names``; several levels are joined by dots, empty ones left
    out."""
    if type(name) is str:
        return name
    return ".".join(str(part) for part in name if part != "") if isinstance(name, tuple) else str(name)


def names_of(labels: Any) -> tuple[str, ...]:
    """The labels of an axis, or keys as users give them (one label, or several), as strings."""
    if labels is None:
        return ()
    if isinstance(labels, str):
        return (labels,)
    if isinstance(labels, pd.Index):
        return names_in(labels)
    return tuple(label(item) for item in labels)


def index_levels(index: Any) -> tuple[str, ...]:
    """The names of an index's levels, without those that have none."""
    if isinstance(index, pd.MultiIndex):
        return tuple(label(name) for name in index.names if name is not None)
    name = index.name
    return () if name is None else (label(name),)


def series_name(name: Any) -> str:
    """The column name of a series. Without a name it is ``0``, as in pandas when it becomes a frame."""
    return "0" if name is None else label(name)


def describe(obj: Any) -> tuple[Any, int | None]:
    """The ``columns`` and ``rows`` to keep for a pandas or numpy object."""
    if isinstance(obj, DataFrame):
        columns: Any = obj.columns
    elif isinstance(obj, Series):
        columns = obj.name
        if type(columns) is not str:
            columns = series_name(columns)
    else:
        shape = getattr(obj, "shape", None)
        return None, shape[0] if shape else None
    index = obj.index
    if index.name is None and not isinstance(index, MultiIndex):
        return columns, len(index)
    levels = index_levels(index)
    return (Labels(columns, levels) if levels else columns), len(index)


def described(result: Any, inputs: Sequence[Any], known: Sequence[Value], is_labelled: bool) -> tuple[Any, int | None]:
    """As ``describe``, for an object made from ``inputs``: with the level ``UNNAMED`` for an index without a name, if
    an input has such a level, or if the operation made the index (``is_labelled``)."""
    columns, rows = describe(result)
    if type(columns) is not Labels:
        if is_labelled and is_unnamed(result.index):
            return Labels(columns, (UNNAMED,)), rows
        for value in known:
            if type(value.columns) is Labels:
                return with_unnamed(columns, result, inputs, known), rows
    return columns, rows


def levels_in_file(index: Any) -> tuple[str, ...]:
    """The index levels that a file of the frame holds as columns: those with names, and labels without a name. Without
    a name, numbers are taken to count the rows."""
    if is_unnamed(index) and index.dtype.kind not in "iu":
        return (UNNAMED,)
    return index_levels(index)


def is_unnamed(index: Any) -> bool:
    """Whether an index has labels, but no name."""
    return index.name is None and not isinstance(index, _WITHOUT_NAME)


def with_unnamed(columns: Any, result: Any, inputs: Sequence[Any], known: Sequence[Value]) -> Any:
    """The columns to keep for a result, with the level ``UNNAMED`` for its index without a name if the index of an
    input was followed: without a name too, or under a name that it has lost."""
    if not isinstance(result, _WITH_INDEX) or not is_unnamed(result.index):
        return columns
    for item, value in zip(inputs, known, strict=True):
        if type(value.columns) is not Labels:
            continue
        if not isinstance(item, _WITH_INDEX):
            if UNNAMED in value.columns.index:
                return Labels(columns, (UNNAMED,))
        elif is_unnamed(item.index) and len(value.columns.index) == 1 and item.index.dtype == result.index.dtype:
            return Labels(columns, (UNNAMED,))
    return columns


def columns_of(value: Value) -> tuple[str, ...]:
    """The names of the columns of a frame's value, in order, without the index even if the value shows it."""
    kept = value.columns
    return names_of(kept.columns) if type(kept) is Labels else value.column_names()


_sets: Final[dict[int, tuple[Any, frozenset[str]]]] = {}
"""The columns of the latest frames asked about, by the ``id()`` of the columns that their values keep."""
_MOST_SETS: Final = 8


def has_column(value: Value, name: str) -> bool:
    """Whether ``columns_of`` a value contains a name. Cached as a set, because rules ask for each of thousands of
    columns."""
    kept = value.columns
    found = _sets.get(id(kept))
    if found is None or found[0] is not kept:
        if len(_sets) >= _MOST_SETS:
            _sets.clear()
        found = _sets[id(kept)] = (kept, frozenset(columns_of(value)))
    return name in found[1]


def is_frame(item: Any) -> bool:
    """Whether an object is a frame, or a value the value of one."""
    if type(item) is not Value:
        return isinstance(item, pd.DataFrame)
    columns = item.columns.columns if type(item.columns) is Labels else item.columns
    return columns is not None and not isinstance(columns, str)


def outputs(value: Value) -> Iterable[str]:
    """All fields of a value: its columns, then its index levels."""
    yield from columns_of(value)
    for level in levels_of(value):
        yield field_of_level(level)
