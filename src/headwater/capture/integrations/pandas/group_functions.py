"""Functions of the user that pandas gives one group after the other: ``apply`` and ``filter``."""

from __future__ import annotations

from typing import Any

from pandas.core.generic import NDFrame
from pandas.core.groupby import SeriesGroupBy

from headwater.capture.hooks import After
from headwater.capture.integrations.pandas.functions import captured, columns_read, reading
from headwater.capture.integrations.pandas.labels import columns_of
from headwater.capture.integrations.pandas.recording import argument, bind
from headwater.capture.integrations.pandas.rules import SAME, TRANSFORMATION, column, level, mapped, whole
from headwater.capture.recorder import Recorder
from headwater.capture.values import Columns, Dep, Rule, Value


def of_groups(name: str) -> After:
    """For methods that give each group to a function, or give back one group."""

    def handler(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if not isinstance(result, NDFrame):
            return
        function = argument(args, kwargs, 1, "func")
        if name == "apply" and isinstance(args[0], SeriesGroupBy):
            bind(recorder, result, name, [args[0], *captured(recorder, function)], _from_one)
            return
        inputs = [args[0], *captured(recorder, function)] if name != "get_group" else [args[0]]
        rule = reading(function) if name == "apply" else _chosen_by(function) if name == "filter" else SAME
        bind(recorder, result, name, inputs, rule)

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
