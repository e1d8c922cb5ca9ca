"""Hooks on the grouping operations of polars: by keys, time windows and rolling windows; eager and lazy."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import Any, Final

from headwater.capture.hooks import Hooks
from headwater.capture.integrations.polars import rules
from headwater.capture.integrations.polars.frames import height, inputs_of, names_of, observing, with_literals
from headwater.capture.integrations.polars.lazy_schema import Names, empty, polars
from headwater.capture.integrations.polars.told_names import outputs_told
from headwater.capture.recorder import Recorder
from headwater.capture.values import Columns, Rule, Value, opaque

_AGGREGATES: Final = (
    "all", "first", "last", "max", "mean", "median", "min", "n_unique", "quantile", "sum", "head", "tail", "len",
)  # fmt: skip
_GROUPING: Final = ("group_by", "group_by_dynamic", "rolling")


def hook(hooks: Hooks) -> None:
    """Hook the methods that create groupings, and the methods of groupings."""
    from polars.dataframe.group_by import DynamicGroupBy, GroupBy, RollingGroupBy
    from polars.lazyframe.group_by import LazyGroupBy

    for owner in (polars().DataFrame, polars().LazyFrame):
        for name in _GROUPING:
            observing(hooks, owner, name, functools.partial(after_grouping, method=name))
    for grouping in (GroupBy, DynamicGroupBy, RollingGroupBy, LazyGroupBy):
        if hasattr(grouping, "having"):
            observing(hooks, grouping, "having", after_having)
        for name in ("agg", *_AGGREGATES):
            if hasattr(grouping, name):
                observing(hooks, grouping, name, functools.partial(after_aggregate, method=name))
        if hasattr(grouping, "map_groups"):
            observing(hooks, grouping, "map_groups", after_map_groups)


@dataclass(frozen=True, slots=True)
class _Groups:
    """The rule of a grouping, which also keeps how the grouping was made, for the rules of its aggregations."""

    method: str
    call: rules.Call
    having: tuple[Any, ...] = ()
    """Predicates that decide which groups stay."""

    def __call__(self, value: Value) -> Columns:
        """The rule of the grouping itself, which has no columns until it is aggregated."""
        return opaque(value)

    def rule_of(self, call: rules.Call, method: str) -> Rule:
        """The rule of the result of aggregating with ``method``."""
        if self.method != "group_by":
            return rules.windowed(call, self.call, self.having, is_moved=self.method == "group_by_dynamic")
        if method == "agg":
            return rules.grouped(call, self.call, self.having)
        return rules.grouped_all(self.call, self.having)


def after_grouping(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any], method: str) -> None:
    """Record a grouping of a frame."""
    groups = _Groups(method, (args[1:], kwargs))
    recorder.derive(result, f"polars.{method}", inputs_of(recorder, [args[0]]), rule=groups)


def after_having(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Record ``having``, which chooses groups by their content; a lazy grouping is changed in place."""
    del kwargs
    grouping = recorder.values.get(args[0])
    if grouping is None or not isinstance(grouping.rule, _Groups):
        return
    groups = replace(grouping.rule, having=(*grouping.rule.having, *args[1:]))
    recorder.derive(result, "polars.having", grouping.inputs, rule=groups)


def after_aggregate(
    recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any], method: str
) -> None:
    """Record an aggregation of a grouping."""
    grouping = recorder.values.get(args[0])
    if grouping is None or not isinstance(grouping.rule, _Groups):
        return
    groups = grouping.rule
    call, numbers = with_literals((args[1:], kwargs), len(grouping.inputs))
    inputs = (*grouping.inputs, *numbers)
    columns = names_of(result)
    if columns is None:

        def make() -> dict[str, Any]:
            again = getattr(empty(inputs[0]), groups.method)(*groups.call[0], **groups.call[1])
            return dict(getattr(again, method)(*call[0], **call[1]).collect_schema())

        def tell() -> list[str] | None:
            if method != "agg" or groups.method != "group_by" or not inputs[0].column_names():
                return None
            keys = outputs_told(groups.call[0], rules.named_only(groups.call[1]))
            made = outputs_told(*call[:2]) if keys is not None else None
            return [*keys, *made] if keys is not None and made is not None else None

        columns = Names(make=make, before=inputs[:1], tell=tell)
    recorder.derive(
        result,
        f"polars.{groups.method}.{method}",
        inputs,
        rule=groups.rule_of(call, method),
        columns=columns,
        rows=height(result),
    )


def after_map_groups(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Record a function of the user that made a frame of each group: whatever it does, it gets only these rows."""
    del kwargs
    grouping = recorder.values.get(args[0])
    if grouping is None or not isinstance(grouping.rule, _Groups):
        return
    op = f"polars.{grouping.rule.method}.map_groups"
    recorder.derive(result, op, grouping.inputs, rule=opaque, columns=names_of(result), rows=height(result))
