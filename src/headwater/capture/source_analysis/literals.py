"""Decides whether an expression in the user's source consists of literals and random numbers only.

``pd.DataFrame({"region": ["north", "south"], "rate": [0.2, 0.3]})`` comes from no dataset, and neither does a frame of
random numbers. But if the origin of a table is unknown, its rows may also have come from a file. So the answer is yes
only if every name and call in the expression resolves to a literal in the source.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterable, Iterator
from types import CodeType, FrameType, FunctionType
from typing import Final, NamedTuple

from headwater.capture.source_analysis.bindings import (
    Step,
    begins_anew,
    calls_with,
    module_steps_of,
    own_names,
    step_at,
    steps_of,
)
from headwater.capture.source_analysis.call_origins import call_of, caller_of, given_for
from headwater.capture.source_analysis.meant_parts import given_there
from headwater.capture.source_analysis.row_list_syntax import called_name, given_to, maker_at
from headwater.capture.user_code import is_users
from headwater.model.patterns import lazy_pattern

MAX_NODES: Final = 5_000
"""How many expressions are examined for one answer; if all of them are literal, the rest is assumed to be."""
_MOST_STEPS: Final = 200
BUILTINS: Final = frozenset((
    *("abs", "bool", "bytes", "chr", "complex", "dict", "divmod", "enumerate", "filter", "float", "frozenset", "int"),
    *("len", "list", "map", "max", "min", "ord", "pow", "range", "repr", "reversed", "round", "set", "slice", "sorted"),
    *("str", "sum", "tuple", "zip", "all", "any", "iter", "next", "True", "False", "None", "__file__", "__name__"),
))  # fmt: skip
_MODULES: Final = frozenset((
    *("np", "numpy", "pd", "pandas", "pl", "polars", "pa", "pyarrow", "random", "math", "datetime", "dt", "time"),
    *("string", "itertools", "collections", "uuid", "statistics", "decimal", "calendar", "os", "pathlib", "glob"),
))  # fmt: skip
"""Modules, by their usual names, whose functions read nothing from outside, except those that match ``READS``."""
NAMES: Final = frozenset((
    *("datetime", "date", "timedelta", "timezone", "randint", "choice", "choices", "uniform", "gauss", "shuffle"),
    *("sample", "default_rng", "defaultdict", "Counter", "deque", "OrderedDict", "Decimal", "product", "chain"),
    *("Path", "uuid4", "DataFrame", "Series", "date_range", "Timestamp", "ceil", "floor", "sqrt", "sin", "cos", "pi"),
))  # fmt: skip
"""Functions and classes of those modules that are often imported by name."""
_SIZED: Final = frozenset((
    *("rand", "randn", "random", "random_sample", "randint", "integers", "choice", "normal", "uniform", "permutation"),
    *("standard_normal", "poisson", "binomial", "exponential", "gamma", "beta", "lognormal", "multivariate_normal"),
    *("zeros", "ones", "empty", "full", "arange", "linspace", "range", "date_range", "eye"),
))  # fmt: skip
"""Functions with a length or shape as argument, which is not data of their result."""
_DICTIONARIES: Final = frozenset(("dict", "defaultdict", "Counter", "OrderedDict"))
_TARGETS: Final = frozenset(("file", "filename", "fname"))
"""Names of the argument for the file in saving functions."""
_PASSES_ON: Final = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
"""Functions with these flags do not return all that they produce."""
READS: Final = lazy_pattern(
    r"read|load|scan|open|fromfile|fromregex|genfromtxt|memmap|from_(?:file|uri|arrow|pandas)|BufferOutputStream"
)
"""Functions that read, or that make something empty for others to fill."""


def is_literal(code: CodeType | None, line: int, makers: frozenset[str] | None = None, place: int = 0) -> bool:
    """Whether the value of the statement at a line is literal in the code; with ``makers``, whether the data is, an
    argument at ``place``, from which a call of one of these makes a table."""
    at = step_at(steps_of(code), line) if code is not None else None
    if code is None or at is None:
        return False
    value = maker_at(at, line, makers, place) if makers else getattr(at.node, "value", None)
    return isinstance(value, ast.expr) and Reader().follows(value, Place(code, line))


def is_written(node: ast.expr, code: CodeType, line: int) -> bool:
    """Whether an expression at a line is made of literals and random numbers alone."""
    return Reader().follows(node, Place(code, line))


def saved_at(code: CodeType | None, line: int, savers: frozenset[str], target: int) -> list[ast.expr]:
    """What the one call of a saver at a line writes to its file, which is the argument at position ``target``; empty if
    there is no such call, or more than one."""
    at = step_at(steps_of(code), line) if code is not None else None
    calls = [node for node in ast.walk(head_of(at.node)) if isinstance(node, ast.Call)] if at is not None else []
    saving = [call for call in calls if called_name(call) in savers and call.lineno <= line <= (call.end_lineno or 0)]
    if len(saving) != 1:
        return []
    call = saving[0]
    given = [*call.args[:target], *call.args[target + 1 :]]
    return given + [item.value for item in call.keywords if item.arg not in _TARGETS]


def masks_at(code: CodeType, line: int, method: str) -> list[tuple[ast.expr, Place]]:
    """The masks that chose the rows whose index a call of ``method`` at a line is given, and where they stand:
    ``frame.drop(frame[frame.price > 4].index)``, also if the index was assigned to a name before."""
    found: list[tuple[ast.expr, Place]] = []
    for given in saved_at(code, line, frozenset((method,)), _MOST_STEPS):
        node, at = given, Place(code, line)
        steps = bindings(node.id, at) if isinstance(node, ast.Name) else []
        if len(steps) == 1 and isinstance(steps[0].node, ast.Assign):
            node, at = steps[0].node.value, Place(code, steps[0].first)
        inner: ast.expr = node.value if isinstance(node, ast.Attribute) and node.attr == "index" else ast.Constant(None)
        while isinstance(inner, ast.Subscript | ast.Call | ast.Attribute):
            if isinstance(inner, ast.Subscript):
                found.append((inner.slice, at))
            inner = inner.func if isinstance(inner, ast.Call) else inner.value
    return found


def are_literal(names: Iterable[str], code: CodeType, line: int) -> bool:
    """Whether the objects that some names refer to at a line are literal in the code."""
    reader = Reader()
    return all(reader.follows(ast.Name(name, ast.Load()), Place(code, line)) for name in names)


def constants_at(code: CodeType | None, line: int) -> set[object]:
    """The numbers and strings in the statement at a line, and in those that bind the names it uses."""
    at = step_at(steps_of(code), line) if code is not None else None
    if code is None or at is None:
        return set()
    found: set[object] = set()
    seen = {at.first}
    waiting = [at]
    while waiting and len(seen) < _MOST_STEPS:
        step = waiting.pop()
        for node in ast.walk(head_of(step.node)):
            if isinstance(node, ast.Constant) and isinstance(node.value, int | float | str):
                found.add(node.value)
                if not isinstance(node.value, str):
                    found.add(-node.value)
        for name in (*step.passed, *step.used):
            more = [binding for binding in bindings(name, Place(code, step.first)) if binding.first not in seen]
            seen.update(binding.first for binding in more)
            waiting += more
    return found


def head_of(node: ast.stmt) -> ast.AST:
    """What a statement itself evaluates: for a loop or ``with``, not its body."""
    if isinstance(node, ast.For | ast.AsyncFor):
        return node.iter
    if isinstance(node, ast.With | ast.AsyncWith):
        return ast.Tuple([item.context_expr for item in node.items], ast.Load())
    return node.test if isinstance(node, ast.While) else node


class Place(NamedTuple):
    """The position of an expression, and the names that it binds itself."""

    code: CodeType
    line: int
    own: frozenset[str] = frozenset()


class Reader:
    """Resolves expressions to literals. Each name is examined once."""

    def __init__(self) -> None:
        self._seen: set[tuple[CodeType, str]] = set()
        self._left = MAX_NODES
        self._functions: dict[CodeType, bool] = {}
        """The user's functions, and whether their results depend only on literals and on their arguments, which are
        resolved where they are called."""

    def follows(self, node: ast.AST, at: Place) -> bool:
        """Whether an expression leads only to literals."""
        self._left -= 1
        if self._left < 0 or isinstance(node, ast.Constant | ast.expr_context | ast.operator | ast.arguments):
            return True
        if isinstance(node, ast.Await | ast.Yield | ast.YieldFrom | ast.NamedExpr):
            return False
        if isinstance(node, ast.Name):
            return node.id in at.own or self._name(node.id, at)
        if isinstance(node, ast.Call):
            return self._call(node, at)
        if isinstance(node, _SCOPES):
            at = at._replace(own=at.own | own_names(node))
        return all(self.follows(item, at) for item in ast.iter_child_nodes(node))

    def _call(self, node: ast.Call, at: Place) -> bool:
        function = node.func
        if isinstance(function, ast.Name):
            own = function_named(function.id, at.code)
            is_known = (
                self._function(own)
                if own is not None
                else function.id in BUILTINS or (function.id in NAMES and not bindings(function.id, at))
            )
        else:
            is_known = not READS.match(called_name(node)) and self.follows(function, at)
        given = [*node.args, *(keyword.value for keyword in node.keywords)]
        is_sized = called_name(node) in _SIZED
        return is_known and all((is_sized and _is_size(item)) or self.follows(item, at) for item in given)

    def _function(self, code: CodeType) -> bool:
        """Whether everything that a function of the user returns is made from its arguments and from literals."""
        if code not in self._functions:
            self._functions[code] = True  # assumed meanwhile, in case it calls itself
            returned = [step for step in steps_of(code) if isinstance(step.node, ast.Return)]
            self._functions[code] = not code.co_flags & _PASSES_ON and all(
                step.node.value is None or self.follows(step.node.value, Place(code, step.first))
                for step in returned
                if isinstance(step.node, ast.Return)
            )
            self._functions[code] = self._functions[code] and bool(returned)
        return self._functions[code]

    def _name(self, name: str, at: Place) -> bool:
        if (at.code, name) in self._seen:
            return True
        self._seen.add((at.code, name))
        steps = bindings(name, at)
        if steps:
            return all(self._step(step, at, name) for step in steps) and not _is_filled_by_call(name, at)
        parameters = at.code.co_varnames[: at.code.co_argcount + at.code.co_kwonlyargcount]
        if name in parameters:
            return self._parameter(at.code, name, parameters.index(name))
        return self.is_module(name) or name in BUILTINS

    def is_module(self, name: str) -> bool:
        """Whether a name is that of a module whose functions read nothing from outside."""
        return name in _MODULES

    def _step(self, step: Step, at: Place, name: str) -> bool:
        node, at = step.node, Place(at.code, step.first)
        if isinstance(node, ast.For | ast.AsyncFor):
            return self.follows(node.iter, at)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):  # rows.append(...)
            given = [*node.value.args, *(keyword.value for keyword in node.value.keywords)]
            return all(self.follows(item, at) for item in given)
        if isinstance(node, ast.With | ast.AsyncWith):
            opened = [given_to(step, name) for name in step.binds]
            return bool(opened) and all(item is not None and self.follows(item, at) for item in opened)
        value = node.value if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign) else None
        value = given_there(node, name) or value  # best, best_name = model, name
        if value is None or not self.follows(value, at):
            return False
        keys = _keys_filled(node, name, at) if self._is_spelled(value, at) else []
        return all(self.follows(key, at) for key in keys)

    def _is_spelled(self, node: ast.expr, at: Place) -> bool:
        """Whether an expression that leads somewhere leads only to literals: here, no other does."""
        return True

    def _parameter(self, code: CodeType, name: str, place: int) -> bool:
        """Whether the caller's argument is literal. A default is assumed to be."""
        if code in self._functions:
            return True
        caller = caller_of(code)
        step = step_at(steps_of(caller[0]), caller[1]) if caller is not None else None
        call = call_of(step, code) if step is not None else None
        if caller is None or call is None:
            return False
        if any(isinstance(item, ast.Starred) for item in call.args) or any(item.arg is None for item in call.keywords):
            return False
        if place == 0 and isinstance(call.func, ast.Attribute) and name in ("self", "cls"):
            return False  # the call does not show what the object contains
        given = given_for(call, code, name, place)
        return given is None or self.follows(given, Place(caller.code, caller.line))


