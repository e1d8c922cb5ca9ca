"""Columns and lists inside expressions: ``pl.col("id").is_in(other["id"])``, ``pl.col("price") * rates["rate"]``.

An expression holds a column as a literal, without saying where it was taken from. So each literal made of a column is
noted, under its text and a few of its items, and looked up when a frame uses the expression. A list or dictionary given
to a method that looks values up is noted with what the code made it of.
"""

from __future__ import annotations

import functools
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any, Final

from headwater.capture.context import current
from headwater.capture.guard import GUARD
from headwater.capture.hooks import BUSY, Hooks, unobserved
from headwater.capture.integrations.polars.lazy_schema import polars
from headwater.capture.recorder import Recorder, looked_up_here
from headwater.capture.values import NOTHING, Value
from headwater.capture.wrapper_frames import unseen

_KEPT: Final = 128
_COLUMN: Final = "Series["
_LOOKING_UP: Final = ("is_in", "replace", "replace_strict")
"""Methods that may be given a list or dictionary."""

Key = tuple[str, int]
"""The text of a literal, and a digest of a few items of its column; 0 for a list, of which the text shows items."""

_noted: OrderedDict[Key, tuple[Value, ...]] = OrderedDict()
"""The columns behind the latest literals; several if literals look the same."""


def hook(hooks: Hooks) -> None:
    """Note what becomes a literal."""
    pl = polars()
    hooks.replace(pl, "lit", _noting)
    for name in _LOOKING_UP:
        if hasattr(pl.Expr, name):
            hooks.after(pl.Expr, name, functools.partial(_looking_up, method=name))
    hooks.on_remove(_noted.clear)


def _noting(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def lit(*args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        if args and hasattr(args[0], "new_from_index") and BUSY.depth <= 1:
            with GUARD.at("polars.lit"):
                recorder = current()
                value = recorder.values.get(args[0]) if recorder is not None else None
                if value is not None:
                    _note(_key(result), value)
        return result

    return unseen(lit)


def _looking_up(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any], method: str) -> None:
    del recorder
    for item in (*args[1:], *kwargs.values()):
        value = looked_up_here(method, item) if isinstance(item, list | tuple | dict | set) else None
        if value is not None and NOTHING not in value.inputs:
            own = {str(leaf) for leaf in _literals(args[0])}
            for leaf in _literals(result):
                if str(leaf) not in own and not str(leaf).startswith(_COLUMN):
                    _note((str(leaf), 0), value)


def _note(key: Key, value: Value) -> None:
    known = _noted.pop(key, ())
    _noted[key] = known if value in known else (*known, value)[-2:]
    if len(_noted) > _KEPT:
        _noted.popitem(last=False)


def _literals(expression: Any) -> Iterator[Any]:
    """The literals in an expression."""
    stack = [expression]
    while stack:
        item = stack.pop()
        parts = item.meta.pop()
        stack += parts
        if not parts and item.meta.is_literal():
            yield item


def _key(literal: Any) -> Key:
    text = str(literal)
    if not text.startswith(_COLUMN):
        return text, 0
    with unobserved():
        column = polars().select(literal).to_series()
        count = len(column)
        items = [column[place] for place in (0, count // 2, count - 1)] if count else []
        return text, hash((str(column.dtype), count, *map(repr, items)))


def columns_in(expression: Any) -> dict[str, tuple[Value, ...]]:
    """The values of the columns and lists in an expression, by the text of their literals."""
    text = str(expression)
    if not _noted or not any(key[0] in text for key in _noted):
        return {}
    found: dict[str, tuple[Value, ...]] = {}
    for literal in _literals(expression):
        key = _key(literal)
        found[key[0]] = tuple(dict.fromkeys((*found.get(key[0], ()), *_noted.get(key, ()))))
    return {text: values for text, values in found.items() if values}
