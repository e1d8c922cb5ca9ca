"""Statements of a function or module as bound and used names, the form that the analysis works on."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator
from functools import lru_cache
from types import CodeType
from typing import Final, NamedTuple

from headwater.capture.code_numbers import number_of
from headwater.capture.notebook_cells import file_of
from headwater.capture.source_analysis.line_parts import parsed
from headwater.capture.source_analysis.parser import lines_of
from headwater.capture.user_code import COMPREHENSIONS

MAX_SOURCE_LINES: Final = 20_000


class Step(NamedTuple):
    """One statement: its lines, the names that it binds or changes, and the names in its expressions."""

    first: int
    last: int
    binds: frozenset[str]
    passed: tuple[str, ...]
    """Names passed on unchanged: the whole right side, an argument, an item of a list."""
    used: tuple[str, ...]
    """Names inside larger expressions."""
    mentions: frozenset[str]
    """Strings and attributes in its expressions, which may be names of columns."""
    is_closed: bool
    """Whether it calls no function by its unqualified name, whose result would be made elsewhere."""
    node: ast.stmt
    """The parsed statement itself."""
    is_sure: bool = True
    """Whether it runs exactly once in each call of the function: not in a loop, branch or ``try``."""
    block: tuple[int, int] = (0, 0)
    """The first and the last line of the loop, branch or ``try`` whose statements it is one of."""

    def is_before(self, line: int) -> bool:
        """Whether it certainly runs each time before what stands at a line, or later in the same block."""
        return self.first < line and (self.is_sure or self.block[0] <= line <= self.block[1])


class Called(NamedTuple):
    """The place from which a function was called, and whether the results of all its calls are meant or of the latest
    only."""

    code: CodeType
    first: int
    last: int
    is_each: bool


_ROUNDS: Final = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_MEASURES: Final = frozenset({"shape", "size", "empty", "index", "columns", "ndim", "dtype", "dtypes"})
"""Attributes that describe data without containing any."""
_GROWS: Final = frozenset(
    {
        *("append", "extend", "insert", "add", "update", "appendleft", "setdefault"),
        *("fit", "partial_fit", "fit_transform", "fit_predict"),
    }
)
"""Methods that change the object whose they are."""
_COLLECTIONS: Final = frozenset({"list", "set", "dict", "deque"})
"""Classes whose methods are given the collection that they change, if they are called on the class."""
_PUSHES: Final = frozenset({"heappush", "heappushpop", "heapreplace", "insort", "insort_left", "insort_right"})
"""Functions that change the list that they are given."""


def comprehensions(code: CodeType) -> Iterator[CodeType]:
    """The comprehensions in a code object, which are code of their own (before Python 3.12 all of them)."""
    for inner in code.co_consts:
        if isinstance(inner, CodeType) and inner.co_name in COMPREHENSIONS:
            yield inner
            yield from comprehensions(inner)


def has_rounds(step: Step) -> bool:
    """Whether there is a comprehension in a statement."""
    return _has_rounds(step.node)


@lru_cache(maxsize=4_096)
def _has_rounds(node: ast.stmt) -> bool:
    return any(isinstance(item, _ROUNDS) for item in ast.walk(node))


class _Finder:
    """Finds statements by their lines and names, each the same way once: a line in a loop asks again and again."""

    __slots__ = ("_at", "_binding", "steps")

    def __init__(self, steps: tuple[Step, ...]) -> None:
        self.steps = steps
        self._at: dict[int, Step | None] = {}
        self._binding: dict[str, list[Step]] | None = None

    def at(self, line: int) -> Step | None:
        """The innermost statement at a line."""
        if line not in self._at:
            found = (step for step in reversed(self.steps) if step.first <= line <= step.last)
            self._at[line] = next(found, None)
        return self._at[line]

    def binding(self, name: str) -> list[Step]:
        """The statements that bind a name, in their order."""
        if self._binding is None:
            binding: dict[str, list[Step]] = {}
            for step in self.steps:
                for bound in step.binds:
                    binding.setdefault(bound, []).append(step)
            self._binding = binding
        return self._binding.get(name, [])


_finders: Final[dict[int, _Finder]] = {}
"""By the ``id()`` of the statements, which are kept alive meanwhile."""


def _finder(steps: tuple[Step, ...]) -> _Finder:
    found = _finders.get(id(steps))
    if found is None or found.steps is not steps:
        if len(_finders) >= _MOST_CODES:
            _finders.clear()
        found = _finders[id(steps)] = _Finder(steps)
    return found


def step_at(steps: tuple[Step, ...], line: int) -> Step | None:
    """The innermost statement at a line; None if there is none."""
    return _finder(steps).at(line)


def calls_with(step: Step, name: str) -> Iterator[ast.Call]:
    """The calls in a statement that have a name for an argument."""
    for node in ast.walk(step.node) if name in (*step.passed, *step.used) else ():
        given = [*node.args, *(keyword.value for keyword in node.keywords)] if isinstance(node, ast.Call) else []
        if isinstance(node, ast.Call) and any(isinstance(item, ast.Name) and item.id == name for item in given):
            yield node


def begins_anew(step: Step, name: str, line: int = 0) -> bool:
    """Whether a statement certainly binds a name to a new object. For a use at ``line``, the loop around that line does
    so, too, if the name is its target, and what stands above it in the same block."""
    if isinstance(step.node, ast.For | ast.AsyncFor):
        return name in step.binds and step.last < line <= (step.node.end_lineno or 0)
    if isinstance(step.node, ast.With | ast.AsyncWith):
        return step.is_sure and name in step.binds
    is_plain = isinstance(step.node, ast.Assign) and any(
        isinstance(item, ast.Name) and item.id == name for item in step.node.targets
    )
    return is_plain and (step.is_sure or step.is_before(line)) and name not in (*step.passed, *step.used)


def last_binding(steps: tuple[Step, ...], name: str, before: int) -> Step | None:
    """The last statement above ``before`` that binds the name, or one below it, as in a loop."""
    binding = _finder(steps).binding(name)
    above = next((step for step in reversed(binding) if step.first < before), None)
    return above or next((step for step in reversed(binding) if step.first > before), None)


def steps_of(code: CodeType) -> tuple[Step, ...]:
    """The statements of a function, module or notebook (as far as it has run), in order; empty without source."""
    count = len(lines_of(code.co_filename))
    if not 0 < count <= MAX_SOURCE_LINES:
        return ()
    key = number_of(code), count
    found = _steps_by_code.get(key)
    if found is None:
        if len(_steps_by_code) >= _MOST_CODES:
            _steps_by_code.clear()
        found = _steps_by_code[key] = ordered_steps(_body(code, count))
    return found


_MOST_CODES: Final = 256
_steps_by_code: Final[dict[tuple[int, int], tuple[Step, ...]]] = {}
"""By the number of the code, and of the lines in its file."""


def loops_of(code: CodeType) -> list[ast.For | ast.AsyncFor | ast.While]:
    """The loops of a function, module or notebook, in the order of their lines."""
    steps = steps_of(code)
    known = _loops.get(number_of(code))
    if known is None or known[0] is not steps:
        if len(_loops) >= _MOST_CODES:
            _loops.clear()
        found = [step.node for step in steps if isinstance(step.node, ast.For | ast.AsyncFor | ast.While)]
        known = _loops[number_of(code)] = steps, found
    return known[1]


_loops: Final[dict[int, tuple[tuple[Step, ...], list[ast.For | ast.AsyncFor | ast.While]]]] = {}


def ordered_steps(body: list[ast.stmt]) -> tuple[Step, ...]:
    """The statements in a body, and in those of its loops and branches, in the order of their lines."""
    return tuple(sorted(_steps(body), key=lambda step: (step.first, -step.last)))


def body_of(code: CodeType) -> list[ast.stmt]:
    """The parsed statements of a function, module or notebook; empty without source."""
    count = len(lines_of(code.co_filename))
    return _body(code, count) if 0 < count <= MAX_SOURCE_LINES else []


def _body(code: CodeType, count: int) -> list[ast.stmt]:
    tree = tree_of("".join(lines_of(code.co_filename)[:count]))
    return tree.body if code.co_name == "<module>" else _body_of(tree, code)


@lru_cache(maxsize=4)
def tree_of(source: str) -> ast.Module:
    """The tree of a source; empty if it cannot be parsed. Several functions of a file are often asked for."""
    try:
        return parsed(source)
    except (SyntaxError, ValueError, RecursionError):
        return ast.Module([], [])


def module_steps_of(code: CodeType) -> tuple[Step, ...]:
    """The statements of a function's module or notebook, which bind its global names."""
    filename = file_of(code)
    count = len(lines_of(filename))
    return _steps_in(filename, count) if 0 < count <= MAX_SOURCE_LINES else ()


