"""Frames and series made from objects in memory, and arrays extracted from them."""

from __future__ import annotations

import functools
import sys
from typing import Any, Final

import numpy as np
import pandas as pd
from pandas.core import arrays
from pandas.core.arrays.sparse.accessor import SparseFrameAccessor
from pandas.core.base import IndexOpsMixin

from headwater.capture.hooks import After, Hooks
from headwater.capture.integrations.pandas.index_conversion import laid_out
from headwater.capture.integrations.pandas.labels import columns_of, label, names_of, series_name
from headwater.capture.integrations.pandas.recording import (
    DATA,
    argument,
    bind,
    hook,
    hook_methods,
    is_literal,
    listed,
    looped,
)
from headwater.capture.integrations.pandas.row_lists import made_of_items, numbers_in, row_of
from headwater.capture.integrations.pandas.rules import (
    IDENTITY,
    SAME,
    SOURCE,
    by_position,
    column,
    level,
    levels,
    whole,
)
from headwater.capture.integrations.pandas.set_index import labels_in
from headwater.capture.levels import field_of_level, levels_of
from headwater.capture.recorder import Recorder, looked_up_here, table_of
from headwater.capture.source_analysis.array_items import item_read
from headwater.capture.values import NOTHING, Columns, Dep, Rule, Value
from headwater.capture.wrapper_frames import observe_making

_ARRAYS: Final = tuple(
    found
    for name in ("ArrowExtensionArray", "BaseMaskedArray", "Categorical", "NumpyExtensionArray", "DatetimeArray")
    if isinstance(found := getattr(arrays, name, None), type)
)
"""Classes of columns other than numpy arrays, with methods that return arrays."""


def install(hooks: Hooks) -> None:
    """Hook the constructors and the conversions to numpy."""
    _hook_making(hooks, pd.DataFrame, "__init__", _framed)
    _hook_making(hooks, pd.DataFrame, "from_records", _recorded)
    _hook_making(hooks, pd.Series, "__init__", _lined)
    hook(hooks, SparseFrameAccessor, "from_spmatrix", _from_sparse)
    hook(hooks, pd, "json_normalize", _normalised)
    hook(hooks, pd.Categorical, "__init__", _categorised)
    hook(hooks, pd.Categorical, "from_codes", _coded)
    for name in ("to_numpy", "__array__", "to_records"):
        hook_methods(hooks, (pd.DataFrame, pd.Series, IndexOpsMixin), (name,), lambda _: _to_array)
    hook_methods(hooks, _ARRAYS, ("__array__", "to_numpy", "astype"), lambda _: _to_array)
    for owner in (pd.DataFrame, pd.Series):
        if isinstance(vars(owner).get("values"), property):
            hooks.after_property(owner, "values", _to_array)


def _hook_making(hooks: Hooks, owner: type, name: str, handler: After) -> None:
    site = f"pandas.{owner.__name__}.{name}"
    hooks.replace(owner, name, functools.partial(observe_making, after=handler, site=site))


