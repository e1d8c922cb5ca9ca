"""User functions passed to pandas: ``apply``, ``map``, ``agg``, ``transform``.

A function is opaque, unless it is known by name, gets one column at a time (as for a frame along its rows), or its
bytecode shows which columns it reads: ``lambda row: row["a"] + row.b`` does nothing else with its row. Objects from its
closure and globals are inputs, too.
"""

from __future__ import annotations

import dis
from collections.abc import Iterator
from functools import lru_cache
from types import BuiltinFunctionType, CodeType, FunctionType
from typing import Any, Final

import pandas as pd

from headwater.capture.hooks import After, Hooks
from headwater.capture.integrations.pandas.labels import columns_of
from headwater.capture.integrations.pandas.mappings import looked_up_in
from headwater.capture.integrations.pandas.methods import AGGREGATIONS, ELEMENTWISE
from headwater.capture.integrations.pandas.operators import combining
from headwater.capture.integrations.pandas.recording import argument, bind, data_in, hook_callers, operands
from headwater.capture.integrations.pandas.returned_parts import parts_read
from headwater.capture.integrations.pandas.rules import (
    AGGREGATION,
    IDENTITY,
    TRANSFORMATION,
    by_levels,
    by_name,
    by_position,
    column,
    from_all,
    level,
    levels,
    opaque,
    whole,
)
from headwater.capture.levels import levels_of
from headwater.capture.recorder import Recorder, named_here
from headwater.capture.values import NOTHING, Columns, Dep, Rule, Value

_FREE: Final = ("apply", "applymap", "map", "agg", "aggregate", "transform")
_ALONG_AXIS: Final = frozenset(("apply", "agg", "aggregate", "transform"))
_PLAIN: Final = (dict, list, set)
"""Objects that have no values of their own: what they were made from is read from the code."""
_LOADS: Final = ("LOAD_FAST", "LOAD_FAST_BORROW", "LOAD_FAST_CHECK")


def install(hooks: Hooks) -> None:
    """Hook the methods of frames and series that take a function."""
    hook_callers(hooks, (pd.DataFrame, pd.Series), _FREE, _free)
    hook_callers(hooks, (pd.DataFrame, pd.Series), ("combine",), lambda name: _combined)


