"""Reshaping frames: pivot, melt, stack, dummies, bins, conversions, accessors."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd
from pandas.core.arrays.categorical import CategoricalAccessor
from pandas.core.base import IndexOpsMixin
from pandas.core.generic import NDFrame
from pandas.core.indexes.accessors import Properties
from pandas.core.strings.accessor import StringMethods

from headwater.capture.hooks import After, Hooks
from headwater.capture.integrations.pandas.labels import columns_of, label, names_of
from headwater.capture.integrations.pandas.operators import combining
from headwater.capture.integrations.pandas.recording import argument, bind, data_in, hook, hook_methods, made
from headwater.capture.integrations.pandas.rules import (
    AGGREGATION,
    CHANGED,
    IDENTITY,
    SAME,
    SOURCE,
    TRANSFORMATION,
    By,
    by_levels,
    by_position,
    column,
    from_all,
    influences,
    levels,
    mapped,
    whole,
)
from headwater.capture.recorder import Recorder
from headwater.capture.values import Columns, Dep, Rule, Value

_CONVERSIONS: Final = [
    "cut",
    "qcut",
    "to_datetime",
    "to_numeric",
    "to_timedelta",
    "unique",
    "isna",
    "isnull",
    "notna",
    "notnull",
]


_IN_PLACE: Final = frozenset(("dropna", "round", "astype", "abs", "fillna", "clip", "arithmetic", "copy", "sort_index"))
"""Operations on a series alone that leave each number under its label."""


def install(hooks: Hooks) -> None:
    """Hook the functions, methods and accessors."""
    classes = (NDFrame, pd.DataFrame, pd.Series)
    for name in ("pivot", "pivot_table"):
        hook(hooks, pd, name, _pivot(name))
        hook_methods(hooks, classes, (name,), _pivot)
    hook(hooks, pd, "melt", _melt)
    hook_methods(hooks, classes, ("melt",), lambda name: _melt)
    hook_methods(hooks, classes, ("stack", "unstack"), _stacked)
    hook_methods(hooks, classes, ("explode",), lambda name: made(name, SAME))
    hook(hooks, pd, "get_dummies", _dummies)
    hook(hooks, pd, "from_dummies", _undummied)
    hook(hooks, pd, "lreshape", _put_below)
    for name in _CONVERSIONS:
        if hasattr(pd, name):
            hook(hooks, pd, name, _converted(name))
    hook(hooks, pd, "factorize", _factorized("factorize"))
    hook_methods(hooks, (IndexOpsMixin, pd.Series), ("factorize",), _factorized)
    hook(hooks, pd, "crosstab", _crosstab)
    public = [name for name, item in vars(StringMethods).items() if callable(item) and not name.startswith("_")]
    hook_methods(hooks, (StringMethods,), [*public, "__getitem__"], _of_strings)
    if isinstance(vars(CategoricalAccessor).get("codes"), property):
        hooks.after_property(CategoricalAccessor, "codes", _codes)
    for owner, part in ((Properties, "dt"), (CategoricalAccessor, "cat")):
        for name in ("_delegate_property_get", "_delegate_method"):
            hook(hooks, owner, name, _delegated(part))


def _pivot(name: str) -> After:
    is_table = name == "pivot_table"
    subtype = AGGREGATION if is_table else IDENTITY

    def handler(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        frame = argument(args, kwargs, 0, "data")
        order = ("values", "index", "columns") if is_table else ("columns", "index", "values")
        chosen = {part: names_of(_labels(argument(args, kwargs, 1 + i, part))) for i, part in enumerate(order)}
        others = [item for item in names_of(frame.columns) if item not in chosen["index"] + chosen["columns"]]
        keys = (*chosen["index"], *chosen["columns"])
        if keys and is_table and argument(args, kwargs, 4, "aggfunc") == "size":
            bind(recorder, result, name, (frame,), _counted(keys))
            return
        rule = _pivoted(chosen["values"] or tuple(others), chosen["index"], chosen["columns"], subtype, is_table)
        bind(recorder, result, name, (frame,), rule)

    return handler


def _labels(given: Any) -> Any:
    if given is None or isinstance(given, str):
        return given
    items = given if isinstance(given, list | tuple | pd.Index) else [given]
    return [item for item in items if isinstance(item, str | int | tuple)]


def _pivoted(
    values: tuple[str, ...], index: tuple[str, ...], columns: tuple[str, ...], subtype: str, is_table: bool
) -> Rule:
    def rule(value: Value) -> Columns:
        fields: dict[str, list[Dep]] = {}
        for name in columns_of(value):
            own = [item for item in values if (index or not is_table) and (name == item or name.startswith(item + "."))]
            chosen = own or list(values)  # without an index, each row is one of the values
            fields[name] = [dep for item in chosen for dep in column(value, 0, item, subtype)]
        fields.update(levels(value))
        kind = "GROUP_BY" if is_table else "CONDITIONAL"
        return Columns(fields, influences(value, [By(kind, 0, (*index, *columns))]))

    return rule


def _counted(keys: tuple[str, ...]) -> Rule:
    """Numbers of rows come from the keys, as those of groups do."""

    def rule(value: Value) -> Columns:
        counted = [dep for key in keys for dep in column(value, 0, key, AGGREGATION)]
        fields = dict.fromkeys(columns_of(value), counted) | levels(value)
        return Columns(fields, influences(value, [By("GROUP_BY", 0, keys)]))

    return rule


def _melt(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    frame = argument(args, kwargs, 0, "frame")
    ids = names_of(_labels(argument(args, kwargs, 1, "id_vars")))
    chosen = names_of(_labels(argument(args, kwargs, 2, "value_vars")))
    melted = chosen or tuple(name for name in names_of(frame.columns) if name not in ids)
    value_name = label(argument(args, kwargs, 4, "value_name", "value"))

    def sources(value: Value) -> dict[str, list[Dep]]:
        found = {name: column(value, 0, name, IDENTITY) for name in ids}
        found[value_name] = [dep for name in melted for dep in column(value, 0, name, IDENTITY)]
        return found

    bind(recorder, result, "melt", (frame,), mapped(sources))


def _stacked(name: str) -> After:
    def handler(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        stack = _stack_behind(recorder, result, args, kwargs) if name == "unstack" else None
        if stack is not None:
            is_same = recorder.values.get(args[0]) is stack
            bind(recorder, result, name, stack.inputs, SAME if is_same else CHANGED)
        else:
            bind(recorder, result, name, (args[0],), _by_part)

    return handler


def _stack_behind(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Value | None:
    """The ``stack`` that put columns below each other, if ``unstack`` puts them side by side again: what was done in
    between to each number leaves it in its place."""
    known = recorder.values.get(args[0])
    while known is not None and known.op in _IN_PLACE and len(known.inputs) == 1:
        known = known.inputs[0]
    given = [*args[1:], *(item for name, item in kwargs.items() if name in ("level", "fill_value"))]
    if known is None or known.op != "stack" or given not in ([], [-1]) or not isinstance(result, pd.DataFrame):
        return None
    return known if set(names_of(result.columns)) <= set(columns_of(known.inputs[0])) else None


def _by_part(value: Value) -> Columns:
    """Each column comes from the columns that share a part of its name, or from all if none does."""
    source = columns_of(value.inputs[0])
    fields: dict[str, list[Dep]] = {}
    for name in columns_of(value):
        parts = set(name.split("."))
        shared = [item for item in source if item == name or name.startswith(item + ".") or item.endswith("." + name)]
        shared = shared or [item for item in source if len(source) > 1 and parts & set(item.split("."))]
        fields[name] = [Dep(0, item, subtype=IDENTITY) for item in shared] or whole(value, 0, IDENTITY)
    fields.update(levels(value))
    return Columns(fields, by_levels(value, "CONDITIONAL", 0))


def _dummies(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    frame = argument(args, kwargs, 0, "data")
    if not isinstance(frame, pd.DataFrame):
        bind(recorder, result, "get_dummies", (frame,), from_all(TRANSFORMATION))
        return
    separator = argument(args, kwargs, 2, "prefix_sep", "_")
    prefix = argument(args, kwargs, 1, "prefix")
    given = kwargs.get("columns")
    encoded = [item for item in (given if given is not None else frame.columns) if item not in result.columns]
    prefixes = _prefixes([label(item) for item in encoded], prefix, separator if isinstance(separator, str) else "")

    def sources(value: Value) -> dict[str, list[Dep]]:
        known = set(columns_of(value.inputs[0]))
        found: dict[str, list[Dep]] = {}
        for name in columns_of(value):
            if name in known:
                found[name] = [Dep(0, name, subtype=IDENTITY)]
            else:
                found[name] = [Dep(0, item) for item, start in prefixes if name.startswith(start)]
        return found

    bind(recorder, result, "get_dummies", (frame,), mapped(sources))


def _put_below(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """``pd.lreshape``: each new column from those that it puts below each other; the others stay."""
    groups = argument(args, kwargs, 1, "groups")
    parts = {label(new): tuple(map(label, old)) for new, old in groups.items()}

    def sources(value: Value) -> dict[str, list[Dep]]:
        return {
            name: [dep for one in parts.get(name, (name,)) for dep in column(value, 0, one, IDENTITY)]
            for name in columns_of(value)
        }

    bind(recorder, result, "lreshape", (argument(args, kwargs, 0, "data"),), mapped(sources))


def _undummied(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """``pd.from_dummies``: each column from those that begin with its name; without a separator one from all."""
    frame, separator = argument(args, kwargs, 0, "data"), argument(args, kwargs, 1, "sep")

    def sources(value: Value) -> dict[str, list[Dep]]:
        known = columns_of(value.inputs[0])
        return {
            name: [Dep(0, item) for item in known if separator is None or item.startswith(f"{name}{separator}")]
            for name in columns_of(value)
        }

    bind(recorder, result, "from_dummies", (frame,), mapped(sources))


def _prefixes(encoded: list[str], prefix: Any, separator: str) -> list[tuple[str, str]]:
    """For each encoded column, the prefix of its dummies' names."""
    if isinstance(prefix, dict):
        return [(name, f"{prefix.get(name, name)}{separator}") for name in encoded]
    if isinstance(prefix, list) and len(prefix) == len(encoded):
        return [(name, f"{start}{separator}") for name, start in zip(encoded, prefix, strict=True)]
    return [(name, f"{prefix if isinstance(prefix, str) else name}{separator}") for name in encoded]


