"""What the names and calls of an expression stand for: the statements above it, and what was seen of them."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from headwater.capture.source_analysis.bindings import Step, begins_anew, calls_with
from headwater.capture.source_analysis.meant_parts import made_for
from headwater.capture.source_analysis.row_list_syntax import (
    Key,
    Scope,
    Target,
    called_name,
    changes,
    executed,
    last_line,
    owner_of,
    target_of,
)
from headwater.capture.values import Value

Passes = Mapping[int, tuple[Value, ...]]
"""The frames and columns that were iterated over, by line."""
Known = Callable[..., Value | None]
"""Returns the value of the object of that name, or of one of its attributes, if it is followed."""
MEASURES: Final = frozenset((
    *("shape", "size", "empty", "ndim", "dtype", "dtypes", "columns", "feature_names_in_", "index"),
))  # fmt: skip
"""Attributes that describe data without containing any."""
_MOST_TEXTS: Final = 200
_LOOPS: Final = (ast.For, ast.AsyncFor, ast.While)


class NamesAbove:
    """The statements of one function or module above one line. ``known`` gives the followed object of a name."""

    def __init__(self, steps: tuple[Step, ...], passes: Passes, known: Known, line: int) -> None:
        self.known = known
        self._steps = steps
        self._loops = [step.node for step in steps if isinstance(step.node, _LOOPS)]
        self._passes = passes
        self._line = line

    def passed(self, node: ast.AST) -> list[Value]:
        """What was iterated over, or fetched, within an expression."""
        first, last = getattr(node, "lineno", 0), last_line(node)
        values = [value for line, values in self._passes.items() if first <= line <= last for value in values]
        return made_for(values, node, first, last) if isinstance(node, ast.expr) else values

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
        first = bound[anew[-1]].first if anew else 0
        again = (
            [step for step in bound if line < step.first and self._is_another(step, name, line, first)] if line else []
        )
        bound = bound[anew[-1] :] if anew else bound
        return [step for step in bound if not any(other == step or other.is_before(step.first) for other in again)]

    def _is_another(self, step: Step, name: str, line: int, since: int) -> bool:
        """Whether a statement after a line binds a name to a new object, and no loop that began after ``since`` leads
        from there back to that line."""
        loops = (loop for loop in self._loops if since < loop.lineno <= line)
        is_back = any((loop.end_lineno or 0) >= max(line, step.first) for loop in loops)
        return not is_back and begins_anew(step, name, step.first + 1)

    def calls_with(self, name: str) -> Iterator[ast.Call]:
        """The calls above the line that a name is passed to."""
        for step in self._steps:
            if step.first <= self._line:
                yield from calls_with(step, name)

    def is_bound_since(self, name: str, line: int) -> bool:
        """Whether a name was rebound after it was used at a line."""
        later = (step for step in self._steps if line < step.first <= self._line) if line else ()
        return any(begins_anew(step, name) for step in later)

    def texts(self, name: str, scope: Scope, lookup: Callable[[str], object], line: int = 0) -> list[str]:
        """The texts that a name may stand for at a line: one it was assigned, or those of a list that a loop goes
        through. Empty if it may stand for anything else."""
        steps = [] if name in scope else self.latest(name, line)
        loops = [step.node for step in steps if isinstance(step.node, ast.For | ast.AsyncFor)]
        targets = [target_of(loop.target, loop.iter, name) for loop in loops] or [scope.get(name)]
        if loops or name in scope:
            found = [_texts_in(target, self, lookup) for target in targets]
            return [text for texts in found for text in texts] if all(found) and len(loops) == len(steps) else []
        is_kept = len(steps) < 2 and not any(name in step.binds and step.first > line > 0 for step in self._steps)
        held = _texts_of(lookup(name)) if is_kept else []
        if held and all(step.is_sure for step in steps):
            return held
        given = [getattr(step.node, "value", None) for step in steps]
        written = [item.value for item in given if isinstance(item, ast.Constant) and isinstance(item.value, str)]
        return written if len(written) == len(steps) else []


def _texts_in(target: Target | None, names: NamesAbove, lookup: Callable[[str], object]) -> list[str]:
    """The texts of the list that a loop goes through; empty if it is none, or not all of it are texts."""
    iterated = target.iterated if target is not None and target.place is None else None
    held = lookup(iterated.id) if isinstance(iterated, ast.Name) else None
    if isinstance(iterated, ast.Name) and held is None:
        given = [getattr(step.node, "value", None) for step in names.latest(iterated.id)]
        iterated = given[0] if len(given) == 1 else None
    if isinstance(iterated, ast.List | ast.Tuple | ast.Set):
        held = [item.value if isinstance(item, ast.Constant) else None for item in iterated.elts]
    return _texts_of(held) if not isinstance(held, str) else []


def _texts_of(held: object) -> list[str]:
    """A text, or the texts of a list; empty for anything else, and for a list of very many."""
    if isinstance(held, str):
        return [held]
    items = list(held) if isinstance(held, list | tuple) and len(held) <= _MOST_TEXTS else []
    return items if all(isinstance(item, str) for item in items) else []


def is_measure(column: str | None, steps: list[Step]) -> bool:
    """Whether a column of a name that is bound by these is an attribute without data: ``row.size``, where the rows are
    not those of ``itertuples``, but not ``row["size"]``."""
    loops = [step.node.iter for step in steps if isinstance(step.node, ast.For | ast.AsyncFor)]
    is_field = any(called_name(iterated) == "itertuples" for iterated in loops)
    return column in MEASURES and not isinstance(column, Key) and not is_field
