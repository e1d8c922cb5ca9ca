"""Infers from the source which columns the rows of a list were made from.

``for row in df.itertuples(): rows.append({"id": row.id, "dti": row.debt / row.income})`` builds a list of
dictionaries, which cannot be followed, and ``pd.DataFrame(rows)`` makes a frame from it. Hooks record where the frame
was iterated over; the source shows what was appended, under which key, and which columns the expression uses.

Nothing is executed. The result is marked ``inferred``, since a name may have been rebound. An expression that cannot be
resolved comes from everything that was iterated over for it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from types import CodeType
from typing import Final

from headwater.capture.levels import is_column
from headwater.capture.source_analysis.bindings import Step, own_names, steps_of
from headwater.capture.source_analysis.names_above import Known, NamesAbove, Passes
from headwater.capture.source_analysis.row_columns import Found, as_rows, by_place, column_of, labels_of, of_rows
from headwater.capture.source_analysis.row_layout import places_of
from headwater.capture.source_analysis.row_list_syntax import (
    FETCHES,
    GIVES_A_ROW,
    GIVES_KEYS,
    GIVES_ROWS,
    GOES_THROUGH,
    GROUPS,
    HANDS_ON,
    LENGTH,
    LOADERS,
    Maker,
    Scope,
    Target,
    added_to,
    bound_by,
    called_name,
    cells_put_in,
    copied,
    data_at,
    given_to,
    owner_of,
    pairs_of,
    put_in,
    target_of,
    texts_in,
    that_give,
    uses_of,
)
from headwater.capture.values import INFERRED, Columns, Dep, Value, make_value

Rounds = Callable[[Value], Iterable[Value]]
"""Returns the values that the instruction behind a value made in all iterations of a loop."""
Loaded = Callable[[ast.Call], Iterable[Value]]
"""Returns the files that the user's function in a call iterated over."""

GATHERED: Final = "rows"
"""The operation of a value inferred from what the code collected in a list."""
MEASURES: Final = frozenset((
    *("shape", "size", "empty", "ndim", "dtype", "dtypes", "columns", "feature_names_in_", "index"),
))  # fmt: skip
"""Attributes that describe data without containing any."""
_COMPREHENSIONS: Final = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_MAX_DEPTH: Final = 12


_Seen = set[tuple[str, int, str | None]]
"""The statements examined for an expression: the name, the line, and the column asked for."""


def row_list_table(
    code: CodeType,
    line: int,
    passes: Passes,
    known: Known,
    rounds: Rounds,
    loaded: Loaded,
    names: tuple[str, ...],
    rows: int | None,
    maker: Maker = Maker(),  # noqa: B008 - an immutable tuple
) -> Value | None:
    """A value for a table with these columns that is made, at ``line`` of ``code``, from a list (or from lists by
    name); None if the code shows nothing followed that it comes from."""
    steps = steps_of(code)
    reader = _Reader(NamesAbove(steps, passes, known, line), rounds, loaded)
    data = data_at(steps, line, maker)
    if data is None:
        return None
    keyed = reader.row(data) if maker.is_row else reader.table(data)
    everything = dict.fromkeys(pair for found in keyed.values() for pair in found)
    if not everything:
        return None
    inputs = tuple(dict.fromkeys(value for value, _ in everything))
    fields: dict[str, list[Dep]] = {}
    for place, name in enumerate(names):
        row = keyed.get(_ROW, {})
        found = {**keyed.get(place, {}), **keyed.get(name, {}), **(by_place(row, place) or of_rows(row, name))}
        if not found and name not in keyed and place not in keyed:
            found = dict(everything)  # its key is computed
        found.update(keyed.get(_ANY, {}))
        fields[name] = [Dep(inputs.index(value), column, description=INFERRED) for value, column in found]
    return make_value(GATHERED, inputs, lambda _: Columns(fields), columns=names, rows=rows, code=code, line=line)


