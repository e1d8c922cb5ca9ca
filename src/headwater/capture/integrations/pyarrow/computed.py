"""What pyarrow computes: the functions of ``pyarrow.compute``, and filters, sorts, groups and joins of tables.

Compiled methods (``table.filter``, ``sort_by``, ``join``, ``group_by(...).aggregate``, ``column.cast``) call functions
of the modules ``pyarrow.compute`` and ``pyarrow.acero``, which can be hooked. The memory of what these return is
remembered, so that a column is recognised where it is put into a table.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from types import ModuleType
from typing import Any, Final

from headwater.capture.arrow_memory import (
    BY_ADDRESS,
    PROVIDERS,
    column_value,
    is_column,
    names_of,
    remember,
    remember_table,
    value_of,
)
from headwater.capture.hooks import Hooks
from headwater.capture.integrations.pyarrow.printed_names import keys_in, names_in
from headwater.capture.recorder import Recorder
from headwater.capture.values import INFERRED, Columns, Dep, Rule, Value, make_value

SUBMODULES: Final = ("pyarrow.compute", "pyarrow.acero")
_EXPLICIT: Final = ("call_function", "cast", "take", "fill_null", "index")
"""Functions that pyarrow writes out; it makes all others from a registry, and marks them."""
_CHOOSING: Final = frozenset(("filter", "take", "drop_null", "array_filter", "array_take"))
"""Functions that return rows of what they are given."""
_ORDERING: Final = frozenset(("pyarrow.sort_indices", "pyarrow.array_sort_indices"))
_OUTER: Final = {"right outer": (1,), "full outer": (0, 1)}
"""Joins whose keys do not come from the left table alone."""


def install(hooks: Hooks, module: ModuleType) -> None:
    """Hook the functions of one of ``SUBMODULES``."""
    if module.__name__ == "pyarrow.compute":
        functions = [
            name
            for name, item in vars(module).items()
            if name in _EXPLICIT or hasattr(item, "__arrow_compute_function__")
        ]
        for name in functions:
            hooks.after(module, name, functools.partial(_after_function, name=name))
    elif module.__name__ == "pyarrow.acero":
        handlers = {
            "_filter_table": _after_filter,
            "_sort_source": _after_sort,
            "_group_by": _after_group,
            "_perform_join": _after_join,
            "_perform_join_asof": _after_join_asof,
        }
        for name, handler in handlers.items():
            if hasattr(module, name):
                hooks.after(module, name, handler)


def _after_function(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any], name: str) -> None:
    """Record a function of columns that returned a column, or one of a table that returned some of its rows."""
    if not BY_ADDRESS and not PROVIDERS:
        return
    given = [*args, *kwargs.values()]
    if name == "call_function":
        name, given = str(args[0]), list(args[1])
    if hasattr(result, "num_columns"):
        _chosen_rows(recorder, result, given, name)
    elif is_column(result):
        values = [value for item in given if (value := column_value(item)) is not None]
        if given and hasattr(given[0], "num_columns"):
            values = _keys_of_table(recorder, given)
        if values:
            made = make_value(
                f"pyarrow.{name}", tuple(values), _rule(name), columns=values[0].columns, rows=len(result)
            )
            remember(made, made.column_names(), [result])


def _keys_of_table(recorder: Recorder, given: list[Any]) -> list[Value]:
    """What orders the rows of a table (``sort_indices(table, options=SortOptions(sort_keys))``): the columns that the
    options name, all if they name none."""
    table = value_of(recorder, given[0])
    if table is None:
        return []
    keys = keys_in(given[1:], table.column_names())
    deps = [Dep(0, name, subtype="IDENTITY") for name in keys or table.column_names()]
    return [make_value("pyarrow.keys", (table,), lambda _: Columns({"keys": deps}), columns=("keys",))]


def _rule(name: str) -> Rule:
    """The rule of a function of columns: chosen rows of the first, or something computed from all."""

    def rule(value: Value) -> Columns:
        places = range(len(value.inputs))
        if name in _CHOOSING:
            deciding = [Dep(place, None, "INDIRECT", "FILTER") for place in places[1:]]
            return Columns({value.column_names()[0]: [Dep(0, None, subtype="IDENTITY")]}, deciding)
        return Columns({value.column_names()[0]: [Dep(place, None, subtype="TRANSFORMATION") for place in places]})

    return rule


def _chosen_rows(recorder: Recorder, result: Any, given: list[Any], name: str) -> None:
    table = value_of(recorder, given[0]) if given else None
    if table is None:
        return
    values = [value for item in given[1:] if (value := column_value(item)) is not None]
    subtypes = ["SORT" if value.inputs[0].op in _ORDERING else "FILTER" for value in values]
    deciding = [Dep(place, None, "INDIRECT", subtype) for place, subtype in enumerate(subtypes, start=1)]
    _derive(recorder, result, name, (table, *values), lambda value: Columns(_same(value), deciding))


def _same(value: Value) -> dict[str, list[Dep]]:
    return {name: [Dep(0, name, subtype="IDENTITY")] for name in value.column_names()}


def _derive(recorder: Recorder, result: Any, op: str, inputs: tuple[Value, ...], rule: Rule) -> None:
    rows = getattr(result, "num_rows", None)
    value = recorder.derive(result, f"pyarrow.{op}", inputs, rule=rule, columns=names_of(result), rows=rows)
    remember_table(value, result)


def _after_filter(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """``table.filter(pc.field("a") > 0)``: the columns that the expression names decide."""
    del kwargs
    table = value_of(recorder, args[0])
    if table is not None:
        named = names_in(args[1], names_of(args[0]) or table.column_names())
        deps = [
            Dep(0, name, "INDIRECT", "FILTER", description="" if is_sure else INFERRED)
            for name, is_sure in named.items()
        ]
        _derive(recorder, result, "filter", (table,), lambda value: Columns(_same(value), deps))


def _after_sort(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """``table.sort_by(keys)``: the same columns, in the order of the keys."""
    table = value_of(recorder, args[0])
    keys = args[1] if len(args) > 1 else kwargs.get("sort_keys", ())
    if table is not None:
        deps = [Dep(0, key[0] if isinstance(key, tuple) else str(key), "INDIRECT", "SORT") for key in keys]
        _derive(recorder, result, "sort_by", (table,), lambda value: Columns(_same(value), deps))


def _after_group(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """``table.group_by(keys).aggregate(...)``: keys, and aggregates under the names that pyarrow gives them."""
    del kwargs
    table, aggregates, keys = value_of(recorder, args[0]), args[1], _listed(args[2])
    if table is None:
        return
    targets = {item[-1]: _listed(item[0]) for item in aggregates}

    def rule(value: Value) -> Columns:
        fields = {name: [Dep(0, one, subtype="AGGREGATION") for one in targets.get(name, ())] for name in value.columns}
        fields.update({key: [Dep(0, key, subtype="IDENTITY")] for key in keys})
        return Columns(fields, [Dep(0, key, "INDIRECT", "GROUP_BY") for key in keys])

    _derive(recorder, result, "group_by", (table,), rule)


def _listed(names: Any) -> list[str]:
    return [names] if isinstance(names, str) else [str(name) for name in names or ()]


def _after_join(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """``table.join(other, keys)``."""
    how, left, left_keys, right, right_keys = args[:5]
    suffixes = [args[5 + n] if len(args) > 5 + n else kwargs.get(name) for n, name in enumerate(_SUFFIXES)]
    sides = (_listed(left_keys), _listed(right_keys))
    _joined(recorder, result, (left, right), sides, (suffixes[0] or "", suffixes[1] or ""), _OUTER.get(how, ()))


_SUFFIXES: Final = ("left_suffix", "right_suffix")


def _after_join_asof(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """``table.join_asof(other, on, by, ...)``."""
    del kwargs
    left, left_on, left_by, right, right_on, right_by = args[:6]
    sides = ([*_listed(left_by), *_listed(left_on)], [*_listed(right_by), *_listed(right_on)])
    _joined(recorder, result, (left, right), sides, ("", ""), ())


def _joined(
    recorder: Recorder,
    result: Any,
    tables: tuple[Any, Any],
    keys: tuple[list[str], list[str]],
    suffixes: tuple[str, str],
    outer: Iterable[int],
) -> None:
    known = [value_of(recorder, table) for table in tables]
    if not any(value is not None for value in known):
        return
    inputs = tuple(
        value if value is not None else make_value("memory.object", columns=names_of(table))
        for value, table in zip(known, tables, strict=True)
    )

    def rule(value: Value) -> Columns:
        names = [set(item.column_names()) for item in value.inputs]
        fields = {}
        for name in value.column_names():
            forms = [(side, one) for side, end in enumerate(suffixes) for one in (name, name.removesuffix(end))]
            found = [Dep(side, one, subtype="IDENTITY") for side, one in forms if one in names[side]]
            fields[name] = found[:1]
        for place, key in enumerate(keys[0]):
            if outer and key in fields:
                fields[key] = [Dep(side, keys[side][place], subtype="IDENTITY") for side in outer]
        return Columns(fields, [Dep(side, key, "INDIRECT", "JOIN") for side in (0, 1) for key in keys[side]])

    _derive(recorder, result, "join", inputs, rule)
