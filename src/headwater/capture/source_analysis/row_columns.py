"""Columns of the values that rows of a list come from: by name, by key of a file with unknown columns, or labels."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from headwater.capture.levels import level_fields
from headwater.capture.source_analysis.row_list_syntax import LOADED, Key
from headwater.capture.values import FETCHED, Value, make_value

Found = dict[tuple[Value, str | None], None]
"""Columns of values that were iterated over; None stands for all columns."""
ANY: Final = "\0any"
"""The key for sources of all columns."""
_LIKE: Final = "\0like "
"""Begins a key for the sources of those columns whose name fits the pattern that follows."""


def labels_of(rows: list[Value]) -> Found:
    """The index levels that the labels of rows come from."""
    return {(value, field): None for value in rows for field in level_fields(value)}


def of_rows(found: Found, name: str) -> Found:
    """The columns of that name in the values that whole rows come from. Of a file with unknown columns, only if its
    rows are taken as they are, or it is one of those that are used."""
    return {
        (value, name): None
        for value, column in found
        if name in value.column_names() or (value.op == LOADED and column in (None, name))
    }


def by_place(found: Found, place: int) -> Found:
    """The column at a place of rows that a database returned, which are tuples."""
    rows = [value for value, _ in found if value.op == FETCHED]
    return {(value, value.column_names()[place]): None for value in rows if place < len(value.column_names())}


def is_document(value: Value) -> bool:
    """Whether a value is what plain Python loaded from a file, of which no columns are known: its length is data."""
    return value.dataset is not None and not value.column_names()


def as_rows(value: Value) -> Value:
    """A file with unknown columns as a value of rows with keys; any other value unchanged."""
    return make_value(LOADED, dataset=value.dataset) if is_document(value) else value


def column_of(value: Value, column: str | None) -> str | None:
    """The column if the value has it, or a key if the value is a file with unknown columns; otherwise None."""
    names = value.column_names()
    is_key = isinstance(column, Key) and not names and value.dataset is not None
    return str(column) if column is not None and (column in names or is_key) else None


def of_column(found: Found, column: str | None) -> Found:
    """Of values that are found as a whole, the column alone, where they have it."""
    return {(value, known if known is not None else column_of(value, column)): None for value, known in found}


def computed_key(key: ast.expr, others: Iterable[str] = ()) -> str:
    """The key for what is put under a key that is computed: for ``f"share_{part}"`` one for the names that begin so.
    ``others`` are names that the same dictionary spells, so that this is none of them."""
    parts = key.values if isinstance(key, ast.JoinedStr) else list(_added(key))
    texts = [part.value if isinstance(part, ast.Constant) else None for part in parts]
    spelled = [text for text in texts if isinstance(text, str) and text]
    pattern = "".join(re.escape(text) if isinstance(text, str) else ".*" for text in texts)
    if spelled:
        return _LIKE + pattern
    spelled = [re.escape(name) for name in others]
    return f"{_LIKE}(?!(?:{'|'.join(spelled)})$).*" if spelled else ANY


def _added(key: ast.expr) -> Iterator[ast.expr]:
    """The parts of a text that is added up: ``part + "_share"``."""
    if isinstance(key, ast.BinOp) and isinstance(key.op, ast.Add):
        yield from _added(key.left)
        yield from _added(key.right)
    else:
        yield key


def of_computed_keys(rows: Mapping[str | int, Found], name: str | int) -> Found:
    """What stands under computed keys that may be this one."""
    found = dict(rows.get(ANY, {}))
    for key, columns in rows.items():
        is_pattern = isinstance(key, str) and key.startswith(_LIKE) and isinstance(name, str)
        if is_pattern and re.fullmatch(str(key)[len(_LIKE) :], str(name), re.DOTALL):
            found.update(columns)
    return found
