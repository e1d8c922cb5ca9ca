"""Column rules of pandas operations: from the columns of a result to those of its inputs.

A rule is called later, on the worker's thread, with only the value; it holds names, never data. Unknown inputs have no
columns, so dependencies on them lead nowhere and are harmless.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple

from headwater.capture.integrations.pandas.labels import columns_of, has_column
from headwater.capture.levels import SHOWN_UNNAMED, UNNAMED, field_in, field_of_level, levels_of
from headwater.capture.values import Columns, Dep, Rule, Value, same_column, same_fields

IDENTITY: Final = "IDENTITY"
TRANSFORMATION: Final = "TRANSFORMATION"
AGGREGATION: Final = "AGGREGATION"

REDUCTIONS: Final = (
    *("sum", "mean", "median", "min", "max", "std", "var", "sem", "skew", "kurt", "kurtosis", "prod", "product"),
    *("count", "nunique", "any", "all", "idxmin", "idxmax", "quantile", "mode"),
    *("first_valid_index", "last_valid_index", "argmin", "argmax"),
)
"""Methods that reduce a column to one value, or a few."""
SUMMARIES: Final = frozenset((*REDUCTIONS, "describe", "agg", "aggregate", "value_counts", "unique", "first", "last"))
"""Operations that summarise data: a single item of their result depends on all of it."""


class By(NamedTuple):
    """An influence on the rows of a result or their order: columns of an input, or all of it (``columns`` None)."""

    subtype: str
    input: int = 0
    columns: tuple[str, ...] | None = None


def level(value: Value, position: int, name: str, subtype: str = IDENTITY) -> list[Dep]:
    """The dependency on an index level of an input; empty if the input has no such level. As in pandas, a level without
    a name is also called ``index``. ``UNNAMED`` also matches the only level of an input, since it may have lost its
    name."""
    source = value.inputs[position]
    known = levels_of(source)
    if name not in known:
        if name in ("index", SHOWN_UNNAMED) and UNNAMED in known:
            name = UNNAMED
        elif name == UNNAMED and len(known) == 1:
            name = known[0]
        else:
            return []
    field = field_in(source, name)
    return [Dep(position, field, subtype=subtype)] if field is not None else []


def column(value: Value, position: int, name: str, subtype: str = TRANSFORMATION, type: str = "DIRECT") -> list[Dep]:
    """The dependency on a column of an input, or on its index level of that name; empty if it has neither."""
    if has_column(value.inputs[position], name):
        return [Dep(position, name, type, subtype)]
    found = level(value, position, name, subtype)
    return [dep._replace(type=type) for dep in found]


def whole(value: Value, position: int, subtype: str = TRANSFORMATION, type: str = "DIRECT") -> list[Dep]:
    """The dependencies on all data of an input: the one column of a series, all columns of a frame without its index,
    or anything else as a whole."""
    names = columns_of(value.inputs[position])
    has_index = len(names) > 1 and levels_of(value.inputs[position])
    return [Dep(position, name, type, subtype) for name in (names if has_index or len(names) == 1 else (None,))]


def by_levels(value: Value, subtype: str, *positions: int) -> list[Dep]:
    """Indirect dependencies on all index levels of the inputs at ``positions``, because labels aligned or chose
    rows."""
    return [
        dep._replace(type="INDIRECT")
        for position in positions
        for name in levels_of(value.inputs[position])
        for dep in level(value, position, name, subtype)
    ]


def influences(value: Value, items: Iterable[By]) -> list[Dep]:
    """The indirect dependencies for ``items``."""
    deps: list[Dep] = []
    for item in items:
        if item.input >= len(value.inputs):
            continue
        if item.columns is None:
            deps += whole(value, item.input, item.subtype, "INDIRECT")
        else:
            for name in item.columns:
                deps += column(value, item.input, name, item.subtype, "INDIRECT")
    return deps


def levels(value: Value, position: int = 0) -> dict[str, list[Dep]]:
    """The sources of each index level of a result: in one input, the level of that name, else the column, else a level
    without a name, which has been named since."""
    found: dict[str, list[Dep]] = {}
    for name in levels_of(value):
        deps = level(value, position, name) or column(value, position, name, IDENTITY)
        had_none = not deps and UNNAMED in levels_of(value.inputs[position])
        found[field_of_level(name)] = level(value, position, UNNAMED) if had_none else deps
    return found


def _one_column(name: str, subtype: str) -> list[Dep]:
    return [Dep(0, name, subtype=subtype)]


def by_name(subtype: str = IDENTITY, indirect: Sequence[By] = ()) -> Rule:
    """Each column comes from the column of that name in the first input, or from the index level (``reset_index``)."""

    def rule(value: Value) -> Columns:
        now, before = columns_of(value), columns_of(value.inputs[0])
        if subtype == IDENTITY and now == before:
            fields = same_fields(now)
        else:
            known = frozenset(before)
            made = same_column if subtype == IDENTITY else partial(_one_column, subtype=subtype)
            fields = {name: made(name) if name in known else level(value, 0, name) for name in now}
        fields.update(levels(value))
        return Columns(fields, influences(value, indirect))

    return rule


def under(key: str, rule: Rule) -> Rule:
    """As ``rule``, for columns of several levels of which one was chosen by its label: ``frame["price"]`` has columns
    ``mean`` and ``max`` where the frame has ``price.mean`` and ``price.max``."""

    def chosen(value: Value) -> Columns:
        fields = {
            name: column(value, 0, f"{key}.{name}", IDENTITY)
            or column(value, 0, name, IDENTITY)
            or column(value, 0, f"{name}.{key}", IDENTITY)
            for name in columns_of(value)
        }
        return rule(value)._replace(fields=fields | levels(value))

    return chosen


def by_position(subtype: str = IDENTITY, indirect: Sequence[By] = ()) -> Rule:
    """Each column comes from the column at the same position in the first input, as in renaming; so do levels."""

    def rule(value: Value) -> Columns:
        names, source = columns_of(value), columns_of(value.inputs[0])
        fields: dict[str, list[Dep]] = {name: [] for name in names}
        for name, old in zip(names, source, strict=False):
            fields[name] = [*fields[name], Dep(0, old, subtype=subtype)]
        fields.update(levels(value))
        new, before = levels_of(value), levels_of(value.inputs[0])
        if len(new) == len(before):
            for name, old in zip(new, before, strict=True):
                fields[field_of_level(name)] = level(value, 0, old)
        return Columns(fields, influences(value, indirect))

    return rule


def from_all(subtype: str = TRANSFORMATION, indirect: Sequence[By] = ()) -> Rule:
    """Each column comes from every column of the first input: sums over columns, correlations, rows."""

    def rule(value: Value) -> Columns:
        fields = dict.fromkeys(columns_of(value) or ("*",), whole(value, 0, subtype))
        fields.update(levels(value))
        return Columns(fields, influences(value, indirect))

    return rule


def by_label(subtype: str) -> Rule:
    """As ``by_name``, with the labels of the index deciding which rows there are, or their order."""

    def rule(value: Value) -> Columns:
        return Columns(SAME(value).fields, by_levels(value, subtype, 0))

    return rule


def mapped(sources: Callable[[Value], Mapping[str, list[Dep]]], indirect: Sequence[By] = ()) -> Rule:
    """Columns as ``sources`` returns them; levels by name from the first input."""

    def rule(value: Value) -> Columns:
        known = sources(value)
        fields = {name: known.get(name, []) for name in columns_of(value)}
        fields.update({name: known.get(name) or deps for name, deps in levels(value).items()})
        return Columns(fields, influences(value, indirect))

    return rule


def opaque(value: Value) -> Columns:
    """The rule of an arbitrary Python function: every column comes from every column of every input, marked opaque."""
    deps = [Dep(i, None, description="opaque") for i in range(len(value.inputs))]
    names = columns_of(value) or ("*",)
    fields = dict.fromkeys(names, deps)
    fields.update({name: found or deps for name, found in levels(value).items()} if value.inputs else {})
    return Columns(fields)


SAME: Final = by_name()
CHANGED: Final = by_name(TRANSFORMATION)
AGGREGATED: Final = by_name(AGGREGATION)
RENAMED: Final = by_position()
SOURCE: Final = from_all()
TOTAL: Final = from_all(AGGREGATION)
CHOSEN: Final = by_label("FILTER")
ORDERED: Final = by_label("SORT")
MASKED: Final = by_name(IDENTITY, (By("FILTER", 1),))