def _keys_filled(node: ast.stmt, name: str, at: Place) -> list[ast.expr]:
    """The keys under which a statement puts something into a dictionary of that name: ``counts[word] += 1``. If what
    it puts there is spelled out, these are all that the dictionary is made from."""
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    keys: list[ast.expr] = []
    for target in targets:
        filled, found = target, list[ast.expr]()
        while isinstance(filled, ast.Subscript):
            found.append(filled.slice)
            filled = filled.value
        keys += found if isinstance(filled, ast.Name) and filled.id == name else []
    return keys if keys and any(_makes_dictionary(step.node) for step in bindings(name, at)) else []


def _makes_dictionary(node: ast.stmt) -> bool:
    value = getattr(node, "value", None)
    return isinstance(value, ast.Dict | ast.DictComp) or (value is not None and called_name(value) in _DICTIONARIES)


def _is_filled_by_call(name: str, at: Place) -> bool:
    """Whether a list of that name is passed to a function of the user's that puts something into it."""
    calls = [call for step in steps_of(at.code) if step.first <= at.line for call in calls_with(step, name)]
    for call in calls:
        code = function_named(getattr(call.func, "id", ""), at.code)
        if code is not None and any(parameter in _filled_in(code) for parameter in _given_as(name, call, code)):
            return True
    return False


