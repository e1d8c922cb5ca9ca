"""Wrappers that are pickled by value are pickled as what they wrap.

A class or function of the main script has no module that another process could import, so cloudpickle and dill, and
with them joblib, dask, ray and spark, write its code out. What such a class has of our wrappers must not go along:
they refer to this process, and the other one may have no Headwater.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from types import FunctionType, ModuleType
from typing import Any, Final

from headwater.capture.hooks import Hooks
from headwater.capture.imports import when_imported
from headwater.capture.wrapper_frames import is_wrapper, unseen

_CLOUDPICKLE: Final = tuple(
    f"{package}.{module}"
    for package in ("cloudpickle", "joblib.externals.cloudpickle", "pyspark.cloudpickle", "ray.cloudpickle")
    for module in ("cloudpickle", "cloudpickle_fast")
)
"""The copies of cloudpickle that libraries bring along; versions before 3 have the pickler in ``cloudpickle_fast``."""
_METHOD: Final = "_dynamic_function_reduce"


def pickle_originals() -> Callable[[], None]:
    """Hook the picklers when they are imported. Returns a function that removes the hooks."""
    hooks = Hooks("cloudpickle")

    def with_cloudpickle(module: ModuleType) -> None:
        classes = {found for found in vars(module).values() if isinstance(found, type)}
        for pickler in classes:
            if pickler.__module__ == module.__name__ and _METHOD in vars(pickler):
                hooks.replace(pickler, _METHOD, _of_the_original)

    def with_dill(module: ModuleType) -> None:
        table = module.Pickler.dispatch
        original = table[FunctionType]
        table[FunctionType] = _of_the_original(original)
        hooks.on_remove(lambda: table.__setitem__(FunctionType, original))

    for name in _CLOUDPICKLE:
        hooks.on_remove(when_imported(name, with_cloudpickle))
    hooks.on_remove(when_imported("dill._dill", with_dill))
    return hooks.remove


def _of_the_original(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def reduce(self: Any, function: Any, *args: Any, **kwargs: Any) -> Any:
        return original(self, _unwrapped(function), *args, **kwargs)

    return unseen(reduce)


def _unwrapped(function: Any) -> Any:
    """What a wrapper of ours wraps, if the wrapper is not pickled by its name and the other can be pickled in the same
    way; else the function itself."""
    while isinstance(function, FunctionType) and is_wrapper(function) and not _has_a_name(function):
        inner = getattr(function, "__wrapped__", None)
        if not isinstance(inner, FunctionType):
            break
        function = inner
    return function


def _has_a_name(function: FunctionType) -> bool:
    """Whether another process can import a function."""
    found: Any = sys.modules.get(function.__module__)
    for part in function.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is function and function.__module__ != "__main__"