_ROW: Final = "\0row"
"""The key for sources of whole rows: each column comes from the column of the same name."""
_ANY: Final = "\0any"
"""The key for sources of all columns."""
_LABEL: Final = {"itertuples": "Index", "iterrows": "name"}
"""The attribute of a row with its label, by the call that returned the row."""


class _Reader:
    """Examines the statements of one function or module above one line."""

    def __init__(self, names: NamesAbove, rounds: Rounds, loaded: Loaded) -> None:
        self._names = names
        self._loaded_by = loaded
        self._rounds = rounds
        self._entered: set[str] = set()
        """Lists and rows that were examined: each is examined once, even if it is made from itself."""
        self._known: dict[tuple[int, str | None, frozenset[tuple[str, Target]]], Found] = {}
        """The sources of iterated expressions."""

    def table(self, data: ast.expr) -> dict[str | int, Found]:
        """The sources of each column of the table, by its name or position; see ``_ROW`` and ``_ANY``."""
        found: dict[str | int, Found] = {}
        lists = pairs_of(data)
        if lists is None:
            for element, scope in self._elements(data, {}, 0):
                self._row(element, scope, found, 0)
            return found
        for key, values in lists:
            self._entered.clear()
            for element, scope in self._elements(values, {}, 0):
                _add(found, _ANY if key is None else key, self._sources(element, scope, 0))
        return found

    def row(self, data: ast.expr) -> dict[str | int, Found]:
        """As ``table``, of a single row."""
        found: dict[str | int, Found] = {}
        self._row(data, {}, found, 0)
        return found

    def _elements(self, node: ast.expr, scope: Scope, depth: int) -> Iterator[tuple[ast.expr, Scope]]:
        """The expressions of the items of a list."""
        if depth > _MAX_DEPTH:
            return
        if isinstance(node, ast.ListComp | ast.GeneratorExp | ast.SetComp):
            yield node.elt, scope | bound_by(node.generators)
        elif isinstance(node, ast.List | ast.Tuple):
            yield from ((item, scope) for item in node.elts)
        elif isinstance(node, ast.Call) and called_name(node) in HANDS_ON and node.args:
            yield from self._elements(node.args[0], scope, depth + 1)
        elif isinstance(node, ast.DictComp):
            yield node.value, scope | bound_by(node.generators)
        elif isinstance(node, ast.Call) and called_name(node) == "items" and owner_of(node) and not scope:
            pairs = list(self._pairs_in(owner_of(node)))
            yield from pairs or [(node, scope)]
        elif isinstance(node, ast.Name):
            for step in self._bindings_once("list " + node.id):
                for _, item in cells_put_in(step.node, node.id):
                    yield item, scope
                for item in put_in(step.node, node.id):
                    yield item, scope
                for values in added_to(step.node, node.id):
                    yield from self._elements(values, scope, depth + 1)
        else:
            yield node, scope

    def _pairs_in(self, name: str) -> Iterator[tuple[ast.expr, Scope]]:
        """The key and value of each item of a dictionary, according to the statements that filled it."""
        for step in self._bindings_once("dict " + name):
            for key, item in cells_put_in(step.node, name):
                yield ast.Tuple([key, item], ast.Load()), {}
            made = getattr(step.node, "value", None)
            if isinstance(made, ast.DictComp):
                yield ast.Tuple([made.key, made.value], ast.Load()), bound_by(made.generators)
            elif (
                made is not None and called_name(made) == "dict" and isinstance(made, ast.Call) and len(made.args) == 1
            ):
                yield from self._elements(made.args[0], {}, 1)

    def _row(self, element: ast.expr, scope: Scope, found: dict[str | int, Found], depth: int) -> None:
        """Add the sources of each key of one row, written as a dictionary, a sequence or a name."""
        pairs = pairs_of(element)
        places = places_of(element, scope, self._names) if pairs is None else None
        if places is not None:
            for place, columns in enumerate(places):
                _add(found, place, columns)
        elif pairs is not None:
            for key, item in pairs:
                if key is None:
                    self._row(item, scope, found, depth + 1)
                else:
                    _add(found, key, self._sources(item, scope, 0))
        elif isinstance(element, ast.List | ast.Tuple) or called_name(element) == "zip":
            items = element.elts if isinstance(element, ast.List | ast.Tuple) else getattr(element, "args", [])
            for place, item in enumerate(items):
                _add(found, place, self._sources(item, scope, 0))
        elif isinstance(element, ast.Name) and element.id not in scope and depth < _MAX_DEPTH:
            self._named_row(element.id, scope, found, depth)
        elif called_name(element) == "items" and (series := [v for v in self._names.passed(element) if is_column(v)]):
            _add(found, 0, labels_of(series))
            _add(found, 1, {(value, name): None for value in series for name in value.column_names()})
        else:
            whole = self._sources(element, scope, 0)
            is_row = isinstance(element, ast.Name) or called_name(element) in GIVES_A_ROW | GIVES_KEYS
            _add(found, _ROW if is_row else _ANY, whole)

    def _named_row(self, name: str, scope: Scope, found: dict[str | int, Found], depth: int) -> None:
        for step in self._bindings_once("row " + name):
            node = step.node
            if isinstance(node, ast.For | ast.AsyncFor):
                _add(found, _ROW, self._sources(ast.Name(name), scope, 0))
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
                key = node.targets[0].slice
                text = key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else _ANY
                _add(found, text, self._sources(node.value, scope, 0))
            elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                self._row(node.value, scope, found, depth + 1)
            elif isinstance(node, ast.Expr):
                for values in added_to(node, name):
                    self._row(values, scope, found, depth + 1)

    def _sources(self, node: ast.expr, scope: Scope, depth: int, seen: _Seen | None = None) -> Found:
        """The columns used in an expression. ``seen`` are the statements examined for it: each is examined once, since
        its result does not depend on how it was reached."""
        found: Found = {}
        seen = set() if seen is None else seen
        if depth > _MAX_DEPTH:
            return found
        if called_name(node) in FETCHES and isinstance(node, ast.Call):
            return dict.fromkeys((value, None) for value in self._names.fetched(node))
        loaded = self._names.passed(node) if called_name(node) in LOADERS else []
        if loaded:
            return dict.fromkeys((value, None) for value in loaded)
        own = own_names(node)
        line = getattr(node, "lineno", 0)
        for name, column in uses_of(node):
            if name not in own:
                found.update(self._behind_name(name, column, scope, depth, seen, line))
        if any(called_name(item) in GOES_THROUGH or isinstance(item, _COMPREHENSIONS) for item in ast.walk(node)):
            found.update(dict.fromkeys((value, None) for value in self._names.passed(node)))
        if not found and isinstance(node, ast.Call):
            return dict.fromkeys((value, None) for value in self._loaded_by(node))
        has_keys = called_name(node) in GIVES_KEYS
        return {(as_rows(value), column): None for value, column in found} if has_keys else found

    def _behind_name(
        self, name: str, column: str | None, scope: Scope, depth: int, seen: _Seen, line: int = 0
    ) -> Found:
        """The columns behind a name, or behind its ``column``, at a line."""
        found: Found = {}
        is_counted = column == LENGTH
        target = scope.get(name)
        is_apart = target is not None or column in MEASURES
        steps = [] if is_apart else that_give(self._names.latest(name, line), column)
        is_other = self._names.is_bound_since(name, line) or any(
            isinstance(step.node, ast.For | ast.AsyncFor) for step in steps
        )
        live = None if is_apart or is_other else self._names.known(name)
        if live is not None:
            lives = (live,) if all(step.is_sure for step in steps) else (live, *self._rounds(live))
            return {} if is_counted else {(value, column_of(value, column)): None for value in lives}
        part = self._names.known(name, column) if not is_other and not is_apart and column is not None else None
        if part is not None:  # bundle.X_train
            return {} if is_counted else {(part, None): None}
        for step in steps:
            value = given_to(step, name)
            if isinstance(step.node, ast.For | ast.AsyncFor):
                target = target_of(step.node.target, step.node.iter, name)
            elif (name, step.first, column) not in seen and value is not None and depth < _MAX_DEPTH:
                seen.add((name, step.first, column))
                other = copied(value)
                if other is not None:  # row = row.copy(): examine that one instead
                    found.update(self._behind_name(other, column, scope, depth + 1, seen, step.first))
                else:
                    more = self._sources(value, scope, depth + 1, seen)
                    found.update(more if not is_counted or self._is_of_items(value, scope) else {})
        if is_counted and target is not None and called_name(target.iterated) in GROUPS:
            target = target._replace(place=0)  # the size of a group depends on its key
        if target is not None and not (is_counted and called_name(target.iterated) in GIVES_ROWS):
            found.update(self._items(target, None if is_counted else column, scope, depth))
        return found

    def _is_of_items(self, node: ast.expr, scope: Scope) -> bool:
        """Whether an expression names an item of an iteration, whose length is data and not a number of rows."""
        waiting, seen = [name for name, _ in uses_of(node)], set[str]()
        while waiting:
            name = waiting.pop()
            bound = [step.node for step in self._names.latest(name)] if name not in seen else []
            if name in scope or any(isinstance(one, ast.For | ast.AsyncFor) for one in bound):
                return True
            seen.add(name)
            given = [value for one in bound if (value := getattr(one, "value", None)) is not None]
            waiting += [other for value in given for other, _ in uses_of(value)]
        return False

    def _items(self, target: Target, column: str | None, scope: Scope, depth: int) -> Found:
        """The columns behind a name bound by a loop, or behind its ``column``."""
        iterated, place = target
        called = called_name(iterated)
        if called == "enumerate" and isinstance(iterated, ast.Call) and iterated.args:
            if place == 0:
                return {}
            return self._items(Target(iterated.args[0], None), column, scope, depth)
        if called == "zip" and isinstance(iterated, ast.Call) and place is not None and place < len(iterated.args):
            return self._items(Target(iterated.args[place], None), column, scope, depth)
        if called in ("iterrows", "items") and place == 0:
            rows = self._names.passed(iterated)
            return labels_of(rows if called == "iterrows" else [value for value in rows if is_column(value)])
        if called in GROUPS and place == 0:  # the key of a group
            keys = texts_in(iterated)
            values = dict.fromkeys(value for value, _ in self._behind(iterated, None, scope, depth))
            return {(value, name): None for value in values for name in value.column_names() if name in keys}
        found = self._names.passed(iterated)
        if not found and isinstance(iterated, ast.Name):  # for row in cursor
            found = self._names.executed(iterated.id, iterated.lineno)
        if not found:
            return self._behind(iterated, column, scope, depth)
        if (
            column is not None
            and column == _LABEL.get(called)
            and not any(column in value.column_names() for value in found)
        ):
            return labels_of(found)
        mentioned = {text for _, text in uses_of(iterated)} | texts_in(iterated)
        narrowed = [value for value in found if mentioned.intersection(value.column_names())] or found
        return {(value, column_of(value, column)): None for value in narrowed}

    def _behind(self, iterated: ast.expr, column: str | None, scope: Scope, depth: int) -> Found:
        """As ``_items``, for an iterated expression whose names were bound above."""
        key = (id(iterated), column, frozenset(scope.items()))
        if key not in self._known:
            found = self._known[key] = {}  # set first, because it may be made from itself
            for value, known in self._sources(iterated, scope, depth + 1):
                found[value, known if known is not None else column_of(value, column)] = None
        return self._known[key]

    def _bindings_once(self, role: str) -> list[Step]:
        """As ``bindings``, for a role followed by a name; empty the second time."""
        if role in self._entered:
            return []
        self._entered.add(role)
        return self._names.bindings(role.partition(" ")[2])


def _add(found: dict[str | int, Found], key: str | int, more: Found) -> None:
    found.setdefault(key, {}).update(more)
