"""What is known of the items of objects that lines of the user's code turn into text (``json.dumps``)."""

from __future__ import annotations

from collections.abc import Callable
from types import CodeType
from typing import Any, Final

from headwater.capture.notebook_cells import user_place
from headwater.capture.values import Value

_NOTED_A_LINE: Final = 64
_LINES: Final = 1_000
"""Lines of code that are remembered; if there are more, all are forgotten."""


class TurnedTexts:
    """The values of such items, by line. ``known`` gives the value of an object."""

    def __init__(self, known: Callable[[object], Value | None]) -> None:
        self._known = known
        self._noted: dict[tuple[CodeType, int], tuple[int, tuple[Value, ...]]] = {}
        """For each line: how often, and the values that were known in the latest."""

    def note(self, obj: object) -> CodeType | None:
        """Record what is known of the items of an object that the user's line turns into text. Returns the code if
        anything is."""
        code, line = user_place(5)
        count, before = self._noted.get((code, line), (0, ())) if code is not None else (_NOTED_A_LINE, ())
        if code is None or count >= _NOTED_A_LINE:
            return None
        if len(self._noted) >= _LINES:
            self._noted.clear()
        from headwater.capture.source_analysis.known_items import Items

        known = tuple(Items(self._known, obj).values)
        self._noted[code, line] = count + 1, known or before
        return code if known else None

    def of(self, code: CodeType, node: Any) -> list[Value]:
        """The values known in what the lines of an expression turned into text."""
        lines = range(node.lineno, (node.end_lineno or node.lineno) + 1)
        return [value for line in lines for value in self._noted.get((code, line), (0, ()))[1]]
