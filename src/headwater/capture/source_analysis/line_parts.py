"""Tells apart the statements that stand on one line: ``a = load(x); b = load(y)``.

The analysis finds statements by their lines. Where a line has several, each after the first gets a position of its own
between that line and the next: a ``Part``. Which of them is running, the position of the instruction says; see
``shared_lines``.
"""

from __future__ import annotations

import ast
from bisect import bisect_right
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from types import CodeType

from headwater.capture.source_analysis.code_lines import span_of
from headwater.capture.source_analysis.parser import lines_of, may_warn, syntax_tree


class Part(int):
    """A line, as the position of a statement that is not the first on it; greater than the line, less than the next."""

    part: int

    def __new__(cls, line: int, part: int) -> Part:
        """The position of the statement that ``part`` others precede on the line."""
        made = super().__new__(cls, line)
        made.part = part
        return made

    def __deepcopy__(self, _memo: object) -> Part:
        """Itself: it does not change."""
        return self

    def _order(self, other: int) -> int:
        """Negative, zero or positive as this position is before, at or after the other."""
        return int(self) - int(other) or self.part - (other.part if isinstance(other, Part) else 0)

    def __eq__(self, other: object) -> bool:
        """Whether both are the same statement of the same line."""
        return isinstance(other, int) and self._order(other) == 0

    def __ne__(self, other: object) -> bool:
        """Whether they are different."""
        return not self == other

    def __hash__(self) -> int:
        """As for any two equal objects."""
        return hash((int(self), self.part))

    def __lt__(self, other: int) -> bool:
        """Whether this one is before the other."""
        return self._order(other) < 0

    def __le__(self, other: int) -> bool:
        """Whether this one is not after the other."""
        return self._order(other) <= 0

    def __gt__(self, other: int) -> bool:
        """Whether this one is after the other."""
        return self._order(other) > 0

    def __ge__(self, other: int) -> bool:
        """Whether this one is not before the other."""
        return self._order(other) >= 0


def parsed(source: str) -> ast.Module:
    """As ``syntax_tree``, but each statement that is not the first on its line has a ``Part`` for a line, and so has
    everything in it."""
    tree = syntax_tree(source)
    if ";" in source and not may_warn(source):  # else the columns of the tree are not those of the source
        for body in _bodies(tree):
            _number(body)
    return tree


def _bodies(tree: ast.AST) -> Iterator[list[ast.stmt]]:
    """The lists of statements in a tree, inner ones first. What holds one ends where it ends after it was numbered."""
    for node in reversed(list(ast.walk(tree))):
        for name in ("body", "orelse", "finalbody"):
            body = getattr(node, name, None)
            if isinstance(body, list) and body and isinstance(body[0], ast.stmt):
                yield body
                if hasattr(node, "end_lineno"):
                    node.end_lineno = max(node.end_lineno or 0, body[-1].end_lineno or 0)


def _number(body: list[ast.stmt]) -> None:
    for before, node in pairwise(body):
        end = before.end_lineno or 0
        if int(end) == node.lineno:
            _move(node, node.lineno, end.part + 1 if isinstance(end, Part) else 1)


def _move(statement: ast.stmt, line: int, part: int) -> None:
    """Give everything in a statement that stands on its first line a position of its own."""
    for node in ast.walk(statement):
        for name in ("lineno", "end_lineno"):
            if getattr(node, name, None) == line:
                setattr(node, name, Part(line, part))


def part_at(code: CodeType, instruction: int, name: str, count: int, line: int) -> int:
    """The position of an instruction of ``code``, which is on that line of the first ``count`` of a file: of its
    statement, if there are several on the line, else the line."""
    starts = _starts(name, count).get(line, [])
    span = span_of(code, instruction) if starts else None
    part = bisect_right(starts, span[1]) if span is not None else 0
    return Part(line, part) if part else line


@lru_cache(maxsize=64)
def _starts(name: str, count: int) -> dict[int, list[int]]:
    """For each line with several statements, the columns at which all but the first begin."""
    source = "".join(lines_of(name)[:count])
    found: dict[int, list[int]] = {}
    try:
        tree = parsed(source)
    except (SyntaxError, ValueError, RecursionError):
        return found
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt) and isinstance(node.lineno, Part):
            found.setdefault(int(node.lineno), []).append(node.col_offset)
    return {line: sorted(columns) for line, columns in found.items()}
