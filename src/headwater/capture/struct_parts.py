"""Fields of struct columns, which carry lineage of their own: ``unnest`` and ``.struct.field("city")`` take one out.

Rules name the field ``city`` of a struct column ``place`` as a part of it; such parts are never sent. They go wherever
their column goes unchanged. A part that nobody has told of comes from what the whole column comes from.
"""

from __future__ import annotations

from typing import Final

_BETWEEN: Final = "\0field\0"


def part_of(column: str, field: str) -> str:
    """The name by which rules refer to a field of a struct column, or to a field of such a field."""
    return f"{column}{_BETWEEN}{field}"


def is_part(name: str) -> bool:
    """Whether a name refers to a field of a struct column."""
    return _BETWEEN in name


def whole_of(part: str) -> str:
    """What a part is a field of."""
    return part.rpartition(_BETWEEN)[0]


def column_of_part(name: str) -> str:
    """The column that a name refers to, or to a field of which it does."""
    return name.partition(_BETWEEN)[0]


def moved(part: str, column: str, to: str) -> str | None:
    """The name of a part of ``column`` once that column is called ``to``; None for a part of another one."""
    begin = column + _BETWEEN
    return f"{to}{_BETWEEN}{part[len(begin) :]}" if part.startswith(begin) else None
