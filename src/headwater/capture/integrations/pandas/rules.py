"""Column rules of pandas operations: from a result's columns to the columns of what it was made from.

A rule is called later, on the worker's thread, with the value alone; it holds names, never data. Inputs of which
nothing is known have no columns: what a rule says of them leads nowhere and is harmless.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from headwater.capture.integrations.pandas.labels import columns_of, has_column
from headwater.capture.levels import UNNAMED, field_in, field_of_level, levels_of
from headwater.capture.values import Columns, Dep, Rule, Value

IDENTITY: Final = "IDENTITY"
TRANSFORMATION: Final = "TRANSFORMATION"
AGGREGATION: Final = "AGGREGATION"

REDUCTIONS: Final = (
    *("sum", "mean", "median", "min", "max", "std", "var", "sem", "skew", "kurt", "kurtosis", "prod", "product"),
    *("count", "nunique", "any", "all", "idxmin", "idxmax", "quantile", "mode"),
    *("first_valid_index", "last_valid_index", "argmin", "argmax"),
)
"""Methods that make one value, or few, of a column."""
SUMMARIES: Final = frozenset((*REDUCTIONS, "describe", "agg", "aggregate", "value_counts", "unique", "first", "last"))
"""Operations whose results are short: what is taken out of one is a fact about the whole."""


class By(NamedTuple):
    """An influence on which rows come out, or in what order: columns of an input, or all of it (``columns`` None)."""

    subtype: str
    input: int = 0
    columns: tuple[str, ...] | None = None


def level(value: Value, position: int, name: str, subtype: str = IDENTITY) -> list[Dep]:
    """The dependency on an index level of an input; empty if the input has no such level. One without a name goes
    by ``index`` too, as in pandas; one that lost its name is the only level there is."""
    source = value.inputs[position]
    known = levels_of(source)
    if name not in known:
        if name == "index" and UNNAMED in known:
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
    """The dependency on all the data in an input: the one column of a series, all columns of a frame (its index is none
    of them), everything of anything else."""
    names = columns_of(value.inputs[position])
    has_index = len(names) > 1 and levels_of(value.inputs[position])
    return [Dep(position, name, type, subtype) for name in (names if has_index or len(names) == 1 else (None,))]


def by_levels(value: Value, subtype: str, *positions: int) -> list[Dep]:
    """Indirect dependencies on all index levels of the inputs at ``positions``: labels decided what met what."""
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
    """Each index level of the result from the level, or else the column, of that name in one input; one that was given
    a name since from the level that had none."""
    found: dict[str, list[Dep]] = {}
    for name in levels_of(value):
        deps = level(value, position, name) or column(value, position, name, IDENTITY)
        had_none = not deps and UNNAMED in levels_of(value.inputs[position])
        found[field_of_level(name)] = level(value, position, UNNAMED) if had_none else deps
    return found


def by_name(subtype: str = IDENTITY, indirect: Sequence[By] = (), *, keys: Sequence[str] = ()) -> Rule:
    """Each column is made from the column of its name (or the index level: ``reset_index``) in the first input.

    ``keys`` are columns that are passed on unchanged whatever ``subtype`` says of the others.
    """

    def rule(value: Value) -> Columns:
        source = columns_of(value.inputs[0])
        fields: dict[str, list[Dep]] = {}
        known = set(source)
        for name in columns_of(value):
            if name in keys:
                fields[name] = level(value, 0, name) or column(value, 0, name, IDENTITY)
            elif name in known:
                fields[name] = [Dep(0, name, subtype=subtype)]
            else:
                fields[name] = level(value, 0, name)
        fields.update(levels(value))
        return Columns(fields, influences(value, indirect))

    return rule


def by_position(subtype: str = IDENTITY, indirect: Sequence[By] = ()) -> Rule:
    """Each column is made from the column at its place in the first input: a renaming. Levels likewise."""

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


def from_all(subtype: str = TRANSFORMATION, indirect: Sequence[By] = (), *, position: int = 0, why: str = "") -> Rule:
    """Each column may come from every column of one input, and is known to: sums over columns, correlations, rows."""

    def rule(value: Value) -> Columns:
        deps = [dep._replace(description=why) for dep in whole(value, position, subtype)]
        fields = dict.fromkeys(columns_of(value) or ("*",), deps)
        fields.update(levels(value, position))
        return Columns(fields, influences(value, indirect))

    return rule


def from_columns(names: Sequence[str], subtype: str = TRANSFORMATION, indirect: Sequence[By] = ()) -> Rule:
    """Each column comes from these columns of the first input."""

    def rule(value: Value) -> Columns:
        deps: list[Dep] = []
        for name in names:
            deps += column(value, 0, name, subtype)
        fields = dict.fromkeys(columns_of(value), deps)
        fields.update(levels(value))
        return Columns(fields, influences(value, indirect))

    return rule


def by_label(subtype: str) -> Rule:
    """As ``by_name``; the labels of the index decided which rows, or their order."""

    def rule(value: Value) -> Columns:
        return Columns(SAME(value).fields, by_levels(value, subtype, 0))

    return rule


def mapped(sources: Callable[[Value], Mapping[str, list[Dep]]], indirect: Sequence[By] = ()) -> Rule:
    """Columns as ``sources`` gives them; levels by name from the first input."""

    def rule(value: Value) -> Columns:
        known = sources(value)
        fields = {name: known.get(name, []) for name in columns_of(value)}
        fields.update({name: known.get(name) or deps for name, deps in levels(value).items()})
        return Columns(fields, influences(value, indirect))

    return rule


def opaque(value: Value) -> Columns:
    """A Python function decided: every column may come from every column of every input, and is marked so."""
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
