"""Reading from the user's code where an array came from, when nobody saw it being made.

``pred = (score > 0.5).astype(int)`` runs inside numpy, where no hook can stand: ``pred`` is an object out of nowhere.
The statement says all the same that it was made of ``score``. When such an array goes into a frame or a file, the
statements behind it are looked up in the source of the running function, backwards from the line that runs, until they
reach values that are alive and known to have been made at one of those lines. What is found is marked ``inferred``: a
name may have been bound to something else in between.

Nothing is looked at but the source text and our own records; no local variable is touched.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import CodeType
from typing import Any, Final, NamedTuple

from headwater.capture.syntax import lines_of, syntax_tree
from headwater.capture.values import (
    INFERRED,
    UNKNOWN,
    Columns,
    Dep,
    Rule,
    Value,
    Values,
    make_value,
    user_site,
)

MAX_STEPS: Final = 200
MAX_ASKED: Final = 64
"""A line that hands over more unknown arrays than this is in a loop, and has told what it tells."""
MAX_LINES: Final = 4_096
_asked: dict[tuple[int, int], int] = {}
MAX_SOURCE_LINES: Final = 20_000


class Step(NamedTuple):
    """One statement: its lines, the names that it binds or changes, and the names in its expressions."""

    first: int
    last: int
    binds: frozenset[str]
    passed: tuple[str, ...]
    """Names handed on as they are: the whole right side, an argument, an item of a list."""
    used: tuple[str, ...]
    """Names inside larger expressions."""
    mentions: frozenset[str]
    """Texts and attributes in its expressions: where they name columns, those columns are meant."""
    is_closed: bool
    """Whether it calls no function by its bare name: what such a function hands back was made elsewhere."""
    node: ast.stmt
    """The statement itself, as it was parsed."""


_STORES: Final = frozenset({"setitem", "insert", "isetitem", "loc", "iloc", "at", "iat", "DataFrame", "Series"})
"""Operations that take in an array; what they made is no step towards it."""
_MEASURES: Final = frozenset({"shape", "size", "index", "columns", "ndim", "dtype", "dtypes"})
"""Attributes that tell about data without giving any of it."""
_GROWS: Final = frozenset({"append", "extend", "insert", "add", "update", "appendleft", "setdefault"})

GUESSED: Final = "unseen"
"""The operation of a value that was guessed from an array's length; the code knows better, where it can be read."""


FROM_CODE: Final = "code"
"""The operation of a value that was read from the code."""


def known_or_read(values: Values, item: Any, site_depth: int = 2) -> Value | None:
    """The value of an object; of an array that nobody saw being made, what the code says, and only then a guess."""
    value = values.get(item)
    if value is not None and value.op != GUESSED:
        return value
    if type(item).__name__ != "ndarray" or not item.ndim:
        return value
    code, line = user_site(site_depth + 1)
    times = _asked.get((id(code), line), 0)
    if times >= MAX_ASKED or len(_asked) > MAX_LINES:
        return value
    _asked[id(code), line] = times + 1
    found = surmise(values, code, line, len(item))
    if found is None or found is UNKNOWN:
        return value if found is None else None
    return values.bind(item, found)


def known_or_listed(values: Values, item: Any) -> Value | None:
    """The value of an object; of a list only what the code says that it was made of, never a guess by its length."""
    value = values.get(item)
    return None if isinstance(item, list | tuple) and value is not None and value.op != FROM_CODE else value


