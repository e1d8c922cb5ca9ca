"""Values for what decides about an item or a cell: the table that it was looked up in, and the conditions around the
statement that made it."""

from __future__ import annotations

from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any, Final

from headwater.capture.caller_frame import variables
from headwater.capture.source_analysis.supposed_values import FROM_CODE
from headwater.capture.values import INFERRED, NOTHING, Columns, Dep, Value, make_value

_LINES: Final = 1_000
"""Lines of code that are remembered; if there are more, all are forgotten."""


class DecidedValues:
    """Reads them from the source. ``known`` gives the value of an object, and ``taken`` that of some expressions."""

    def __init__(self, known: Callable[[object], Value | None], taken: Callable[..., Value | None]) -> None:
        self._known = known
        self._taken = taken
        self._conditions: dict[tuple[CodeType, int], Value | None] = {}

    def table(self, name: str, frame: FrameType, code: CodeType, line: int) -> Value | None:
        """What the table of that name, in which the user's line looks items up, was made from."""
        import ast

        obj = variables(frame, (name,)).get(name, frame.f_globals.get(name))
        value = self._known(obj)
        if value is None and isinstance(obj, dict | list | tuple | set):
            value = self._read(ast.Name(name, ast.Load()), code, line, obj)
        return _with_source(value)

    def tests(self, code: CodeType, line: int) -> list[Value]:
        """What the conditions were computed from under which the statement at a line runs, as far as the code shows."""
        from headwater.capture.source_analysis.deciding_parts import tests_around

        found = [_with_source(self._read(test, code, line)) for test in tests_around(code, line)]
        return [value for value in found if value is not None]

    def conditions(self, code: CodeType, line: int) -> Value | None:
        """All of ``tests`` as one value, read the first time that the line runs; None if there are none."""
        if (code, line) not in self._conditions:
            if len(self._conditions) >= _LINES:
                self._conditions.clear()
            tests = tuple(self.tests(code, line))
            deps = [Dep(place, None, description=INFERRED) for place in range(len(tests))]
            made = make_value(FROM_CODE, tests, lambda _: Columns({"*": deps}), code=code, line=line)
            self._conditions[code, line] = made if tests else None
        return self._conditions[code, line]

    def _read(self, node: Any, code: CodeType, line: int, obj: object = None) -> Value | None:
        from headwater.capture.source_analysis.literals import Place

        return self._taken(code, line, lambda: [(node, Place(code, line))], obj)


def _with_source(value: Value | None) -> Value | None:
    return None if value is None or NOTHING in value.inputs else value