def _free(name: str) -> After:
    """For methods that take a function of the user, or the name of one of pandas' own, which is exact."""

    def handler(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        owner, function = args[0], argument(args, kwargs, 1, "func", argument(args, kwargs, 1, "arg"))
        if function is None and kwargs and all(isinstance(item, tuple) for item in kwargs.values()):
            function = [item[-1] for item in kwargs.values()]  # agg(low=("price", "min"))
        axis = argument(args, kwargs, 2, "axis", 0) if name in _ALONG_AXIS else 0
        rule = rule_of_function(owner, function, result, axis)
        more = [*args[2:], *kwargs.values()]
        more += [item for part in more if isinstance(part, tuple) for item in part]  # args=(rate,)
        given = [item for item in operands(*more) if item is not function]
        surroundings = [*given, *captured(recorder, function), *looked_up_in(function, name)]
        if rule is None:
            others = data_in(*args[1:2])
            bind(recorder, result, name, [owner, *others, *surroundings], reading(function))
            return
        inputs = [owner, *data_in(function), *surroundings]
        if surroundings:
            rule = _and_surroundings(rule)
        bind(recorder, result, f"{name}({function})" if isinstance(function, str) else name, inputs, rule)

    return handler


def _combined(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """``combine``: the function gets one column after the other, with the column of that name in the other frame."""
    other, function = argument(args, kwargs, 1, "other"), argument(args, kwargs, 2, "func")
    both = [args[0], *operands(other)]
    surroundings = list(captured(recorder, function))
    rule = combining([*both, *surroundings])
    bind(recorder, result, "combine", [*both, *surroundings], rule)


def rule_of_function(owner: Any, function: Any, result: Any, axis: Any = 0) -> Rule | None:
    """The rule of applying ``function``; None if it depends on what the function does."""
    if isinstance(owner, pd.Series) and isinstance(function, pd.Series):
        return _looked_up
    if isinstance(owner, pd.Series):
        # Whatever the function does with each value or with all of them, it gets only this column.
        return by_position(TRANSFORMATION) if isinstance(result, pd.Series) else from_all(TRANSFORMATION)
    if axis not in (0, "index") and not isinstance(function, str):
        return None
    known = _known(function) or (_of_columns(owner, result) if _sees_columns(function) else None)
    if known is None:
        return None
    if isinstance(function, dict) and not isinstance(result, pd.DataFrame):
        return _of_named(tuple(map(str, function)), known)
    if isinstance(result, pd.DataFrame):
        return by_name(known)
    return from_all(known)


def _of_named(names: tuple[str, ...], subtype: str) -> Rule:
    """The rule of one number for each of some columns: ``frame.agg({"a": "sum", "b": "mean"})``."""

    def rule(value: Value) -> Columns:
        deps = [dep for name in names for dep in column(value, 0, name, subtype)]
        return Columns(dict.fromkeys(columns_of(value) or ("*",), deps))

    return rule


def _sees_columns(function: Any) -> bool:
    """Whether pandas passes the function one column after the other, so that its results can only come from these and
    from its closure and globals, which are examined."""
    if isinstance(function, dict | list | tuple):
        return all(map(_sees_columns, function.values() if isinstance(function, dict) else function))
    return isinstance(function, FunctionType | BuiltinFunctionType | type) or _known(function) is not None


def _of_columns(owner: pd.DataFrame, result: Any) -> str | None:
    """The subtype of a function of columns; None if it returned other columns."""
    if not isinstance(result, pd.DataFrame):
        return AGGREGATION
    if not owner.columns.isin(result.columns).any():
        return None
    return TRANSFORMATION if len(result) == len(owner) else AGGREGATION


def _looked_up(value: Value) -> Columns:
    """``series.map(other)``: the values of the other, looked up by its labels."""
    deps = whole(value, 1, IDENTITY) + whole(value, 0, "JOIN", "INDIRECT") + by_levels(value, "JOIN", 1)
    return Columns(dict.fromkeys(columns_of(value), deps) | levels(value))


def _known(function: Any) -> str | None:
    """AGGREGATION or TRANSFORMATION for functions known by name, and lists and dictionaries of them; else None."""
    if isinstance(function, str):
        return AGGREGATION if function in AGGREGATIONS else TRANSFORMATION if function in ELEMENTWISE else None
    if isinstance(function, list | tuple):
        found = {_known(item) for item in function}
    elif isinstance(function, dict):
        found = {_known(item) for item in function.values()}
    else:
        name = getattr(function, "__name__", "")
        module = (getattr(function, "__module__", None) or type(function).__module__).partition(".")[0]
        if type(function).__name__ == "ufunc":
            return TRANSFORMATION
        return _known(name) if module in ("numpy", "builtins") else None
    return found.pop() if len(found) == 1 else None if None in found else AGGREGATION


def captured(recorder: Recorder, function: Any) -> Iterator[Value]:
    """The values of the followed objects that a function takes from its closure and its module."""
    if not isinstance(function, FunctionType):
        return
    names = function.__globals__
    held = [(name, names[name]) for name in function.__code__.co_names if name in names]
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            held.append((name, cell.cell_contents))
        except ValueError:  # not assigned yet
            continue
    for name, item in held:
        value = named_here(name, item) if isinstance(item, _PLAIN) else recorder.values.get(item)
        if value is not None and NOTHING not in value.inputs:
            yield value


def _and_surroundings(rule: Rule) -> Rule:
    """``rule``, with all inputs except the first as sources of every column, too."""

    def extended(value: Value) -> Columns:
        columns = rule(value)
        more = [dep for position in range(1, len(value.inputs)) for dep in whole(value, position)]
        return Columns({name: [*deps, *more] for name, deps in columns.fields.items()}, columns.indirect)

    return extended


def reading(function: Any, otherwise: Rule = opaque, given: int | None = None) -> Rule:
    """The rule of a function of rows or groups: the columns that it reads, or ``otherwise`` if that is unknown. Of the
    inputs, the first ``given`` are what the function reads; all if that is None."""
    if not isinstance(function, FunctionType):
        return otherwise
    code = function.__code__

    known = {name: item.__code__ for name, item in function.__globals__.items() if isinstance(item, FunctionType)}
    called = frozenset((name, known[name]) for name in code.co_names if name in known)

    def rule(value: Value) -> Columns:
        own = columns_of(value.inputs[0])
        more = [dep for position in range(1, given or len(value.inputs)) for dep in whole(value, position)]
        parts = parts_read(code, own)
        if parts is not None and parts.keys() >= set(columns_of(value)) - set(levels_of(value.inputs[0])):
            found = {name: _read_there(value, names) + more for name, names in parts.items()}
            keys = {name: level(value, 0, name) for name in columns_of(value) if name not in parts}
            return Columns(found | keys | levels(value))
        names = columns_read(code, own, called)
        if names is None:
            return otherwise(value)
        deps = _read_there(value, names) + more
        return Columns(dict.fromkeys(columns_of(value) or ("*",), deps) | levels(value))

    return rule


def _read_there(value: Value, names: tuple[str, ...]) -> list[Dep]:
    """The dependencies on these columns of a group; on its keys if the function only counts rows."""
    if names:
        return [dep for name in names for dep in column(value, 0, name)]
    return [dep for key in levels_of(value.inputs[0]) for dep in level(value, 0, key, AGGREGATION)]


@lru_cache(maxsize=1_024)
def columns_read(
    code: CodeType, columns: tuple[str, ...], called: frozenset[tuple[str, CodeType]] = frozenset()
) -> tuple[str, ...] | None:
    """The columns that a function of one row or group reads; None if it may read others.

    Every use of the first parameter must be ``row["column"]``, ``row.get("column")`` or ``row.column``, or the row must
    be the only argument to one of the functions ``called``, to which the same applies.
    """
    if code.co_argcount < 1 or code.co_varnames[0] in code.co_cellvars:
        return None
    parameter = code.co_varnames[0]
    known = set(columns)
    read: dict[str, None] = {}
    steps = [step for step in dis.get_instructions(code) if step.opname not in ("CACHE", "EXTENDED_ARG", "NOP")]
    for place, step in enumerate(steps):
        uses = step.argval == parameter or (isinstance(step.argval, tuple) and parameter in step.argval)
        if not uses or "FAST" not in step.opname:
            continue
        following = steps[place + 1 : place + 5]
        if _is_measured(steps[max(0, place - 2) : place], following):
            continue
        handed_to = _handed_to(steps[max(0, place - 2) : place], following, dict(called))
        inner = columns_read(handed_to, columns) if handed_to is not None and step.opname in _LOADS else None
        if inner is not None:
            read.update(dict.fromkeys(inner))
            continue
        name = _read_after(following) if step.opname in _LOADS else None
        if name is None or name not in known:
            return None
        read[name] = None
    return tuple(read)


def _is_measured(before: list[dis.Instruction], following: list[dis.Instruction]) -> bool:
    """Whether what was just loaded is given to ``len`` alone."""
    loads = [step for step in before if step.opname != "PUSH_NULL"]
    calls = [step for step in following if step.opname != "PRECALL"]
    is_len = bool(loads) and loads[-1].opname == "LOAD_GLOBAL" and loads[-1].argval == "len"
    return is_len and bool(calls) and calls[0].opname == "CALL" and calls[0].arg == 1


def _handed_to(
    before: list[dis.Instruction], following: list[dis.Instruction], called: dict[str, CodeType]
) -> CodeType | None:
    """The function that gets what was just loaded as its only argument, if it is among ``called``."""
    loads = [step for step in before if step.opname != "PUSH_NULL"]
    calls = [step for step in following if step.opname != "PRECALL"]
    if not loads or loads[-1].opname != "LOAD_GLOBAL" or not calls or calls[0].opname != "CALL" or calls[0].arg != 1:
        return None
    return called.get(loads[-1].argval)


def _read_after(following: list[dis.Instruction]) -> str | None:
    """The column that the next two instructions read from what was loaded; None if they do something else."""
    if not following:
        return None
    if following[0].opname in ("LOAD_ATTR", "LOAD_METHOD"):
        name = str(following[0].argval)
        if name == "get" and len(following) > 1 and following[1].opname == "LOAD_CONST":
            key = following[1].argval
            return key if type(key) is str else None
        return None if hasattr(pd.Series, name) or hasattr(pd.DataFrame, name) else name
    if len(following) > 1 and following[0].opname == "LOAD_CONST" and type(following[0].argval) is str:
        is_subscript = following[1].opname == "BINARY_SUBSCR" or following[1].argrepr == "[]"
        return following[0].argval if is_subscript else None
    return None
