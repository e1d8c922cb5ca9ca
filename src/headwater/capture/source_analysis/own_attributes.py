"""Attributes of the user's objects as names: what every method of a class put into ``self.rows``.

``load`` fills ``self.rows``, ``table`` makes a frame of it: the list has a name in both, but its statements are in two
functions. In the statements of a method, ``self.rows`` is therefore a name with a dot in it, and an object that is at
hand tells which other methods of its class use that name.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from copy import deepcopy
from functools import cached_property, lru_cache
from itertools import islice
from pathlib import PurePath
from types import CodeType, FunctionType, MemberDescriptorType
from typing import Any, Final, NamedTuple

from headwater.capture.source_analysis.bindings import MAX_SOURCE_LINES, Step, body_of, ordered_steps
from headwater.capture.source_analysis.parser import lines_of
from headwater.capture.user_code import is_users, is_users_file

_SELF: Final = frozenset(("self", "cls"))
_MOST_METHODS: Final = 100
_MOST_ATTRIBUTES: Final = 100


class Method(NamedTuple):
    """A function of the user's with its global names, and the object or class whose method it is, if it is one."""

    code: CodeType
    names: dict[str, Any]
    owner: object = None
    is_property: bool = False


def steps_with_attributes(code: CodeType) -> tuple[Step, ...]:
    """As ``steps_of``; in a method, the attributes of ``self`` are names: ``self.rows``."""
    count = len(lines_of(code.co_filename))
    return _steps(code, count) if 0 < count <= MAX_SOURCE_LINES else ()


@lru_cache(maxsize=256)
def _steps(code: CodeType, _count: int) -> tuple[Step, ...]:
    body = body_of(code)
    if self_of(code):
        naming = _Naming(self_of(code))
        body = [naming.visit(node) for node in deepcopy(body)]
    return ordered_steps(body)


class _Naming(ast.NodeTransformer):
    """Turns attributes of one name into names."""

    def __init__(self, owner: str) -> None:
        self._owner = owner

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        """``self.rows`` as a name."""
        if isinstance(node.value, ast.Name) and node.value.id == self._owner:
            return ast.copy_location(ast.Name(f"{self._owner}.{node.attr}", node.ctx), node)
        self.generic_visit(node)
        return node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """A call of ``self.load()`` stays what it is: a method is no data."""
        called = node.func
        self.generic_visit(node)
        if isinstance(called, ast.Attribute) and isinstance(node.func, ast.Name):
            node.func = called
        return node


def self_of(code: CodeType) -> str:
    """The name under which a method has its object; empty for any other function."""
    first = code.co_varnames[0] if code.co_argcount else ""
    return first if first in _SELF else ""


def instance_attribute(obj: object, name: str) -> object:
    """An attribute of an object itself, or a field of a named tuple; None if it has none. No code of its class runs."""
    fields = getattr(type(obj), "_fields", ())
    if isinstance(obj, tuple) and name in fields:
        return obj[fields.index(name)]
    found = _attributes(obj).get(name)
    if found is None:
        slots = (vars(base).get(name) for base in type(obj).__mro__)
        slot = next((one for one in slots if isinstance(one, MemberDescriptorType)), None)
        with suppress(AttributeError):  # nothing was put into it yet
            return slot.__get__(obj) if slot is not None else None
    return found


def _attributes(obj: object) -> Mapping[str, object]:
    """The attributes of an object by name. Asking for ``obj.__dict__`` would call a ``__getattr__`` of its class."""
    try:
        found: Mapping[str, object] = object.__getattribute__(obj, "__dict__")
    except AttributeError:
        return {}
    return found


def method_of(owner: object, name: str) -> Method | None:
    """A method of an object, or of a class, that the user wrote."""
    for base in _classes(owner):
        found = vars(base).get(name)
        is_property = isinstance(found, property | cached_property)
        if isinstance(found, staticmethod | classmethod):
            found = found.__func__
        elif isinstance(found, property | cached_property):
            found = found.fget if isinstance(found, property) else found.func
        if isinstance(found, FunctionType):
            is_own = is_users(found.__code__)
            return Method(found.__code__, found.__globals__, owner, is_property) if is_own else None
    return None


def methods_of(owner: object) -> Iterator[Method]:
    """The methods of an object's class, those that it inherits, too."""
    names = list(dict.fromkeys(name for base in _classes(owner) for name in vars(base)))
    for name in names[:_MOST_METHODS]:
        method = method_of(owner, name)
        if method is not None and self_of(method.code):
            yield method


def methods_that_fill(owner: object, attribute: str) -> Iterator[tuple[Method, str]]:
    """The methods of an object's class in which something is put into an attribute, and its name there."""
    for method in methods_of(owner):
        name = f"{self_of(method.code)}.{attribute}"
        steps = steps_with_attributes(method.code) if attribute in method.code.co_names else ()
        if any(name in step.binds for step in steps):
            yield method, name


def file_names_in(owner: object) -> set[str]:
    """The texts and paths in an object's attributes that may be names of files: with a dot in the last part."""
    kept = {} if isinstance(owner, type) else _attributes(owner)
    held = list(islice(kept.values(), _MOST_ATTRIBUTES))
    texts = {str(item) for item in held if type(item) is str or isinstance(item, PurePath)}
    return {text for text in texts if "." in text.rpartition("/")[2].strip(".")}


def calls_in(code: CodeType, name: str) -> Iterator[ast.Call]:
    """The calls of a method of that name in a function."""
    for step in steps_with_attributes(code) if name in code.co_names else ():
        for node in ast.walk(step.node):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == name:
                yield node


def _is_of_library(kind: type) -> bool:
    """Whether a class stands in a module of a library: its functions, which may be hundreds, need no look then.

    The module's name alone does not show it: a program that a library runs (``python -m pytest``, a launcher) calls its
    module ``__main__``, and so is the library's.
    """
    module = sys.modules.get(str(vars(kind).get("__module__")))
    names = vars(module) if module is not None else {}
    file = names.get("__file__")
    return isinstance(file, str) and not is_users_file(file) and names.get(kind.__name__) is kind


def _classes(owner: object) -> Iterator[type]:
    """The classes of an object that the user wrote."""
    kind = owner if isinstance(owner, type) else type(owner)
    for base in kind.__mro__:
        if not _is_of_library(base) and any(
            isinstance(one, FunctionType) and is_users(one.__code__) for one in vars(base).values()
        ):
            yield base
