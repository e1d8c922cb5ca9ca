"""Handles files next to the script that have the name of a module capture needs too.

Plain Python searches the folder of the script first, so next to a ``queue.py``, ``import queue`` means that file.
Modules that are already loaded are therefore removed before the program starts, while our own code continues to import
them. Standard library modules that are already loaded keep the modules they imported: a program that fails in plain
Python because a library would import the program's file works under capture.
"""

from __future__ import annotations

import builtins
import contextlib
import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import (
    BuiltinImporter,
    FrozenImporter,
    ModuleSpec,
    PathFinder,
    SourceFileLoader,
    all_suffixes,
)
from types import ModuleType
from typing import Any, Final

_STAY: Final = frozenset({"__main__", "encodings", "headwater", "importlib", "sitecustomize", "usercustomize"})
"""Ourselves, and modules that are loaded before every program even without us."""
_NOT_OURS: Final = frozenset({"antigravity", "idlelib", "this", "tkinter", "turtle", "turtledemo"})
"""Modules of the standard library whose import has an effect; capture needs none of them."""

_OUT_OF_THE_WAY: Final[dict[str, ModuleType]] = {}
"""Modules removed from ``sys.modules`` to make room for the program's own, by name."""


def expect_clashes(folder: str) -> bool:
    """Prepare for a program in this folder, before the rest of capture is loaded. Usually there is nothing to do.

    Returns whether a file there is called like a module of the standard library. What the caller loads from other
    libraries must then be loaded before the program begins: their imports would find that file.
    """
    names = _names_in(folder) & sys.stdlib_module_names - _STAY - _NOT_OURS
    if not names:
        return False
    for name in names:
        with contextlib.suppress(ImportError):  # this interpreter was built without it
            import_module(name)
    sys.meta_path.insert(0, _OwnModules())
    return True


def make_room(folder: str) -> None:
    """Remove the modules from ``sys.modules`` that a file of the program's folder would hide in plain Python."""
    loaded = {name for name in sys.modules if "." not in name} - _STAY
    hidden = {name for name in _names_in(folder) & loaded if _is_hidden(name, folder)}
    for name in [name for name in sys.modules if name.partition(".")[0] in hidden]:
        _OUT_OF_THE_WAY[name] = sys.modules.pop(name)


def has_made_room(name: str) -> bool:
    """Whether the interpreter's module of that name was removed, so that importing the name gives the program's own."""
    return name in _OUT_OF_THE_WAY


def _names_in(folder: str) -> set[str]:
    """The names of the modules and folders there: ``queue.py`` and ``queue``, but not ``queue.csv``."""
    if sys.flags.safe_path or not os.path.isdir(folder or "."):  # noqa: PTH112 - text, as sys.path has it
        return set()
    parts = [entry.partition(".") for entry in os.listdir(folder or ".")]  # noqa: PTH208 - likewise
    endings = {"", *all_suffixes()}
    return {name for name, dot, ending in parts if dot + ending in endings}


def _is_hidden(name: str, folder: str) -> bool:
    """Whether plain Python would import the file. A folder without ``__init__`` counts only if there is nothing
    else."""
    if BuiltinImporter.find_spec(name) is not None or FrozenImporter.find_spec(name) is not None:
        return False
    spec = PathFinder.find_spec(name, [folder])
    loaded = getattr(sys.modules[name], "__spec__", None)
    return spec is not None and spec.loader is not None and spec.origin != getattr(loaded, "origin", None)


class _OwnModules(MetaPathFinder):
    """Finds modules of Headwater, and makes their imports see the removed modules."""

    def __init__(self) -> None:
        self._names = {**vars(builtins), "__import__": _import}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of a module of Headwater; None for all others."""
        if not fullname.startswith("headwater."):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and type(spec.loader) is SourceFileLoader:
            self._follow(spec.loader)
        return spec

    def _follow(self, loader: Any) -> None:
        def exec_module(module: ModuleType) -> None:
            del loader.exec_module
            module.__dict__["__builtins__"] = self._names
            loader.exec_module(module)

        loader.exec_module = exec_module


def _import(
    name: str,
    globals: Mapping[str, object] | None = None,
    locals: Mapping[str, object] | None = None,
    fromlist: Sequence[str] | None = (),
    level: int = 0,
) -> ModuleType:
    """``__import__`` for our own modules."""
    if level == 0 and name in _OUT_OF_THE_WAY:
        return _OUT_OF_THE_WAY[name if fromlist else name.partition(".")[0]]
    return builtins.__import__(name, globals, locals, fromlist or (), level)
