"""Combining frames: merge, join, concat."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
from pandas.core.generic import NDFrame

from headwater.capture.hooks import After, Hooks
from headwater.capture.integrations.pandas.labels import columns_of, label, names_of, outputs
from headwater.capture.integrations.pandas.recording import argument, bind, hook
from headwater.capture.integrations.pandas.rules import (
    IDENTITY,
    By,
    by_levels,
    column,
    influences,
    level,
    levels,
    whole,
)
from headwater.capture.levels import UNNAMED, field_of_level, levels_of
from headwater.capture.recorder import Recorder
from headwater.capture.values import Columns, Dep, Rule, Value
from headwater.capture.wrapper_frames import observe_drawing


def install(hooks: Hooks) -> None:
    """Hook the joins and ``concat``."""
    for name in ("merge", "merge_asof", "merge_ordered"):
        hook(hooks, pd, name, _merge(name))
    hook(hooks, pd.DataFrame, "merge", _merge("merge"))
    hook(hooks, pd.DataFrame, "join", _join)
    hooks.replace(pd, "concat", lambda original: observe_drawing(original, _concat, "pandas.concat"))


def _merge(op: str) -> After:
    positions = {"how": 2, "on": 3, "left_on": 4, "right_on": 5, "left_index": 6, "right_index": 7, "suffixes": 9}
    if op != "merge":
        positions = {"on": 2, "left_on": 3, "right_on": 4}

    def handler(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        def get(name: str, default: Any = None) -> Any:
            place = positions.get(name)
            return kwargs.get(name, default) if place is None else argument(args, kwargs, place, name, default)

        left, right = argument(args, kwargs, 0, "left"), argument(args, kwargs, 1, "right")
        how = get("how", "inner" if op == "merge" else "left" if op == "merge_asof" else "outer")
        left_keys, right_keys = _keys(left, right, get)
        extra = names_of(get("by")), names_of(get("left_by")), names_of(get("right_by"))
        left_keys, right_keys = left_keys + extra[0] + extra[1], right_keys + extra[0] + extra[2]
        suffixes = get("suffixes", ("_x", "_y"))
        rule = joined(how if isinstance(how, str) else "inner", left_keys, right_keys, tuple(suffixes))
        bind(recorder, result, op, (left, right), rule, {"how": how if isinstance(how, str) else "", "on": left_keys})

    return handler


Keys = tuple[str, ...]


def _keys(left: Any, right: Any, get: Callable[..., Any]) -> tuple[Keys, Keys]:
    """The names of the key columns on both sides, without keys that are given as arrays."""
    on = get("on")
    if on is not None:
        return _key_names(on), _key_names(on)
    left_on, right_on = get("left_on"), get("right_on")
    if left_on is not None or right_on is not None or get("left_index") or get("right_index"):
        lefts = _key_names(left_on) if left_on is not None else _index_names(left) if get("left_index") else ()
        rights = _key_names(right_on) if right_on is not None else _index_names(right) if get("right_index") else ()
        return lefts, rights
    if get("how") == "cross":
        return (), ()
    shared = set(names_of(getattr(right, "columns", [getattr(right, "name", None)])))
    common = tuple(name for name in names_of(getattr(left, "columns", [getattr(left, "name", None)])) if name in shared)
    return common, common


def _key_names(on: Any) -> Keys:
    items = on if isinstance(on, list) else [on]
    return tuple(label(item) for item in items if isinstance(item, str | int | tuple))


def _index_names(frame: Any) -> Keys:
    names = frame.index.names
    if len(names) == 1 and names[0] is None:
        return (UNNAMED,)
    return tuple(label(name) for name in names if name is not None)


def joined(how: str, left_keys: Keys, right_keys: Keys, suffixes: tuple[Any, ...]) -> Rule:
    """The rule of a join: key columns with the same name on both sides occur once, other shared names get suffixes."""

    def rule(value: Value) -> Columns:
        left, right = columns_of(value.inputs[0]), columns_of(value.inputs[1])
        once = {a for a, b in zip(left_keys, right_keys, strict=False) if a == b and a in left and a in right}
        overlap = (set(left) & set(right)) - once
        fields: dict[str, list[Dep]] = {name: [] for name in columns_of(value)}
        for position, names in ((0, left), (1, right)):
            suffix = suffixes[position] or "" if position < len(suffixes) else ""
            for name in names:
                out = name + suffix if name in overlap else name
                if out in fields and not (name in once and _is_idle(how, position)):
                    fields[out] = [*fields[out], Dep(position, name, subtype=IDENTITY)]
        _keys_from_levels(value, fields, left_keys, right_keys)
        fields.update(_joined_levels(value, left_keys, right_keys))
        return Columns(fields, influences(value, [By("JOIN", 0, left_keys), By("JOIN", 1, right_keys)]))

    return rule


def _is_idle(how: str, position: int) -> bool:
    """Whether a key column with the same name on both sides takes no values from this side."""
    return how in ("left", "inner", "cross", "left_anti") if position else how in ("right", "right_anti")


def _keys_from_levels(value: Value, fields: dict[str, list[Dep]], *sides: Keys) -> None:
    for position, keys in enumerate(sides):
        for name in keys:
            if name in fields and not fields[name]:
                fields[name] = level(value, position, name)


def _joined_levels(value: Value, *sides: Keys) -> dict[str, list[Dep]]:
    found: dict[str, list[Dep]] = {}
    for name in levels_of(value):
        deps = level(value, 0, name) + level(value, 1, name)
        for position, keys in enumerate(sides):
            if not deps and name in keys:
                deps = column(value, position, name, IDENTITY)
        found[field_of_level(name)] = deps
    return found


def _join(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    owner, other = args[0], argument(args, kwargs, 1, "other")
    on, how = argument(args, kwargs, 2, "on"), argument(args, kwargs, 3, "how", "left")
    suffixes = (argument(args, kwargs, 4, "lsuffix", ""), argument(args, kwargs, 5, "rsuffix", ""))
    if isinstance(other, NDFrame):
        left_keys = _key_names(on) if on is not None else _index_names(owner)
        rule = joined(how, left_keys, _index_names(other), suffixes)
        bind(recorder, result, "join", (owner, other), rule, {"how": how, "on": left_keys})
    elif isinstance(other, list | tuple):
        bind(recorder, result, "join", (owner, *other), side_by_side)


def _concat(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    objs = argument(args, kwargs, 0, "objs")
    axis = argument(args, kwargs, 1, "axis", 0)
    items = list(objs.values()) if isinstance(objs, dict) else list(objs)
    items = [item for item in items if item is not None]
    bind(recorder, result, "concat", items, side_by_side if axis in (1, "columns") else stacked)


def stacked(value: Value) -> Columns:
    """Rows below rows: each column comes from the columns of that name in all inputs; a series from all series."""
    fields: dict[str, list[Dep]] = {name: [] for name in columns_of(value)}
    only = next(iter(fields)) if len(fields) == 1 else None
    for position, item in enumerate(value.inputs):
        known = set(columns_of(item))
        for name, deps in fields.items():
            if name in known:
                deps.append(Dep(position, name, subtype=IDENTITY))
        if only is not None and only not in known and len(known) == 1 and isinstance(value.columns, str):
            fields[only] += whole(value, position, IDENTITY)
    for name in levels_of(value):
        fields[field_of_level(name)] = [
            dep for position in range(len(value.inputs)) for dep in level(value, position, name)
        ]
    return Columns(fields)


def side_by_side(value: Value) -> Columns:
    """Columns side by side, in the order of the inputs."""
    names = columns_of(value)
    fields: dict[str, list[Dep]] = {name: [] for name in outputs(value)}
    place = 0
    for position, item in enumerate(value.inputs):
        for name in columns_of(item):
            if place < len(names):
                fields[names[place]] = [*fields[names[place]], Dep(position, name, subtype=IDENTITY)]
            place += 1
    if place != len(names):  # an unknown input has shifted the positions
        fields = {name: [] for name in outputs(value)}
        for position in range(len(value.inputs)):
            for name in names:
                fields[name] = fields[name] + column(value, position, name, IDENTITY)
    fields.update({name: deps for name, deps in levels(value).items() if deps})
    return Columns(fields, by_levels(value, "JOIN", *range(len(value.inputs))))
