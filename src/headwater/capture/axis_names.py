"""The labels of an axis as texts, remembered for the latest axes."""

from __future__ import annotations

from sys import intern
from typing import Any, Final

_names: Final[dict[int, tuple[Any, tuple[str, ...]]]] = {}
"""The names in the latest axes, by the ``id()`` of the axis, or of the array in it, which is kept here meanwhile."""
_MOST_NAMES: Final = 32


_MOST_LABELS: Final = 5_000


def lightened(columns: Any) -> Any:
    """The labels of an axis of pandas as a tuple; anything else as it is. An axis that was used keeps tables in which
    it looks labels up, of many times the size of the labels; one that only counts has none."""
    is_axis = hasattr(columns, "nlevels") and not hasattr(columns, "step")
    return names_in(columns) if is_axis and len(columns) <= _MOST_LABELS else columns


def names_in(columns: Any) -> tuple[str, ...]:
    """The labels of an axis as strings; several levels are joined by dots, empty ones left out. Remembered for a while:
    a wide frame in which one column after the other is replaced is asked for its names again and again."""
    known = _names.get(id(columns))
    if known is not None and known[0] is columns:
        return known[1]
    # An axis of pandas that was copied is another object around the same array, and its labels are slow to read.
    array = columns.array if getattr(columns, "nlevels", 0) == 1 else None
    known = _names.get(id(array)) if array is not None else None
    if known is not None and known[0] is array:
        return known[1]
    names = tuple(columns.tolist() if hasattr(columns, "nlevels") else columns)  # an index is slow to go through
    if all(type(name) is str for name in names):
        names = tuple(map(intern, names))  # each time that Arrow is asked, it makes new texts
    else:
        names = tuple(".".join(str(p) for p in n if p != "") if isinstance(n, tuple) else str(n) for n in names)
    if len(_names) >= _MOST_NAMES:
        _names.clear()
    _names[id(columns)] = columns, names
    if array is not None:
        _names[id(array)] = array, names
    return names
