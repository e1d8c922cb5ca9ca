"""What decides about items of a list beside what is iterated over: tables that they are looked up in, and conditions.

``[rates[x] for x in column]`` has the numbers of ``rates``; ``if price > 5: labels.append("high")`` has nothing of the
price but what it decides.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Sequence
from types import CodeType
from typing import Final

from headwater.capture.source_analysis.bindings import Step, body_of, last_binding, own_names, step_at, steps_of

_COMPREHENSIONS: Final = (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)


def making(code: CodeType, line: int, names: Sequence[str]) -> list[Step]:
    """The statements that made or filled the list used at a line: under its names there, or in that line itself."""
    steps = steps_of(code)
    at = step_at(steps, line)
    if at is None:
        return []
    if not names:
        return [at]
    last = last_binding(steps, names[0], at.first)
    return [] if last is None else [step for step in steps if names[0] in step.binds and step.first <= last.first]


def looked_in(steps: Sequence[Step]) -> tuple[str, ...]:
    """The names, in the comprehensions of some statements, that items are computed with and that are not iterated
    over."""
    found: dict[str, None] = {}
    for step in steps:
        for node in ast.walk(step.node):
            if not isinstance(node, _COMPREHENSIONS):
                continue
            own = own_names(node)
            parts = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
            parts += [test for generator in node.generators for test in generator.ifs]
            called = {id(inner.func) for part in parts for inner in ast.walk(part) if isinstance(inner, ast.Call)}
            for item in (inner for part in parts for inner in ast.walk(part)):
                is_value = isinstance(item, ast.Name) and id(item) not in called and item.id not in own
                if is_value and not hasattr(builtins, item.id):  # type: ignore[attr-defined]
                    found[item.id] = None  # type: ignore[attr-defined]
    return tuple(found)


def are_spelled(steps: Sequence[Step]) -> bool:
    """Whether all that some statements put into a list is spelled out: ``labels = []``, ``labels.append("high")``."""
    return all(all(_is_spelled(node) for node in _put_in(step.node)) for step in steps)


def _put_in(node: ast.stmt) -> list[ast.expr]:
    value = getattr(node, "value", None)
    if isinstance(node, ast.Expr) and isinstance(value, ast.Call):
        return [*value.args, *(item.value for item in value.keywords)]
    return [value] if isinstance(value, ast.expr) else [ast.Name("unknown", ast.Load())]


def _is_spelled(node: ast.expr) -> bool:
    return all(isinstance(part, ast.Constant | ast.List | ast.Tuple | ast.expr_context) for part in ast.walk(node))


def tests_around(code: CodeType, line: int) -> list[ast.expr]:
    """The conditions under which a statement of a function or module runs, outermost first."""
    found: list[ast.expr] = []
    body: Sequence[ast.stmt] = body_of(code)
    while body:
        node = next(
            (statement for statement in body if statement.lineno <= line <= (statement.end_lineno or statement.lineno)),
            None,
        )
        if node is None:
            break
        if isinstance(node, ast.If) and not _is_main(node.test):
            found.append(node.test)
        parts = [getattr(node, name, []) for name in ("body", "orelse", "finalbody")]
        parts += [handler.body for handler in getattr(node, "handlers", [])]
        is_own = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        inner = (part for part in parts if part and part[0].lineno <= line <= (part[-1].end_lineno or 0))
        body = [] if is_own else next(inner, [])
    return found


def _is_main(test: ast.expr) -> bool:
    """``if __name__ == "__main__"``."""
    return isinstance(test, ast.Compare) and getattr(test.left, "id", "") == "__name__"