def surmise(values: Values, code: CodeType | None, line: int, rows: int | None) -> Value | None:
    """A value for an unknown array that is used at ``line`` of ``code``.

    ``UNKNOWN`` where the code says that it was made of nothing that is followed; None where the code does not tell:
    there is no source, or the array came in as an argument.
    """
    steps = steps_of(code) if code is not None else ()
    at = next((step for step in reversed(steps) if step.first <= line <= step.last), None)
    if code is None or at is None:
        return None
    made = [(value.line, value) for value in values.made_in(code) if value.op not in _STORES]
    found: dict[int, tuple[Value, frozenset[str]]] = {}
    own = [item for item in _ends(made, at) if item.rows == rows]
    found.update((id(value), (value, frozenset())) for value in own)
    before_own = _behind(own)
    seen: set[tuple[str, int]] = set()
    # an array that was handed on has a name; only where none was, it came out of a larger expression
    waiting = [(name, False, at.first, line, at.mentions) for name in (() if own else at.passed)] or [
        (name, True, at.first, line, at.mentions) for name in at.used
    ]
    bound_at, is_certain = line, True
    parameters = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    for _ in range(MAX_STEPS):
        if not waiting:
            break
        name, is_operand, before, origin, mentions = waiting.pop()
        if (name, before) in seen:
            continue
        seen.add((name, before))
        step = _last_binding(steps, name, before)
        if step is None:
            is_certain = is_certain and name not in parameters
            continue
        direct = _ends(made, step)
        if direct and (is_operand or len(step.binds) == 1):
            found.update((id(value), (value, mentions)) for value in direct[-1:] if id(value) not in before_own)
            bound_at = origin
        elif not direct:
            origin = origin if is_operand else step.first
            is_certain = is_certain and step.is_closed
            wider = mentions | step.mentions
            waiting += [(other, True, step.first, origin, wider) for other in (*step.used, *step.passed)]
    if not found:
        return UNKNOWN if is_certain else None
    inputs = tuple(value for value, _ in found.values())
    rule = _from_mentioned([mentions for _, mentions in found.values()])
    return make_value(FROM_CODE, inputs, rule, rows=rows, code=code, line=bound_at)


def _ends(made: list[tuple[int, Value]], step: Step) -> list[Value]:
    """What the statement's latest run made and did not use up itself, in order."""
    latest = {value.offset: value for line, value in made if step.first <= line <= step.last}
    used = {id(item) for value in latest.values() for item in value.inputs}
    return sorted((v for v in latest.values() if id(v) not in used), key=lambda value: value.number)


def _behind(values: list[Value]) -> set[int]:
    """The identities of what some values were made from, as far as a short look goes."""
    seen: set[int] = set()
    stack = list(values)
    while stack and len(seen) < MAX_STEPS:
        for item in stack.pop().inputs:
            if id(item) not in seen:
                seen.add(id(item))
                stack.append(item)
    return seen


def _from_mentioned(mentions: list[frozenset[str]]) -> Rule:
    """From the columns of each input that the code mentions; from all of it where it mentions none."""

    def rule(value: Value) -> Columns:
        deps: list[Dep] = []
        for position, (item, names) in enumerate(zip(value.inputs, mentions, strict=True)):
            columns: list[str | None] = [name for name in item.column_names() if name in names]
            deps += [Dep(position, name, description=INFERRED) for name in columns or [None]]
        return Columns({"*": deps})

    return rule


def gone_through(code: CodeType, line: int, passes: Mapping[int, tuple[Value, ...]]) -> tuple[Value, ...]:
    """The values of the columns that were gone through to make a list which is used at ``line`` of ``code``.

    ``passes`` are the lines at which columns were gone through. The statement itself may have done it, or one of those
    that bound the names it hands on.
    """
    steps = steps_of(code)
    at = next((step for step in reversed(steps) if step.first <= line <= step.last), None)
    if at is None:
        return ()
    found = _passed_in(at, passes)
    seen: set[tuple[str, int]] = set()
    waiting = [(name, at.first) for name in at.passed or at.used] if not found else []
    for _ in range(MAX_STEPS):
        if not waiting:
            break
        name, before = waiting.pop()
        if (name, before) in seen:
            continue
        seen.add((name, before))
        step = _last_binding(steps, name, before)
        if step is None:
            continue
        values = _passed_in(step, passes)
        found += values
        if not values:
            waiting += [(other, step.first) for other in (*step.passed, *step.used)]
    return tuple(dict.fromkeys(found))


def _passed_in(step: Step, passes: Mapping[int, tuple[Value, ...]]) -> list[Value]:
    return [value for line, values in passes.items() if step.first <= line <= step.last for value in values]


def _last_binding(steps: tuple[Step, ...], name: str, before: int) -> Step | None:
    """The last statement above ``before`` that binds the name; in a loop, one below it."""
    above = [step for step in steps if name in step.binds and step.first < before]
    if above:
        return above[-1]
    return next((step for step in reversed(steps) if name in step.binds and step.first > before), None)


@lru_cache(maxsize=256)
def steps_of(code: CodeType) -> tuple[Step, ...]:
    """The statements of a function or module, in the order of their lines; none where there is no source."""
    lines = lines_of(code.co_filename)
    if not lines or len(lines) > MAX_SOURCE_LINES:
        return ()
    try:
        tree = syntax_tree("".join(lines))
    except (SyntaxError, ValueError):
        return ()
    body = tree.body if code.co_name == "<module>" else _body_of(tree, code)
    return tuple(sorted(_steps(body), key=lambda step: (step.first, -step.last)))


