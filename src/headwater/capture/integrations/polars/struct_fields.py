"""The fields of struct columns in expressions: which columns ``pl.struct("a", "b")`` puts into which field, and which
of them ``.struct.field("a")`` takes out again.

polars tells what an expression consists of as JSON, which is asked for only where the text of the expression mentions
structs.
"""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator
from typing import Any, Final

from headwater.capture.integrations.polars.lazy_schema import empty, polars
from headwater.capture.struct_parts import part_of
from headwater.capture.values import Value
from headwater.model.patterns import lazy_pattern

_MENTIONS: Final = lazy_pattern(r"\bas_struct\(|\.struct\.|struct_eval|with_fields")
_RENAMES: Final = frozenset(("RenameFields", "PrefixFields", "SuffixFields", "MapFieldNames"))


class Unsure(str):
    """A column that may be behind a field, of several that its struct was made of."""

    __slots__ = ()


Tree = Any
"""An expression, as polars writes it in JSON."""


def mentions_structs(text: str) -> bool:
    """Whether an expression with this text may make a struct, or take a field out of one."""
    return _MENTIONS.search(text) is not None


class StructFields:
    """The columns, and fields of columns, that an expression on a frame like ``value`` uses. ``tree`` is None if polars
    cannot write the expression down."""

    def __init__(self, expression: Any, value: Value) -> None:
        self._value = value
        self.tree: Tree = None
        pl = polars()
        with contextlib.suppress(pl.exceptions.PolarsError, ValueError, TypeError):
            self.tree = json.loads(expression.meta.serialize(format="json"))

    def used(self) -> list[str]:
        """The columns, or parts of columns, behind an expression."""
        return list(dict.fromkeys(self._used(self.tree)))

    def is_plain(self) -> bool:
        """Whether the expression only takes a field out of a column, perhaps under another name."""
        inner = _inner(self.tree)
        taken = _taken(inner)
        while taken is not None:
            inner = _inner(taken[0])
            if isinstance(inner, dict) and "Column" in inner:
                return True
            taken = _taken(inner)
        return False

    def selected(self, names: list[str]) -> list[list[str]] | None:
        """What is behind each output of ``.struct.field("*")`` or ``.struct.unnest()``; None for anything else."""
        kind, inputs = _struct_function(self.tree)
        return [self._field(inputs[0], name) for name in names] if kind == "SelectFields" and inputs else None

    def parts(self) -> dict[str, tuple[list[str], bool]]:
        """For each field of the struct that an expression makes: the columns behind it, and whether it is one of them
        unchanged. Fields of fields are named as parts."""
        return self._parts(self.tree)

    def _parts(self, tree: Tree) -> dict[str, tuple[list[str], bool]]:
        tree = _inner(tree)
        made: dict[str, tuple[list[str], bool]] = {}
        for name, item in self._named(_struct_made(tree)):
            made[name] = (list(dict.fromkeys(self._used(item))), "Column" in _inner(item))
            made |= {part_of(name, field): found for field, found in self._parts(item).items()}
        kind, inputs = _struct_function(tree)
        if kind in _RENAMES and inputs:
            pairs = zip(self._fields_of(tree), self._fields_of(inputs[0]), strict=False)
            made |= {new: (self._field(inputs[0], old), True) for new, old in pairs}
        changed = tree.get("StructEval") if isinstance(tree, dict) else None
        if isinstance(changed, dict):
            owner = changed.get("expr")
            made |= {name: (self._field(owner, name), True) for name in self._fields_of(owner)}
            for item in changed.get("evaluation", ()):
                made |= {self._name(item): (list(dict.fromkeys(self._used(item, owner))), False)}
        return made

    def _used(self, tree: Tree, owner: Tree = None) -> Iterator[str]:
        """``owner`` is the struct whose fields ``pl.field`` means."""
        if isinstance(tree, list):
            for item in tree:
                yield from self._used(item, owner)
            return
        if not isinstance(tree, dict):
            return
        taken = _taken(tree)
        if taken is not None:
            yield from self._field(*taken)
            return
        for key, item in tree.items():
            if key == "Column" and isinstance(item, str):
                yield item
            elif key == "Selector":
                yield from self._names(tree)
            elif key == "Field" and isinstance(item, list) and owner is not None:
                for name in item:
                    yield from self._field(owner, name)
            elif key != "Literal":
                yield from self._used(item, owner)

    def _field(self, tree: Tree, name: str) -> list[str]:
        """The columns behind a field of what an expression makes."""
        tree = _inner(tree)
        if isinstance(tree, dict) and isinstance(tree.get("Column"), str):
            return [part_of(tree["Column"], name)]
        taken = _taken(tree)
        if taken is not None:
            return [part_of(column, name) for column in self._field(*taken)]
        known = self._parts(tree).get(name)
        if known is not None:
            return known[0]
        found = list(dict.fromkeys(self._used(tree)))
        return found if len(found) == 1 else [Unsure(column) for column in found]

    def _named(self, items: list[Tree]) -> Iterator[tuple[str, Tree]]:
        for item in items:
            if isinstance(item, dict) and "Selector" in item:
                yield from ((name, {"Column": name}) for name in self._names(item))
            else:
                yield self._name(item), item

    def _name(self, tree: Tree) -> str:
        return str(_expression(tree).meta.output_name())

    def _names(self, tree: Tree) -> list[str]:
        return list(empty(self._value).select(_expression(tree)).collect_schema().names())

    def _fields_of(self, tree: Tree) -> list[str]:
        """The names of the fields of what an expression makes."""
        types = list(empty(self._value).select(_expression(tree)).collect_schema().dtypes())
        return [field.name for field in getattr(types[0], "fields", ())] if types else []


def _expression(tree: Tree) -> Any:
    return polars().Expr.deserialize(io.StringIO(json.dumps(tree)), format="json")


def _inner(tree: Tree) -> Tree:
    """An expression without the name that it gives its result."""
    while isinstance(tree, dict) and isinstance(tree.get("Alias"), list):
        tree = tree["Alias"][0]
    return tree


def _function(tree: Tree) -> tuple[Any, list[Tree]]:
    call = tree.get("Function") if isinstance(tree, dict) else None
    return (call.get("function"), call.get("input") or []) if isinstance(call, dict) else (None, [])


def _struct_made(tree: Tree) -> list[Tree]:
    """The parts of ``pl.struct(...)``."""
    function, inputs = _function(tree)
    return inputs if function == "AsStruct" else []


def _struct_function(tree: Tree) -> tuple[str, list[Tree]]:
    """The name of a method of ``.struct``, and what it is called on."""
    function, inputs = _function(_inner(tree))
    kind = function.get("StructExpr") if isinstance(function, dict) else None
    return (next(iter(kind)) if isinstance(kind, dict) else str(kind or "")), inputs


def _taken(tree: Tree) -> tuple[Tree, str] | None:
    """The struct and the field of ``.struct.field("name")``."""
    function, inputs = _function(tree)
    kind = function.get("StructExpr") if isinstance(function, dict) else None
    name = kind.get("FieldByName") if isinstance(kind, dict) else None
    return (inputs[0], name) if isinstance(name, str) and inputs else None
