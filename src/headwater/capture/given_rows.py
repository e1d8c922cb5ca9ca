"""Rows that the user's code gives for the placeholders of a statement (``executemany``), or writes into its text."""

from __future__ import annotations

import re
from sys import _getframe
from types import CodeType, FrameType
from typing import Final

from headwater.capture.notebook_cells import place_of
from headwater.capture.recorder import PASSES, Recorder, is_given_literally, table_of
from headwater.capture.source_analysis.literals import constants_at
from headwater.capture.source_analysis.row_list_syntax import KEYWORDS, Maker
from headwater.capture.sql_parameters import columns_given, place_name
from headwater.capture.user_code import IS_USERS, user_frame
from headwater.capture.values import NOTHING, Columns, Dep, Value, make_value
from headwater.model.patterns import lazy_pattern

SPELLED: Final = make_value("sql.rows", (NOTHING,), lambda _: Columns({}))
"""The rows of a statement whose text stands in the user's code as it is: they have no source."""
_INSERTS: Final = lazy_pattern(r"\b(?:INSERT|REPLACE|CREATE)\b", re.I)
_MANY: Final = {"executemany": 1, "execute_values": 2, "execute_batch": 2}
"""The methods and functions that take many rows, each with the position of the argument that they are."""
_MOST_LOOKS: Final = 64
_MOST_LOOKS_AT_ONE: Final = 4
"""How often the code is read for the rows given to a statement at one place, and for a single row."""
_MAX_REMEMBERED: Final = 2_000


class _Compiled:
    """The statement that SQLAlchemy executes last: its text, and the names that the user's rows have for its places."""

    __slots__ = ("names", "text")

    def __init__(self) -> None:
        self.text = ""
        self.names: tuple[str, ...] = ()


COMPILED: Final = _Compiled()
_EXECUTES: Final = "execute"
"""The method of SQLAlchemy that takes one row, or a list of rows, for a statement."""


class _Look:
    """The looks at one place: what the run had recorded then, how often it was looked since, and what was found."""

    __slots__ = ("code", "count", "found", "is_compiled", "items", "names", "offset", "passes", "text")

    def __init__(self, text: str, code: CodeType | None, offset: int) -> None:
        self.text = text
        self.is_compiled = text == COMPILED.text
        self.names = (self.is_compiled and COMPILED.names) or columns_given(text)
        self.code = code
        self.offset = offset
        self.count = self.items = self.passes = 0
        self.found: Value | None = None


class _Looks:
    """The looks at the places in the code that give rows to statements, in one run; ``last`` is the latest."""

    __slots__ = ("last", "places", "recorder")

    def __init__(self) -> None:
        self.recorder: Recorder | None = None
        self.last = _Look("", None, 0)
        self.places: dict[tuple[str, int, int], _Look] = {}
        """By the text of the statement, the ``id()`` of the code, and the instruction."""


_LOOKS: Final = _Looks()


_TEXTS: Final[dict[tuple[CodeType, int], list[str]]] = {}
"""For each line that ran a statement: the texts in it, and in the statements that bind the names it uses."""


class _Spelled:
    """The latest statement that was sought in the code: where it ran, and what was found."""

    __slots__ = ("code", "found", "offset", "text")

    def __init__(self) -> None:
        self.text = ""
        self.code: CodeType | None = None
        self.offset = 0
        self.found: Value | None = None


_LATEST: Final = _Spelled()


def rows_spelled(text: str, frames: int = 3) -> Value | None:
    """``SPELLED`` for a statement that adds rows and whose text stands in the user's line, or under a name that the
    line uses. A text that the code puts together (``f"... VALUES ({row.id})"``) has values that come from elsewhere."""
    latest, frame = _LATEST, _getframe(frames)
    if not IS_USERS.get(frame.f_code.co_filename):
        frame = user_frame(frame)
    if frame.f_lasti != latest.offset or frame.f_code is not latest.code or text != latest.text:
        latest.text, latest.code, latest.offset = text, frame.f_code, frame.f_lasti
        latest.found = _sought(text, frame) if _INSERTS.search(text) is not None else None
    return latest.found


def _sought(text: str, frame: FrameType) -> Value | None:
    place = place_of(frame)
    known = _TEXTS.get(place)
    if known is None:
        if len(_TEXTS) >= _MAX_REMEMBERED:
            _TEXTS.clear()
        known = [item for item in constants_at(*place) if isinstance(item, str) and _INSERTS.search(item)]
        _TEXTS[place] = known
    sought = text.strip().rstrip(";")
    return SPELLED if any(sought in item for item in known) else None


def rows_given(recorder: Recorder, text: str, method: str, frames: int = 4) -> Value | None:
    """The rows, or the one row, that the user's line, ``frames`` frames up, gives for the placeholders of a statement
    by calling ``method``; None if the code does not show what they come from. Their columns are named as in
    ``sql_parameters``.

    Only the first calls at a place are examined, until the run has read or iterated over something else.
    """
    looks, frame = _LOOKS, _getframe(frames)
    if not IS_USERS.get(frame.f_code.co_filename):
        frame = user_frame(frame)
    look = looks.last
    if (
        frame.f_lasti != look.offset
        or frame.f_code is not look.code
        or text != look.text
        or looks.recorder is not recorder
    ):
        look = looks.last = _look_at(looks, recorder, text, frame)
    if look.items != len(recorder.items) or look.passes != PASSES.count:
        look.items, look.passes, look.count = len(recorder.items), PASSES.count, 0
    if look.count < (_MOST_LOOKS if method in _MANY else _MOST_LOOKS_AT_ONE):
        look.count += 1
        look.found = _looked(look, method) if look.names else rows_spelled(text, frames + 1)
    return look.found


def _look_at(looks: _Looks, recorder: Recorder, text: str, frame: FrameType) -> _Look:
    """The looks at the place where a frame is."""
    if looks.recorder is not recorder or len(looks.places) > _MAX_REMEMBERED:
        looks.recorder, looks.places = recorder, {}
    key = text, id(frame.f_code), frame.f_lasti
    look = looks.places.get(key)
    if look is None:
        look = looks.places[key] = _Look(text, frame.f_code, frame.f_lasti)
    return look


def _looked(look: _Look, method: str) -> Value | None:
    names = look.names
    if look.is_compiled:
        takers = [Maker(frozenset((_EXECUTES,)), 1, is_row=is_row) for is_row in (method not in _MANY, method in _MANY)]
        takers.append(Maker(frozenset((KEYWORDS,)), 0, is_row=True))
    else:
        takers = [Maker(frozenset((method,)), _MANY.get(method, 1), is_row=method not in _MANY)]
    for taker in takers:
        found = table_of(names, None, taker)
        if found is not None and (len(takers) == 1 or _has_each(found)):
            break
    if found is None and not is_given_literally(takers[0]):
        return None
    columns = tuple([place_name(place) for place in range(1, len(names) + 1)])
    if found is None:
        return make_value("sql.rows", (NOTHING,), lambda _: Columns({name: [] for name in columns}), columns=columns)
    return make_value("sql.rows", (found,), _in_order, columns=columns, code=found.code, line=found.line)


def _has_each(found: Value) -> bool:
    """Whether the names of rows were found in the code, instead of all names having all sources."""
    fields = list(found.rule(found).fields.values()) if found.rule is not None else []
    return len(fields) < 2 or any(deps != fields[0] for deps in fields)


def _in_order(value: Value) -> Columns:
    """The rule for columns named by their places."""
    names = value.inputs[0].column_names()
    return Columns({own: [Dep(0, name)] for own, name in zip(value.column_names(), names, strict=True)})
