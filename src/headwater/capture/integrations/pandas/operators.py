"""Arithmetic, comparison, logic and numpy's element-wise functions on frames and series."""

from __future__ import annotations

from typing import Any

import pandas as pd
from pandas.core.generic import NDFrame

from headwater.capture.hooks import After, Hooks
from headwater.capture.integrations.pandas.labels import columns_of, is_frame
from headwater.capture.integrations.pandas.observing import (
    argument,
    bind,
    data_in,
    hook,
    hook_methods,
    made,
    operands,
)
from headwater.capture.integrations.pandas.rules import (
    CHANGED,
    IDENTITY,
    By,
    by_levels,
    influences,
    level,
    levels,
    whole,
)
from headwater.capture.recorder import Recorder
from headwater.capture.values import Columns, Dep, Rule, Value

_FLEX = [
    "add",
    "radd",
    "sub",
    "rsub",
    "mul",
    "rmul",
    "div",
    "rdiv",
    "truediv",
    "rtruediv",
    "floordiv",
    "rfloordiv",
    "mod",
    "rmod",
    "pow",
    "rpow",
    "multiply",
    "subtract",
    "divide",
    "eq",
    "ne",
    "lt",
    "gt",
    "le",
    "ge",
    "divmod",
    "rdivmod",
    "__divmod__",
    "__rdivmod__",
]
_UNARY = ["__neg__", "__pos__", "__invert__", "__abs__", "abs", "__round__"]


def install(hooks: Hooks) -> None:
    """Hook the three methods behind all operators, their named forms, and the protocol of numpy's functions."""
    classes = (pd.DataFrame, pd.Series)
    for name in ("_arith_method", "_cmp_method", "_logical_method"):
        hook_methods(hooks, classes, (name,), _operator)
    hook_methods(hooks, classes, _FLEX, _operator)
    hook_methods(hooks, (NDFrame, *classes), _UNARY, lambda name: made(name.strip("_"), CHANGED))
    hook_methods(hooks, classes, ("dot", "__matmul__", "__rmatmul__"), _product)
    hook(hooks, NDFrame, "_inplace_method", _operator("inplace"))
    hook(hooks, NDFrame, "__array_ufunc__", _ufunc)


def kind_of(item: Any) -> bool | None:
    """Whether an operand is a frame; None for what has no labels to meet others by: a number, an array."""
    if is_frame(item):
        return True
    return False if isinstance(item, pd.Series | pd.Index) or type(item) is Value else None


def combined(frames: tuple[bool | None, ...], subtype: str = "TRANSFORMATION", by: By | None = None) -> Rule:
    """Aligned by column: each column from the column of its name in the inputs that are frames, and from all of the
    others (a series, an array, a number). ``frames`` has ``kind_of`` each input."""
    labelled = [position for position, kind in enumerate(frames) if kind is not None]

    def rule(value: Value) -> Columns:
        fields: dict[str, list[Dep]] = {}
        pairs = zip(value.inputs, frames, strict=False)
        known = [set(columns_of(item)) if is_frame else None for item, is_frame in pairs]
        shared = [dep for i, names in enumerate(known) if names is None for dep in whole(value, i, subtype)]
        for name in columns_of(value):
            aligned = [Dep(i, name, subtype=subtype) for i, names in enumerate(known) if names and name in names]
            fields[name] = aligned + shared if aligned else shared
        fields.update({name: deps or _first_level(value, name) for name, deps in levels(value).items()})
        indirect = influences(value, [by] if by else [])
        if len(labelled) > 1:
            indirect += by_levels(value, "JOIN", *labelled)
        return Columns(fields, indirect)

    return rule


def _first_level(value: Value, field: str) -> list[Dep]:
    name = field.removeprefix("index(").removesuffix(")")
    for position in range(1, len(value.inputs)):
        if found := level(value, position, name, IDENTITY):
            return found
    return []


_BOTH: dict[tuple[bool | None, ...], Rule] = {}


def combining(inputs: list[Any]) -> Rule:
    """The rule of an operation over these objects; made once per combination of kinds."""
    kinds = tuple(map(kind_of, inputs))
    rule = _BOTH.get(kinds)
    if rule is None:
        rule = combined(kinds)
        if len(_BOTH) < 1_000:
            _BOTH[kinds] = rule
    return rule


def _operator(name: str) -> After:
    op = {"_arith_method": "arithmetic", "_cmp_method": "comparison", "_logical_method": "logical"}.get(
        name, name.strip("_")
    )

    def handler(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        owner, other = args[0], argument(args, kwargs, 1, "other")
        inputs = [owner, *operands(other)]
        bind(recorder, result, op, inputs, combining(inputs))

    return handler


def _ufunc(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    owner, ufunc, *given = args
    if result is NotImplemented:
        return
    inputs = operands(*given[1:]) or [owner]
    bind(recorder, result, f"numpy.{ufunc.__name__}", inputs, combining(inputs))


def _product(name: str) -> After:
    def handler(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        other = argument(args, kwargs, 1, "other")
        bind(recorder, result, "dot", [args[0], *data_in(other)], _everything)

    return handler


def _everything(value: Value) -> Columns:
    """A matrix product: every column of the result is made from all columns of the first and some of the second."""
    deps = [dep for position in range(len(value.inputs)) for dep in whole(value, position)]
    return Columns(dict.fromkeys(columns_of(value), deps) | levels(value))