def _given_as(name: str, call: ast.Call, code: CodeType) -> Iterator[str]:
    """The parameters of a function for which a call of it passes the object of a name."""
    for place, parameter in enumerate(code.co_varnames[: code.co_argcount]):
        given = given_for(call, code, parameter, place)
        if isinstance(given, ast.Name) and given.id == name:
            yield parameter


def _filled_in(code: CodeType) -> set[str]:
    """The names that the statements of a function bind or put something into."""
    return {name for step in steps_of(code) for name in step.binds}


def _is_size(node: ast.expr) -> bool:
    """Whether an expression is a size: ``len(frame)``, ``frame.shape[0]``, tuples of these."""
    if isinstance(node, ast.Tuple):
        return all(isinstance(item, ast.Constant) or _is_size(item) for item in node.elts)
    if isinstance(node, ast.Subscript):
        node = node.value
    if isinstance(node, ast.Attribute):
        return node.attr in ("shape", "size")
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "len"


def function_named(name: str, code: CodeType) -> CodeType | None:
    """The code of the user's function that the running code refers to by that name."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename != code.co_filename:
        frame = frame.f_back
    found = frame.f_globals.get(name) if frame is not None else None
    return found.__code__ if isinstance(found, FunctionType) and is_users(found.__code__) else None


def bindings(name: str, at: Place) -> list[Step]:
    """The statements that bind a name above a line, and those below it in a loop around the line. For a global name in
    a function, all statements of the module that bind it."""
    known = _since_last(name, at, [step for step in steps_of(at.code) if name in step.binds])
    last = max([at.line, *(end_of_loop(step) for step in steps_of(at.code) if step.first <= at.line)])
    found = [step for step in known if step.first <= last]
    if found or known or at.code.co_name == "<module>" or name in at.code.co_varnames:
        return found
    return [step for step in module_steps_of(at.code) if name in step.binds]


def _since_last(name: str, at: Place, known: list[Step]) -> list[Step]:
    """Those of the statements binding a name that may have given it its value at a line: an unconditional assignment
    outside of loops overrides those above it, and so does the loop around the line."""
    for place in range(len(known) - 1, -1, -1):
        if begins_anew(known[place], name, at.line) and known[place].last < at.line:
            return known[place:]
    return known


def end_of_loop(step: Step) -> int:
    """The last line of a loop; 0 for any other statement."""
    return (step.node.end_lineno or 0) if isinstance(step.node, ast.For | ast.AsyncFor | ast.While) else 0


_SCOPES: Final = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Lambda)
