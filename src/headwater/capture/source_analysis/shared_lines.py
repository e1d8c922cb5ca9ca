"""Finds the lines on which several statements may stand, which is cheap, and asks ``line_parts`` for those alone."""

from __future__ import annotations

import linecache
from types import CodeType
from typing import Final

_MOST_FILES: Final = 1_000
_NONE: Final[frozenset[int]] = frozenset()
_SHARED: Final[dict[str, tuple[int, frozenset[int]]]] = {}
"""For each file, the number of its lines when it was looked at, and those with a semicolon. Cleared when there are
many."""


def part_of_line(code: CodeType, instruction: int, name: str, line: int) -> int:
    """The position of an instruction of ``code``, which is on that line of the file of that name: of its statement, if
    there are several on the line, else the line."""
    known = _SHARED.get(name)
    if known is None or name.startswith("<"):  # a notebook grows
        known = _looked_at(name, known)
    if line not in known[1]:
        return line
    from headwater.capture.source_analysis.line_parts import part_at

    return part_at(code, instruction, name, known[0], line)


def _looked_at(name: str, known: tuple[int, frozenset[int]] | None) -> tuple[int, frozenset[int]]:
    lines = [] if name == "<string>" else linecache.getlines(name)
    if known is None or known[0] != len(lines):
        if len(_SHARED) >= _MOST_FILES:
            _SHARED.clear()
        shared = frozenset([place for place, line in enumerate(lines, start=1) if ";" in line])
        known = _SHARED[name] = len(lines), shared or _NONE
    return known
