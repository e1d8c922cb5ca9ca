"""Values inferred for arrays and lists that were created without passing a hook.

Operators, element-wise functions and comprehensions over arrays run in compiled code: no hook sees the result of
``predict(X).round()``. When such an array is used, its origin is inferred from the source (``array_origins``). A list
cannot be followed at all: it comes from the columns that the statement that made it iterated over (``[v > 3 for v in
df["x"]]``), or from whatever the statements that bound its name made it from. If the source does not show the origin,
an array comes from the latest followed array of the same length; a list does not. All of these are guesses, and every
edge based on one is marked ``inferred``.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable
from functools import partial
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any, Final

from headwater.capture.caller_frame import variables
from headwater.capture.code_numbers import number_of
from headwater.capture.notebook_cells import place_of, user_place
from headwater.capture.source_analysis.budget import BUDGET
from headwater.capture.source_analysis.call_origins import place_made
from headwater.capture.source_analysis.decided_values import DecidedValues
from headwater.capture.source_analysis.supposed_values import FROM_CODE, GUESSED
from headwater.capture.source_analysis.turned_texts import TurnedTexts
from headwater.capture.user_code import around, is_users, user_frame
from headwater.capture.value_table import Values
from headwater.capture.values import INFERRED, UNKNOWN, Columns, Dep, Value, make_value

if TYPE_CHECKING:
    from headwater.capture.scalars import Scalars
    from headwater.capture.source_analysis.row_list_syntax import Maker

_KEPT: Final = 64
_NO_FILE: Final = 99
"""The position of an argument that no method has."""
_SHORTEST: Final = 2
"""The least length of a sequence that is considered; a single item could come from anywhere."""
_PASSES_A_LINE: Final = 4
_ASKED_A_LINE: Final = 64
_LINES: Final = 1_000
"""Lines of code that are remembered; if there are more, all are forgotten."""


class InferredValues:
    """Infers the values of arrays and lists from the source and from the latest followed arrays.

    A line in a loop is analysed a bounded number of times for each question.
    """

    def __init__(self, values: Values, scalars: Scalars) -> None:
        self._values = values
        self._scalars = scalars
        self._recent: deque[tuple[int, Value]] = deque(maxlen=_KEPT)
        self._passes: dict[int, dict[int, tuple[Value, ...]]] = {}
        self._lines = 0
        self._asked: dict[tuple[int, int], tuple[int, bool]] = {}
        """For each line: how often an array was analysed there, and whether its origin was always unknown."""
        self._named: dict[tuple[int, int], int] = {}
        """For each line: how often a list was analysed there."""
        self._spelled: dict[tuple[int, int, frozenset[str] | None], tuple[int, bool]] = {}
        """How often a line was checked for literals, and the latest answer."""
        self._written: dict[tuple[int, int], int] = {}
        """For each line: how often it was analysed for what it writes to a file."""
        self._deciding = DecidedValues(self._known, self.taken_at)
        self._texts = TurnedTexts(self._known)
        self.turned_to_text = self._texts.note
        self._tables: dict[tuple[int, int], int] = {}
        """For each line: how often it was analysed for the source of a table."""

    def saw(self, obj: Any, value: Value) -> None:
        """Remember an object that was bound, if it is an array.

        If it is a view of all the memory of another array (a library transposed its result before returning it), bind
        that, too: a view refers to the owner of its memory, and not to the array that it was taken from.
        """
        if type(obj).__name__ != "ndarray" or value.rows is None:
            return
        self._recent.append((value.rows, value))
        self._values.arrays.add(place_made(value))
        owner = obj.base
        if type(owner) is type(obj) and owner.nbytes == obj.nbytes and not self._values.knows(owner):
            self._values.bind(owner, value)

    def went_through(self, value: Value, code: CodeType | None, line: int) -> bool:
        """Record that the user's code goes through ``value`` at that line. Returns whether that is new."""
        if code is None:
            return False
        if self._lines >= _LINES:
            self._passes.clear()
            self._lines = 0
        lines = self._passes.setdefault(number_of(code), {})
        before = lines.get(line, ())
        if value not in before:
            self._lines += not before
            lines[line] = (*before, value)[-_PASSES_A_LINE:]
        return value not in before

    def _passes_of(self, code: CodeType) -> dict[int, tuple[Value, ...]]:
        """What a function iterated over, by line, up to now: it may be running in other threads, too."""
        return dict(self._passes.get(number_of(code), ()))

    def value_of(self, obj: Any) -> Value | None:
        """A value for an unknown array or list, according to the code. If the code does not show the origin of an
        array, it comes from the latest array of its length, preferably one with as many columns. Lists are too many,
        and too short, to be matched by length."""
        kind = type(obj).__name__
        if kind not in ("ndarray", "list", "tuple") or getattr(obj, "ndim", 1) == 0:
            return None
        rows = len(obj)
        if rows < _SHORTEST:
            return None
        if kind != "ndarray":
            return self._listed(obj, rows)
        found = self._read(obj, rows)
        if found is not None:
            return None if found is UNKNOWN else found
        fitting = [value for known_rows, value in reversed(list(self._recent)) if known_rows == rows]
        width = obj.shape[1] if obj.ndim == 2 else 1
        best = next((value for value in fitting if len(value.column_names()) == width), None) or next(
            iter(fitting), None
        )
        return make_value(GUESSED, (best,), _from_all, columns=best.columns, rows=rows) if best is not None else None

    def _read(self, obj: Any, rows: int) -> Value | None:
        """What the code shows about an array. A line that has been analysed often is in a loop, and shows nothing new:
        if none of its arrays came from anything followed, the next does not, either."""
        code, line = user_place(5)
        if not is_users(code):
            return None
        count, is_unknown = self._asked.get((number_of(code), line), (0, True))
        if count >= _ASKED_A_LINE:
            if code is not None and not is_unknown:
                BUDGET.gave_up(code, line)
            return UNKNOWN if is_unknown else None
        from headwater.capture.source_analysis.array_origins import read_of

        found = read_of(self._values, obj, code, line, rows)
        if len(self._asked) >= _LINES:
            self._asked.clear()
        self._asked[number_of(code), line] = count + 1, is_unknown and found is UNKNOWN
        return found

    def is_given_literally(self, maker: Maker) -> bool:
        """Whether what a call of ``maker`` in the user's line takes is literal in the code."""
        from headwater.capture.source_analysis.literals import is_literal

        return is_literal(*user_place(5), maker.names, maker.place)

    def table_of(self, names: tuple[str, ...], rows: int | None, maker: Maker | None = None) -> Value | None:
        """A value for a table with these columns that the user's line makes from a list, according to what the code
        collected in that list. ``maker`` tells which call of the line takes it, if none of those that make frames."""
        code, line = user_place(4)
        if code is None:
            return None
        code = around(code)
        passes = self._passes_of(code)
        count = self._tables.get((number_of(code), line), 0)
        if count >= _ASKED_A_LINE and (maker is not None or not passes):
            return None
        if len(self._tables) >= _LINES:
            self._tables.clear()
        self._tables[number_of(code), line] = count + 1
        from headwater.capture.source_analysis.filled_arrays import filled_read
        from headwater.capture.source_analysis.own_attributes import instance_attribute
        from headwater.capture.source_analysis.row_lists import row_list_table
        from headwater.capture.source_analysis.rows_across_calls import Records
        from headwater.capture.source_analysis.running_names import held

        arrays: dict[str, Value | None] = {}  # that no hook has seen being made: read from the code, once

        def known_in(own: CodeType) -> Callable[..., Value | None]:
            def known(name: str, part: str | None = None) -> Value | None:
                obj = held(name, own)
                value = self._known(obj if part is None else instance_attribute(obj, part))
                if value is None and part is None and own is code:
                    if name not in arrays:
                        arrays[name] = filled_read(self._values, obj, code, line, name)
                    value = arrays[name]
                return value

            return known

        records = Records(self._passes_of, known_in, self._rounds, self._known)
        given = (names, rows) if maker is None else (names, rows, maker)
        return row_list_table(code, line, records, *given)

    def _rounds(self, value: Value) -> list[Value]:
        """The latest arrays and numbers made by the same instruction as a value, in a loop."""
        return self._values.arrays.made_with(value) + self._scalars.made_by(value)

    def is_literal_here(self, makers: frozenset[str] | None = None) -> bool:
        """Whether the result of the user's line, or of a call of one of the ``makers`` in it, is literal in the code;
        see ``literals``."""
        from headwater.capture.source_analysis.literals import is_literal

        return self._spelled_at(user_place(5), makers, lambda code, line: is_literal(code, line, makers))

    def saved_here(self, savers: frozenset[str], target: int, obj: object = None) -> Value | None:
        """A value for everything that the user's line writes to a file by a call of one of the ``savers``, whose
        argument ``target`` is the file: without a source if it is literal in the code, otherwise from the objects that
        the line names; None if the code does not show that. ``obj`` is what is saved, if its items may be known."""
        from headwater.capture.source_analysis.literals import Place, saved_at

        code, line = user_place(5)
        if code is None:
            return None
        return self.taken_at(
            code, line, lambda: [(node, Place(code, line)) for node in saved_at(code, line, savers, target)], obj
        )

    def text_read_here(self, reader: str, names: tuple[str, ...], text: object) -> Value | None:
        """A value for the text or buffer that a call of ``reader`` in the user's line reads; see ``buffer_texts``."""
        from headwater.capture.source_analysis.buffer_texts import text_read

        code, line = user_place(5)
        return self.taken_at(code, line, partial(text_read, code, line, reader, names, text)) if code else None

    def looked_up_here(self, method: str, obj: object) -> Value | None:
        """A value for a dictionary that the user's line gives to a method, from the objects it was made from; None if
        the code does not show that."""
        from headwater.capture.source_analysis.literals import Place, saved_at

        def given(code: CodeType, line: int) -> Any:
            return [(node, Place(code, line)) for node in saved_at(code, line, frozenset((method,)), _NO_FILE)]

        return self._looked_up(*user_place(5), given, obj)

    def masked_here(self, method: str) -> Value | None:
        """A value for what chose the rows whose index the user's line gives to a method; see ``masks_at``."""
        from headwater.capture.source_analysis.literals import masks_at

        return self._looked_up(*user_place(5), lambda code, line: masks_at(code, line, method))

    def named_here(self, name: str, obj: object) -> Value | None:
        """As ``looked_up_here``, for a list or dictionary that the user's running code has under a name."""
        import ast

        from headwater.capture.source_analysis.literals import Place
        from headwater.capture.source_analysis.running_names import held

        def given(code: CodeType, line: int) -> Any:
            return [(ast.Name(name, ast.Load()), Place(code, line))] if held(name, code) is obj else []

        return self._looked_up(*user_place(5), given, obj)

    def looped_here(self, item: object, key: str) -> Value | None:
        """A value for a number or text of the user's line that a loop over data bound to a name; see
        ``looped_scalars``."""
        from headwater.capture.source_analysis.looped_scalars import looped_value

        return looped_value(self.taken_at, item, key)

    def _looked_up(
        self, code: CodeType | None, line: int, given: Callable[[CodeType, int], Any], obj: object = None
    ) -> Value | None:
        """As ``_taken``; a line that was analysed too often is reported, as nothing else stands for what it lacks."""
        if code is None or self.has_read_enough(code, line):
            if code is not None:
                BUDGET.gave_up(code, line)
            return None
        return self.taken_at(code, line, lambda: given(code, line), obj)

    def conditions_here(self) -> Value | None:
        """A value for what the conditions were computed from under which the user's line runs: those of a loop are the
        same in each round, and read in the first. None if there are none, or the code does not show it."""
        code, line = user_place(5)
        return self._deciding.conditions(code, line) if code is not None and is_users(code) else None

    def put_in_file(self, code: CodeType | None, line: int) -> Value | None:
        """As ``saved_here``, for everything written to the file opened at a line; see ``file_payloads``."""
        from headwater.capture.source_analysis.file_payloads import payload_at

        return self.taken_at(code, line, lambda: payload_at(code, line)) if code is not None else None

    def has_read_enough(self, code: CodeType | None, line: int) -> bool:
        """Whether a line was analysed too often for what it writes to be analysed again."""
        return code is not None and self._written.get((number_of(code), line), 0) >= _ASKED_A_LINE

    def taken_at(self, code: CodeType, line: int, given: Callable[[], Any], obj: object = None) -> Value | None:
        """A value for the expressions that ``given`` returns; None if the line was analysed too often."""
        if self.has_read_enough(code, line):
            return None
        if len(self._written) >= _LINES:
            self._written.clear()
        self._written[number_of(code), line] = self._written.get((number_of(code), line), 0) + 1
        from headwater.capture.source_analysis.expression_values import expression_value
        from headwater.capture.source_analysis.known_items import Seen

        seen = Seen(self._known, self._passed, self._rounds, self._texts.of)
        return expression_value(seen, given(), code, line, obj)

    def _passed(self, code: CodeType, node: Any) -> list[Value]:
        """The values that the lines of an expression iterated over."""
        first, last = node.lineno, node.end_lineno or node.lineno
        passes = self._passes_of(code)
        return [value for line, values in passes.items() if first <= line <= last for value in values]

    def _known(self, obj: object) -> Value | None:
        """The value of an object, without a guess by length."""
        value = self._values.seen(obj)
        return None if value is not None and value.op == GUESSED else value

    def _spelled_at(
        self,
        place: tuple[CodeType | None, int],
        names: frozenset[str] | None,
        read: Callable[[CodeType | None, int], bool],
    ) -> bool:
        count, was = self._spelled.get((number_of(place[0]), place[1], names), (0, False))
        if count >= _ASKED_A_LINE:
            return was
        if len(self._spelled) >= _LINES:
            self._spelled.clear()
        found = read(*place)
        self._spelled[number_of(place[0]), place[1], names] = count + 1, found
        return found

    def is_literal_object(self, obj: Any) -> bool:
        """Whether an object is literal in the code, under a name by which the user's line refers to it."""
        frame = user_frame(sys._getframe(3))
        code, line = place_of(frame)
        names = self._names_of(obj, frame, code, line)
        if not names:
            return False
        from headwater.capture.source_analysis.literals import are_literal

        return are_literal(names, code, line)

    def _listed(self, obj: Any, rows: int) -> Value | None:
        """A value for a list in the user's line: from what was iterated over for it, or from what the code makes it
        from under its name there."""
        from headwater.capture.source_analysis.array_origins import list_read
        from headwater.capture.source_analysis.deciding_parts import are_spelled, looked_in, making
        from headwater.capture.source_analysis.labelled_rows import labelled_rows
        from headwater.capture.source_analysis.list_columns import goes_through, iterated_columns
        from headwater.capture.source_analysis.running_call import expression_of

        frame = user_frame(sys._getframe(4))
        code, line = place_of(frame)
        names = self._names_of(obj, frame, code, line)
        labelled = labelled_rows(code, line, names, self._passes_of)
        if labelled:
            decided = [
                Dep(place, column, "INDIRECT", "CONDITIONAL", description=INFERRED)
                for place, (_, columns) in enumerate(labelled)
                for column in columns
            ]
            inputs = tuple(value for value, _ in labelled)
            return make_value(FROM_CODE, inputs, lambda _: Columns({"*": decided}), rows=rows, code=code, line=line)
        passes = self._passes_of(code)
        followed = partial(self._is_followed, frame)
        given = (
            None if names or self._named.get((number_of(code), line), 0) >= _ASKED_A_LINE else expression_of(obj, code)
        )
        read = None  # from the expression for a list without a name, unless that goes through something itself
        if given is not None and not goes_through(code, line, passes, given):
            read = list_read(self._values, code, line, rows, (), given)
        values: tuple[Value, ...] = (read,) if read is not None else ()
        if passes and not values:
            values = iterated_columns(code, line, passes, names, followed, given)
            values = tuple(value for value in values if value.rows == rows) or values  # others are of earlier calls
        made_by, deciding = making(code, line, names), self._deciding
        tables = [value for name in looked_in(made_by) if (value := deciding.table(name, frame, code, line))]
        is_filled = bool(names) and (bool(values or tables) or are_spelled(made_by))
        tests = [value for step in made_by for value in deciding.tests(code, step.first)] if is_filled else []
        if values or tables or tests:
            inputs = (*values, *tables, *tests)
            told = len(values) + len(tables)
            deps = [Dep(i, None, description=INFERRED) for i in range(told)]
            deps += [Dep(i, None, "INDIRECT", "CONDITIONAL", description=INFERRED) for i in range(told, len(inputs))]
            return make_value(FROM_CODE, inputs, lambda _: Columns({"*": deps}), rows=rows, code=code, line=line)
        return list_read(self._values, code, line, rows, names) if names else None

    def _is_followed(self, frame: FrameType, name: str) -> bool:
        """Whether a name stands for an object that is followed itself."""
        held = variables(frame, (name,)).get(name, frame.f_globals.get(name))
        return held is not None and self._known(held) is not None

    def _names_of(self, obj: Any, frame: FrameType, code: CodeType, line: int) -> tuple[str, ...]:
        """The names by which the user's line refers to an object; none if the line was analysed too often."""
        count = self._named.get((number_of(code), line), 0)
        if count >= _ASKED_A_LINE:
            return ()
        if len(self._named) >= _LINES:
            self._named.clear()
        self._named[number_of(code), line] = count + 1
        from headwater.capture.source_analysis.bindings import step_at, steps_of

        at = step_at(steps_of(code), line)
        names = (*at.passed, *at.used) if at is not None else ()
        held = {**frame.f_globals, **variables(frame, names)} if names else {}
        return tuple(name for name in dict.fromkeys(names) if held.get(name) is obj)


def _from_all(value: Value) -> Columns:
    deps = [Dep(0, None, description=INFERRED)]
    return Columns(dict.fromkeys(value.column_names() or ("*",), deps))
