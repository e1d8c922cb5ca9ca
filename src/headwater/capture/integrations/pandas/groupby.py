"""Groups and windows: ``groupby``, ``resample``, ``rolling``, ``expanding``, ``ewm``.

A grouped object is followed like a frame whose index levels are the keys, so that its results find the keys there.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from types import GeneratorType
from typing import Any, Final

import pandas as pd
from pandas.core.generic import NDFrame
from pandas.core.groupby.generic import DataFrameGroupBy, SeriesGroupBy
from pandas.core.groupby.groupby import BaseGroupBy, GroupBy
from pandas.core.resample import Resampler
from pandas.core.window.rolling import BaseWindow

from headwater.capture.context import current
from headwater.capture.guard import GUARD
from headwater.capture.hooks import BUSY, After, Hooks
from headwater.capture.integrations.pandas.group_functions import applying, of_groups
from headwater.capture.integrations.pandas.indexes import index_value
from headwater.capture.integrations.pandas.labels import columns_of, index_levels, label, names_of, series_name
from headwater.capture.integrations.pandas.methods import AGGREGATIONS
from headwater.capture.integrations.pandas.recording import argument, bind, data_in, hook, hook_callers, hook_methods
from headwater.capture.integrations.pandas.rules import (
    AGGREGATION,
    IDENTITY,
    SAME,
    TRANSFORMATION,
    By,
    by_name,
    column,
    influences,
    level,
    mapped,
    whole,
)
from headwater.capture.levels import UNNAMED, Labels, field_of_level, levels_of
from headwater.capture.recorder import Recorder
from headwater.capture.values import UNKNOWN, Columns, Dep, Rule, Value
from headwater.capture.wrapper_frames import unseen

_REDUCTIONS: Final = [
    "sum",
    "mean",
    "median",
    "min",
    "max",
    "std",
    "var",
    "sem",
    "skew",
    "kurt",
    "prod",
    "count",
    "nunique",
    "unique",
    "any",
    "all",
    "idxmin",
    "idxmax",
    "quantile",
    "first",
    "last",
    "ohlc",
    "describe",
    "value_counts",
]
_RELATIONS: Final = ["corr", "cov", "corrwith"]
_ROWWISE: Final = [
    "head",
    "tail",
    "nth",
    "sample",
    "shift",
    "diff",
    "pct_change",
    "rank",
    "cumsum",
    "cumprod",
    "cummax",
    "cummin",
    "ffill",
    "bfill",
    "fillna",
    "pad",
    "backfill",
    "nlargest",
    "nsmallest",
    "interpolate",
    "take",
    "_nth",
    "asfreq",
    "nearest",
]
_COUNTS: Final = ["size", "cumcount", "ngroup"]
_UNCHANGED: Final = frozenset(
    ["head", "tail", "nth", "_nth", "sample", "nlargest", "nsmallest", "take", "first", "last", "asfreq"]
)


def install(hooks: Hooks) -> None:
    """Hook the grouping methods, and the methods of grouped objects."""
    hook(hooks, pd.DataFrame, "groupby", _grouped)
    hook(hooks, pd.Series, "groupby", _grouped)
    for name in ("resample", "rolling", "expanding", "ewm"):
        hook_methods(hooks, (NDFrame, pd.DataFrame, pd.Series), (name,), _windowed)
    owners = _family(BaseGroupBy, GroupBy, DataFrameGroupBy, SeriesGroupBy, Resampler, BaseWindow)
    hook_methods(hooks, owners, ("rolling", "expanding", "ewm", "resample"), _windowed)
    hook_methods(hooks, owners, _REDUCTIONS, _reduced)
    hook_methods(hooks, owners, _RELATIONS, _related)
    hook_methods(hooks, owners, _ROWWISE, _kept)
    hook_methods(hooks, owners, _COUNTS, _counted)
    hook_callers(hooks, owners, ("agg", "aggregate"), _aggregated)
    hook_callers(hooks, owners, ("transform",), _transformed)
    hook_callers(hooks, owners, ("filter", "get_group"), of_groups)
    for owner in owners:
        if callable(vars(owner).get("apply")):
            site = f"pandas.{owner.__name__}.apply"
            hooks.replace(owner, "apply", functools.partial(applying, site=site))
    hooks.replace(BaseGroupBy, "__iter__", _iterating)
    for owner in _selecting(owners):
        hook(hooks, owner, "__getitem__", _selected)


def _family(*roots: type) -> list[type]:
    found: dict[type, None] = dict.fromkeys(roots)
    queue: list[type] = list(roots)
    while queue:
        children: list[type] = queue.pop().__subclasses__()
        for child in children:
            if child not in found and child.__module__.startswith("pandas."):
                found[child] = None
                queue.append(child)
    return list(found)


def _selecting(owners: list[type]) -> list[type]:
    """The classes, bases included, that define ``__getitem__`` for grouped objects."""
    return list(dict.fromkeys(base for owner in owners for base in owner.__mro__ if "__getitem__" in vars(base)))


def _iterating(original: Callable[..., Any]) -> Callable[..., Any]:
    """Replace the generator of groups by one of ours, which binds each group."""

    @functools.wraps(original)
    def iterate(self: Any) -> Any:
        groups = original(self)
        recorder = current()
        known = None if recorder is None or BUSY.depth else recorder.values.get(self)
        if recorder is None or known is None or not isinstance(groups, GeneratorType):
            return groups
        return _passing(recorder, known, groups)

    return unseen(iterate)


def _passing(recorder: Recorder, known: Value, groups: Iterator[Any]) -> Iterator[Any]:
    for key, group in groups:
        _passed(recorder, group, known)
        yield key, group


def _passed(recorder: Recorder, group: Any, known: Value) -> None:
    """Bind one group. A function of its own, so that the user's code is as many frames up as from a handler."""
    with GUARD.at("pandas.group"):
        bind(recorder, group, "group", (known,), SAME)


