"""Finds which columns an expression uses, in code that goes through rows with plain Python.

``row.debt / row["income"]`` in ``for row in df.itertuples()`` uses two columns of ``df``. Names are followed to the
statements and loops that bind them, and across calls of the user's functions.
"""

from __future__ import annotations

import ast
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator
from typing import Final, Self

from headwater.capture.levels import is_column
from headwater.capture.source_analysis.bindings import Step, begins_anew, own_names
from headwater.capture.source_analysis.call_origins import place_of
from headwater.capture.source_analysis.literals import is_written
from headwater.capture.source_analysis.names_above import NamesAbove, is_measure
from headwater.capture.source_analysis.own_attributes import self_of, steps_with_attributes
from headwater.capture.source_analysis.row_columns import (
    Found,
    as_rows,
    by_place,
    column_of,
    is_document,
    labels_of,
    of_column,
    of_computed_keys,
    of_rows,
)
from headwater.capture.source_analysis.row_layout import fetched_in
from headwater.capture.source_analysis.row_list_syntax import (
    FETCHES,
    GIVES_KEYS,
    GIVES_ROWS,
    GOES_THROUGH,
    GROUPS,
    LENGTH,
    LOADERS,
    Scope,
    Target,
    Texts,
    called_name,
    chosen_by_names,
    copied,
    given_to,
    target_of,
    texts_in,
    texts_of_key,
    that_give,
    uses_of,
)
from headwater.capture.source_analysis.rows_across_calls import (
    Records,
    Result,
    attribute_at,
    fills_of,
    is_parameter,
    items_kept,
    known_at,
    loaded_by,
    pairs_at,
    passed_for,
    passes_of,
    property_read,
    results_of,
    texts_of,
)
from headwater.capture.source_analysis.running_names import Position

MAX_DEPTH: Final = 12
ROW: Final = "\0row"
"""The key for sources of whole rows: each column comes from the column of the same name."""
_COMPREHENSIONS: Final = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_LABEL: Final = {"itertuples": "Index", "iterrows": "name"}
"""The attribute of a row with its label, by the call that returned the row."""

_Seen = set[tuple[str, int, str | None]]
"""The statements examined for an expression: the name, the line, and the column asked for."""
_Asked = tuple[int, str | int | None, frozenset[tuple[str, Target]]]
"""An expression by its ``id()``, what is asked of its items, and the names bound around it."""
Given = Callable[[str], "Expression | None"]
"""Returns what a call passed for a parameter."""


