"""Functions of the user that pandas gives one group after the other: ``apply`` and ``filter``.

What a function does to its group is not visible from outside, unless it only reads columns. So what it does to the
first groups is observed as if it stood in a loop over them, and the frames or numbers that it returned are followed
like any others.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import FunctionType
from typing import Any, Final

import pandas as pd
from pandas.core.generic import NDFrame
from pandas.core.groupby import SeriesGroupBy

from headwater.capture.context import current
from headwater.capture.guard import GUARD
from headwater.capture.hooks import BUSY, After
from headwater.capture.integrations.pandas.functions import captured, columns_read, reading
from headwater.capture.integrations.pandas.labels import columns_of
from headwater.capture.integrations.pandas.recording import argument, bind
from headwater.capture.integrations.pandas.rules import IDENTITY, SAME, TRANSFORMATION, column, level, mapped, whole
from headwater.capture.levels import field_of_level, levels_of
from headwater.capture.recorder import Recorder
from headwater.capture.scalars import can_follow
from headwater.capture.user_code import is_users
from headwater.capture.values import INFERRED, Columns, Dep, Rule, Value
from headwater.capture.wrapper_frames import USERS_CODE, unseen

_OBSERVED: Final = 16
"""For how many groups is observed what the function does."""


class _Returned:
    """What a function returned for the first groups: frames, or numbers."""

    __slots__ = ("is_known", "is_partial", "kind", "values")

    def __init__(self) -> None:
        self.values: list[Value] = []
        self.kind: type | None = None
        """``pd.DataFrame``, or ``object`` for numbers and texts."""
        self.is_known = True
        """False once it returned something else, or something of unknown origin."""
        self.is_partial = False
        """Whether it was called for other groups, too."""

    def add(self, value: Value | None, result: Any) -> None:
        """Note the result for one group; groups for which there is none are left out by pandas."""
        if result is None:
            return
        is_number = isinstance(result, str) or (can_follow(result) and not hasattr(result, "__len__"))
        kind = pd.DataFrame if isinstance(result, pd.DataFrame) else object if is_number else None
        if value is None or kind is None or self.kind not in (None, kind):
            self.is_known = False
            return
        self.kind = kind
        self.values.append(value)


def applying(original: Callable[..., Any], site: str) -> Callable[..., Any]:
    """As ``observe_caller``, for ``groupby(...).apply``: with a function in place of the user's that calls it, and
    observes what that does."""

    @functools.wraps(original)
    def observed(*args: Any, **kwargs: Any) -> Any:
        cell = BUSY.cell
        recorder = None if cell[0] else current()
        if recorder is None:
            return original(*args, **kwargs)
        returned, given, named = _Returned(), args, kwargs
        with GUARD.at(site):
            given, named = _with_watched(recorder, args, kwargs, returned)
        try:
            cell[0] = USERS_CODE
            result = original(*given, **named)
            cell[0] = 1
            with GUARD.at(site):
                _applied(recorder, result, args, kwargs, returned)
        finally:
            cell[0] = 0
        return result

    return unseen(observed)


def _with_watched(
    recorder: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], returned: _Returned
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of ``apply`` with a watched function, if it is one of the user's that gets frames."""
    function, known = argument(args, kwargs, 1, "func"), recorder.values.get(args[0])
    is_own = isinstance(function, FunctionType) and is_users(function.__code__)
    if not is_own or known is None or isinstance(args[0], SeriesGroupBy):
        return args, kwargs
    watched = _watched(recorder, function, known, returned)
    if "func" in kwargs:
        return args, {**kwargs, "func": watched}
    return (args[0], watched, *args[2:]), kwargs


def _watched(recorder: Recorder, function: Callable[..., Any], known: Value, returned: _Returned) -> Any:
    """A function that does what ``function`` does, and notes what it returned."""

    @functools.wraps(function)
    def of_group(*args: Any, **kwargs: Any) -> Any:
        if len(returned.values) >= _OBSERVED or not returned.is_known:
            returned.is_partial = True
            return function(*args, **kwargs)
        with GUARD.at("pandas.group"):
            bind(recorder, args[0], "group", (known,), SAME)
        cell = BUSY.cell
        depth = cell[0]
        cell[0] = 0
        try:
            result = function(*args, **kwargs)
        finally:
            cell[0] = depth
        with GUARD.at("pandas.group"):
            returned.add(recorder.values.get(result), result)
        return result

    return unseen(of_group)


