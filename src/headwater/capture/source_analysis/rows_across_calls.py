"""Follows rows of plain Python across calls of the user's functions: what a caller passed, what a function returned.

``load(transform(extract(path)))`` hands rows from function to function. The running function's caller is on the stack;
a function that has returned made its result by the expressions of its ``return`` or ``yield``, in which a parameter
stands for the argument of the call.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from types import CodeType, FunctionType, ModuleType
from typing import Any, Final, NamedTuple

from headwater.capture.source_analysis.bindings import step_at
from headwater.capture.source_analysis.call_origins import call_of, caller_of, given_for
from headwater.capture.source_analysis.names_above import Known, Passes
from headwater.capture.source_analysis.own_attributes import (
    Method,
    calls_in,
    file_names_in,
    instance_attribute,
    method_of,
    methods_of,
    methods_that_fill,
    self_of,
    steps_with_attributes,
)
from headwater.capture.source_analysis.row_list_syntax import pairs_of, texts_in
from headwater.capture.source_analysis.running_names import Position, position_of, running
from headwater.capture.user_code import is_users
from headwater.capture.values import Value

_MOST_CROSSED: Final = 200
_MOST_PLACES: Final = 20
_MOST_ITEMS: Final = 1_000


class Records:
    """What was recorded while the program ran, as the analysis asks for it, and how many calls may be crossed yet."""

    def __init__(
        self,
        passes: Callable[[CodeType], Passes],
        known: Callable[[CodeType], Known],
        rounds: Callable[[Value], Iterable[Value]],
        value: Callable[[object], Value | None],
    ) -> None:
        self.passes = passes
        """The frames and columns that a function iterated over, by line."""
        self.known = known
        """For a function or module: the value of an object that has a name there now."""
        self.rounds = rounds
        """The values that the instruction behind a value made in all iterations of a loop."""
        self.value = value
        """The value of an object, if it is followed."""
        self.entered: set[tuple[object, str]] = set()
        """Lists and rows that were examined, with what reads them: each is examined once, even if made from itself."""
        self.readers: dict[tuple[CodeType, int, int], Any] = {}
        """What reads each function, up to a line, by the object whose method it is."""
        self._left = _MOST_CROSSED

    def forget(self) -> None:
        """Forget what reads the functions: it holds their frames, and these what the program has in its variables."""
        self.entered = set()
        self.readers = {}

    def cross(self) -> bool:
        """Count a call that is crossed; False if there were too many."""
        self._left -= 1
        return self._left >= 0


class Passed(NamedTuple):
    """An argument, and where it stands."""

    node: ast.expr
    at: Position


class Fill(NamedTuple):
    """A method that puts something into an attribute."""

    at: Position
    name: str
    """The name of the attribute in it: ``self.rows``."""
    owner: int
    """The ``id()`` of the object."""


class Result(NamedTuple):
    """An expression that a function returned, or an item that it yielded."""

    node: ast.expr
    at: Position
    call: ast.Call
    is_item: bool

    @property
    def texts(self) -> set[str]:
        """The literals in the call, and the names of files that the object keeps whose method is called."""
        return texts_in(self.call) | texts_of(self.at)

    def argument(self, name: str) -> ast.expr | None:
        """What the call passes for a parameter of the function."""
        return _argument(self.call, self.at.code, name)


def known_at(at: Position, records: Records) -> Known:
    """``Records.known`` for the names at a position, those of attributes (``self.people``), too."""
    known = records.known(at.code)

    def known_or_kept(name: str, part: str | None = None) -> Value | None:
        owner, _, attribute = name.partition(".")
        if not attribute:
            return known(name, part) or records.value(at.lookup(name) if part is None else None)
        obj = instance_attribute(at.lookup(owner), attribute)
        return records.value(obj if part is None else instance_attribute(obj, part))

    return known_or_kept


def is_parameter(at: Position, name: str) -> bool:
    """Whether a name is a parameter of the function at a position."""
    return name in _parameters(at.code)


def passed_for(at: Position, name: str) -> list[Passed]:
    """What was passed for a parameter: by the caller of a running function, or wherever the code that is at hand calls
    a method that has ended. Empty if it is none, or cannot be told."""
    if name not in _parameters(at.code):
        return []
    caller = caller_of(at.code)
    if caller is None:
        return passed_to_method(at, name)
    step = step_at(steps_with_attributes(caller.code), caller.line)
    call = call_of(step, at.code) if step is not None else None
    if call is None or caller.is_through_library:
        return []
    given = _argument(call, at.code, name)
    return [Passed(given, position_of(caller.code, caller.line))] if given is not None else []


def passed_to_method(at: Position, name: str) -> list[Passed]:
    """What the other methods of its class, and the running functions and module, pass for a parameter of a method."""
    own = self_of(at.code)
    owner = at.lookup(own) if own else None
    if owner is None:
        return []
    places = [within(method) for method in methods_of(owner)] + list(running())
    found = [
        Passed(given, place)
        for place in places
        for call in calls_in(place.code, at.code.co_name)
        if (given := _argument(call, at.code, name)) is not None and _is_call_of(at.code, call, place)
    ]
    return found if len(found) <= _MOST_PLACES else []


def _is_call_of(code: CodeType, call: ast.Call, at: Position) -> bool:
    called = _function(call, at)
    return called is not None and called.code is code


def within(method: Method) -> Position:
    """The end of a method, of which it is not known which line runs."""
    last = max((line for _, _, line in method.code.co_lines() if line), default=0)
    return Position(method.code, last + 1, partial(_in_method, method))


def _in_method(method: Method, name: str) -> object:
    if name == self_of(method.code):
        return method.owner
    is_local = name in method.code.co_varnames or name in method.code.co_cellvars
    return None if is_local else method.names.get(name)


def fills_of(name: str, attribute: str | None, at: Position) -> list[Fill]:
    """Where methods of an object put something into an attribute of it; for a name with a dot (``self.rows``) into that
    attribute."""
    owner, _, own = name.partition(".")
    wanted = own or attribute
    obj = at.lookup(owner) if wanted else None
    if obj is None or isinstance(obj, ModuleType) or not wanted:
        return []
    return [Fill(within(method), inner, id(obj)) for method, inner in methods_that_fill(obj, wanted)]


def items_kept(name: str, attribute: str | None, at: Position, records: Records) -> list[Value]:
    """The values of the items of a list or dictionary that an object keeps in an attribute: ``self.models``. ``name``
    and ``attribute`` as in ``fills_of``."""
    owner, _, own = name.partition(".")
    held = instance_attribute(at.lookup(owner), own or attribute or "")
    items: Iterable[object] = ()
    if isinstance(held, dict):
        items = dict.values(held)  # without code of a subclass
    elif type(held) is list or type(held) is tuple:
        items = held
    found = [records.value(item) for item in islice(items, _MOST_ITEMS)]
    return [value for value in found if value is not None]


def attribute_at(node: ast.expr, at: Position) -> object:
    """The object of a name or attribute at a position: ``config.TARGET`` of a module, a class or an object. None if
    that is unknown; no code of its class runs."""
    if isinstance(node, ast.Attribute):
        owner, names = attribute_at(node.value, at), [node.attr]
    elif isinstance(node, ast.Name):
        first, *names = node.id.split(".")
        owner = at.lookup(first)
    else:
        return None
    for name in names:
        of_class = (vars(base).get(name) for base in type(owner).__mro__)
        found = instance_attribute(owner, name)
        owner = found if found is not None else next((one for one in of_class if isinstance(one, str)), None)
    return owner


def property_read(name: str, attribute: str | None, at: Position) -> ast.Call | None:
    """An attribute that a property of the user's computes, as a call of it; None for any other. ``name`` and
    ``attribute`` as in ``fills_of``."""
    owner, _, own = name.partition(".")
    wanted = own or attribute
    method = method_of(at.lookup(owner), wanted) if wanted else None
    if method is None or not wanted or not method.is_property:
        return None
    return ast.Call(ast.Attribute(ast.Name(owner, ast.Load()), wanted, ast.Load()), [], [])


def results_of(call: ast.expr | None, at: Position, place: int | None = None) -> Iterator[Result]:
    """The results of a function of the user's that is called at a position; with ``place``, of the tuples that it
    returns the item there. None if it is not the user's."""
    called = _function(call, at) if isinstance(call, ast.Call) else None
    if called is None or not isinstance(call, ast.Call):
        return
    code = called.code
    for step in steps_with_attributes(code):
        node = step.node
        inner = Position(code, step.first, partial(_in_method, called))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Yield) and node.value.value and place is None:
            yield Result(node.value.value, inner, call, is_item=True)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.YieldFrom) and place is None:
            yield Result(node.value.value, inner, call, is_item=False)
        if not isinstance(node, ast.Return) or node.value is None:
            continue
        if place is None:
            yield Result(node.value, inner, call, is_item=False)
        elif isinstance(node.value, ast.Tuple) and place < len(node.value.elts):
            yield Result(node.value.elts[place], inner, call, is_item=False)


