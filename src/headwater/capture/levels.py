"""Index levels of frames, which carry lineage too: ``groupby("region").sum().reset_index()`` moves a column into the
index and back.

Rules name an index level as a field ``index(region)`` beside the columns; such fields are never sent. A dataset has no
index: there a level is an ordinary column, or absent.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from headwater.capture.values import Value

UNNAMED: Final = ""
"""The name of an index that has none, if its sources are known. A default index that only counts has no level."""


SHOWN_UNNAMED: Final = "__index_level_0__"


class Labels:
    """Columns of a frame with index levels. Iterates over the names that the value shows as its columns."""

    __slots__ = ("columns", "index", "shown")

    def __init__(self, columns: Any, index: tuple[str, ...], *, shows_index: bool = False) -> None:
        self.columns = columns
        self.index = index
        self.shown = shows_index

    def __iter__(self) -> Iterator[Any]:
        if self.shown:
            yield from map(shown_level, self.index)
        yield from (self.columns,) if isinstance(self.columns, str) else self.columns


def levels_of(value: Value) -> tuple[str, ...]:
    """The names of the index levels of a frame's value."""
    kept = value.columns
    return kept.index if type(kept) is Labels else ()


def shows_levels(value: Value) -> bool:
    """Whether the value counts its index levels among its columns, as the file it was read from does."""
    return type(value.columns) is Labels and value.columns.shown


def field_of_level(level: str) -> str:
    """The field by which rules refer to an index level."""
    return f"index({level})"


def field_in(source: Value, level: str) -> str | None:
    """The field of the index level of that name in a value; None for a dataset that does not have it."""
    if source.dataset is not None or shows_levels(source):
        shown = shown_level(level)
        return shown if shown in source.column_names() else None
    return field_of_level(level)


def shown_level(level: str) -> str:
    """The name of an index level as the column of a dataset; a level without a name is named as Arrow names it."""
    return level or SHOWN_UNNAMED


def level_fields(source: Value) -> list[str]:
    """The fields of a value that are its index levels."""
    return [field for level in levels_of(source) if (field := field_in(source, level)) is not None]


def is_column(value: Value) -> bool:
    """Whether a value is a single column, not a frame."""
    return isinstance(value.columns.columns if type(value.columns) is Labels else value.columns, str)