def _framed(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    owner, data = args[0], argument(args, kwargs, 1, "data")
    inputs, rule = _frame_made_of(recorder, owner, data)
    _bind_with_index(recorder, owner, "DataFrame", inputs, rule, argument(args, kwargs, 2, "index"))


def _frame_made_of(recorder: Recorder, owner: pd.DataFrame, data: Any) -> tuple[list[Any], Rule]:
    gathered = made_of_items(recorder, owner, data)
    if gathered is not None:
        return [gathered], SAME
    if is_literal(recorder, data):
        return [NOTHING], _literal
    if isinstance(data, dict):
        places = enumerate(data.items())
        found = {label(name): _item_of(recorder, item, label(name), (i, len(data))) for i, (name, item) in places}
        items = {name: item for name, item in found.items() if isinstance(item, DATA) or type(item) is Value}
        return list(items.values()), _from_items(tuple(items))
    if isinstance(data, pd.DataFrame):
        return [data], SAME
    if isinstance(data, DATA):
        return [data], _from_array
    if isinstance(data, list) and any(isinstance(item, DATA) for item in data[:1_000]):
        return [row_of(recorder, owner, item) for item in data if isinstance(item, DATA)], _from_rows
    return [], _literal


def _item_of(recorder: Recorder, item: Any, key: str, among: tuple[int, int]) -> Any:
    return item_read(recorder.values, item, key, 3, among) or looped(listed(recorder, item), key)


def _bind_with_index(recorder: Recorder, owner: Any, op: str, inputs: list[Any], rule: Rule, index: Any) -> None:
    """Record that ``owner`` was made of ``inputs``, and its labels of ``index`` if the user gave one that is followed.
    (An index given by pandas' own code holds the column names of a row.)"""
    is_given = isinstance(index, DATA) and "site-packages" not in sys._getframe(3).f_code.co_filename
    made = labels_in(recorder, index) if is_given else None
    if made is None:
        bind(recorder, owner, op, inputs, rule)
        return
    position = len(inputs)

    def labelled(value: Value) -> Columns:
        columns = rule(value)
        for name in levels_of(value):
            own = level(value, position, name) or column(value, position, name, IDENTITY)
            columns.fields[field_of_level(name)] = own or whole(value, position, IDENTITY)
        return columns

    bind(recorder, owner, op, [*inputs, made], labelled, is_labelled=True)


def _recorded(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """``DataFrame.from_records``: like the constructor."""
    _framed(recorder, None, (result, argument(args, kwargs, 1, "data")), {})


def _normalised(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """``pd.json_normalize``: all columns come from a column of documents, or from what the code shows for a list."""
    data = argument(args, kwargs, 0, "data")
    if isinstance(data, pd.Series):
        bind(recorder, result, "json_normalize", (data,), SOURCE)
        return
    read = table_of(names_of(result.columns), len(result))
    if read is not None:
        bind(recorder, result, "json_normalize", (read,), SAME)
    elif is_literal(recorder, data):
        bind(recorder, result, "json_normalize", (NOTHING,), _literal)


def _from_sparse(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """``DataFrame.sparse.from_spmatrix``: each column comes from the column at its position."""
    known = recorder.values.get(argument(args, kwargs, 1, "data"))
    if known is not None:
        bind(recorder, result, "from_spmatrix", (known,), _from_array)


def _lined(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    owner, data = args[0], argument(args, kwargs, 1, "data")
    data = NOTHING if is_literal(recorder, data) else listed(recorder, data)
    inputs: list[Any] = []
    rule: Rule = _literal
    if data is NOTHING:
        inputs = [data]
    elif isinstance(data, DATA) or type(data) is Value:
        inputs, rule = [data], by_position(IDENTITY) if isinstance(data, pd.Series) else SOURCE
    elif numbers := numbers_in(data):
        inputs, rule = [*numbers], _of_numbers
    elif (read := _shown(owner, data)) is not None:
        inputs, rule = [read], SOURCE
    _bind_with_index(recorder, owner, "Series", inputs, rule, argument(args, kwargs, 2, "index"))


def _shown(owner: pd.Series[Any], data: Any) -> Value | None:
    """What the code shows of the dictionary or list that a column was just made of; None if it shows nothing."""
    if isinstance(data, dict):
        return looked_up_here("Series", data)
    return table_of(("0",), len(owner)) if isinstance(data, list) else None


def _of_numbers(value: Value) -> Columns:
    """Numbers taken out of data, below each other."""
    deps = [dep for position in range(len(value.inputs)) for dep in whole(value, position, IDENTITY)]
    return Columns(dict.fromkeys(columns_of(value), deps))


def _categorised(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """``pd.Categorical(column, ["low", "high"])`` comes from the column."""
    data = listed(recorder, argument(args, kwargs, 1, "values"))
    if type(data) is Value or (isinstance(data, DATA) and recorder.values.get(data) is not None):
        bind(recorder, args[0], "Categorical", (data,), SOURCE)


def _coded(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """``pd.Categorical.from_codes(codes, categories)`` comes from the codes."""
    codes = argument(args, kwargs, 1, "codes")
    if isinstance(codes, DATA) and recorder.values.get(codes) is not None:
        bind(recorder, result, "Categorical", (codes,), SOURCE)


def _literal(value: Value) -> Columns:
    """No column has a source."""
    return Columns({name: [] for name in columns_of(value)})


def _from_items(names: tuple[str, ...]) -> Rule:
    def rule(value: Value) -> Columns:
        fields: dict[str, list[Dep]] = {name: [] for name in columns_of(value)}
        for position, name in enumerate(names):
            if name in fields:
                fields[name] = whole(value, position, IDENTITY)
        if value.inputs:
            fields.update(levels(value))
        return Columns(fields)

    return rule


def _from_array(value: Value) -> Columns:
    """Each column from the one at its position if the numbers of columns agree, else from all of the input."""
    names, source = columns_of(value), columns_of(value.inputs[0])
    if len(names) == len(source):
        fields = {name: [Dep(0, old, subtype=IDENTITY)] for name, old in zip(names, source, strict=True)}
    else:
        fields = dict.fromkeys(names, whole(value, 0, IDENTITY))
    return Columns(fields | levels(value))


def _from_rows(value: Value) -> Columns:
    fields: dict[str, list[Dep]] = {}
    for name in columns_of(value):
        fields[name] = [
            dep
            for i in range(len(value.inputs))
            for dep in (column(value, i, name, IDENTITY) or whole(value, i, IDENTITY))
        ]
    return Columns(fields)


def _to_array(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """An array has the column names of what it was made from, until another operation is applied to it."""
    owner = args[0]
    if isinstance(owner, pd.Index):
        laid_out(recorder, result, args, kwargs)
        return
    known = recorder.values.get(owner)
    if known is None or not isinstance(result, np.ndarray | pd.api.extensions.ExtensionArray):
        return
    if isinstance(owner, pd.api.extensions.ExtensionArray):
        columns = known.columns
    else:
        columns = series_name(owner.name) if isinstance(owner, pd.Series) else getattr(owner, "columns", None)
    value = recorder.derive(result, "to_numpy", (known,), rule=SAME, columns=columns, rows=len(result))
    base = getattr(result, "base", None)
    if isinstance(base, np.ndarray):
        recorder.values.bind(base, value)  # slices of the result refer to the owner of its memory