def _body_of(tree: ast.Module, code: CodeType) -> list[ast.stmt]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == code.co_name:
            first = min([node.lineno, *(item.lineno for item in node.decorator_list)])
            if code.co_firstlineno in (first, node.lineno):
                return node.body
    return []


def _steps(body: list[ast.stmt]) -> Iterator[Step]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        if isinstance(node, ast.For | ast.AsyncFor):
            yield _step(node, [node.target], node.iter, last=node.iter.end_lineno)
        elif isinstance(node, ast.With | ast.AsyncWith):
            for item in node.items:
                yield _step(
                    node, [item.optional_vars] if item.optional_vars else [], item.context_expr, last=node.lineno
                )
        elif isinstance(node, ast.Assign):
            yield _step(node, node.targets, node.value)
        elif isinstance(node, ast.AugAssign | ast.AnnAssign):
            yield _step(node, [node.target], node.value, changes=isinstance(node, ast.AugAssign))
        elif isinstance(node, ast.Expr | ast.Return):
            grown = _grown(node.value)
            yield _step(node, grown, node.value, changes=bool(grown))
        elif isinstance(node, ast.Assert):
            yield _step(node, [], node.test)
        for part in ("body", "orelse", "finalbody"):
            yield from _steps(getattr(node, part, []))
        for handler in getattr(node, "handlers", []):
            yield from _steps(handler.body)


def _grown(value: ast.expr | None) -> list[ast.expr]:
    """The collection that ``rows.append(...)`` adds to."""
    function = value.func if isinstance(value, ast.Call) else None
    is_growing = isinstance(function, ast.Attribute) and function.attr in _GROWS
    return [function.value] if is_growing and isinstance(function, ast.Attribute) else []


def _step(
    node: ast.stmt, targets: list[ast.expr], value: ast.expr | None, *, last: int | None = None, changes: bool = False
) -> Step:
    binds = frozenset(name for target in targets for name in _bound(target))
    passed, used = _parts(value)
    called = [item.func for item in ast.walk(node) if isinstance(item, ast.Call)] if value is not None else []
    is_closed = not any(isinstance(item, ast.Name) and not hasattr(builtins, item.id) for item in called)
    if changes:
        used += tuple(binds)
    mentions = _mentions(value)
    return Step(node.lineno, last or node.end_lineno or node.lineno, binds, passed, used, mentions, is_closed, node)


def _mentions(value: ast.expr | None) -> frozenset[str]:
    nodes = list(ast.walk(value)) if value is not None else []
    texts = {item.value for item in nodes if isinstance(item, ast.Constant) and isinstance(item.value, str)}
    return frozenset(texts | {item.attr for item in nodes if isinstance(item, ast.Attribute)})


def _bound(target: ast.expr) -> Iterator[str]:
    """The names that an assignment binds; of ``x[...] = `` and ``x.y =`` the object that it changes."""
    if isinstance(target, ast.Name):
        yield target.id
    elif isinstance(target, ast.Tuple | ast.List):
        for item in target.elts:
            yield from _bound(item)
    elif isinstance(target, ast.Subscript | ast.Attribute | ast.Starred):
        yield from _bound(target.value)


def _parts(value: ast.expr | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names that an expression hands on as they are, and names that it computes with."""
    passed: list[str] = []
    used: list[str] = []
    waiting = [value] if value is not None else []
    while waiting:
        item = waiting.pop()
        if isinstance(item, ast.Name):
            passed.append(item.id)
        elif isinstance(item, ast.Call) and item is value:
            waiting += [*item.args, *(keyword.value for keyword in item.keywords)]
            used += _names(item.func)
        elif isinstance(item, ast.List | ast.Tuple):
            waiting += item.elts
        elif isinstance(item, ast.Dict):
            waiting += item.values
        else:
            used += _names(item)
    return tuple(passed), tuple(used)


def _names(node: ast.AST) -> list[str]:
    """The names in an expression whose data it uses: ``len(x)`` and ``x.shape`` tell of ``x`` without giving any."""
    found: list[str] = []
    waiting: list[ast.AST] = [node]
    while waiting:
        item = waiting.pop()
        if isinstance(item, ast.Name):
            found.append(item.id)
        is_count = isinstance(item, ast.Call) and isinstance(item.func, ast.Name) and item.func.id == "len"
        if not is_count and not (isinstance(item, ast.Attribute) and item.attr in _MEASURES):
            waiting += ast.iter_child_nodes(item)
    return found
