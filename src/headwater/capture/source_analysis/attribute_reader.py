"""Resolves attributes of the user's objects through all methods that put something into them.

``json.dump(self.rows, file)`` names a list that another method filled. Each statement that fills it is resolved like
the binding of a name; ``own_attributes`` tells where they are.
"""

from __future__ import annotations

import ast
from abc import abstractmethod
from functools import partial
from types import CodeType
from typing import Any

from headwater.capture.source_analysis.literals import Place, Reader, is_written
from headwater.capture.source_analysis.own_attributes import (
    instance_attribute,
    method_of,
    methods_that_fill,
    self_of,
    steps_with_attributes,
)
from headwater.capture.source_analysis.running_names import Position


class AttributeReader(Reader):
    """As ``Reader``, for expressions with attributes of the user's objects, and calls of their methods."""

    def __init__(self) -> None:
        super().__init__()
        self._owners: dict[CodeType, object] = {}
        """The object whose method was entered, by the code of the method."""
        self._entered: set[tuple[int, str]] = set()
        """Attributes that were examined: each is once, even if made from itself."""

    @abstractmethod
    def _held(self, name: str, at: Place) -> object:
        """The object that a name refers to now."""

    @abstractmethod
    def _is_followed(self, obj: object) -> bool:
        """Whether an object, or each item of a collection, is followed; what is, is taken."""

    def _is_spelled(self, node: ast.expr, at: Place) -> bool:
        return is_written(node, *at[:2])

    def attribute(self, node: ast.AST, at: Place) -> bool:
        """Whether an expression is an attribute that is followed, or that is filled with what can be resolved."""
        before, name = _named(node)
        if not name:
            return False
        owner = self._owner(before, at)
        if self._is_followed(instance_attribute(owner, name)) or (id(owner), name) in self._entered:
            return True
        self._entered.add((id(owner), name))
        return self._is_property(owner, name) or self._is_filled(owner, name)

    def object_of(self, node: ast.AST, at: Place) -> object:
        """The object that a name or an attribute of one refers to now; None for other expressions."""
        before, name = _named(node)
        return instance_attribute(self._owner(before, at), name) if name else self._held(before, at) if before else None

    def _is_property(self, owner: object, name: str) -> bool:
        method = method_of(owner, name)
        if method is None or not method.is_property:
            return False
        self._owners[method.code] = owner
        return self._function(method.code)

    def _is_filled(self, owner: object, attribute: str) -> bool:
        filling = list(methods_that_fill(owner, attribute))
        self._owners.update((method.code, owner) for method, _ in filling)
        steps = [
            (method.code, step, name)
            for method, name in filling
            for step in steps_with_attributes(method.code)
            if name in step.binds
        ]
        return bool(steps) and all(self._step(step, Place(code, step.first), name) for code, step, name in steps)

    def method_called(self, function: ast.expr, at: Place) -> CodeType | None:
        """The code of the user's method that a call refers to: ``self.load``, ``client.get``."""
        if not isinstance(function, ast.Attribute) or not isinstance(function.value, ast.Name):
            return None
        owner = self._owner(function.value.id, at)
        method = method_of(owner, function.attr)
        if method is None:
            return None
        self._owners[method.code] = owner
        return method.code

    def owner_in(self, code: CodeType) -> object:
        """The object whose method was entered, by the code of the method; None for a function."""
        return self._owners.get(code)

    def _owner(self, name: str, at: Place) -> Any:
        is_self = name == self_of(at.code) and at.code in self._owners
        return self._owners[at.code] if is_self else self._held(name, at)

    def _parameter(self, code: CodeType, name: str, place: int) -> bool:
        if super()._parameter(code, name, place):
            return True
        if code not in self._owners or not place:
            return False
        from headwater.capture.source_analysis.rows_across_calls import passed_to_method

        owner = self._owners[code]
        passed = passed_to_method(Position(code, 0, partial(_self_alone, owner, code)), name)
        return bool(passed) and all(self.follows(one.node, Place(one.at.code, one.at.line)) for one in passed)


def _named(node: ast.AST) -> tuple[str, str]:
    """The name and the attribute of it that an expression is: ``self.rows``; the latter empty for a mere name."""
    if isinstance(node, ast.Name):
        before, _, name = node.id.partition(".")
        return before, name
    return (
        (node.value.id, node.attr) if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) else ("", "")
    )


def _self_alone(owner: object, code: CodeType, name: str) -> object:
    return owner if name == self_of(code) else None
