"""Infers from the source which columns the rows of a list were made from.

``for row in df.itertuples(): rows.append({"id": row.id, "dti": row.debt / row.income})`` builds a list of
dictionaries, which cannot be followed, and ``pd.DataFrame(rows)`` makes a frame from it. Hooks record where the frame
was iterated over; the source shows what was appended, under which key, and which columns the expression uses.

Nothing is executed. The result is marked ``inferred``, since a name may have been rebound. An expression that cannot be
resolved comes from everything that was iterated over for it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from types import CodeType
from typing import Final

from headwater.capture.levels import is_column
from headwater.capture.source_analysis.bindings import begins_anew
from headwater.capture.source_analysis.call_origins import place_of
from headwater.capture.source_analysis.first_rows import is_headed, unpacked
from headwater.capture.source_analysis.literals import is_written
from headwater.capture.source_analysis.own_attributes import steps_with_attributes
from headwater.capture.source_analysis.row_columns import (
    ANY,
    Found,
    as_rows,
    by_place,
    computed_key,
    is_document,
    labels_of,
    of_computed_keys,
    of_rows,
)
from headwater.capture.source_analysis.row_layout import places_of
from headwater.capture.source_analysis.row_list_syntax import (
    GIVES_A_ROW,
    GIVES_KEYS,
    HANDS_ON,
    Maker,
    Scope,
    added_to,
    as_row,
    bound_by,
    called_name,
    cells_put_in,
    data_at,
    owner_of,
    pairs_of,
    parts_of,
    put_in,
    texts_of_key,
)
from headwater.capture.source_analysis.row_sources import MAX_DEPTH, ROW, Expression, RowSources
from headwater.capture.source_analysis.rows_across_calls import (
    Records,
    filled_by,
    pairs_at,
    property_read,
)
from headwater.capture.source_analysis.running_names import position_of
from headwater.capture.values import GATHERED, INFERRED, Columns, Dep, Value, make_value

_OF_DICTIONARY: Final = {"items": slice(0, 2), "keys": slice(0, 1), "values": slice(1, 2)}
"""Methods of a dictionary that give its items, and which part of each."""


def row_list_table(
    code: CodeType,
    line: int,
    records: Records,
    names: tuple[str, ...],
    rows: int | None,
    maker: Maker = Maker(),  # noqa: B008 - an immutable tuple
) -> Value | None:
    """A value for a table with these columns that is made, at ``line`` of ``code``, from a list (or from lists by
    name); None if the code shows nothing followed that it comes from."""
    steps = steps_with_attributes(code)
    data = data_at(steps, line, maker)
    if data is None:
        return None
    reader = _Reader(position_of(code, line), records)
    try:
        keyed = reader.row(data) if maker.is_row else reader.table(data)
    finally:
        records.forget()
    everything = dict.fromkeys(pair for found in keyed.values() for pair in found)
    if not everything:
        return None
    rows_of = _rows_under_names(everything) if is_headed(steps, line, maker) else {}
    inputs = tuple(dict.fromkeys(rows_of.get(value, value) for value, _ in everything))
    fields: dict[str, list[Dep]] = {}
    for place, name in enumerate(names):
        row = keyed.get(ROW, {})
        found = {**keyed.get(place, {}), **keyed.get(name, {}), **(by_place(row, place) or of_rows(row, name))}
        computed = of_computed_keys(keyed, name)
        if not found and not computed and name not in keyed and place not in keyed:
            found = dict(everything)  # its key is computed
        found.update(computed)
        found = {
            (rows_of.get(value, value), name if value in rows_of and column is None else column): None
            for value, column in found
        }
        fields[name] = [Dep(inputs.index(value), column, description=INFERRED) for value, column in found]
    return make_value(GATHERED, inputs, lambda _: Columns(fields), columns=names, rows=rows, code=code, line=line)


def _rows_under_names(found: Found) -> dict[Value, Value]:
    """For each file whose rows are taken as they are: its rows, with keys that are the names of its columns."""
    return {value: as_rows(value) for value in dict.fromkeys(value for value, _ in found) if is_document(value)}


class _Reader(RowSources):
    """Finds what the rows of lists come from, key by key."""

    def table(self, data: ast.expr) -> dict[str | int, Found]:
        """The sources of each column of the table, by its name or position; see ``ROW`` and ``ANY``."""
        found: dict[str | int, Found] = {}
        lists = pairs_of(data)
        if lists is None:
            self._rows(data, {}, found, 0)
            return found
        for key, values in lists:
            names = self._keys(key, {}, lists) if key is not None else [ANY]
            self._records.entered = set()
            for reader, element, scope in self._elements(values, {}, 0):
                sources = reader._sources(element, scope, 0)
                for name in names:
                    _add(found, name, sources)
        return found

    def row(self, data: ast.expr) -> dict[str | int, Found]:
        """As ``table``, of a single row."""
        found: dict[str | int, Found] = {}
        self._row(data, {}, found, 0)
        return found

    def _elements(self, node: ast.expr, scope: Scope, depth: int) -> Iterator[Expression]:
        """The expressions of the items of a list."""
        if depth > MAX_DEPTH:
            return
        if isinstance(node, ast.Name):
            yield from self._elements_named(node.id, scope, depth, getattr(node, "lineno", 0))
        elif isinstance(node, ast.ListComp | ast.GeneratorExp | ast.SetComp):
            yield self, node.elt, scope | bound_by(node.generators)
        elif isinstance(node, ast.DictComp):
            yield self, node.value, scope | bound_by(node.generators)
        elif isinstance(node, ast.List | ast.Tuple):
            for item in node.elts:
                if isinstance(item, ast.Starred):
                    yield from self._elements(item.value, scope, depth + 1)
                else:
                    yield self, item, scope
        elif (parts := parts_of(node)) is not None:
            for part in parts:
                yield from self._elements(part, scope, depth + 1)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id not in scope:
            kept = list(self._elements_kept(node.value.id, node.attr, depth))
            yield from kept or [(self, node, scope)]
        else:
            yield from self._elements_called(node, scope, depth)

    def _elements_called(self, node: ast.expr, scope: Scope, depth: int) -> Iterator[Expression]:
        """As ``_elements``, of what a call returns."""
        if isinstance(node, ast.Call) and called_name(node) in HANDS_ON and node.args:
            yield from self._elements(node.args[0], scope, depth + 1)
            return
        found: list[Expression] = []
        part = _OF_DICTIONARY.get(called_name(node))
        if part is not None and isinstance(node, ast.Call) and owner_of(node) not in ("", *scope):
            found = [(self, item, inner) for item, inner in self._pairs_in(owner_of(node), part)]
        yield from found or list(self._elements_returned(node, None, scope, depth)) or [(self, node, scope)]

    def _elements_named(self, name: str, scope: Scope, depth: int, line: int = 0) -> Iterator[Expression]:
        """As ``_elements``, of the list that has that name at a line."""
        steps = self._bindings_once("list " + name, line)
        for reader, given, inner in self._passed_for(name) if not steps else ():
            yield from reader._elements(given, inner, depth + 1)
        if "." in name and not any(begins_anew(step, name) for step in steps):
            yield from self._elements_kept(name, None, depth)
        for step in steps:
            for _, item in cells_put_in(step.node, name):
                yield self, item, scope
            for item in put_in(step.node, name):
                yield self, item, scope
            for values in added_to(step.node, name):
                yield from self._elements(values, scope, depth + 1)
            place = place_of(step.node, name)
            for values in unpacked(step.node, name, place):
                yield from self._elements(values, scope, depth + 1)
            if place is not None:  # kept, left_out = sift(rows)
                yield from self._elements_returned(getattr(step.node, "value", None), place, scope, depth)
        for call in self._names.calls_with(name) if steps else ():
            for filled in filled_by(call, self._at, name):  # collect(path, rows)
                if self._records.cross():
                    yield from self._reader_of(filled, scope)._elements(filled.node, {}, depth + 1)

    def _elements_kept(self, name: str, attribute: str | None, depth: int) -> Iterator[Expression]:
        """As ``_elements``, of what other methods put into the list ``self.rows``, or ``loader.rows``, or of what the
        property of that name returns."""
        computed = property_read(name, attribute, self._at)
        if computed is not None:
            yield from self._elements_returned(computed, None, {}, depth)
        for reader, inner in self._filled(name, "list", attribute):
            yield from reader._elements_named(inner, {}, depth + 1)

    def _elements_returned(
        self, call: ast.expr | None, place: int | None, scope: Scope, depth: int
    ) -> Iterator[Expression]:
        """As ``_elements``, of the list that a function of the user's returns or yields."""
        for reader, node, is_item in self._results(call, place, scope):
            if is_item:
                yield reader, node, {}
            else:
                yield from reader._elements(node, {}, depth + 1)

    def _pairs_in(self, name: str, part: slice) -> Iterator[tuple[ast.expr, Scope]]:
        """The key and value of each item of a dictionary, or a ``part`` of these, according to the statements that
        filled it. What only counts its keys (``counts[key] += 1``) has them for values."""
        for step in self._bindings_once(f"dict{part.start}{part.stop} {name}"):
            for key, item in cells_put_in(step.node, name):
                counted = key if is_written(item, self._at.code, step.first) else item
                yield _part_of([key, counted], part), {}
            made = getattr(step.node, "value", None)
            if isinstance(made, ast.DictComp):
                yield _part_of([made.key, made.value], part), bound_by(made.generators)
            elif part == _OF_DICTIONARY["items"] and isinstance(made, ast.Call) and called_name(made) == "dict":
                pairs = made.args[0] if len(made.args) == 1 else ast.Tuple([], ast.Load())
                yield from ((node, inner) for _, node, inner in self._elements(pairs, {}, 1))

    def _row(self, element: ast.expr, scope: Scope, found: dict[str | int, Found], depth: int) -> None:
        """Add the sources of each key of one row, written as a dictionary, a sequence or a name."""
        element = as_row(element) if called_name(element) not in GIVES_A_ROW else element
        pairs = pairs_at(element, self._at)
        places = places_of(element, scope, self._names) if pairs is None else None
        if places is not None:
            for place, columns in enumerate(places):
                _add(found, place, columns)
        elif pairs is not None:
            for key, item in pairs:
                if key is None:
                    self._row(item, scope, found, depth + 1)
                else:
                    sources = self._sources(item, scope, 0)
                    for name in self._keys(key, scope, pairs):
                        _add(found, name, sources)
        elif isinstance(element, ast.List | ast.Tuple) or called_name(element) == "zip":
            items = element.elts if isinstance(element, ast.List | ast.Tuple) else getattr(element, "args", [])
            for place, item in enumerate(items):
                _add(found, place, self._sources(item, scope, 0))
        elif isinstance(element, ast.Name) and element.id not in scope and depth < MAX_DEPTH:
            self._named_row(element.id, scope, found, depth, getattr(element, "lineno", 0))
        elif called_name(element) == "items" and (series := [v for v in self._names.passed(element) if is_column(v)]):
            _add(found, 0, labels_of(series))
            _add(found, 1, {(value, name): None for value in series for name in value.column_names()})
        elif not self._row_in_scope(element, scope, found, depth) and not self._returned_row(
            element, scope, found, depth
        ):
            whole = self._sources(element, scope, 0)
            is_row = isinstance(element, ast.Name) or called_name(element) in GIVES_A_ROW | GIVES_KEYS
            _add(found, ROW if is_row else ANY, whole)

    def _keys(
        self, key: str | ast.expr, scope: Scope, beside: Iterable[tuple[str | ast.expr | None, ast.expr]]
    ) -> list[str]:
        """The keys that a key of a row stands for: itself, or the texts that its name has (``{TARGET: row.price}``).
        ``beside`` are all of the keys of the row, as far as they are spelled out with it."""
        if isinstance(key, str):
            return [key]
        texts = texts_of_key(key, self._texts_by(scope)) if not isinstance(key, ast.List) else []
        return texts or [computed_key(key, [name for name, _ in beside if isinstance(name, str)])]

    def _returned_row(self, element: ast.expr, scope: Scope, found: dict[str | int, Found], depth: int) -> bool:
        """Add the sources of each key of the row that a function of the user's returns; False for anything else."""
        results = list(self._results(element, None, scope)) if depth < MAX_DEPTH else []
        for reader, node, _ in results:
            reader._row(node, {}, found, depth + 1)
        return bool(results)

    def _named_row(self, name: str, scope: Scope, found: dict[str | int, Found], depth: int, line: int = 0) -> None:
        steps = self._bindings_once("row " + name, line)
        for reader, given, inner in self._passed_for(name) if not steps else ():
            reader._row(given, inner, found, depth + 1)
        if "." in name and not any(begins_anew(step, name) for step in steps):
            for reader, own in self._filled(name, "row"):
                reader._named_row(own, {}, found, depth + 1)
        for step in steps:
            node = step.node
            if isinstance(node, ast.For | ast.AsyncFor):
                is_row = isinstance(node.target, ast.Name) and node.target.id == name
                if not (is_row and self._row_of_rows(node.iter, scope, found, depth)):
                    _add(found, ROW, self._sources(ast.Name(name), scope, 0))
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
                sources = self._sources(node.value, scope, 0)
                for key in self._keys(node.targets[0].slice, scope, ()):
                    _add(found, key, sources)
            elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                self._row(node.value, scope, found, depth + 1)
            elif isinstance(node, ast.Expr):
                for values in added_to(node, name):
                    self._row(values, scope, found, depth + 1)

    def _row_in_scope(self, element: ast.expr, scope: Scope, found: dict[str | int, Found], depth: int) -> bool:
        """As ``_row_of_rows``, for a name that a comprehension binds to each row."""
        target = scope.get(element.id) if isinstance(element, ast.Name) and depth < MAX_DEPTH else None
        is_row = target is not None and target.place is None
        return is_row and target is not None and self._row_of_rows(target.iterated, scope, found, depth)

    def _row_of_rows(self, iterated: ast.expr, scope: Scope, found: dict[str | int, Found], depth: int) -> bool:
        """Add the sources of each key of the rows that are gone through, if the code made them; False for others."""
        rows: dict[str | int, Found] = {}
        if isinstance(iterated, ast.Name | ast.Call) and not self._names.passed(iterated):
            self._rows(iterated, scope, rows, depth + 1)
        for key, columns in rows.items():
            _add(found, key, columns)
        return any(isinstance(key, str) and key not in (ROW, ANY) for key in rows)


def _part_of(pair: list[ast.expr], part: slice) -> ast.expr:
    chosen = pair[part]
    return chosen[0] if len(chosen) == 1 else ast.Tuple(chosen, ast.Load())


def _add(found: dict[str | int, Found], key: str | int, more: Found) -> None:
    found.setdefault(key, {}).update(more)
