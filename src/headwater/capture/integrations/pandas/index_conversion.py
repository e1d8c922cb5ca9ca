"""Frames, series and arrays made of an index: ``index.to_frame()``, ``index.to_series()``, ``index.values``."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from pandas.core.base import IndexOpsMixin
from pandas.core.indexes.accessors import DatetimeProperties

from headwater.capture.hooks import Hooks
from headwater.capture.integrations.pandas.indexes import index_value
from headwater.capture.integrations.pandas.labels import columns_of, series_name
from headwater.capture.integrations.pandas.recording import bind, hook, hook_methods
from headwater.capture.integrations.pandas.rules import IDENTITY, SOURCE, TRANSFORMATION, level, whole
from headwater.capture.levels import field_of_level, levels_of
from headwater.capture.recorder import Recorder
from headwater.capture.values import Columns, Dep, Value


def install(hooks: Hooks) -> None:
    """Hook the conversions of an index, and ``value_counts``."""
    hook_methods(hooks, (pd.Index, pd.MultiIndex, IndexOpsMixin), ("to_frame", "to_series"), lambda _: _spread)
    hook(hooks, pd.Index, "value_counts", _spread)
    hooks.after_property(pd.Index, "values", laid_out)
    hook_methods(hooks, (DatetimeProperties, pd.DatetimeIndex), ("isocalendar",), lambda _: _calendar)


def _spread(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    known = recorder.values.get(args[0]) or index_value(recorder, args[0])
    if known is not None:
        bind(recorder, result, "to_frame", (known,), _of_index, is_labelled=True)


def _of_index(value: Value) -> Columns:
    """The levels of the index, in order, as columns, and as the index of the result."""
    names, known = columns_of(value), levels_of(value.inputs[0])
    fields: dict[str, list[Dep]] = {}
    for place, name in enumerate(names):
        own = known[place] if len(known) == len(names) else name
        fields[name] = level(value, 0, own) or whole(value, 0, IDENTITY)
    for name in levels_of(value):
        fields[field_of_level(name)] = level(value, 0, name) or whole(value, 0, IDENTITY)
    return Columns(fields)


def _calendar(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Years, weeks and days of dates in a column or an index, as a frame under the labels of these."""
    dates = getattr(args[0], "_parent", args[0])
    is_index = isinstance(dates, pd.Index)
    known = recorder.values.get(dates) or (index_value(recorder, dates) if is_index else None)
    if known is not None:
        bind(recorder, result, "isocalendar", (known,), _of_dates, is_labelled=is_index)


def _of_dates(value: Value) -> Columns:
    fields = {name: whole(value, 0, TRANSFORMATION) for name in columns_of(value)}
    for name in levels_of(value):
        fields[field_of_level(name)] = level(value, 0, name) or whole(value, 0, IDENTITY)
    return Columns(fields)


def laid_out(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Record an array made from an index."""
    index = args[0]
    if isinstance(result, np.ndarray | pd.api.extensions.ExtensionArray):
        known = recorder.values.get(index) or index_value(recorder, index)
        if known is not None:
            name = None if isinstance(index, pd.MultiIndex) else series_name(index.name)
            recorder.derive(result, "to_numpy", (known,), rule=SOURCE, columns=name, rows=len(result))
