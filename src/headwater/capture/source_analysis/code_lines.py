"""Line and source position of a bytecode instruction, from a table built once for each code object."""

from __future__ import annotations

from bisect import bisect_right
from itertools import islice
from types import CodeType
from typing import Final

_LINES: Final[dict[int, tuple[CodeType, list[int], list[int]]]] = {}
"""For each code object (by ``id()``, and kept alive) the first instructions of lines, and the lines. Cleared when it
has grown large."""


def line_of(code: CodeType, offset: int) -> int:
    """The source line of the instruction at a byte offset of a code object; 0 if it has none."""
    known = _LINES.get(id(code))
    if known is None or known[0] is not code:
        if len(_LINES) > 1_000:
            _LINES.clear()
        ranges = list(code.co_lines())
        known = (code, [start for start, _, _ in ranges], [line or 0 for _, _, line in ranges])
        _LINES[id(code)] = known
    place = bisect_right(known[1], offset) - 1
    return known[2][place] if place >= 0 else 0


def span_of(code: CodeType, instruction: int) -> tuple[int, int, int, int] | None:
    """The position of the expression behind an instruction: first line, first column, last line, last column, as in a
    syntax tree; None if the code has no positions."""
    first, last, begin, end = next(islice(code.co_positions(), instruction // 2, None), (None, None, None, None))
    if first is None or last is None or begin is None or end is None:
        return None
    return first, begin, last, end
