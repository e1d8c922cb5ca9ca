"""Columns of what gave the rows of a list: by name, by key of a file whose columns are not known, and their labels."""

from __future__ import annotations

from headwater.capture.levels import level_fields
from headwater.capture.source_analysis.row_list_syntax import LOADED, Key
from headwater.capture.values import Value, make_value

Found = dict[tuple[Value, str | None], None]
"""Columns of values that were gone through; all columns for None."""


def labels_of(rows: list[Value]) -> Found:
    """What the labels of rows come from."""
    return {(value, field): None for value in rows for field in level_fields(value)}


def of_rows(found: Found, name: str) -> Found:
    """The column of that name of what gave whole rows."""
    return {(value, name): None for value, _ in found if name in value.column_names() or value.op == LOADED}


def as_rows(value: Value) -> Value:
    """A file whose columns nobody listed, as one of rows with keys."""
    is_bare = value.dataset is not None and not value.column_names()
    return make_value(LOADED, dataset=value.dataset) if is_bare else value


def column_of(value: Value, column: str | None) -> str | None:
    """The column of a value that is asked for, where it has it; of a file whose columns nobody listed, a key."""
    names = value.column_names()
    is_key = isinstance(column, Key) and not names and value.dataset is not None
    return str(column) if column is not None and (column in names or is_key) else None
