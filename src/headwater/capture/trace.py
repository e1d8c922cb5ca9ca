"""Traces a value back to the datasets it came from, column by column.

``trace(value)`` composes the column rules of all operations between a value and the datasets behind it. It runs on the
worker's thread, on immutable facts only, without recursion (a loop in a script makes chains of thousands), and stores
its result with the value, so that a frame with two outputs is traced once.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final, NamedTuple

from headwater.capture.guard import GUARD
from headwater.capture.struct_parts import is_part, moved, whole_of
from headwater.capture.values import (
    INFERRED,
    NOTHING,
    UNKNOWN,
    Columns,
    Dep,
    Value,
    is_same_column,
    opaque,
    same_columns,
)


class Source(NamedTuple):
    """A column of a dataset value; None for the dataset as a whole."""

    value: Value
    column: str | None


class Trail(NamedTuple):
    """How a source reaches a column, over all operations between them."""

    type: str
    subtype: str
    masking: bool
    description: str


Trails = dict[Source, Trail]

_NO_TRAILS: Final[Trails] = {}
_IDENTITY: Final = Trail("DIRECT", "IDENTITY", masking=False, description="")
_STRENGTH: Final = {"": 0, "IDENTITY": 0, "SORT": 0, "TRANSFORMATION": 1, "AGGREGATION": 2}
"""Of two trails, the one with the greater strength is kept: sorting counts less than choosing rows."""
MAX_TRAILS: Final = 200_000
"""Beyond this many column edges into one value, columns are no longer distinguished, and ``is_coarse`` is set."""


class Trace:
    """Where a value came from.

    ``fields``: the sources of each column of the value. ``indirect``: sources that affect all of it (filters, joins).
    ``behind``: every dataset value that contributed, even to columns since dropped. ``apart``: those that contributed
    to no particular column (the state of a fitted transformer). ``has_unknown``: something behind the value has an
    unknown origin. ``is_coarse``: there were too many column edges to keep, and only ``sources`` is valid. ``parts``:
    the sources of fields of struct columns, by the names of ``struct_parts``.
    """

    __slots__ = (
        *("_all", "_sources", "apart", "behind", "fields", "has_unknown", "indirect", "is_coarse", "parts"),
        "schemaless",
    )

    def __init__(self) -> None:
        self.fields: dict[str, Trails] = {}
        self.parts: dict[str, Trails] = {}
        self.indirect: Trails = {}
        self.behind: dict[Value, None] = {}
        self.apart: dict[Value, None] = {}
        self._sources: dict[Value, None] | None = None
        self.has_unknown = False
        self.is_coarse = False
        self.schemaless: Value | None = None
        """A dataset without a known list of columns (a database table), assumed to have any column asked for."""
        self._all: Trails | None = None

    @property
    def sources(self) -> dict[Value, None]:
        """The dataset values that the value, as it is now, is made of: the sources of its columns, the indirect ones,
        and those in ``apart``; or all in ``behind`` if no column has a source. The model behind a predicted column that
        was dropped from a frame again is therefore no source of the frame."""
        if self._sources is None:
            found = dict(self.apart)
            for trails in (*self.fields.values(), self.indirect):
                found.update((source.value, None) for source in trails)
            self._sources = self.behind if self.is_coarse or len(found) == len(self.apart) else found
        return self._sources

    def column(self, name: str | None) -> Trails:
        """The sources of one column, or of all columns if the name is None or unknown."""
        if name is not None and name in self.fields:
            return self.fields[name]
        if name is not None and is_part(name):
            return self._part(name)
        if name is not None and self.schemaless is not None:
            return {Source(self.schemaless, name): _IDENTITY}
        return self.everything()

    def _part(self, name: str) -> Trails:
        """The sources of a field of a struct column: where nobody told of it, of the column, as a guess if that was
        made of several."""
        known = self.parts.get(name)
        if known is not None:
            return known
        whole = self.column(whole_of(name))
        is_mixed = sum(trail.type == "DIRECT" for trail in whole.values()) > 1
        taken = Dep(0, None, description=INFERRED if is_mixed else "")
        return {source: compose(taken, trail) for source, trail in whole.items()}

    def everything(self) -> Trails:
        """The union of the sources of all columns; the datasets themselves if no columns are known."""
        if self._all is None:
            union: Trails = {}
            for trails in self.fields.values():
                _merge(union, trails)
            self._all = union or {Source(value, None): _IDENTITY for value in self.behind}
        return self._all


def trace(value: Value) -> Trace:
    """The trace of ``value``. It stops at values that are datasets, except for ``value`` itself."""
    stack = [value]
    begun: set[int] = set()
    while stack:
        top = stack[-1]
        if top.traced is not None:
            stack.pop()
            continue
        begun.add(id(top))
        # what has begun is below on the stack: a value that leads back to itself is of unknown origin there
        waiting = [
            item for item in top.inputs if item.dataset is None and item.traced is None and id(item) not in begun
        ]
        if waiting:
            stack.extend(waiting)
            continue
        top.traced = _combine(top)
        stack.pop()
    result: Trace = value.traced
    return result


def trace_from(value: Value, start: Value) -> Trace:
    """The trace of ``value`` back to ``start``, as if that were a dataset. What is older than ``start`` counts as
    known and has no part in it."""
    made: dict[int, Value] = {}
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if item is not start and item.number > start.number and id(item) not in made:
            made[id(item)] = item
            waiting.extend(item.inputs)
    found = {id(start): _as_dataset(start)}
    nothing, unknown = Trace(), Trace()
    unknown.has_unknown = True

    def view(item: Value) -> Trace:
        return found.get(id(item), unknown if item is UNKNOWN or id(item) in made else nothing)

    for item in sorted(made.values(), key=lambda item: item.number):
        found[id(item)] = _combine(item, view)
    return found.get(id(value), nothing)


def _combine(value: Value, seen: Callable[[Value], Trace] | None = None) -> Trace:
    """The trace of a value whose inputs have been traced. ``seen`` gives the trace of an input."""
    result = Trace()
    views = [(seen or _view)(item) for item in value.inputs]
    for view in views:
        result.behind.update(view.behind)
        result.apart.update(view.apart)
        result.has_unknown = result.has_unknown or view.has_unknown
        result.is_coarse = result.is_coarse or view.is_coarse
    if not value.inputs:
        result.has_unknown = value.dataset is None and value is not NOTHING
        return result
    if value.rule is same_columns and all(name in views[0].fields for name in value.column_names()):
        result.fields = {name: views[0].fields[name] for name in value.column_names()}
        result.indirect = dict(views[0].indirect)
        result.parts = views[0].parts
        for view in views[1:]:
            _merge(result.indirect, view.indirect)
        return result
    columns = columns_made(value)
    for position, view in enumerate(views):
        if position not in columns.beside:
            _merge(result.indirect, view.indirect)
    changed = _keep_same(result, columns, views[0])
    named = {dep.input for deps in (*changed.values(), columns.indirect) for dep in deps}
    if len(changed) < len(columns.fields):
        named.add(0)
    for position, view in enumerate(views):
        if position not in named:
            result.apart.update(view.behind)
    shared: dict[int, Trails] = {}
    size = sum(map(len, result.fields.values()))
    for name, deps in changed.items():
        trails = shared.get(id(deps))
        if trails is None:
            trails = shared[id(deps)] = _trails(deps, views, columns.beside, result.indirect)
            size += len(trails)
        result.fields[name] = trails
        if size > MAX_TRAILS:
            result.fields, result.is_coarse = {}, True
            break
    _keep_parts(result, columns, views, [name for name in changed if is_part(name)])
    _merge(
        result.indirect, {source: _as_indirect(trail) for source, trail in _resolve(columns.indirect, views).items()}
    )
    return result


def _keep_same(result: Trace, columns: Columns, first: Trace) -> dict[str, list[Dep]]:
    """Give the columns that are the same in the first input their trails, in the places of all columns, and return the
    others. Of a wide frame, most are the same at every step."""
    kept = first.fields if 0 not in columns.beside else {}
    result.fields = dict.fromkeys(columns.fields, _NO_TRAILS)
    changed: dict[str, list[Dep]] = {}
    for name, deps in columns.fields.items():
        if is_same_column(name, deps) and name in kept:
            result.fields[name] = kept[name]
        else:
            changed[name] = deps
    return changed


def _keep_parts(result: Trace, columns: Columns, views: list[Trace], told: list[str]) -> None:
    """Sort out the fields of struct columns that a rule ``told`` of, and take along those of columns that stay the
    same."""
    for name in told:
        if name in result.fields:
            result.parts[name] = result.fields.pop(name)
    if not any(view.parts for view in views):
        return
    for name, deps in columns.fields.items():
        dep = deps[0] if len(deps) == 1 else None
        view = views[dep.input] if dep is not None and dep.input < len(views) else None
        if dep is None or view is None or not view.parts or dep.subtype != "IDENTITY" or dep.type != "DIRECT":
            continue
        column = dep.column if dep.column is not None else next(iter(view.fields)) if len(view.fields) == 1 else ""
        for part, trails in view.parts.items():
            kept = moved(part, column, name)
            if kept is not None:
                result.parts.setdefault(kept, trails)


def columns_made(value: Value) -> Columns:
    """The result of the value's rule; opaque if it has no rule or the rule fails."""
    columns: Columns | None = None
    with GUARD.at(f"rule of {value.op}"):
        columns = value.rule(value) if value.rule is not None else None
    return columns if columns is not None else opaque(value)


