"""Starts capture in a worker of loky, joblib's own kind of process, with the first task that has something to show.

What scikit-learn does there on its own (a search that fits its candidates) is part of one call in the process that
asked for it, where that is recorded. A worker that never does anything else starts as it does without Headwater, so
nothing may be imported here that takes time.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Final

_SILENT: Final = frozenset(("builtins", "sklearn", "numpy", "pandas", "scipy", "polars", "uuid", "datetime"))
"""Packages whose objects, among the arguments of a task, do nothing that belongs to the user."""
_MOST_PARTS: Final = 200
"""How many parts of the arguments are looked at."""


def expect(package: str, begin: Callable[[], None]) -> None:
    """Call ``begin`` before the first task, of those that this process gets, which is not scikit-learn's alone.
    ``package`` is the name of the loky that is used."""
    item = getattr(sys.modules.get(f"{package}.process_executor"), "_CallItem", None)
    if item is None:
        begin()
        return

    def __setstate__(self: Any, state: dict[str, Any]) -> None:  # noqa: N807 - what pickle calls
        vars(self).update(state)
        if not _is_silent(getattr(self, "fn", None)):
            del item.__setstate__
            begin()

    item.__setstate__ = __setstate__


def _is_silent(call: Any) -> bool:
    """Whether all functions of a batch of joblib, and all that is given to them, are scikit-learn's or mere data."""
    tasks = getattr(call, "items", None)
    if not isinstance(tasks, list):
        return False
    for task in tasks:
        function = getattr(task[0], "function", task[0])  # scikit-learn gives each function a wrapper
        if _package(getattr(function, "__module__", None)) != "sklearn" or not _is_mere(task[1:]):
            return False
    return True


def _is_mere(arguments: Any) -> bool:
    parts, seen = [arguments], 0
    while parts:
        part, seen = parts.pop(), seen + 1
        kind = type(part)
        is_named = hasattr(part, "__qualname__")  # a function or a class
        package = _package(part.__module__ if is_named else kind.__module__)
        if package not in _SILENT or seen > _MOST_PARTS:
            return False
        if kind is dict:
            parts.extend(part.values())
        elif kind in (list, tuple, set):
            parts.extend(part)
        elif hasattr(part, "_callbacks") and kind.__module__.startswith("sklearn.callback"):
            parts.extend(part._callbacks)  # the rest of it tells where in the search this is
        elif package == "sklearn" and not is_named:
            parts.extend(getattr(part, "__dict__", {}).values())
    return True


def _package(module: Any) -> str:
    return str(module or "builtins").partition(".")[0]
