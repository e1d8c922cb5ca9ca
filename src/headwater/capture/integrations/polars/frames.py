"""Hooks on DataFrame and LazyFrame, which share one table of methods."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any, Final

from headwater.capture.context import current
from headwater.capture.guard import GUARD
from headwater.capture.hooks import BUSY, After, Hooks
from headwater.capture.integrations.polars import reshape_rules, rules
from headwater.capture.integrations.polars.expressions import expressions, literals
from headwater.capture.integrations.polars.lazy_schema import Frame, Names, plan_ran, polars, replayed
from headwater.capture.integrations.polars.literal_columns import columns_in
from headwater.capture.integrations.polars.told_names import told
from headwater.capture.multi_file_reads import stacked
from headwater.capture.notebook_cells import user_place, whole
from headwater.capture.recorder import SCALARS, Recorder
from headwater.capture.scalars import can_follow
from headwater.capture.source_analysis.literals import constants_at, is_written, saved_at
from headwater.capture.values import NOTHING, Columns, Dep, Value, make_value, opaque
from headwater.capture.wrapper_frames import USERS_CODE, observe_drawing, unseen

METHODS: Final[dict[str, rules.RuleOf]] = {
    "select": rules.select,
    "select_seq": rules.select,
    "with_columns": rules.with_columns,
    "with_columns_seq": rules.with_columns,
    "filter": rules.filtered,
    "remove": rules.filtered,
    "drop_nulls": rules.subset_filtered,
    "drop_nans": rules.subset_filtered,
    "unique": rules.subset_filtered,
    "sort": rules.sorted_by,
    "top_k": rules.sorted_by,
    "bottom_k": rules.sorted_by,
    "rename": rules.renamed,
    "join": rules.joined,
    "join_asof": rules.joined,
    "join_where": rules.joined,
    "unpivot": reshape_rules.unpivoted,
    "pivot": reshape_rules.pivoted,
    "to_dummies": reshape_rules.dummies,
    "unstack": reshape_rules.dummies,
    "map_columns": reshape_rules.mapped_columns,
    **dict.fromkeys(("corr", "transpose"), reshape_rules.mixed),
    "unnest": reshape_rules.unnested,
    **dict.fromkeys(
        (
            "drop", "head", "tail", "limit", "slice", "sample", "gather", "gather_every", "reverse", "clone", "clear",
            "rechunk", "set_sorted", "shrink_to_fit", "cache", "lazy", "collect", "explode", "with_row_index",
            "inspect", "match_to_schema",
        ),
        rules.kept,
    ),
    **dict.fromkeys(("fill_null", "fill_nan", "cast", "shift", "interpolate"), rules.changed),
    "update": rules.updated,
    **dict.fromkeys(
        ("sum", "mean", "min", "max", "median", "std", "var", "count", "null_count", "quantile", "product", "describe"),
        rules.aggregated,
    ),
}  # fmt: skip
"""Methods with exact rules, on one or both kinds of frames."""

SPELLED: Final = frozenset(("select", "select_seq", "with_columns", "with_columns_seq", "filter", "remove"))
"""Methods whose expressions may contain numbers taken out of data."""
_SELECT: Final = frozenset(("select",))
OTHERS: Final[dict[str, rules.RuleOf | None]] = {
    **dict.fromkeys(("map_rows", "map_batches"), None),
    "hash_rows": reshape_rules.mixed,
    "to_struct": reshape_rules.in_struct,
    **dict.fromkeys(("upsample", "merge_sorted"), rules.kept),
    "partition_by": rules.parted,
}
"""Methods that return columns, several frames, or whatever a function of the user made (which is opaque)."""


def hook(hooks: Hooks) -> None:
    """Hook both kinds of frames, and the methods that take columns out of a frame."""
    pl = polars()
    for owner in (pl.DataFrame, pl.LazyFrame):
        for name, rule_of in METHODS.items():
            if hasattr(owner, name):
                observing(hooks, owner, name, functools.partial(after_method, method=name, rule_of=rule_of))
        for name, other_rule in OTHERS.items():
            if hasattr(owner, name):
                hooks.after(owner, name, functools.partial(after_other, method=name, rule_of=other_rule))
    observing(hooks, pl, "select", after_bare_select)
    for name in ("get_column", "to_series", "__getitem__", "drop_in_place", "item"):
        hooks.after(pl.DataFrame, name, functools.partial(after_column, method=name))
    hooks.after(pl.DataFrame, "get_columns", after_columns)
    hooks.replace(pl.DataFrame, "iter_columns", _going_through)
    for name in ("hstack", "vstack", "extend", "insert_column", "replace_column"):
        hooks.after(pl.DataFrame, name, functools.partial(after_side, method=name))


def observing(hooks: Hooks, owner: Any, name: str, handler: After) -> None:
    """Hook a function that may be given an iterator: ``frame.select(pl.col(name) * 2 for name in names)``."""
    hooks.replace(owner, name, lambda original: observe_drawing(original, handler, f"polars.{name}"))


def height(frame: Any) -> int | None:
    """The number of rows of an eager frame or series; None for a lazy frame."""
    rows = getattr(frame, "height", None)
    if rows is None and isinstance(frame, polars().Series):
        rows = len(frame)
    return rows if isinstance(rows, int) else None


def names_of(frame: Any) -> Any:
    """The columns of an eager frame with their types, or the name of a series; None for anything else."""
    if isinstance(frame, polars().DataFrame):
        return Names(schema=dict(frame.schema))
    return (frame.name,) if isinstance(frame, polars().Series) else None


def _split(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[list[Any], rules.Call]:
    """The frames and columns among the arguments, including those in lists; and the arguments without ``self``, with a
    ``Frame`` in place of each of these."""
    pl = polars()
    frames: list[Any] = [args[0]]

    def stand_in(item: Any) -> Any:
        if isinstance(item, pl.DataFrame | pl.LazyFrame | pl.Series):
            frames.append(item)
            return Frame(len(frames) - 1, is_column=isinstance(item, pl.Series))
        if type(item) in (list, tuple) and any(isinstance(part, pl.Series) for part in item):
            return [stand_in(part) for part in item]
        return item

    return frames, (tuple(map(stand_in, args[1:])), {key: stand_in(item) for key, item in kwargs.items()})


def with_literals(call: rules.Call, first: int) -> tuple[rules.Call, list[Value]]:
    """A call together with the columns, lists and numbers taken out of data that its expressions contain, and the
    values of these, which become inputs from position ``first`` on."""
    held = [item for item in expressions(*call[:2]) if hasattr(item, "meta")]
    known: list[tuple[Any, Value]] = [*_numbers_of(held).items()]
    for item in held:
        known += [(rules.Literal(text), value) for text, values in columns_in(item).items() for value in values]
    if not known:
        return call, []
    places = [(item, first + number) for number, (item, _) in enumerate(known)]
    return rules.Spelled((call[0], call[1], places)), [value for _, value in known]


def _numbers_of(held: list[Any]) -> dict[Any, Value]:
    """The numbers taken out of data that expressions contain. An expression stores a number by value, so each of them
    is a guess; numbers that are literals in the code of the expression are not considered."""
    if not len(SCALARS):
        return {}
    values = {item: SCALARS.equal_to(item) for expression in held for item in literals(expression)}
    if not any(values.values()):
        return {}
    code, line = user_place(4)
    spelled = constants_at(code, line)
    known: dict[Any, Value] = {}
    for item, value in values.items():
        if value is None or item in spelled:
            continue
        is_telling = not isinstance(item, int | float) or item % 1 != 0
        if is_telling or (value.code is not None and whole(value.code, 0)[0] is code):
            known[item] = value
    return known


def inputs_of(recorder: Recorder, frames: list[Any]) -> tuple[Value, ...]:
    """The values of frames; an unknown frame gets a new value."""
    found = []
    for frame in frames:
        value = recorder.values.get(frame)
        if value is None:
            columns = names_of(frame) if not isinstance(frame, polars().LazyFrame) else None
            value = make_value("memory.object", columns=columns, rows=height(frame))
            recorder.values.bind(frame, value)
        found.append(value)
    return tuple(found)


def after_method(
    recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any], method: str, rule_of: rules.RuleOf
) -> None:
    """Record a method of a frame that returned another frame."""
    if not isinstance(result, polars().DataFrame | polars().LazyFrame):
        return
    frames, call = _split(args, kwargs)
    inputs = inputs_of(recorder, frames)
    columns = names_of(result)
    if columns is not None and method == "collect":
        plan_ran(inputs[0])
    if method in SPELLED:
        call, numbers = with_literals(call, len(inputs))
        inputs = (*inputs, *numbers)
    if columns is None and method in ("collect", "lazy", "cache", "clone"):
        columns = inputs[0].columns
    elif columns is None:
        columns = replayed(inputs, method, *call[:2], told(method, inputs[0], *call[:2]))
    recorder.derive(
        result,
        f"polars.{method}",
        inputs,
        rule=rule_of(call),
        columns=columns,
        rows=height(result),
        detail=_detail(method, kwargs),
    )


def after_bare_select(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Record ``pl.select(pl.int_range(0, 5))``, which has no frame, if the code shows that it has no source either."""
    code, line = user_place(3)
    if code is None or not all(is_written(item, code, line) for item in saved_at(code, line, _SELECT, len(args))):
        return
    columns = names_of(result)
    rule = lambda value: Columns({name: [] for name in value.column_names()})  # noqa: E731 - a rule of one line
    recorder.derive(result, "polars.select", (NOTHING,), rule=rule, columns=columns, rows=height(result))