def _view(value: Value) -> Trace:
    """The trace of a value as an input of others: a dataset is its own source, anything else has its trace."""
    if value.dataset is not None:
        return _as_dataset(value)
    traced: Trace | None = value.traced
    if traced is None:
        traced = Trace()
        traced.has_unknown = True  # it leads back to what is being traced
    return traced


def _as_dataset(value: Value) -> Trace:
    view = Trace()
    view.behind[value] = None
    view.fields = {name: {Source(value, name): _IDENTITY} for name in value.column_names()}
    if not view.fields:
        view.schemaless = value
    return view


def _trails(deps: list[Dep], views: list[Trace], beside: tuple[int, ...], known: Trails) -> Trails:
    """The sources of one column. ``known`` are the indirect ones of all columns."""
    trails = _resolve(deps, views)
    if not beside:
        return trails
    trails = dict(trails)
    for position in {dep.input for dep in deps}.intersection(beside):
        own = views[position].indirect
        _merge(trails, {source: own[source] for source in own if source not in known})
    return trails


def _resolve(deps: list[Dep], views: list[Trace]) -> Trails:
    """The sources behind some dependencies. What one column is as it was is not copied, and must not be changed."""
    if len(deps) == 1 and deps[0].input < len(views) and _is_plain(deps[0]):
        return views[deps[0].input].column(deps[0].column)
    found: Trails = {}
    for dep in deps:
        if dep.input >= len(views):
            continue
        inner = views[dep.input].column(dep.column)
        _merge(found, inner if _is_plain(dep) else {source: compose(dep, trail) for source, trail in inner.items()})
    return found


