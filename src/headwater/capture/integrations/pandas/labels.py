"""What a value keeps of a pandas object's axes: immutable, shared with pandas, not copied.

For names in the index see :mod:`headwater.capture.levels`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import pandas as pd
from pandas import DataFrame, MultiIndex, RangeIndex, Series

from headwater.capture.levels import UNNAMED, Labels, field_of_level, levels_of
from headwater.capture.values import Value


def label(name: Any) -> str:
    """A column label as the string that ``Value.column_names`` makes of it: of several levels, those that it has."""
    if type(name) is str:
        return name
    return ".".join(str(part) for part in name if part != "") if isinstance(name, tuple) else str(name)


def names_of(labels: Any) -> tuple[str, ...]:
    """The labels of an axis as strings; a list of keys as users give it (one label, or several) likewise."""
    if labels is None:
        return ()
    if isinstance(labels, str):
        return (labels,)
    return tuple(label(item) for item in labels)


def index_levels(index: Any) -> tuple[str, ...]:
    """The names of the levels of an index that have one."""
    if isinstance(index, pd.MultiIndex):
        return tuple(label(name) for name in index.names if name is not None)
    name = index.name
    return () if name is None else (label(name),)


def series_name(name: Any) -> str:
    """The column that a series is; without a name it is ``0``, as pandas itself calls it in a frame."""
    return "0" if name is None else label(name)


def describe(obj: Any) -> tuple[Any, int | None]:
    """What to keep as ``columns`` and ``rows`` of a pandas or numpy object."""
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
    """As ``describe``, for what was made of ``inputs``: with the level of an index that has no name, where an input has
    it, or the index was made of one (``is_labelled``)."""
    columns, rows = describe(result)
    if type(columns) is not Labels:
        if is_labelled and is_unnamed(result.index):
            return Labels(columns, (UNNAMED,)), rows
        for value in known:
            if type(value.columns) is Labels:
                return with_unnamed(columns, result, inputs, known), rows
    return columns, rows


def is_unnamed(index: Any) -> bool:
    """Whether an index holds labels of its own, but no name for them."""
    return index.name is None and not isinstance(index, MultiIndex | RangeIndex)


def with_unnamed(columns: Any, result: Any, inputs: Sequence[Any], known: Sequence[Value]) -> Any:
    """The columns to keep of a result, with the level of an index that has no name where an input had it: in its place,
    or under a name that it has lost since."""
    if not isinstance(result, DataFrame | Series) or not is_unnamed(result.index):
        return columns
    for item, value in zip(inputs, known, strict=True):
        if type(value.columns) is not Labels:
            continue
        if not isinstance(item, DataFrame | Series):
            if UNNAMED in value.columns.index:
                return Labels(columns, (UNNAMED,))
        elif is_unnamed(item.index) and len(value.columns.index) == 1 and item.index.dtype == result.index.dtype:
            return Labels(columns, (UNNAMED,))
    return columns


def columns_of(value: Value) -> tuple[str, ...]:
    """The names of the columns of a frame's value in their order, the index left out even where the value shows it."""
    kept = value.columns
    return names_of(kept.columns) if type(kept) is Labels else value.column_names()


_sets: Final[dict[int, tuple[Any, frozenset[str]]]] = {}
"""The columns of the frames that were asked about last, by the identity of what their values keep of them."""
_MOST_SETS: Final = 8


def has_column(value: Value, name: str) -> bool:
    """Whether ``columns_of`` a value holds a name. A rule asks for each of thousands of columns: their names are gone
    through once."""
    kept = value.columns
    found = _sets.get(id(kept))
    if found is None or found[0] is not kept:
        if len(_sets) >= _MOST_SETS:
            _sets.clear()
        found = _sets[id(kept)] = (kept, frozenset(columns_of(value)))
    return name in found[1]


def is_frame(item: Any) -> bool:
    """Whether an object, or the object that a value is of, is a frame."""
    if type(item) is not Value:
        return isinstance(item, pd.DataFrame)
    columns = item.columns.columns if type(item.columns) is Labels else item.columns
    return columns is not None and not isinstance(columns, str)


def outputs(value: Value) -> Iterable[str]:
    """All fields of a value: its columns, then its index levels."""
    yield from columns_of(value)
    for level in levels_of(value):
        yield field_of_level(level)