def _grouped(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    owner, by = args[0], argument(args, kwargs, 1, "by")
    names = _key_names(result)
    given = [_followed(recorder, item) for item in (data_in(*by) if isinstance(by, list) else data_in(by))]
    _bind_grouped(recorder, result, "groupby", owner, given, names, _grouping(names, "GROUP_BY"))


def _followed(recorder: Recorder, key: Any) -> Any:
    """A key as it was given, or its value if it was made of an index."""
    is_unknown = isinstance(key, pd.Index) and recorder.values.get(key) is None
    return (index_value(recorder, key) if is_unknown else None) or key


def _windowed(name: str) -> After:
    subtype = "GROUP_BY" if name == "resample" else "WINDOW"

    def handler(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        owner = args[0]
        on = kwargs.get("on")
        kept = recorder.values.get(owner)
        inner = levels_of(kept) if kept is not None else ()
        names = (label(on),) if on is not None else () if name == "expanding" else inner
        _bind_grouped(recorder, result, name, owner, [], (*inner, *names), _grouping(names, subtype))

    return handler


def _bind_grouped(
    recorder: Recorder, result: Any, op: str, owner: Any, given: list[Any], keys: tuple[str, ...], rule: Rule
) -> None:
    found = [item if type(item) is Value else recorder.values.get(item) for item in (owner, *given)]
    known = [value or UNKNOWN for value in found]
    if all(value is UNKNOWN for value in known):
        return
    columns: Any = columns_of(known[0])
    own: tuple[str, ...] = ()
    if isinstance(owner, pd.DataFrame | pd.Series):
        columns = owner.columns if isinstance(owner, pd.DataFrame) else series_name(owner.name)
        own = index_levels(owner.index) or levels_of(known[0])
    labels = Labels(columns, tuple(dict.fromkeys((*keys, *own))))
    recorder.derive(result, op, known, rule=rule, columns=labels, rows=known[0].rows)


def _grouping(keys: tuple[str, ...], subtype: str) -> Rule:
    """All columns are kept. Each key becomes a level: a column, a level, or one of the series given as keys."""

    def rule(value: Value) -> Columns:
        fields = {name: [Dep(0, name, subtype=IDENTITY)] for name in columns_of(value)}
        fields.update({field_of_level(name): level(value, 0, name) for name in levels_of(value)})
        indirect: list[Dep] = []
        given = list(range(1, len(value.inputs)))
        for key in keys:
            named = [i for i in given if columns_of(value.inputs[i]) == (key,)]
            deps = whole(value, named[0], IDENTITY) if named else column(value, 0, key, IDENTITY)
            if given and (not deps or key == UNNAMED):
                deps = whole(value, given[0], IDENTITY)
            fields[field_of_level(key)] = deps
            indirect += [dep._replace(type="INDIRECT", subtype=subtype) for dep in deps]
        if not keys:
            indirect += influences(value, [By(subtype, i) for i in given])
        return Columns(fields, indirect)

    return rule


def _selected(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    owner, key = args
    known = recorder.values.get(owner)
    if known is None:
        return
    names = names_of(key) if isinstance(key, list) else (label(key),)
    # The keys are still available, as levels.
    labels = Labels(names if len(names) != 1 else names[0], levels_of(known))
    recorder.derive(result, "getitem", (known,), rule=SAME, columns=labels, rows=known.rows)


def _key_columns(owner: Any) -> tuple[str, ...]:
    return _key_names(owner) if getattr(owner, "as_index", True) is False else ()


def _key_names(owner: Any) -> tuple[str, ...]:
    """The names of the keys of a grouped object."""
    grouper = getattr(owner, "_grouper", None)  # pandas before 2.2 had it without the underscore
    names = (owner.grouper if grouper is None else grouper).names
    return tuple(UNNAMED if name is None else label(name) for name in names)


def _reduced(name: str) -> After:
    def handler(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        owner = args[0]
        bind(recorder, result, name, (owner,), grouped(AGGREGATION, _key_columns(owner)))

    return handler


def _related(name: str) -> After:
    """A measure of how columns go together: each column of the result comes from all of them."""

    def handler(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        bind(recorder, result, name, [args[0], *data_in(*args[1:], *kwargs.values())], _of_all)

    return handler


def _of_all(value: Value) -> Columns:
    deps = [dep for place in range(len(value.inputs)) for dep in whole(value, place, AGGREGATION)]
    return mapped(lambda value: dict.fromkeys(columns_of(value) or ("*",), deps))(value)


def grouped(subtype: str, keys: tuple[str, ...] = ()) -> Rule:
    """Each column comes from the column of the same name in the groups, or of the first part of its name
    (``price.mean``); any other one from all that was chosen."""

    def sources(value: Value) -> dict[str, list[Dep]]:
        known = columns_of(value.inputs[0])
        found: dict[str, list[Dep]] = {}
        for name in columns_of(value):
            if name in keys:
                found[name] = level(value, 0, name)
            elif name in known:
                found[name] = [Dep(0, name, subtype=subtype)]
            else:
                first = next((column for column in known if name.startswith(column + ".")), None)
                found[name] = (
                    [Dep(0, first, subtype=subtype)]
                    if first is not None
                    else level(value, 0, name) or whole(value, 0, subtype)
                )
        return found

    return mapped(sources)


def _kept(name: str) -> After:
    rule = by_name(IDENTITY if name in _UNCHANGED else TRANSFORMATION)

    def handler(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        bind(recorder, result, name, (args[0],), rule)

    return handler


def _counted(name: str) -> After:
    def handler(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        owner = args[0]
        rule = _counting(_key_names(owner), as_columns=bool(_key_columns(owner)))
        bind(recorder, owner if result is None else result, name, (owner,), rule)

    return handler


def _counting(keys: tuple[str, ...], *, as_columns: bool) -> Rule:
    """A number of rows, or a position among them, comes from the keys, as in ``value_counts``."""

    def sources(value: Value) -> dict[str, list[Dep]]:
        known = levels_of(value.inputs[0])
        decided = [key for key in keys if key in known] or known
        counted = [dep for key in decided for dep in level(value, 0, key, AGGREGATION)]
        is_key = frozenset(keys if as_columns else ())
        return {name: level(value, 0, name) if name in is_key else counted for name in columns_of(value)}

    return mapped(sources)


def _aggregated(name: str) -> After:
    def handler(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        owner, function = args[0], argument(args, kwargs, 1, "func")
        named = {key: item[0] for key, item in kwargs.items() if _is_of_a_column(item)}
        keys = _key_columns(owner)
        if function is None and named and len(named) == len(kwargs):
            renamed = {label(key): label(source) for key, source in named.items()}
            bind(recorder, result, name, (owner,), _named(renamed, keys))
        else:
            bind(recorder, result, name, (owner,), grouped(AGGREGATION, keys))

    return handler


def _is_of_a_column(item: Any) -> bool:
    """``("price", "max")``, or ``pd.NamedAgg("price", "max")``, which is a tuple no more since pandas 3.1."""
    return (isinstance(item, tuple) and len(item) == 2) or isinstance(item, pd.NamedAgg)


def _named(renamed: dict[str, str], keys: tuple[str, ...]) -> Rule:
    def sources(value: Value) -> dict[str, list[Dep]]:
        found = {out: column(value, 0, source, AGGREGATION) for out, source in renamed.items()}
        found.update({key: level(value, 0, key) for key in keys})
        return found

    return mapped(sources)


def _transformed(name: str) -> After:
    def handler(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        owner, function = args[0], argument(args, kwargs, 1, "func")
        is_aggregation = isinstance(function, str) and function in AGGREGATIONS
        rule = grouped(AGGREGATION if is_aggregation else TRANSFORMATION)
        op = f"transform({function})" if isinstance(function, str) else name
        bind(recorder, result, op, (owner,), rule)

    return handler
