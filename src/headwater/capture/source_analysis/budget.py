"""Limits how often arrays are looked up in the source on each line, and reports the lines that reached the limit.

A line that passes on many unknown arrays is in a loop and has already shown where they come from. Its further arrays
are not looked up, and the run says so. A bounded number of lines is tracked; the least recently used one is dropped
and starts again from zero.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from types import CodeType
from typing import Final

MAX_ASKED: Final = 64
"""Times that one line is looked up."""
MAX_LINES: Final = 4_096


class AnalysisBudget:
    """Counts by line. ``tell`` is where a line that was given up is told of: the run that is being recorded."""

    def __init__(self, *, max_lines: int = MAX_LINES) -> None:
        self._max_lines = max_lines
        self._asked: OrderedDict[tuple[int, int], tuple[CodeType, int]] = OrderedDict()
        """By the identity of the code and the line. The code is held: another could get its identity."""
        self.tell: Callable[[str], None] | None = None

    def may_read(self, code: CodeType, line: int) -> bool:
        """Whether the code is to be read for one more array at a line; counts, and tells where it is not."""
        key = id(code), line
        times = self._asked.pop(key, (code, 0))[1]
        is_enough = times >= MAX_ASKED
        self._asked[key] = code, times if is_enough else times + 1
        if len(self._asked) > self._max_lines:
            self._asked.popitem(last=False)
        if is_enough:
            self.gave_up(code, line)
        return not is_enough

    def gave_up(self, code: CodeType, line: int) -> None:
        """Tell that arrays at a line are not looked up in the code any more."""
        if self.tell is not None:
            place = f"{code.co_filename.rpartition('/')[2]}:{line}"
            self.tell(
                f"{place}: what arrays come from was read from the code {MAX_ASKED} times; of later ones it was not"
            )


BUDGET: Final = AnalysisBudget()
"""Those of this process."""