def _converted(name: str) -> After:
    rule = from_all(TRANSFORMATION)

    def handler(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        given = args[0] if args else next(iter(kwargs.values()), None)
        if isinstance(given, dict):
            given = list(given.values())
        inputs = data_in(*given) if isinstance(given, list) else data_in(given)
        if len(inputs) == 1:
            same = isinstance(result, pd.DataFrame) and isinstance(inputs[0], pd.DataFrame)
            bind(recorder, result, name, inputs, CHANGED if same else rule)
        elif inputs:
            bind(recorder, result, name, inputs, combining(inputs))

    return handler


def _factorized(name: str) -> After:
    """The codes and the unique values, which both come from the column."""
    converted = _converted(name)

    def handler(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        for part in result:
            converted(recorder, part, args, kwargs)

    return handler


def _crosstab(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    given = [argument(args, kwargs, 0, "index"), argument(args, kwargs, 1, "columns"), kwargs.get("values")]
    inputs = [item for frames in given for item in data_in(*(frames if isinstance(frames, list) else [frames]))]
    rows = len(given[0]) if isinstance(given[0], list) else 1

    def rule(value: Value) -> Columns:
        deps = [dep for i in range(len(value.inputs)) for dep in whole(value, i, AGGREGATION)]
        fields = dict.fromkeys(columns_of(value), deps)
        for i, name in enumerate(levels(value)):
            fields[name] = whole(value, i, IDENTITY) if i < rows else []
        return Columns(fields)

    bind(recorder, result, "crosstab", inputs, rule)


def _of_strings(name: str) -> After:
    op = f"str.{name.strip('_')}"

    def handler(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        owner = args[0]._orig
        others = data_in(*args[1:], *kwargs.values())
        nested = [item for frames in args[1:] if isinstance(frames, list) for item in data_in(*frames)]
        inputs = [owner, *others, *nested]
        bind(recorder, result, op, inputs, SOURCE if isinstance(owner, pd.Index) else combining(inputs))

    return handler


def _codes(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    bind(recorder, result, "cat.codes", (args[0]._parent,), by_position(TRANSFORMATION))


def _delegated(part: str) -> After:
    def handler(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        bind(recorder, result, f"{part}.{args[1]}", (args[0]._parent,), by_position(TRANSFORMATION))

    return handler