@lru_cache(maxsize=64)
def _steps_in(filename: str, count: int) -> tuple[Step, ...]:
    return tuple(_steps(tree_of("".join(lines_of(filename)[:count])).body))


def _body_of(tree: ast.Module, code: CodeType) -> list[ast.stmt]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == code.co_name:
            first = min([node.lineno, *(item.lineno for item in node.decorator_list)])
            if code.co_firstlineno in (first, node.lineno):
                return node.body
    return []


def _steps(body: list[ast.stmt], *, is_sure: bool = True, block: tuple[int, int] = (0, 0)) -> Iterator[Step]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        yield from (step._replace(is_sure=is_sure, block=block) for step in _steps_of_one(node))
        runs_once = isinstance(node, ast.With | ast.AsyncWith)
        for part in ("body", "orelse", "finalbody"):
            inner = getattr(node, part, [])
            yield from _steps(inner, is_sure=is_sure and runs_once, block=block if runs_once else _lines_of(inner))
        for handler in getattr(node, "handlers", []):
            yield from _steps(handler.body, is_sure=False, block=_lines_of(handler.body))


def _lines_of(body: list[ast.stmt]) -> tuple[int, int]:
    return (body[0].lineno, body[-1].end_lineno or 0) if body else (0, 0)


def _steps_of_one(node: ast.stmt) -> Iterator[Step]:
    """The steps for a statement itself, without those in its body."""
    if isinstance(node, ast.For | ast.AsyncFor):
        yield _step(node, [node.target], node.iter, last=node.iter.end_lineno)
    elif isinstance(node, ast.While):
        yield _step(node, [], node.test, last=node.test.end_lineno)
    elif isinstance(node, ast.With | ast.AsyncWith):
        for item in node.items:
            yield _step(node, [item.optional_vars] if item.optional_vars else [], item.context_expr, last=node.lineno)
    elif isinstance(node, ast.Assign):
        yield _step(node, node.targets, node.value)
    elif isinstance(node, ast.AugAssign | ast.AnnAssign):
        yield _step(node, [node.target], node.value, changes=isinstance(node, ast.AugAssign))
    elif isinstance(node, ast.Expr | ast.Return):
        grown = _grown(node.value)
        yield _step(node, grown, node.value, changes=bool(grown))
    elif isinstance(node, ast.Assert):
        yield _step(node, [], node.test)


