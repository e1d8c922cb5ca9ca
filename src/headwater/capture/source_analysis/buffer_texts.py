"""Finds what a buffer in memory was made of: ``text`` in ``pd.read_csv(io.StringIO(text))``.

No hook sees a buffer being made, and what is in it is not looked at. So the expression is taken that the code made it
of, also if the buffer got a name before. A buffer that anything else may have been put into shows nothing.
"""

from __future__ import annotations

import ast
from types import CodeType
from typing import Final

from headwater.capture.source_analysis.bindings import Step, step_at, steps_of
from headwater.capture.source_analysis.literals import Place, bindings, head_of
from headwater.capture.source_analysis.row_list_syntax import called_name, given_to, owner_of

_BUFFERS: Final = frozenset(("StringIO", "BytesIO", "BufferReader"))
_LEAVES_ALONE: Final = frozenset(("seek", "tell", "read", "readline", "readlines", "getvalue", "getbuffer", "close"))
"""Methods of a buffer that put nothing into it."""


def text_read(
    code: CodeType, line: int, reader: str, names: tuple[str, ...], text: object
) -> list[tuple[ast.expr, Place]]:
    """What ``text`` was made of, a text or buffer that the one call of ``reader`` at a line reads as its first argument
    or under one of the ``names``. Empty if the code does not show it."""
    is_buffer = hasattr(text, "read")
    at = step_at(steps_of(code), line)
    inside = ast.walk(head_of(at.node)) if at is not None else ()
    calls = [node for node in inside if isinstance(node, ast.Call) and called_name(node) == reader]
    here = [call for call in calls if call.lineno <= line <= (call.end_lineno or 0)]
    if len(here) != 1:
        return []
    named = [item.value for item in here[0].keywords if item.arg in names]
    given = next(iter((*here[0].args, *named)), None)
    place = Place(code, line)
    if is_buffer and isinstance(given, ast.Name):
        return _made_of(given.id, here[0], place)
    content = _content(given) if is_buffer else given
    return [(content, place)] if content is not None else []


def _content(node: ast.expr | None) -> ast.expr | None:
    """The argument of a call that makes a buffer with something in it."""
    is_made = isinstance(node, ast.Call) and called_name(node) in _BUFFERS
    return node.args[0] if is_made and isinstance(node, ast.Call) and len(node.args) == 1 else None


def _made_of(name: str, reading: ast.Call, at: Place) -> list[tuple[ast.expr, Place]]:
    """What the buffer of a name was made of, if nothing else in its function can have put anything into it."""
    made = bindings(name, at)
    others = [step for step in steps_of(at.code) if step not in made]
    if len(made) != 1 or not all(_leaves_alone(step, name, reading) for step in others):
        return []
    content = _content(given_to(made[0], name))
    return [(content, Place(at.code, made[0].first))] if content is not None else []


def _leaves_alone(step: Step, name: str, reading: ast.Call) -> bool:
    """Whether all that a statement does with the buffer of a name is to read from it."""
    inside = list(ast.walk(head_of(step.node)))
    uses = sum(isinstance(node, ast.Name) and node.id == name for node in inside)
    calls = [node for node in inside if isinstance(node, ast.Call)] if uses else []
    reads = sum(owner_of(call) == name and called_name(call) in _LEAVES_ALONE for call in calls)
    return uses == reads + sum((call.lineno, call.col_offset) == (reading.lineno, reading.col_offset) for call in calls)
