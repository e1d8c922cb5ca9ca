"""Changes of a frame in place: columns set, inserted and deleted, cells set through a mask or a location.

pandas detects chained assignment by counting references to the object in ``__setitem__``, so that method is not
wrapped; the methods that it calls are hooked instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
from pandas.api.types import is_scalar
from pandas.core.generic import NDFrame

from headwater.capture.hooks import Hooks
from headwater.capture.integrations.pandas.labels import columns_of, label, names_of, series_name
from headwater.capture.integrations.pandas.operators import has_one_index
from headwater.capture.integrations.pandas.recording import argument, bind, data_in, hook, made, new_in
from headwater.capture.integrations.pandas.rules import SAME, by_levels, column, levels, whole
from headwater.capture.integrations.pandas.selection import LOCATION, SCALAR, evaluated, is_all, is_mask
from headwater.capture.recorder import Recorder, conditions_here
from headwater.capture.source_analysis.array_items import item_read
from headwater.capture.values import Columns, Dep, Rule, Value, same_fields


def install(hooks: Hooks) -> None:
    """Hook the methods behind assignments."""
    hook(hooks, pd.DataFrame, "_set_item", _set_column)
    hook(hooks, pd.DataFrame, "insert", _insert)
    hook(hooks, pd.DataFrame, "isetitem", _set_at)
    hook(hooks, pd.DataFrame, "_setitem_array", _set_columns)
    hook(hooks, pd.DataFrame, "_set_item_frame_value", _set_columns)
    hook(hooks, pd.DataFrame, "_setitem_frame", _set_masked)
    hook(hooks, NDFrame, "__delitem__", made("delete", SAME))
    hook(hooks, LOCATION, "__setitem__", _set_located)
    hook(hooks, SCALAR, "__setitem__", _set_located)
    for name in ("_set_values", "_set_with_engine", "_set_with"):
        if name in vars(pd.Series):
            hook(hooks, pd.Series, name, _set_values)


def assigned(
    names: Sequence[str] | None,
    *,
    new: int | None = 1,
    mask: int | None = None,
    keeps: bool = False,
    is_one_index: bool = False,
) -> Rule:
    """The named columns (None: all) come from the input at ``new``: by position, else by name, else from all of it.
    Other columns are unchanged.

    ``mask`` is the input that chose the cells. ``keeps``: only some cells were set, so the old column is a source, too.
    Without an input at ``new``, the columns were set to something that is not data. ``is_one_index``: the new data has
    the index of the frame itself, so no label decided where it went.
    """

    def rule(value: Value) -> Columns:
        now, before = columns_of(value), columns_of(value.inputs[0])
        chosen = now if names is None else names
        fields = same_fields(now, before if now == before else frozenset(before))
        for place, name in enumerate(chosen):
            deps = list(fields.get(name, [])) if keeps else []
            if new is not None and new < len(value.inputs):
                deps += _from_new(value, new, place, chosen) + ([] if is_one_index else _by_labels(value, new))
            if mask is not None:
                deps += whole(value, mask, "CONDITIONAL", "INDIRECT")
            fields[name] = deps
        fields.update(levels(value))
        return Columns(fields, beside=() if new is None else (new,))

    return rule


def _from_new(value: Value, new: int, place: int, names: Sequence[str]) -> list[Dep]:
    source = columns_of(value.inputs[new])
    if len(names) == len(source):
        deps = [Dep(new, source[place], subtype="IDENTITY")]
    else:
        deps = column(value, new, names[place], "IDENTITY") or whole(value, new, "IDENTITY")
    return deps


def _by_labels(value: Value, new: int) -> list[Dep]:
    labels = by_levels(value, "JOIN", new)
    return labels + (by_levels(value, "JOIN", 0) if labels else [])


def _set_column(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    owner, key, new = args[0], argument(args, kwargs, 1, "key"), argument(args, kwargs, 2, "value")
    rule = assigned((label(key),), is_one_index=has_one_index([owner, new]))
    read = item_read(recorder.values, new, label(key), 2)
    bind(
        recorder, owner, "setitem", [owner, *([read] if read is not None else new_in(recorder, new, label(key)))], rule
    )


def _insert(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    owner, key, new = args[0], argument(args, kwargs, 2, "column"), argument(args, kwargs, 3, "value")
    bind(recorder, owner, "insert", [owner, *new_in(recorder, new)], assigned((label(key),)))


def _set_at(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    owner, place, new = args[0], argument(args, kwargs, 1, "loc"), argument(args, kwargs, 2, "value")
    places = [place] if is_scalar(place) else list(place)
    names = names_of([owner.columns[item] for item in places])
    bind(recorder, owner, "isetitem", [owner, *new_in(recorder, new)], assigned(names))


def _set_columns(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    owner, key, new = args[0], argument(args, kwargs, 1, "key"), argument(args, kwargs, 2, "value")
    if is_mask(key):
        _set_rows(recorder, owner, "setitem", key, new, None)
        return
    names = (label(key),) if is_scalar(key) or isinstance(key, tuple) else names_of(key)
    bind(recorder, owner, "setitem", [owner, *new_in(recorder, new)], assigned(names))


def _set_masked(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    owner, key, new = args[0], argument(args, kwargs, 1, "key"), argument(args, kwargs, 2, "value")
    _set_rows(recorder, owner, "setitem", key, new, None)


def _set_rows(recorder: Recorder, owner: Any, op: str, mask: Any, new: Any, names: tuple[str, ...] | None) -> None:
    """Record that cells in ``names`` were set, chosen by ``mask`` (None: by labels or positions that are not data)."""
    news, masks = new_in(recorder, new), [mask] if type(mask) is Value else data_in(mask)
    rule = assigned(names, new=1 if news else None, mask=1 + len(news) if masks else None, keeps=True)
    bind(recorder, owner, op, [owner, *news, *masks], rule)


def _set_located(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    indexer, key, new = args
    owner = indexer.obj
    rows = evaluated(key[0] if isinstance(key, tuple) and len(key) else key)
    mask = rows if is_mask(rows) else None
    if isinstance(owner, pd.Series):
        _set_rows(recorder, owner, indexer.name, mask, new, names_of([series_name(owner.name)]))
        return
    names = _columns_set(owner, indexer.name, key)
    if is_all(rows):
        bind(recorder, owner, indexer.name, [owner, *new_in(recorder, new)], assigned(names))
    else:
        decided = conditions_here() if mask is None and is_scalar(rows) else None  # if row["a"] > 3: df.loc[i, ...] = 1
        _set_rows(recorder, owner, indexer.name, mask if decided is None else decided, new, names)


def _columns_set(owner: pd.DataFrame, kind: str, key: Any) -> tuple[str, ...] | None:
    """The columns that ``frame.loc[key] = ...`` sets; None for all."""
    if not isinstance(key, tuple) or len(key) < 2:
        return None
    chosen = evaluated(key[1]) if callable(key[1]) else key[1]
    columns = owner.columns
    if chosen is None or type(chosen) is Value:  # chosen by a callable
        return None
    if kind in ("iloc", "iat"):
        found = columns[chosen]
        return (label(found),) if is_scalar(found) or isinstance(found, tuple) else names_of(found)
    if isinstance(chosen, slice):
        return names_of(columns[columns.slice_indexer(chosen.start, chosen.stop, chosen.step)])
    if is_scalar(chosen) or isinstance(chosen, tuple):
        return (label(chosen),)
    if is_mask(chosen) or (isinstance(chosen, list) and chosen and isinstance(chosen[0], bool)):
        return names_of(columns[list(chosen)])
    return names_of(chosen)


def _set_values(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    owner, new = args[0], args[2] if len(args) > 2 else kwargs.get("value")
    _set_rows(recorder, owner, "setitem", None, new, names_of([series_name(owner.name)]))
