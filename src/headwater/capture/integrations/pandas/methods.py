"""Methods of frames and series whose rule depends little, or not at all, on their arguments."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd
from pandas.core.base import IndexOpsMixin
from pandas.core.generic import NDFrame

from headwater.capture.hooks import After, Hooks, observe
from headwater.capture.integrations.pandas.labels import columns_of, is_frame, label, names_of, series_name
from headwater.capture.integrations.pandas.mappings import chosen_by, looked_up_in
from headwater.capture.integrations.pandas.operators import (
    column_numbers,
    combined,
    combining,
    has_one_index,
    kind_of,
    with_numbers,
)
from headwater.capture.integrations.pandas.recording import (
    argument,
    bind,
    bind_scalar,
    data_in,
    hook_methods,
    made,
    operands,
)
from headwater.capture.integrations.pandas.rules import (
    AGGREGATED,
    AGGREGATION,
    CHANGED,
    CHOSEN,
    IDENTITY,
    MASKED,
    ORDERED,
    REDUCTIONS,
    RENAMED,
    SAME,
    SOURCE,
    TOTAL,
    TRANSFORMATION,
    By,
    by_levels,
    by_name,
    column,
    from_all,
    influences,
    levels,
    whole,
)
from headwater.capture.integrations.pandas.selection import ROW, evaluated, of_levels
from headwater.capture.integrations.pandas.warning_locations import shares_limits
from headwater.capture.recorder import Recorder
from headwater.capture.trace import columns_made
from headwater.capture.values import Columns, Dep, Rule, Value
from headwater.capture.wrapper_frames import unseen

_UNCHANGED: Final = [
    "copy",
    "head",
    "tail",
    "truncate",
    "filter",
    "select_dtypes",
    "take",
    "between_time",
    "at_time",
    "first",
    "last",
    "asfreq",
    "tz_localize",
    "tz_convert",
    "swaplevel",
    "reorder_levels",
    "droplevel",
    "repeat",
    "swapaxes",
    "infer_objects",
    "set_flags",
    "squeeze",
    "__copy__",
    "__deepcopy__",
    "slice_shift",
    "to_timestamp",
    "to_period",
]
_CHANGED: Final = [
    "astype",
    "diff",
    "shift",
    "tshift",
    "pct_change",
    "rank",
    "interpolate",
    "ffill",
    "bfill",
    "pad",
    "backfill",
    "isna",
    "isnull",
    "notna",
    "notnull",
    "convert_dtypes",
    "cumsum",
    "cumprod",
    "cummax",
    "cummin",
    "bool",
    "fillna",
    "replace",
    "clip",
    "isin",
    "between",
    "argsort",
]
_RENAMED: Final = ["rename", "add_prefix", "add_suffix", "to_frame", "rename_axis"]
_PLACES: Final = frozenset(("idxmin", "idxmax", "argmin", "argmax", "first_valid_index", "last_valid_index"))
"""Methods that return a label or a position, which is not data of the column."""
_CROSSED: Final = ["corr", "cov", "autocorr", "transpose"]
_COMBINED: Final = ["combine_first", "update", "fillna", "replace", "clip", "compare", "isin", "between", "round"]

AGGREGATIONS: Final = frozenset((*REDUCTIONS, "first", "last", "size", "nth", "ohlc", "describe", "list", "len"))
"""Names of aggregations that pandas knows."""
ELEMENTWISE: Final = frozenset((*_CHANGED, "round", "abs", "log", "sqrt", "exp"))


def install(hooks: Hooks) -> None:
    """Hook the methods of frames and series."""
    classes = (NDFrame, pd.DataFrame, pd.Series)
    plain = [name for name in _CHANGED if name not in _COMBINED]
    hook_methods(hooks, classes, _UNCHANGED, lambda name: made(name, SAME))
    hook_methods(hooks, classes, plain, lambda name: made(name, CHANGED))
    hook_methods(hooks, classes, _RENAMED, lambda name: made(name, RENAMED))
    hook_methods(hooks, classes, REDUCTIONS, _reduced)
    hook_methods(hooks, classes, _CROSSED, lambda name: made(name, SOURCE if name == "transpose" else TOTAL))
    hook_methods(hooks, classes, ("sort_index",), lambda name: made(name, ORDERED))
    hook_methods(hooks, classes, ("xs",), lambda name: _crossed)
    hook_methods(hooks, classes, ("drop",), lambda name: _dropped)
    hook_methods(hooks, classes, ("describe",), lambda name: made(name, AGGREGATED))
    combined_with = [name for name in _COMBINED if name != "update" or not shares_limits()]
    hook_methods(hooks, classes, combined_with, _combined)
    hook_methods(hooks, classes, ("align",), lambda name: _aligned)
    hook_methods(hooks, (pd.DataFrame,), ("corrwith",), lambda name: _correlated)
    hook_methods(hooks, (IndexOpsMixin, pd.Series), ("searchsorted",), lambda name: _searched)
    hook_methods(hooks, classes, ("dropna", "drop_duplicates", "duplicated"), _filtered)
    hook_methods(hooks, classes, ("sort_values", "nlargest", "nsmallest"), _sorted)
    hook_methods(hooks, classes, ("sample",), lambda name: _sample)
    hook_methods(hooks, (IndexOpsMixin, pd.DataFrame, pd.Series), ("value_counts",), lambda name: made(name, TOTAL))
    hook_methods(hooks, (IndexOpsMixin, pd.Series), ("unique",), lambda name: made(name, SOURCE))
    hook_methods(hooks, (NDFrame,), ("where", "mask", "_where"), _conditional)
    named = vars(pd.Series).get("name")
    if isinstance(named, property) and named.fset is not None:
        setter = unseen(observe(named.fset, _named, "pandas.Series.name"))
        hooks.put(pd.Series, "name", property(named.fget, setter, named.fdel, named.__doc__))


def _named(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """``series.name = "price"``: its column has another name from now on."""
    known = recorder.values.get(args[0])
    if known is not None and known.column_names() != names_of([series_name(args[0].name)]):
        bind(recorder, args[0], "rename", (args[0],), RENAMED)


def _dropped(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """``drop``: of rows given as an index, what chose them is known."""
    labels = argument(args, kwargs, 1, "labels", kwargs.get("index"))
    chosen = list(chosen_by(labels, "drop"))
    bind(recorder, args[0] if result is None else result, "drop", (args[0], *chosen), MASKED if chosen else SAME)


def _crossed(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    is_row = isinstance(args[0], pd.DataFrame) and isinstance(result, pd.Series) and not kwargs.get("axis", 0)
    rule = of_levels(args[0], argument(args, kwargs, 1, "key"), CHOSEN) if kwargs.get("axis", 0) else CHOSEN
    bind(recorder, result, "xs", (args[0],), ROW if is_row else rule)


def _reduced(name: str) -> After:
    """Reductions: of each column separately if the result is a frame, otherwise of all columns into one series."""

    def handler(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        owner = args[0]
        rule = AGGREGATED if isinstance(result, pd.DataFrame) or isinstance(owner, pd.Series) else TOTAL
        if rule is TOTAL and kwargs.get("numeric_only") and isinstance(result, pd.Series) and not kwargs.get("axis"):
            rule = _from_these(names_of(result.index), AGGREGATION)  # it has a number for each column that was used
        if isinstance(result, NDFrame) or name in _PLACES:
            bind(recorder, result, name, (owner,), rule)
        else:
            bind_scalar(recorder, result, name, owner, rule)

    return handler


def _combined(name: str) -> After:
    """Methods that may take a second frame or series, on its own or by column, as well as scalars."""

    def handler(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        owner = args[0]
        given = [*args[1:], *kwargs.values()]
        inputs = [owner, *operands(*_flat(given))]
        if name == "replace" and isinstance(owner, pd.Series):
            inputs += [value for item in given for value in looked_up_in(item, name)]
        target = owner if result is None else result
        if isinstance(owner, pd.DataFrame) and len(inputs) > 1 and any(isinstance(item, dict) for item in given):
            bind(recorder, target, name, inputs, _by_key(given))
            return
        looked_up = [value for item in given for value in looked_up_in(item, name)] if name == "fillna" else []
        if looked_up and isinstance(owner, pd.DataFrame):
            numbers = looked_up[0]
            bind(recorder, target, name, [owner, *numbers.inputs], _by_names_of(numbers))
            return
        is_across = name == "fillna" or argument(args, kwargs, 3, "axis") in (1, "columns")
        frames = _numbers_across(recorder, owner, inputs[1:]) if is_across else []
        if frames:
            bind(recorder, target, name, [owner, *frames], with_numbers(inputs[1] if len(inputs) == 2 else None))
            return
        if name == "compare":
            bind(recorder, target, name, inputs, _compared(*kwargs.get("result_names", ("self", "other"))))
            return
        rule = CHANGED if len(inputs) == 1 else combining(inputs)
        bind(recorder, target, name, inputs, rule)

    return handler


def _numbers_across(recorder: Recorder, owner: Any, given: list[Any]) -> list[Value]:
    """The frames behind arguments that have a number for each column of a frame; empty if one of them is another."""
    found = [column_numbers(recorder, item) for item in given if isinstance(owner, pd.DataFrame)]
    return [] if None in found else [frame for frames in found for frame in frames or ()]


def _aligned(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """``align``: both as they are, with the labels of each other."""
    both = (args[0], argument(args, kwargs, 1, "other"))
    is_one_index = has_one_index(list(both))
    for made_one, given in zip(result, (both, both[::-1]), strict=True):
        bind(recorder, made_one, "align", given, SAME if is_one_index else _joined_by_labels)


def _joined_by_labels(value: Value) -> Columns:
    """The first input, with rows for the labels of both."""
    return Columns(SAME(value).fields, by_levels(value, "JOIN", 0, 1))


def _searched(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """``searchsorted``: places of values in a column come from both."""
    wanted = argument(args, kwargs, 1, "value")
    bind(recorder, result, "searchsorted", (args[0], *data_in(wanted)), _of_all)


def _correlated(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """``corrwith``: numbers of all columns, and of those of the other."""
    other = argument(args, kwargs, 1, "other")
    bind(recorder, result, "corrwith", (args[0], *data_in(other)), _of_all)


def _of_all(value: Value) -> Columns:
    """Whatever it is called, it comes from all data of all inputs."""
    deps = [dep for place in range(len(value.inputs)) for dep in whole(value, place)]
    return Columns(dict.fromkeys(columns_of(value) or ("*",), deps) | levels(value))


def _by_key(given: list[Any]) -> Rule:
    """``frame.fillna({"age": ..., "fare": ...})``: each column comes from itself and from what was given for it."""
    keys: list[str | None] = []
    for item in given:
        pairs = item.items() if isinstance(item, dict) else ((None, item),)
        keys += [None if name is None else label(name) for name, replacement in pairs if operands(replacement)]

    def rule(value: Value) -> Columns:
        fields = dict(CHANGED(value).fields)
        for position, key in enumerate(keys, start=1):
            for name in columns_of(value):
                if key in (None, name) and position < len(value.inputs):
                    fields[name] = [*fields.get(name, []), *whole(value, position)]
        return Columns(fields)

    return rule


def _by_names_of(numbers: Value) -> Rule:
    """``frame.fillna(frame.mean().to_dict())``: each column comes from itself, and from the column of its name behind
    the dictionary, or from all that has no column of that name."""
    deps = columns_made(numbers).fields.get("*", [])

    def rule(value: Value) -> Columns:
        fields = dict(CHANGED(value).fields)
        for name in columns_of(value):
            known = [name if name in item.column_names() else None for item in value.inputs]
            more = [dep._replace(input=dep.input + 1) for dep in deps if dep.column in (name, None)]
            fields[name] = [*fields.get(name, []), *(dep._replace(column=known[dep.input]) for dep in more)]
        return Columns(fields)

    return rule


def _compared(own: str, others: str) -> Rule:
    """``compare``: ``price.self`` and ``price.other`` side by side, or both below each other as ``price``. All columns
    decide which rows there are."""

    def rule(value: Value) -> Columns:
        fields: dict[str, list[Dep]] = {}
        is_series = not is_frame(value.inputs[0])
        for name in columns_of(value):
            known, _, side = name.rpartition(".") if not is_series else ("", "", name)
            places = [place for place, suffix in enumerate((own, others)) if side == suffix] or [0, 1]
            deps = [whole(value, i, IDENTITY) if is_series else column(value, i, known, IDENTITY) for i in places]
            deps = deps if any(deps) else [column(value, i, name, IDENTITY) for i in (0, 1)]
            fields[name] = [dep for found in deps for dep in found]
        return Columns(fields | levels(value), influences(value, [By("FILTER", 0), By("FILTER", 1)]))

    return rule


def _flat(arguments: list[Any]) -> list[Any]:
    found: list[Any] = []
    for item in arguments:
        found.extend(item.values() if isinstance(item, dict) else [item])
    return found


def _filtered(name: str) -> After:
    def handler(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        owner = args[0]
        subset = kwargs.get("subset", args[1] if len(args) > 1 and name != "dropna" else None)
        columns = names_of(subset) if isinstance(owner, pd.DataFrame) and subset is not None else None
        target = owner if result is None else result
        if name == "duplicated":
            bind(
                recorder, target, name, (owner,), from_all(TRANSFORMATION) if columns is None else _from_these(columns)
            )
        elif name == "dropna" and kwargs.get("axis", 0) in (1, "columns"):
            bind(recorder, target, name, (owner,), SAME)
        else:
            bind(recorder, target, name, (owner,), by_name(IDENTITY, (By("FILTER", 0, columns),)))

    return handler


def _from_these(columns: tuple[str, ...], subtype: str = TRANSFORMATION) -> Rule:
    """All of the result from some columns."""

    def rule(value: Value) -> Columns:
        deps = [dep for name in columns for dep in column(value, 0, name, subtype)]
        return Columns(dict.fromkeys(columns_of(value) or ("*",), deps) | levels(value))

    return rule


def _sorted(name: str) -> After:
    place = 1 if name == "sort_values" else 2
    subtype = "SORT" if name == "sort_values" else "FILTER"

    def handler(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        owner = args[0]
        by = argument(args, kwargs, place, "by" if name == "sort_values" else "columns")
        columns = names_of(by) if isinstance(owner, pd.DataFrame) and by is not None else None
        target = owner if result is None else result
        bind(recorder, target, name, (owner,), by_name(IDENTITY, (By(subtype, 0, columns),)))

    return handler


def _sample(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    owner = args[0]
    weights = argument(args, kwargs, 4, "weights")
    seed = argument(args, kwargs, 5, "random_state")
    inputs = [owner, *data_in(weights)]
    by = (By("FILTER", 0, (weights,)),) if isinstance(weights, str) else (By("FILTER", 1),) if len(inputs) > 1 else ()
    is_plain = seed is None or isinstance(seed, int)
    bind(recorder, result, "sample", inputs, by_name(IDENTITY, by), {"random_state": seed if is_plain else "object"})
    if is_plain:
        known = recorder.values.get(result)
        recorder.seed(
            "pandas", "sample", seed, known.code if known is not None else None, known.line if known is not None else 0
        )


def _conditional(name: str) -> After:
    """``where`` and ``mask``: own values, or those of the other, chosen by the condition."""

    def handler(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        owner = args[0]
        condition = evaluated(argument(args, kwargs, 1, "cond"))
        other = evaluated(argument(args, kwargs, 2, "other"))
        target = owner if result is None else result
        valued = [owner, *operands(other)]
        conditions = data_in(condition)
        is_across = argument(args, kwargs, 4, "axis") in (1, "columns")
        frames = _numbers_across(recorder, owner, valued[1:]) if is_across else []
        is_one_index = bool(frames) or has_one_index(valued)
        kinds = (True,) * (1 + len(frames)) if frames else tuple(map(kind_of, valued))
        valued = [owner, *frames] if frames else valued
        by = By("CONDITIONAL", len(valued)) if conditions else None
        rule = combined(kinds, IDENTITY, by, is_one_index=is_one_index)
        bind(recorder, target, name.strip("_"), [*valued, *conditions], rule)

    return handler