def _is_plain(dep: Dep) -> bool:
    return dep.type == "DIRECT" and dep.subtype == "IDENTITY" and not dep.masking and not dep.description


def compose(dep: Dep | Trail, inner: Trail) -> Trail:
    """The trail of ``dep`` after ``inner``: indirect if either is, otherwise with the stronger transformation."""
    return _composed(dep.type, dep.subtype, dep.masking, dep.description, inner)


@lru_cache(maxsize=1_024)
def _composed(type: str, subtype: str, masking: bool, description: str, inner: Trail) -> Trail:
    """There are few trails, and a program has millions of columns that they lead to."""
    masking = masking or inner.masking
    guessed = INFERRED in (description, inner.description)
    description = INFERRED if guessed else description or inner.description
    if type == "INDIRECT":
        return Trail("INDIRECT", subtype, masking, description)
    if inner.type == "INDIRECT":
        return Trail("INDIRECT", inner.subtype, masking, description)
    outer_strength, inner_strength = _STRENGTH.get(subtype, 1), _STRENGTH.get(inner.subtype, 1)
    return Trail("DIRECT", subtype if outer_strength >= inner_strength else inner.subtype, masking, description)


def _as_indirect(trail: Trail) -> Trail:
    return trail if trail.type == "INDIRECT" else Trail("INDIRECT", trail.subtype, trail.masking, trail.description)


def _merge(into: Trails, more: Trails) -> None:
    """Add ``more`` to ``into``. For a source in both, a direct trail wins, then the stronger one, then a known one."""
    if not into:
        into.update(more)
        return
    for source, trail in more.items():
        known = into.setdefault(source, trail)
        if known is not trail and _weight(trail) > _weight(known):
            into[source] = trail


@lru_cache(maxsize=1_024)
def _weight(trail: Trail) -> tuple[bool, int, str, bool]:
    strength = _STRENGTH.get(trail.subtype, 1)
    return trail.type == "DIRECT", strength, trail.subtype, trail.description != INFERRED
