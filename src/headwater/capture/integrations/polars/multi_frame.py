"""Functions on several frames: concatenation, alignment, collecting several at once."""

from __future__ import annotations

import functools
from typing import Any

from headwater.capture.hooks import Hooks
from headwater.capture.integrations.polars.frames import by_name, height, inputs_of, names_of, observing
from headwater.capture.integrations.polars.lazy_schema import plan_ran, polars
from headwater.capture.integrations.polars.rules import names_of_keys
from headwater.capture.multi_file_reads import stacked
from headwater.capture.recorder import Recorder
from headwater.capture.values import Columns, Dep, Rule, Value, same_columns


def hook(hooks: Hooks) -> None:
    """Hook the functions that this version has."""
    pl = polars()
    for name in ("concat", "union", "merge_sorted"):
        if hasattr(pl, name):
            observing(hooks, pl, name, functools.partial(after_concat, name=name))
    observing(hooks, pl, "collect_all", after_collect_all)
    observing(hooks, pl, "align_frames", after_align)


def after_concat(
    recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any], name: str = "concat"
) -> None:
    """Record ``pl.concat``, ``union`` and ``merge_sorted``: rows below or between each other, or columns side by
    side."""
    items = list(args[0] if args else kwargs["items"])
    how = kwargs.get("how", args[1] if name == "concat" and len(args) > 1 else "vertical")
    values = [recorder.values.get(item) for item in items]
    inputs: list[Any] = [value if value is not None else item for value, item in zip(values, items, strict=True)]
    columns = names_of(result)
    if columns is None:
        columns = tuple(dict.fromkeys(name for value in values if value is not None for name in value.column_names()))
    rule = by_name if how == "horizontal" else stacked
    detail = {"how": how} if name == "concat" else None
    recorder.derive(result, f"polars.{name}", inputs, rule=rule, columns=columns, rows=height(result), detail=detail)


def after_collect_all(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Record ``pl.collect_all(plans)``: a frame for each lazy one, in order."""
    plans = list(args[0] if args else kwargs["lazy_frames"])
    if not isinstance(result, list) or len(plans) != len(result):
        return  # ``lazy=True`` returns one plan, which holds no data
    for plan, frame in zip(inputs_of(recorder, plans), result, strict=True):
        plan_ran(plan)
        recorder.derive(
            frame, "polars.collect", (plan,), rule=same_columns, columns=names_of(frame), rows=height(frame)
        )


def after_align(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Record ``pl.align_frames(one, other, on=...)``: each frame gets the rows of all, which the keys determine."""
    pl = polars()
    frames = list(args) if all(isinstance(arg, pl.DataFrame | pl.LazyFrame) for arg in args) else list(args[0])
    keys = kwargs.get("on")
    names = names_of_keys(keys)
    if len(frames) != len(result):
        return
    inputs = inputs_of(recorder, frames)
    for place, frame in enumerate(result):
        columns = names_of(frame) or inputs[place].columns
        rule = _aligned(place, frozenset(names))
        recorder.derive(frame, "polars.align_frames", inputs, rule=rule, columns=columns, rows=height(frame))


def _aligned(place: int, keys: frozenset[str]) -> Rule:
    def rule(value: Value) -> Columns:
        others = [Dep(i, key, "INDIRECT", "JOIN") for i in range(len(value.inputs)) for key in sorted(keys)]
        fields = {
            name: [
                Dep(i, name, subtype="IDENTITY")
                for i, item in enumerate(value.inputs)
                if i == place or (name in keys and name in item.column_names())
            ]
            for name in value.column_names()
        }
        return Columns(fields, others)

    return rule
