"""Tables from Python's own containers: a list of mappings, a mapping of columns, a list of values."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from headwater.capture.profiling.blocks import Column, Table
from headwater.capture.profiling.numpy import array_column
from headwater.capture.profiling.python_objects import is_missing, object_column
from headwater.model.fingerprints import unique_names


def accepts(obj: object) -> bool:
    """Whether this is a list, a tuple or a mapping."""
    return isinstance(obj, list | tuple | Mapping)


def table(obj: Any) -> Table:
    """The container as a table.

    A mapping of equally long lists (or arrays) is its columns, any other mapping one row; a list of mappings is rows
    with the union of their keys; a list of anything else is the column ``value``.
    """
    columns = _columns(obj)
    names = unique_names(str(name) for name, _ in columns)
    return Table(
        library=f"python {platform.python_version()}",
        row_count=len(columns[0][1]) if columns else len(obj) if isinstance(obj, list | tuple) else 0,
        size_bytes=None,
        columns=[_column(name, values) for name, (_, values) in zip(names, columns, strict=True)],
    )


def _columns(obj: Any) -> list[tuple[object, Any]]:
    if isinstance(obj, Mapping):
        sizes = {len(value) if isinstance(value, list | tuple | np.ndarray) else -1 for value in obj.values()}
        if len(sizes) == 1 and -1 not in sizes:
            return list(obj.items())
        return [(key, [value]) for key, value in obj.items()]
    if obj and all(isinstance(row, Mapping) for row in obj):
        keys = dict.fromkeys(key for row in obj for key in row)
        return [(key, [row.get(key) for row in obj]) for key in keys]
    return [("value", list(obj))]


def _column(name: str, values: Any) -> Column:
    if isinstance(values, np.ndarray) and values.ndim == 1:
        return array_column(name, values)
    kinds = set(map(type, values)) - {type(None)}
    if kinds in ({int}, {float}, {int, float}):
        numbers = _numbers(values, int if kinds == {int} else float)
        if numbers is not None:
            nulls = np.fromiter(map(is_missing, values), dtype=np.bool_, count=len(values))
            return array_column(name, numbers, nulls=nulls)
    return object_column(name, _objects(values))


def _numbers(values: Any, kind: type) -> npt.NDArray[Any] | None:
    """Whole numbers or floats as numpy has them, None if a whole number is too large."""
    try:
        return np.array(
            [0 if value is None else value for value in values], dtype=np.int64 if kind is int else np.float64
        )
    except OverflowError:
        return None


def _objects(values: Any) -> npt.NDArray[Any]:
    """A one-dimensional array of objects, also where these are sequences of equal length."""
    array = np.empty(len(values), dtype=object)
    for at, value in enumerate(values):
        array[at] = value
    return array


def snapshot(obj: Any) -> tuple[Any, bool]:
    """A copy of the container; the values inside are shared, so the promise holds for immutable ones only."""
    if isinstance(obj, Mapping):
        return {key: list(value) if isinstance(value, list) else value for key, value in obj.items()}, True
    return list(obj), True
