"""Rows that the user's code gives for the placeholders of a statement (``executemany``), according to the code."""

from __future__ import annotations

from typing import Final

from headwater.capture.recorder import Recorder, table_of
from headwater.capture.source_analysis.row_list_syntax import Maker
from headwater.capture.sql_parameters import columns_given, place_name
from headwater.capture.values import Columns, Dep, Value, make_value

_MANY: Final = "executemany"
_MOST_LOOKS: Final = 64
_MOST_LOOKS_AT_ONE: Final = 4
"""How often the code is read for the rows given to a statement, and for a single row."""
_MAX_REMEMBERED: Final = 2_000


class _Looks:
    """How often the rows given to a statement were looked for, by its text, in one run."""

    __slots__ = ("counts", "recorder")

    def __init__(self) -> None:
        self.recorder: Recorder | None = None
        self.counts: dict[str, int] = {}


_LOOKS: Final = _Looks()


def rows_given(recorder: Recorder, text: str, method: str) -> Value | None:
    """The rows, or the one row, that the user's line gives for the placeholders of a statement by calling ``method``;
    None if the code does not show what they come from. Their columns are named as in ``sql_parameters``.

    Only the first calls are examined: a loop gives rows of one origin.
    """
    looks = _LOOKS
    if looks.recorder is not recorder or len(looks.counts) > _MAX_REMEMBERED:
        looks.recorder, looks.counts = recorder, {}
    count = looks.counts.get(text, 0)
    if count >= (_MOST_LOOKS if method == _MANY else _MOST_LOOKS_AT_ONE):
        return None
    names = columns_given(text)
    looks.counts[text] = count + 1 if names else _MOST_LOOKS
    maker = Maker(frozenset((method,)), 1, is_row=method != _MANY)
    found = table_of(names, None, maker) if names else None
    if found is None:
        return None
    columns = tuple([place_name(place) for place in range(1, len(names) + 1)])
    return make_value("sql.rows", (found,), _in_order, columns=columns, code=found.code, line=found.line)


def _in_order(value: Value) -> Columns:
    """The rule for columns named by their places."""
    names = value.inputs[0].column_names()
    return Columns({own: [Dep(0, name)] for own, name in zip(value.column_names(), names, strict=True)})