def _detail(method: str, kwargs: dict[str, Any]) -> dict[str, Any] | None:
    if method == "sample":
        return {"seed": kwargs.get("seed"), "n": kwargs.get("n"), "fraction": kwargs.get("fraction")}
    return {"how": kwargs.get("how", "inner")} if method == "join" else None


def after_other(
    recorder: Recorder,
    result: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    method: str,
    rule_of: rules.RuleOf | None,
) -> None:
    """Record a method that returned a column or several frames, or that has no exact rule."""
    frames, _ = _split(args, kwargs)
    inputs = inputs_of(recorder, frames)
    rule = opaque if rule_of is None else rule_of((args[1:], kwargs))
    results = result.values() if isinstance(result, dict) else result if isinstance(result, list) else [result]
    for item in results:
        recorder.derive(item, f"polars.{method}", inputs, rule=rule, columns=names_of(item), rows=height(item))


def after_column(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any], method: str) -> None:
    """Record a column, or a frame of some columns or rows, taken out of a frame."""
    pl = polars()
    if kwargs.get("default") is result and result is not None:
        return  # the frame has no such column
    if isinstance(result, pl.Series):
        name = result.name
        rule = lambda value: Columns({name: [Dep(0, name, subtype="IDENTITY")]})  # noqa: E731 - a rule of one line
    elif isinstance(result, pl.DataFrame):
        rule = rules.kept(((), {}))
    else:
        _after_item(recorder, result, args, method)
        return
    inputs = inputs_of(recorder, [args[0]])
    recorder.derive(result, f"polars.{method}", inputs, rule=rule, columns=names_of(result), rows=height(result))