def _applied(
    recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any], returned: _Returned
) -> None:
    """Record what was put together from the results for all groups."""
    if not isinstance(result, NDFrame):
        return
    function = argument(args, kwargs, 1, "func")
    given: list[Any] = [args[0], *captured(recorder, function)]
    values = list(dict.fromkeys(returned.values)) if returned.is_known else []
    how = INFERRED if returned.is_partial else ""
    if isinstance(args[0], SeriesGroupBy):
        bind(recorder, result, "apply", given, _from_one)
    elif values and returned.kind is pd.DataFrame and isinstance(result, pd.DataFrame):
        bind(recorder, result, "apply", [args[0], *values], _together(how))
    elif values and returned.kind is object:
        rule = reading(function, _numbers(len(given), how), len(given))
        bind(recorder, result, "apply", [*given, *values], rule)
    else:
        bind(recorder, result, "apply", given, reading(function))


def _together(how: str) -> Rule:
    """Each column comes from the columns of that name in the frames that the function returned; the keys of the groups
    become levels."""

    def rule(value: Value) -> Columns:
        parts = range(1, len(value.inputs))
        fields = {
            name: [dep._replace(description=how) for part in parts for dep in column(value, part, name, IDENTITY)]
            or level(value, 0, name)
            for name in columns_of(value)
        }
        for name in levels_of(value):
            found = [dep for part in parts for dep in level(value, part, name) or column(value, part, name, IDENTITY)]
            fields[field_of_level(name)] = level(value, 0, name) or found
        return Columns(fields)

    return rule


def _numbers(first: int, how: str) -> Rule:
    """The column comes from all that the numbers were computed from that the function returned: the inputs from
    ``first`` on."""

    def rule(value: Value) -> Columns:
        deps = [Dep(part, None, subtype=IDENTITY, description=how) for part in range(first, len(value.inputs))]
        keys = {name: level(value, 0, name) for name in columns_of(value)}
        return mapped(lambda _: {name: key or deps for name, key in keys.items()})(value)

    return rule


def of_groups(name: str) -> After:
    """For methods that let a function choose groups, or give back one group."""

    def handler(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if isinstance(result, NDFrame):
            function = argument(args, kwargs, 1, "func")
            inputs = [args[0], *captured(recorder, function)] if name == "filter" else [args[0]]
            bind(recorder, result, name, inputs, _chosen_by(function) if name == "filter" else SAME)

    return handler


def _chosen_by(function: Any) -> Rule:
    """Groups that a function chose keep their columns; what it reads decides about them."""
    code = getattr(function, "__code__", None)

    def rule(value: Value) -> Columns:
        same = SAME(value)
        names = columns_read(code, columns_of(value.inputs[0])) if code is not None else None
        chosen = whole(value, 0) if names is None else [dep for name in names for dep in column(value, 0, name)]
        chosen += [dep for place in range(1, len(value.inputs)) for dep in whole(value, place)]
        return Columns(
            same.fields, [*same.indirect, *(dep._replace(type="INDIRECT", subtype="FILTER") for dep in chosen)]
        )

    return rule


def _from_one(value: Value) -> Columns:
    """A function of groups of one column: from that column, and from the function's closure and globals."""
    known = columns_of(value.inputs[0])
    more = [dep for position in range(1, len(value.inputs)) for dep in whole(value, position)]
    own = {
        name: [Dep(0, name, subtype=TRANSFORMATION)]
        if name in known
        else level(value, 0, name) or whole(value, 0, TRANSFORMATION)
        for name in columns_of(value)
    }
    columns = mapped(lambda _: own)(value)
    return Columns({name: [*deps, *more] for name, deps in columns.fields.items()}, columns.indirect)
