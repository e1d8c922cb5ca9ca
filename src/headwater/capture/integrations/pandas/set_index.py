"""Changing the index: ``frame.index = ...``, ``set_axis``, ``set_index``, ``reset_index``, ``reindex``.

An index without a name is followed if its origin is known, as a level called ``UNNAMED``.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
from pandas.core.generic import NDFrame

from headwater.capture.hooks import After, Hooks
from headwater.capture.integrations.pandas.indexes import index_value
from headwater.capture.integrations.pandas.labels import columns_of
from headwater.capture.integrations.pandas.recording import DATA, argument, bind, data_in, hook, hook_methods, listed
from headwater.capture.integrations.pandas.rules import IDENTITY, RENAMED, SAME, by_levels, column, level, whole
from headwater.capture.levels import UNNAMED, field_of_level, levels_of
from headwater.capture.notebook_cells import user_place
from headwater.capture.recorder import Recorder
from headwater.capture.source_analysis.array_origins import known_or_read, read_at
from headwater.capture.source_analysis.supposed_values import GUESSED
from headwater.capture.values import UNKNOWN, Columns, Dep, Rule, Value


def install(hooks: Hooks) -> None:
    """Hook the methods that set an index, or turn it into columns."""
    classes = (NDFrame, pd.DataFrame, pd.Series)
    hook(hooks, NDFrame, "_set_axis", _index_set)
    hook_methods(hooks, classes, ("set_axis",), lambda _: _axis_set)
    hook_methods(hooks, classes, ("set_index",), lambda _: _keyed)
    hook_methods(hooks, classes, ("reset_index",), lambda _: _reset)
    hook_methods(hooks, classes, ("reindex", "reindex_like"), _reindexed)


def _index_set(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """``frame.index = labels`` or ``frame.columns = labels``. Axes are numbered as in pandas' blocks: rows come
    last."""
    owner, axis, labels = args[0], argument(args, kwargs, 1, "axis"), argument(args, kwargs, 2, "labels")
    _relabelled(recorder, owner, owner, labels if axis == owner.ndim - 1 else None)


def _axis_set(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    labels = argument(args, kwargs, 1, "labels")
    is_rows = kwargs.get("axis", 0) in (0, "index", "rows")
    _relabelled(recorder, args[0] if result is None else result, args[0], labels if is_rows else None)


def _relabelled(recorder: Recorder, target: Any, owner: Any, labels: Any) -> None:
    """Record that ``target`` is ``owner`` with other labels for its rows or, if ``labels`` is None, for its columns."""
    made = labels_in(recorder, labels, is_own=True)
    if made is not None:
        bind(recorder, target, "set_axis", (owner, made), _labelled_by(1), is_labelled=True)
    elif labels is None or isinstance(labels, pd.Index):
        bind(recorder, target, "set_axis", (owner,), RENAMED)
    else:  # literal, or not followed
        bind(recorder, target, "set_axis", (owner,), _without_levels)


def labels_in(recorder: Recorder, labels: Any, *, is_own: bool = False) -> Value | None:
    """The value of the labels of an index; None if it is unknown. ``is_own``: the user's line does nothing but set the
    index, so that its origin can be read from that line."""
    if isinstance(labels, pd.Index):
        known = recorder.values.get(labels) or index_value(recorder, labels)
        return known or (_read(recorder, labels) if is_own else None)
    found = labels if isinstance(labels, DATA) else listed(recorder, labels)
    known = found if type(found) is Value else known_or_read(recorder.values, found) if found is not None else None
    return known if known is not None and known.op != GUESSED else None


def _read(recorder: Recorder, labels: pd.Index) -> Value | None:
    found = read_at(recorder.values, *user_place(3), len(labels))
    return found if found is not UNKNOWN else None


def _labelled_by(position: int) -> Rule:
    """The columns come from those of the first input, by position, and the index from the input at ``position``."""

    def rule(value: Value) -> Columns:
        fields = RENAMED(value).fields
        fields.update({field_of_level(name): whole(value, position, IDENTITY) for name in levels_of(value)})
        return Columns(fields)

    return rule


def _without_levels(value: Value) -> Columns:
    fields = RENAMED(value).fields
    fields.update({field_of_level(name): [] for name in levels_of(value)})
    return Columns(fields)


def _keyed(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """``set_index``, by names of columns or by given labels."""
    owner, keys = args[0], argument(args, kwargs, 1, "keys")
    extra = data_in(*keys) if isinstance(keys, list) else data_in(keys)
    target = owner if result is None else result
    bind(recorder, target, "set_index", [owner, *extra], _by_keys, is_labelled=len(extra) == 1)


def _by_keys(value: Value) -> Columns:
    fields = SAME(value).fields
    given = range(1, len(value.inputs))
    for name in levels_of(value):
        field = field_of_level(name)
        found = [i for i in given if columns_of(value.inputs[i]) == (name,)]
        if not found and (not fields[field] or name == UNNAMED) and len(given) == 1:
            found = list(given)
        if found:
            fields[field] = [dep for i in found for dep in whole(value, i, IDENTITY)]
    return Columns(fields)


def _reset(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    owner = args[0]
    is_series = isinstance(owner, pd.Series)
    target = owner if result is None else result
    if is_series and isinstance(target, pd.Series):
        bind(recorder, target, "reset_index", (owner,), RENAMED)
    else:
        bind(recorder, target, "reset_index", (owner,), _series_to_frame if is_series else _levels_to_columns)


def _reindexed(name: str) -> After:
    """``reindex`` and ``reindex_like``: the rows of given labels, which become the index."""

    def handler(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        owner, given = args[0], argument(args, kwargs, 1, "labels", kwargs.get("index", kwargs.get("other")))
        is_rows = kwargs.get("axis") in (None, 0, "index", "rows")
        labels = given if isinstance(given, DATA) else labels_in(recorder, given) if is_rows else None
        made = data_in(labels)
        rule = _aligned_to(has_levels=name == "reindex_like" or type(labels) is Value) if made else SAME
        bind(recorder, result, name, (owner, *made), rule, is_labelled=bool(made))

    return handler


def _aligned_to(*, has_levels: bool) -> Rule:
    """Columns stay what they are; the index is the second input, or if that ``has_levels``, its index. The labels of
    both decide which row is where."""

    def rule(value: Value) -> Columns:
        fields = SAME(value).fields
        for name in levels_of(value):
            own = [dep for old in levels_of(value.inputs[1]) if name in (old, UNNAMED) for dep in level(value, 1, old)]
            fields[field_of_level(name)] = (has_levels and own) or whole(value, 1, IDENTITY)
        given = (has_levels and by_levels(value, "JOIN", 1)) or whole(value, 1, "JOIN", "INDIRECT")
        return Columns(fields, [*by_levels(value, "JOIN", 0), *given])

    return rule


def _levels_to_columns(value: Value) -> Columns:
    """Columns are kept; new ones are the levels, in order, whatever their names."""
    fields = SAME(value).fields
    before = set(columns_of(value.inputs[0]))
    _take_levels(value, fields, [name for name in columns_of(value) if name not in before])
    return Columns(fields)


def _series_to_frame(value: Value) -> Columns:
    """``series.reset_index()``: levels become columns; the last column is the series, possibly with a new name."""
    fields = SAME(value).fields
    names = columns_of(value)
    if names:
        _take_levels(value, fields, list(names[:-1]))
        fields[names[-1]] = fields[names[-1]] or whole(value, 0, IDENTITY)
    return Columns(fields)


def _take_levels(value: Value, fields: dict[str, list[Dep]], names: list[str]) -> None:
    known = levels_of(value.inputs[0])
    if len(known) == len(names):
        for name, source in zip(names, known, strict=True):
            fields[name] = fields[name] or level(value, 0, source) or column(value, 0, source, IDENTITY)