def after_columns(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Record all columns of a frame, taken out of it one by one."""
    for column in result:
        after_column(recorder, column, args, kwargs, "get_columns")


def _going_through(original: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap the generator of the columns of a frame, which ``for column in frame`` and ``*frame`` use, too."""

    @functools.wraps(original)
    def iter_columns(self: Any) -> Iterator[Any]:
        for column in original(self):
            depth, recorder = BUSY.depth, current()
            if recorder is not None and depth in (0, USERS_CODE):
                BUSY.depth = 1
                try:
                    with GUARD.at("polars.iter_columns"):
                        after_column(recorder, column, (self,), {}, "iter_columns")
                finally:
                    BUSY.depth = depth
            yield column

    return unseen(iter_columns)


def _after_item(recorder: Recorder, result: Any, args: tuple[Any, ...], method: str) -> None:
    """Record a number taken out of a frame with one row, a summary: ``frame.select(pl.mean("x")).item()``."""
    known = recorder.values.get(args[0])
    if known is None or args[0].height != 1 or not can_follow(result):
        return
    named = [item for arg in args[1:] for item in (arg if isinstance(arg, tuple) else (arg,)) if isinstance(item, str)]
    name = named[-1] if named else result.__class__.__name__
    dep = Dep(0, named[-1] if named else None, subtype="IDENTITY")
    SCALARS.derive(result, f"polars.{method}", (known,), lambda _: Columns({name: [dep]}), (name,), None, frames=4)


def after_side(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any], method: str) -> None:
    """Record columns or rows of others added beside or below a frame, which some methods change in place."""
    del kwargs
    others = [
        item
        for arg in args[1:]
        for item in (arg if isinstance(arg, list) else [arg])
        if hasattr(item, "dtype") or hasattr(item, "schema")
    ]
    inputs = inputs_of(recorder, [args[0], *others])
    rule = by_name if method in ("hstack", "insert_column", "replace_column") else stacked
    value = recorder.derive(
        result, f"polars.{method}", inputs, rule=rule, columns=names_of(result), rows=height(result)
    )
    if method in ("extend", "insert_column", "replace_column") and result is not args[0]:
        recorder.values.bind(args[0], value)


def by_name(value: Value) -> Columns:
    """Each column comes from the last input that has a column of that name."""
    fields = {}
    for name in value.column_names():
        owners = [i for i, item in enumerate(value.inputs) if name in item.column_names()]
        fields[name] = [Dep(owners[-1], name, subtype="IDENTITY")] if owners else []
    return Columns(fields)