def _grown(value: ast.expr | None) -> list[ast.expr]:
    """The collection that a call like ``rows.append(...)`` adds to, or the model that ``model.fit(...)`` fits."""
    function = value.func if isinstance(value, ast.Call) else None
    if not isinstance(value, ast.Call) or not isinstance(function, ast.Name | ast.Attribute):
        return []
    name = function.attr if isinstance(function, ast.Attribute) else function.id
    owner = function.value if isinstance(function, ast.Attribute) else None
    if name in _PUSHES or (isinstance(owner, ast.Name) and owner.id in _COLLECTIONS and name in _GROWS):
        return value.args[:1]  # heapq.heappush(rows, row), list.append(rows, row)
    return [owner] if owner is not None and name in _GROWS else []


def _step(
    node: ast.stmt, targets: list[ast.expr], value: ast.expr | None, *, last: int | None = None, changes: bool = False
) -> Step:
    binds = frozenset(name for target in targets for name in _bound(target))
    passed, used = _parts(value)
    called = [item.func for item in ast.walk(node) if isinstance(item, ast.Call)] if value is not None else []
    is_closed = not any(isinstance(item, ast.Name) and not hasattr(builtins, item.id) for item in called)
    if changes:
        used += tuple(binds)
    mentions = mentions_in(value)
    return Step(node.lineno, last or node.end_lineno or node.lineno, binds, passed, used, mentions, is_closed, node)


