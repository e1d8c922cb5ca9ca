"""What was recorded while the program ran, as the analysis asks for it, also about the items of plain lists."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from itertools import islice
from types import CodeType
from typing import Final, NamedTuple

from headwater.capture.values import Value

Known = Callable[[object], Value | None]
"""Returns the value of an object if it is followed, without guessing."""
MOST_ITEMS: Final = 1_000


class Seen(NamedTuple):
    """What was recorded while the program ran, as the analysis asks for it."""

    known: Known
    """The value of an object if it is followed, without guessing."""
    passed: Callable[[CodeType, ast.AST], Iterable[Value]]
    """The values that the lines of an expression in some code iterated over."""
    rounds: Callable[[Value], Iterable[Value]]
    """The values that the instruction behind a value made in all iterations of a loop."""
    texts: Callable[[CodeType, ast.AST], Iterable[Value]]
    """The values known in what the lines of an expression turned into text."""


class Items:
    """What is known about the items of a plain object: numbers by identity, lists of column names by their text."""

    def __init__(self, known: Known, obj: object) -> None:
        self.values: dict[Value, None] = {}
        self._lists: set[tuple[str, ...]] = set()
        waiting, left = [obj], MOST_ITEMS
        while waiting and left:
            left -= 1
            item = waiting.pop()
            if isinstance(item, dict | list | tuple):
                inner = list(islice(item.values() if isinstance(item, dict) else item, MOST_ITEMS))
                waiting += inner
                if inner and all(isinstance(one, str) for one in inner):
                    self._lists.add(tuple(inner))
            elif (value := known(item)) is not None:
                self.values[value] = None

    def have_names_of(self, value: Value) -> bool:
        """Whether one of the lists among the items has the column names of ``value``."""
        return value.column_names() in self._lists


def key_in(node: ast.expr) -> object:
    """The key that an index spells out: ``"accuracy"``, ``0``, ``-1``; None for any other."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        found = key_in(node.operand)
        return -found if type(found) is int else None
    return node.value if isinstance(node, ast.Constant) else None


def item_under(obj: object, key: object) -> object:
    """What a plain list or dictionary holds under a key; None if there is nothing, or it is anything else."""
    if type(obj) is dict:
        return obj.get(key) if isinstance(key, str | int) else None
    if (type(obj) is list or type(obj) is tuple) and type(key) is int:
        return obj[key] if -len(obj) <= key < len(obj) else None
    return None
