"""Limits the analysis of the user's source, and reports the lines that reached a limit.

A line with many unknown arrays is in a loop and has already shown where they come from. Its further arrays are not
analysed, which the run reports. A bounded number of lines is tracked; the least recently used one is dropped, and
starts again from zero. Neither is analysed what leads through more expressions than the stack has room for.
"""

from __future__ import annotations

import functools
from collections import OrderedDict
from collections.abc import Callable
from types import CodeType
from typing import Final, ParamSpec, TypeVar

from headwater.capture.notebook_cells import user_place

P = ParamSpec("P")
T = TypeVar("T")

MAX_ASKED: Final = 64
"""How often one line is analysed."""
MAX_LINES: Final = 4_096


class AnalysisBudget:
    """Counts analyses by line. ``on_limit`` is called with a message for each line that reached the limit."""

    def __init__(self, *, max_lines: int = MAX_LINES) -> None:
        self._max_lines = max_lines
        self._asked: OrderedDict[tuple[int, int], tuple[CodeType, int]] = OrderedDict()
        """By the ``id()`` of the code and the line. The code is kept alive, so that its ``id()`` is not reused."""
        self.on_limit: Callable[[str], None] | None = None

    def may_read(self, code: CodeType, line: int) -> bool:
        """Count one more array at a line, and return whether it may be analysed; if not, report the line."""
        key = id(code), line
        times = self._asked.pop(key, (code, 0))[1]
        is_enough = times >= MAX_ASKED
        self._asked[key] = code, times if is_enough else times + 1
        if len(self._asked) > self._max_lines:
            self._asked.popitem(last=False)
        if is_enough:
            self.gave_up(code, line)
        return not is_enough

    def times_read(self, code: CodeType, line: int) -> int:
        """How often arrays at a line were analysed."""
        return self._asked.get((id(code), line), (code, 0))[1]

    def gave_up(self, code: CodeType, line: int) -> None:
        """Report that arrays at a line are no longer analysed."""
        what = "what arrays and dictionaries come from was read from the code"
        self._report(code, line, f"{what} {MAX_ASKED} times; of later ones it was not")

    def too_deep(self, code: CodeType | None, line: int) -> None:
        """Report that what the code shows at a line leads through more of it than can be analysed."""
        if code is not None:
            self._report(code, line, "the code behind it is nested too deeply, or too long a chain, to be read")

    def _report(self, code: CodeType, line: int, what: str) -> None:
        if self.on_limit is not None:
            self.on_limit(f"{code.co_filename.rpartition('/')[2]}:{line}: {what}")


BUDGET: Final = AnalysisBudget()
"""The budget of this process."""


def unless_too_deep(analysis: Callable[P, T], otherwise: T) -> Callable[P, T]:
    """``analysis`` of the user's source, which is followed from expression to expression by functions that call one
    another. If that takes more than the stack has room for, the code shows nothing: the result is ``otherwise``, and
    whoever asked goes on as for code that cannot be read."""

    @functools.wraps(analysis)
    def bounded(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return analysis(*args, **kwargs)
        except RecursionError:
            BUDGET.too_deep(*user_place(3))
            return otherwise

    return bounded