def filled_by(call: ast.Call, at: Position, name: str) -> Iterator[Result]:
    """The parameter of a function of the user's for which a call passes the list of that name, if the function puts
    something into it."""
    called = _function(call, at)
    for parameter in _parameters(called.code) if called is not None else ():
        given = _argument(call, called.code, parameter) if called is not None else None
        if called is None or not isinstance(given, ast.Name) or given.id != name:
            continue
        if any(parameter in step.binds for step in steps_with_attributes(called.code)):
            yield Result(ast.Name(parameter, ast.Load()), within(called), call, is_item=False)


def passes_of(passes: Passes, texts: Collection[str]) -> Passes:
    """What a function iterated over in calls of it: of files at one line, those that one of the texts names, if any."""
    return {line: tuple(spelled_out(values, texts)) for line, values in passes.items()} if texts else passes


def texts_of(at: Position) -> set[str]:
    """The names of files that an object keeps in attributes, at a position in a method of it."""
    own = self_of(at.code)
    return file_names_in(at.lookup(own)) if own else set()


def loaded_by(call: ast.Call, at: Position, records: Records) -> Sequence[Value]:
    """The files that the user's function in a call iterated over; if the call, or the object whose method it is, names
    some of them, only those."""
    called = _function(call, at)
    passes = records.passes(called.code) if called is not None else {}
    files = [value for values in passes.values() for value in values if value.dataset is not None]
    kept = file_names_in(called.owner) if called is not None else set()
    return spelled_out(files, texts_in(call) | kept)


