"""What the names and calls of an expression stand for: the statements above it, and what was seen of them."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping

from headwater.capture.source_analysis.bindings import Step, begins_anew, calls_with
from headwater.capture.source_analysis.row_list_syntax import changes, executed, last_line, owner_of
from headwater.capture.values import Value

Passes = Mapping[int, tuple[Value, ...]]
"""The frames and columns that were iterated over, by line."""
Known = Callable[..., Value | None]
"""Returns the value of the object of that name, or of one of its attributes, if it is followed."""


class NamesAbove:
    """The statements of one function or module above one line. ``known`` gives the followed object of a name."""

    def __init__(self, steps: tuple[Step, ...], passes: Passes, known: Known, line: int) -> None:
        self.known = known
        self._steps = steps
        self._passes = passes
        self._line = line

    def passed(self, node: ast.AST) -> list[Value]:
        """What was iterated over, or fetched, within an expression."""
        first = getattr(node, "lineno", 0)
        return [value for line, values in self._passes.items() if first <= line <= last_line(node) for value in values]

    def live(self, name: str, line: int) -> Value | None:
        """The value of the object of a name; None if it may have been changed since that line."""
        later = (step for step in self._steps if line < step.first <= self._line)
        return None if any(changes(step, name) for step in later) else self.known(name)

    def fetched(self, call: ast.Call) -> list[Value]:
        """The results of the statement whose rows a call fetches: executed in the same expression, or above it."""
        return self.passed(call) or self.executed(owner_of(call), call.lineno)

    def executed(self, cursor: str, line: int) -> list[Value]:
        """The results of the last statement that the cursor of that name executed above a line."""
        done = executed(self._steps, cursor, line)
        return next((values for node in done if (values := self.passed(node))), [])

    def latest(self, name: str, line: int = 0) -> list[Step]:
        """The loops that bind a name used at a line, and the last four of the other statements that do."""
        bound = self.bindings(name, line)
        loops = [step for step in bound if isinstance(step.node, ast.For | ast.AsyncFor)]
        return loops + [step for step in bound if step not in loops][-4:]

    def bindings(self, name: str, line: int = 0) -> list[Step]:
        """The statements binding a name that may have given it its value at a line."""
        last = line if self.is_bound_since(name, line) else self._line
        bound = [step for step in self._steps if name in step.binds and step.first <= last]
        anew = [place for place, step in enumerate(bound) if begins_anew(step, name, line) and step.first < last]
        return bound[anew[-1] :] if anew else bound

    def calls_with(self, name: str) -> Iterator[ast.Call]:
        """The calls above the line that a name is passed to."""
        for step in self._steps:
            if step.first <= self._line:
                yield from calls_with(step, name)

    def is_bound_since(self, name: str, line: int) -> bool:
        """Whether a name was rebound after it was used at a line."""
        later = (step for step in self._steps if line < step.first <= self._line) if line else ()
        return any(begins_anew(step, name) for step in later)
