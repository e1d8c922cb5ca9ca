"""Arithmetic, comparison, logic and numpy's element-wise functions on frames and series."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
from pandas.core.generic import NDFrame

from headwater.capture.hooks import After, Hooks
from headwater.capture.integrations.pandas.labels import columns_of, is_frame, names_of
from headwater.capture.integrations.pandas.recording import (
    argument,
    bind,
    data_in,
    hook,
    hook_methods,
    made,
    operands,
)
from headwater.capture.integrations.pandas.rules import (
    AGGREGATION,
    CHANGED,
    IDENTITY,
    REDUCTIONS,
    By,
    by_levels,
    column,
    influences,
    level,
    levels,
    whole,
)
from headwater.capture.integrations.pandas.selection import ROWS
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
_OPERATORS = {"_arith_method": "arithmetic", "_cmp_method": "comparison", "_logical_method": "logical"}
_BY_ELEMENT = frozenset((*_FLEX, "arithmetic", "abs", "neg", "round", "fillna", "replace", "clip", "astype"))
"""Operations that keep each number of a series under its label."""
_UNARY = ["__neg__", "__pos__", "__invert__", "__abs__", "abs", "__round__"]


def install(hooks: Hooks) -> None:
    """Hook the three methods behind all operators, their named forms, and numpy's ufunc protocol."""
    classes = (pd.DataFrame, pd.Series)
    for name in _OPERATORS:
        hook_methods(hooks, classes, (name,), _operator)
    hook_methods(hooks, classes, _FLEX, _operator)
    hook_methods(hooks, (NDFrame, *classes), _UNARY, lambda name: made(name.strip("_"), CHANGED))
    hook_methods(hooks, classes, ("dot", "__matmul__", "__rmatmul__"), _product)
    hook(hooks, NDFrame, "_inplace_method", _operator("inplace"))
    hook(hooks, NDFrame, "__array_ufunc__", _ufunc)


Kind = bool | str | None
"""Whether an operand is a frame; ``MATRIX``, or None if it has no labels to align by (a number, an array)."""
MATRIX: Final = "matrix"


def kind_of(item: Any) -> Kind:
    """The kind of an operand."""
    if is_frame(item):
        return True
    if isinstance(item, np.ndarray) and item.ndim == 2:
        return MATRIX
    return False if isinstance(item, pd.Series | pd.Index) or type(item) is Value else None


def combined(
    frames: tuple[Kind, ...],
    subtype: str = "TRANSFORMATION",
    by: By | None = None,
    *,
    is_one_index: bool = False,
) -> Rule:
    """Each column comes from the columns of that name in all frames, from the one at its place in a matrix as wide, and
    from all of the other inputs (a series, an array, a number). ``frames`` has the ``kind_of`` each input. Rows are
    aligned by their labels, unless the inputs share one index."""
    labelled = [] if is_one_index else [position for position, kind in enumerate(frames) if isinstance(kind, bool)]

    def rule(value: Value) -> Columns:
        fields: dict[str, list[Dep]] = {}
        names_made = columns_of(value)
        pairs = list(zip(value.inputs, frames, strict=False))
        known = [set(columns_of(item)) if kind is True else None for item, kind in pairs]
        wide = {i: columns_of(item) for i, (item, kind) in enumerate(pairs) if kind == MATRIX}
        wide = {i: names for i, names in wide.items() if len(names) == len(names_made)}
        others = [i for i, names in enumerate(known) if names is None and i not in wide]
        shared = [dep for i in others for dep in whole(value, i, subtype)]
        for place, name in enumerate(names_made):
            aligned = [Dep(i, name, subtype=subtype) for i, names in enumerate(known) if names and name in names]
            aligned += [Dep(i, names[place], subtype=subtype) for i, names in wide.items()]
            fields[name] = aligned + shared if aligned else shared
        fields.update({name: deps or _first_level(value, name) for name, deps in levels(value).items()})
        indirect: list[Dep] = []
        if by is not None and by.columns is None and is_frame(value.inputs[by.input]):
            for name in names_made:  # a cell is chosen by the one in its place
                fields[name] = [*fields[name], *column(value, by.input, name, by.subtype, "INDIRECT")]
        elif by is not None:
            indirect = influences(value, [by])
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