def spelled_out(values: Sequence[Value], texts: Iterable[str]) -> Sequence[Value]:
    """Those of the values that are files whose names end in one of the texts; all of them if there is none."""
    ends = tuple(text for text in texts if text)
    named = [value for value in values if value.dataset is not None and value.dataset.name.endswith(ends)]
    return named or values


def _function(call: ast.Call, at: Position) -> Method | None:
    """The user's function that a call refers to: by a name, as an attribute of a module, or as a method of an object
    or class that has a name there."""
    target = call.func
    found: object = None
    if isinstance(target, ast.Name):
        found = at.lookup(target.id)
    elif isinstance(target, ast.Attribute):
        owner = _owner(target.value, at)
        if not isinstance(owner, ModuleType):
            return method_of(owner, target.attr) if owner is not None else None
        found = vars(owner).get(target.attr)
    is_own = isinstance(found, FunctionType) and is_users(found.__code__)
    return Method(found.__code__, found.__globals__) if isinstance(found, FunctionType) and is_own else None


def _owner(node: ast.expr, at: Position) -> object:
    """The object that an expression names, or of which class it makes one; None if that is unknown."""
    if isinstance(node, ast.Name):
        owner, _, attribute = node.id.partition(".")
        found = at.lookup(owner)
        return instance_attribute(found, attribute) if attribute else found
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        made = at.lookup(node.func.id)
        return made if isinstance(made, type) else None
    return None


def pairs_at(row: ast.expr, at: Position) -> list[tuple[str | ast.expr | None, ast.expr]] | None:
    """Keys and expressions of a row: of a dictionary, or of an object made of one of the user's classes, by keywords or
    by the places of its fields."""
    name = row.func.id if isinstance(row, ast.Call) and isinstance(row.func, ast.Name) else ""
    made = at.lookup(name) if name else None
    if not isinstance(row, ast.Call) or not isinstance(made, type) or not (row.keywords or row.args):
        return pairs_of(row)
    names = vars(made).get("__match_args__") or vars(made).get("_fields") or ()
    if len(row.args) > len(names) or any(isinstance(item, ast.Starred) for item in row.args):
        return pairs_of(row)
    return [*zip(names, row.args, strict=False), *((item.arg, item.value) for item in row.keywords)]


def _parameters(code: CodeType) -> tuple[str, ...]:
    return code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]


def _argument(call: ast.Call, code: CodeType, name: str) -> ast.expr | None:
    names = _parameters(code)
    if name not in names or any(isinstance(item, ast.Starred) for item in call.args):
        return None
    place = names.index(name)
    return given_for(call, code, name, place if place < code.co_argcount else len(call.args))
