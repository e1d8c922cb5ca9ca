"""Selects the adapter for an object by what is already loaded, without importing a library."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

from headwater.errors import InvalidInput, MissingExtra

_PACKAGE = "headwater.capture.profiling"
_BY_ROOT = {
    "pandas": ("pandas",),
    "polars": ("polars",),
    "pyarrow": ("arrow",),
    "numpy": ("numpy",),
    "scipy": ("scipy",),
}
_NEEDED = {"pandas": "pandas", "polars": "polars", "arrow": "pyarrow", "numpy": "numpy", "scipy": "scipy.sparse"}
_DECIDE_BY_CLASS = ("pandas", "polars", "arrow", "numpy")
"""The files that accept all objects of a class, or none."""
_known: dict[type, ModuleType] = {}
"""The files of the libraries' own classes: a loop of splits asks for that of one class thousands of times."""


def reader_of(obj: object) -> ModuleType | None:
    """The file of this package that reads the object, or None if none does.

    All base classes of the object are considered, so that a subclass defined by a user counts as what it extends. Each
    file has the same functions: ``accepts``, ``table`` and ``snapshot``.
    """
    known = _known.get(type(obj))
    if known is not None:
        return known
    if isinstance(obj, list | tuple | dict):
        return _load("python_containers")
    for ancestor in type(obj).__mro__:
        for name in _BY_ROOT.get(ancestor.__module__.partition(".")[0], ()):
            if sys.modules.get(_NEEDED[name]) is None:
                continue
            reader = _load(name)
            if reader.accepts(obj):
                if ancestor is type(obj) and name in _DECIDE_BY_CLASS:
                    _known[ancestor] = reader
                return reader
    return None


def required_reader(obj: object) -> Any:
    """As ``reader_of``, but required.

    Raises:
        InvalidInput: no file reads the object; the message says what can be profiled.
    """
    reader = reader_of(obj)
    if reader is None:
        raise InvalidInput(
            field="obj",
            value=f"{type(obj).__module__}.{type(obj).__qualname__}",
            rule="must be a frame, series, table, array, sparse matrix, list or mapping",
            hint="collect a lazy frame first; give other objects as a list of mappings",
        )
    return reader


def _load(name: str) -> ModuleType:
    try:
        return importlib.import_module(f"{_PACKAGE}.{name}")
    except ModuleNotFoundError as error:
        if error.name not in ("numpy", "xxhash"):
            raise
        raise MissingExtra(
            f"profiling needs {error.name}, which is not installed", hint=f"pip install {error.name}"
        ) from error