_BOTH: dict[tuple[tuple[Kind, ...], bool], Rule] = {}


def combining(inputs: list[Any]) -> Rule:
    """The rule of an operation over these objects, created once for each combination of kinds."""
    kinds = tuple(map(kind_of, inputs))
    is_one_index = has_one_index(inputs)
    rule = _BOTH.get((kinds, is_one_index))
    if rule is None:
        rule = combined(kinds, is_one_index=is_one_index)
        if len(_BOTH) < 1_000:
            _BOTH[kinds, is_one_index] = rule
    return rule


def has_one_index(inputs: list[Any]) -> bool:
    """Whether all frames and series among some objects share one index, as the columns of a frame do, so that rows were
    not aligned by labels. True if there is only one."""
    first: Any = None
    for item in inputs:
        if isinstance(item, pd.DataFrame | pd.Series):
            first = item.index if first is None else first
            if item.index is not first and not first.is_(item.index):
                return False
        elif isinstance(kind_of(item), bool):
            return False
    return True


def column_numbers(recorder: Recorder, item: Any, depth: int = 4) -> list[Value] | None:
    """The frames behind a series with one number for each of their columns: ``frame.mean()``, ``frame.max() -
    frame.min()``, a row (``frame.mode().iloc[0]``). None if it is not such a series."""
    known = item if type(item) is Value else recorder.values.get(item)
    if known is None or not depth or is_frame(known):
        return None
    if known.rule in ROWS:
        return [known.inputs[0]]
    if known.op in REDUCTIONS:
        is_of_frame = len(known.inputs) == 1 and is_frame(known.inputs[0])
        return [known.inputs[0]] if is_of_frame else None
    is_part = known.op in ("getitem", "loc") and len(known.inputs) == 1
    if not known.inputs or not (is_part or known.op in _BY_ELEMENT or known.op.startswith("numpy.")):
        return None
    found = [column_numbers(recorder, source, depth - 1) for source in known.inputs]
    frames = [frame for numbers in found if numbers is not None for frame in numbers]
    return list(dict.fromkeys(frames)) if None not in found else None


def with_numbers(numbers: Any) -> Rule:
    """``frame - frame.mean()``: each column comes from itself, and from the column whose number has its name.
    ``numbers`` is the series, which may have only some of them."""
    labels = frozenset(names_of(numbers.index)) if isinstance(numbers, pd.Series) else None

    def rule(value: Value) -> Columns:
        fields = dict(CHANGED(value).fields)
        for name in columns_of(value):
            if labels is None or name in labels:
                more = [dep for i in range(1, len(value.inputs)) for dep in column(value, i, name, AGGREGATION)]
                fields[name] = [*fields.get(name, []), *more]
        return Columns(fields)

    return rule


def _operator(name: str) -> After:
    op = _OPERATORS.get(name, name.strip("_"))

    def handler(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        owner, other = args[0], argument(args, kwargs, 1, "other")
        if isinstance(owner, pd.DataFrame) and isinstance(other, pd.Series):
            axis = "columns" if name in _OPERATORS else argument(args, kwargs, 2, "axis", "columns")
            frames = column_numbers(recorder, other) if axis in ("columns", 1) else None
            if frames:
                bind(recorder, result, op, [owner, *frames], with_numbers(other))
                return
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
    """A matrix product: every column of the result is recorded as coming from all columns of both."""
    deps = [dep for position in range(len(value.inputs)) for dep in whole(value, position)]
    return Columns(dict.fromkeys(columns_of(value), deps) | levels(value))
