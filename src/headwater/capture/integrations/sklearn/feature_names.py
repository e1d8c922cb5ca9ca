"""Whether transformers may be asked for the names of their features on the program's behalf."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any, Final

from headwater.capture.user_code import is_users

_SHOWS: Final = frozenset((
    *("print", "open", "write", "writelines", "display", "pprint", "warn", "dump", "to_csv", "savefig", "input"),
    *("debug", "info", "warning", "error", "critical", "exception", "log"),
))  # fmt: skip
"""Names of functions and methods that show or write something."""
_PARTS: Final = ("steps", "transformers", "transformers_", "transformer_list")
"""Attributes of composed transformers with their parts, in tuples."""
_DEEPEST: Final = 5


def may_be_asked(transformer: Any, depth: int = 0) -> bool:
    """Whether no code of the user that shows or writes something runs when a transformer, or one that it is composed
    of, names its features: the program's output must not change."""
    method = getattr(type(transformer), "get_feature_names_out", None)
    code = getattr(inspect.unwrap(method), "__code__", None) if callable(method) else None
    if code is not None and is_users(code) and not _SHOWS.isdisjoint(code.co_names):
        return False
    return depth >= _DEEPEST or all(may_be_asked(part, depth + 1) for part in _parts_of(transformer))


def _parts_of(transformer: Any) -> Iterator[Any]:
    held = getattr(transformer, "__dict__", {})
    for name in _PARTS:
        given = held.get(name)
        for entry in given if isinstance(given, list) else ():
            if isinstance(entry, tuple):
                yield from (part for part in entry if hasattr(type(part), "get_feature_names_out"))