def part_of(step: Step, expression: ast.expr) -> Step:
    """A statement reduced to one expression in it, which is more than a name."""
    return step._replace(passed=(), used=tuple(names_in(expression)), mentions=mentions_in(expression))


def mentions_in(value: ast.expr | None) -> frozenset[str]:
    """The strings and attributes in an expression, which may be names of columns."""
    nodes = list(ast.walk(value)) if value is not None else []
    texts = {item.value for item in nodes if isinstance(item, ast.Constant) and isinstance(item.value, str)}
    return frozenset(texts | {item.attr for item in nodes if isinstance(item, ast.Attribute)})


def _bound(target: ast.expr) -> Iterator[str]:
    """The names that an assignment binds; for ``x[...] = `` and ``x.y =``, the object that it changes."""
    if isinstance(target, ast.Name):
        yield target.id
    elif isinstance(target, ast.Tuple | ast.List):
        for item in target.elts:
            yield from _bound(item)
    elif isinstance(target, ast.Subscript | ast.Attribute | ast.Starred):
        yield from _bound(target.value)


def _parts(value: ast.expr | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names that an expression passes on unchanged, and those that it computes with."""
    passed: list[str] = []
    used: list[str] = []
    waiting = [value] if value is not None else []
    while waiting:
        item = waiting.pop()
        if isinstance(item, ast.Name):
            passed.append(item.id)
        elif isinstance(item, ast.Call) and item is value and not _is_count(item):
            waiting += [*item.args, *(keyword.value for keyword in item.keywords)]
            used += names_in(item.func)
        elif isinstance(item, ast.List | ast.Tuple):
            waiting += item.elts
        elif isinstance(item, ast.Dict):
            waiting += item.values
        else:
            used += names_in(item)
    return tuple(passed), tuple(used)


def names_in(node: ast.AST) -> list[str]:
    """The names in an expression whose data it uses, unlike ``len(x)`` and ``x.shape``."""
    found: list[str] = []
    own = own_names(node)
    waiting: list[ast.AST] = [node]
    while waiting:
        item = waiting.pop()
        if isinstance(item, ast.Name) and item.id not in own:
            found.append(item.id)
        is_measure = _is_count(item) or (isinstance(item, ast.Attribute) and item.attr in _MEASURES)
        if not is_measure and not is_test_of_names(item):
            waiting += ast.iter_child_nodes(item)
    return found


def _is_count(node: ast.AST) -> bool:
    """Whether an expression is ``len(...)``."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "len"


def places_of_a_loop(node: ast.AST, steps: tuple[Step, ...], before: int) -> set[str]:
    """The names that an expression uses only to select items, and that a loop binds: ``fold`` in ``target[fold]``."""
    bound = {name: last_binding(steps, name, before) for name in _keys_alone(node)}
    return {name for name, step in bound.items() if step is not None and isinstance(step.node, ast.For)}


@lru_cache(maxsize=4_096)
def _keys_alone(node: ast.AST) -> frozenset[str]:
    """The names that an expression uses only to select items."""
    keys = [item.slice for item in ast.walk(node) if isinstance(item, ast.Subscript)]
    names = {item for key in keys for item in ast.walk(key) if isinstance(item, ast.Name)}
    others = (
        {item.id for item in ast.walk(node) if isinstance(item, ast.Name) and item not in names} if names else set()
    )
    return frozenset({item.id for item in names} - others)


def is_test_of_names(node: ast.AST) -> bool:
    """Whether an expression only checks for a column: ``"age" in frame``."""
    if not isinstance(node, ast.Compare) or not isinstance(node.left, ast.Constant):
        return False
    return isinstance(node.left.value, str) and all(isinstance(operator, ast.In | ast.NotIn) for operator in node.ops)


def own_names(node: ast.AST) -> set[str]:
    """The names that comprehensions and lambdas in an expression bind."""
    targets = [item.target for item in ast.walk(node) if isinstance(item, ast.comprehension)]
    names = {item.id for target in targets for item in ast.walk(target) if isinstance(item, ast.Name)}
    return names | {item.arg for item in ast.walk(node) if isinstance(item, ast.arg)}