class RowSources(ABC):
    """Finds the columns behind expressions in one function or module above one line. ``given`` tells what the call of a
    function that has returned passed for a parameter; ``texts`` may name the files that it meant."""

    def __init__(self, at: Position, records: Records, given: Given | None = None, texts: Collection[str] = ()) -> None:
        self._at = at
        self._records = records
        passes = passes_of(records.passes(at.code), texts)
        self._names = NamesAbove(steps_with_attributes(at.code), passes, known_at(at, records), at.line)
        self._given_by_call = given
        self._known: dict[_Asked, Found] = {}
        """The sources of iterated expressions."""
        self._cells: dict[_Asked, Found] = {}
        """The sources of what stands under a key, or at a place, of their items."""

    @abstractmethod
    def _elements(self, node: ast.expr, scope: Scope, depth: int) -> Iterator[Expression]:
        """The expressions of the items of a list."""

    @abstractmethod
    def _row(self, element: ast.expr, scope: Scope, found: dict[str | int, Found], depth: int) -> None:
        """Add the sources of each key of one row, written as a dictionary, a sequence or a name."""

    def _rows(self, data: ast.expr, scope: Scope, found: dict[str | int, Found], depth: int) -> None:
        """Add the sources of each key of the rows of a list."""
        for reader, element, inner in self._elements(data, scope, depth):
            reader._row(element, inner, found, depth)

    def _results(self, call: ast.expr | None, place: int | None, scope: Scope) -> Iterator[tuple[Self, ast.expr, bool]]:
        """The expressions that a function of the user's returned, each with what reads them, and whether it is an
        item of a generator."""
        for result in results_of(call, self._at, place):
            if not self._records.cross():
                return
            yield self._reader_of(result, scope), result.node, result.is_item

    def _reader_of(self, result: Result, scope: Scope) -> Self:
        """What reads a function that was called."""

        def given(name: str) -> Expression | None:
            node = result.argument(name)
            return (self, node, scope) if node is not None else None

        return type(self)(result.at, self._records, given, result.texts)

    def _passed_for(self, name: str) -> list[Expression]:
        """What calls passed for a parameter of this function; empty if it is none."""
        if self._given_by_call is not None:
            given = self._given_by_call(name)
            return [given] if given is not None else []
        is_passed = is_parameter(self._at, name) and self._records.cross()
        passed = passed_for(self._at, name) if is_passed else []
        return [(self._reader_at(one.at), one.node, {}) for one in passed]

    def _filled(self, name: str, role: str, attribute: str | None = None) -> Iterator[tuple[Self, str]]:
        """The methods that put something into an attribute of an object, each with what reads it and the name of the
        attribute in it; see ``fills_of``. An attribute is examined once for each role."""
        places = fills_of(name, attribute, self._at)
        known = (places[0].owner, f"{role} {places[0].name}") if places else None
        if known is None or known in self._records.entered or not self._records.cross():
            return
        self._records.entered.add(known)
        for place in places:
            if place.at.code is not self._at.code:
                yield self._reader_at(place.at), place.name

    def _reader_at(self, at: Position) -> Self:
        """What reads a function or method; the same one each time, so that it knows what it has examined."""
        own = self_of(at.code)
        key = at.code, at.line, id(at.lookup(own)) if own else 0
        made: Self | None = self._records.readers.get(key)
        if made is None:
            made = self._records.readers[key] = type(self)(at, self._records, texts=texts_of(at))
        return made

    def _sources(self, node: ast.expr, scope: Scope, depth: int, seen: _Seen | None = None) -> Found:
        """The columns used in an expression. ``seen`` are the statements examined for it: each is examined once, since
        its result does not depend on how it was reached."""
        found: Found = {}
        seen = set() if seen is None else seen
        if depth > MAX_DEPTH:
            return found
        if called_name(node) in FETCHES and isinstance(node, ast.Call):
            return dict.fromkeys((value, None) for value in self._names.fetched(node))
        loaded = self._names.passed(node) if called_name(node) in LOADERS else []
        has_keys = called_name(node) in GIVES_KEYS
        if loaded:
            return {(as_rows(value) if has_keys else value, None): None for value in loaded}
        found.update(fetched_in(node, self._names))
        own = own_names(node) | self._choosing(node)
        line = getattr(node, "lineno", 0)
        for name, column in uses_of(node, self._texts_by(scope)):
            if name not in own:
                found.update(self._behind_name(name, column, scope, depth, seen, line))
        if any(called_name(item) in GOES_THROUGH or isinstance(item, _COMPREHENSIONS) for item in ast.walk(node)):
            found.update(dict.fromkeys((value, None) for value in self._names.passed(node)))
        if isinstance(node, ast.Call):
            found.update(self._returned(node, None, scope, depth))
            if not found:
                return dict.fromkeys((value, None) for value in loaded_by(node, self._at, self._records))
        return {(as_rows(value), column): None for value, column in found} if has_keys else found

    def _texts_by(self, scope: Scope) -> Texts:
        def texts(node: ast.Name | ast.Attribute) -> list[str]:
            if isinstance(node, ast.Attribute) or "." in node.id:
                held = attribute_at(node, self._at)
                return [held] if isinstance(held, str) else []
            name = node.id
            found = self._names.texts(name, scope, self._at.lookup, getattr(node, "lineno", 0))
            given = self._passed_for(name) if not found and name not in scope else []
            passed = [texts_of_key(key, by._texts_by(own)) for by, key, own in given]
            return found or ([text for keys in passed for text in keys] if all(passed) else [])

        return texts

    def _choosing(self, node: ast.expr) -> set[str]:
        """The names that only choose rows of a followed array or frame: ``kept`` in ``labels[kept]``."""
        return {mask for whole, mask in chosen_by_names(node) if self._names.known(whole) is not None}

    def _behind_name(
        self, name: str, column: str | None, scope: Scope, depth: int, seen: _Seen, line: int = 0
    ) -> Found:
        """The columns behind a name, or behind its ``column``, at a line."""
        found: Found = {}
        is_counted = column == LENGTH
        target = scope.get(name)
        bound = [] if target is not None else self._names.latest(name, line)
        is_apart = target is not None or is_measure(column, bound)
        steps = [] if is_apart else that_give(bound, column)
        is_other = self._names.is_bound_since(name, line) or any(
            isinstance(step.node, ast.For | ast.AsyncFor) for step in steps
        )
        live = None if is_apart or is_other else self._names.known(name)
        if live is not None:
            lives = (live,) if all(step.is_sure for step in steps) else (live, *self._records.rounds(live))
            return {} if is_counted else {(value, column_of(value, column)): None for value in lives}
        part = self._names.known(name, column) if not is_other and not is_apart and column is not None else None
        if part is not None:  # bundle.X_train
            return {} if is_counted else {(part, None): None}
        if not is_apart and depth < MAX_DEPTH:
            found.update(self._put_elsewhere(name, column, steps, depth, seen))
            found.update(self._still_given(name, column, depth, seen, line) if steps else {})
        if not steps and target is None:
            return found or self._behind_parameter(name, column, depth)
        for step in steps:
            value = given_to(step, name)
            if isinstance(step.node, ast.For | ast.AsyncFor):
                target = target_of(step.node.target, step.node.iter, name)
            elif (name, step.first, column) not in seen and value is not None and depth < MAX_DEPTH:
                seen.add((name, step.first, column))
                other = copied(value)
                if other is not None:  # row = row.copy(): examine that one instead
                    found.update(self._behind_name(other, column, scope, depth + 1, seen, step.first))
                else:
                    place = place_of(step.node, name)
                    if place is not None and isinstance(value, ast.Tuple) and place < len(value.elts):
                        value, place = value.elts[place], None  # a, b = x[kept], y[kept]
                    more = self._returned(value, place, scope, depth) if place is not None else {}
                    more = of_column(more or self._sources(value, scope, depth + 1, seen), column)
                    is_data = not is_counted or self._is_of_items(value, scope)
                    found.update(more if is_data else {one: None for one in more if is_document(one[0])})
        if is_counted and target is not None and called_name(target.iterated) in GROUPS:
            target = target._replace(place=0)  # the size of a group depends on its key
        if target is not None and not (is_counted and called_name(target.iterated) in GIVES_ROWS):
            found.update(self._items(target, None if is_counted else column, scope, depth))
        return found

    def _returned(self, call: ast.expr, place: int | None, scope: Scope, depth: int) -> Found:
        """The columns used in what a function of the user's returns."""
        found: Found = {}
        for reader, node, _ in self._results(call, place, scope) if depth < MAX_DEPTH else ():
            found.update(reader._sources(node, {}, depth + 1))
        return found

    def _still_given(self, name: str, column: str | None, depth: int, seen: _Seen, line: int) -> Found:
        """The columns behind what was passed for a parameter that may still be in its name: ``y = np.asarray(y)``."""
        is_new = any(begins_anew(step, name, line) for step in self._names.bindings(name, line))
        if is_new or (name, 0, column) in seen:
            return {}
        seen.add((name, 0, column))
        return self._behind_parameter(name, column, depth)

    def _behind_parameter(self, name: str, column: str | None, depth: int) -> Found:
        """As ``_behind_name``, for a parameter of this function."""
        found: Found = {}
        for reader, node, scope in self._passed_for(name) if depth < MAX_DEPTH and column != LENGTH else ():
            if isinstance(node, ast.Name):
                found.update(reader._behind_name(node.id, column, scope, depth + 1, set(), node.lineno))
            else:
                found.update(of_column(reader._sources(node, scope, depth + 1), column))
        return found

    def _put_elsewhere(self, name: str, column: str | None, steps: list[Step], depth: int, seen: _Seen) -> Found:
        """The columns behind what other methods put into ``self.rows``, or for the column ``rows`` of ``loader`` into
        that attribute."""
        found: Found = {}
        computed = property_read(name, column, self._at)
        if computed is not None:
            return self._returned(computed, None, {}, depth)
        if "." in name or column is not None:
            found.update(dict.fromkeys((value, None) for value in items_kept(name, column, self._at, self._records)))
        if "." not in name:
            places = self._filled(name, "name", column) if column is not None else ()
            column = None
        elif any(begins_anew(step, name) for step in steps):
            return found
        else:
            places = self._filled(name, f"name {column}")
        for reader, inner in places:
            found.update(reader._behind_name(inner, column, {}, depth + 1, seen))
        return found

    def _is_of_items(self, node: ast.expr, scope: Scope) -> bool:
        """Whether an expression names an item of an iteration, whose length is data and not a number of rows."""
        waiting, seen = [name for name, _ in uses_of(node)], set[str]()
        while waiting:
            name = waiting.pop()
            bound = [step.node for step in self._names.latest(name)] if name not in seen else []
            if name in scope or any(isinstance(statement, ast.For | ast.AsyncFor) for statement in bound):
                return True
            seen.add(name)
            given = [value for statement in bound if (value := getattr(statement, "value", None)) is not None]
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
            told = labels_of(rows if called == "iterrows" else [value for value in rows if is_column(value)])
            return told if rows else self._cell(iterated, place, scope, depth)  # a key of a dictionary
        if called in GROUPS and place == 0:  # the key of a group
            texts = self._texts_by(scope)
            keys = texts_in(iterated) | {text for name, _ in uses_of(iterated) for text in texts(ast.Name(name))}
            values = dict.fromkeys(value for value, _ in self._behind(iterated, None, scope, depth))
            return {(value, name): None for value in values for name in value.column_names() if name in keys}
        found = self._names.passed(iterated)
        if not found and isinstance(iterated, ast.Name):  # for row in cursor
            found = self._names.executed(iterated.id, iterated.lineno)
        if not found:
            key = column if place is None else place
            cell = self._cell(iterated, key, scope, depth)
            is_told = bool(cell) or self._is_spelled(iterated, key, scope, depth)
            return cell if is_told else self._behind(iterated, column, scope, depth)
        if (
            column is not None
            and column == _LABEL.get(called)
            and not any(column in value.column_names() for value in found)
        ):
            return labels_of(found)
        mentioned = {text for _, text in uses_of(iterated)} | texts_in(iterated)
        narrowed = [value for value in found if mentioned.intersection(value.column_names())] or found
        return {(value, column_of(value, column)): None for value in narrowed}

    def _is_spelled(self, iterated: ast.expr, key: str | int | None, scope: Scope, depth: int) -> bool:
        """Whether what stands under a key of each row of a list that the code fills is literal there."""
        if not isinstance(key, str) or depth > MAX_DEPTH or not isinstance(iterated, ast.Name):
            return False
        before, self._records.entered = self._records.entered, set()
        rows = [(reader, pairs_at(row, reader._at)) for reader, row, _ in self._elements(iterated, scope, depth + 1)]
        self._records.entered = before
        cells = [(reader, [item for name, item in pairs or () if name == key]) for reader, pairs in rows]
        return bool(cells) and all(
            len(items) == 1 and is_written(items[0], reader._at.code, reader._at.line) for reader, items in cells
        )

    def _cell(self, iterated: ast.expr, key: str | int | None, scope: Scope, depth: int) -> Found:
        """The columns behind what stands under a key, or at a place, of each row of a list that the code fills."""
        if key is None or depth > MAX_DEPTH or not isinstance(iterated, ast.Name | ast.Call):
            return {}
        known = (id(iterated), key, frozenset(scope.items()))
        if known not in self._cells:
            self._cells[known] = {}  # set first, because it may be made from itself
            rows: dict[str | int, Found] = {}
            before, self._records.entered = self._records.entered, set()
            self._rows(iterated, scope, rows, depth + 1)
            self._records.entered = before
            row = rows.get(ROW, {})
            own = by_place(row, key) if isinstance(key, int) else of_rows(row, key)
            found = {**rows.get(key, {}), **own, **of_computed_keys(rows, key)}
            self._cells[known] = found if key in rows or own else {}
        return self._cells[known]

    def _behind(self, iterated: ast.expr, column: str | None, scope: Scope, depth: int) -> Found:
        """As ``_items``, for an iterated expression whose names were bound above."""
        key = (id(iterated), column, frozenset(scope.items()))
        if key not in self._known:
            found = self._known[key] = {}  # set first, because it may be made from itself
            found.update(of_column(self._sources(iterated, scope, depth + 1), column))
        return self._known[key]

    def _bindings_once(self, role: str, line: int = 0) -> list[Step]:
        """As ``bindings``, for a role followed by a name that is used at a line; empty the second time."""
        if (self, role) in self._records.entered:
            return []
        self._records.entered.add((self, role))
        return self._names.bindings(role.partition(" ")[2], line)


Expression = tuple[RowSources, ast.expr, Scope]
"""An expression, what reads it, and the names bound around it."""
