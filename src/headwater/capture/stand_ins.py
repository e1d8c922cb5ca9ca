"""What stands in for a function that is written in C, or is bound already: an object that is called.

A function of Python as the attribute of a class becomes a method of its instances, which those do not:
``class Store: load = pickle.load``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import FunctionType, MethodType, ModuleType
from typing import Any


class StandIn:
    """Equal to the function that it wraps: found where the original is looked for, and the other way round; ``is``
    tells them apart."""

    __wrapped__: Any
    __qualname__: str

    def __eq__(self, other: object) -> bool:
        return other is self or other is self.__wrapped__

    def __hash__(self) -> int:
        return hash(self.__wrapped__)

    def __repr__(self) -> str:
        return repr(self.__wrapped__)

    def __reduce__(self) -> str:
        return str(self.__qualname__)


def called(original: Any, wrapper: Callable[..., Any], base: type[StandIn] = StandIn) -> StandIn:
    """An object that stands in for ``original``, and calls ``wrapper``. It has a class of its own, because a call of
    what a class has as ``__call__`` adds no frame."""
    made: Any = type(type(original).__name__, (base,), {"__call__": staticmethod(wrapper)})()
    functools.update_wrapper(made, original)
    found: StandIn = made
    return found


def never_binding(original: Any, wrapper: Any) -> Any:
    """The wrapper of what a module has, as an object that does not become a method where the original does not."""
    if not isinstance(wrapper, FunctionType) or isinstance(original, type):
        return wrapper
    is_bound = isinstance(original, MethodType) or not hasattr(type(original), "__get__")
    return called(original, wrapper) if is_bound else wrapper


def let_be_found(owner: Any, name: str, stand_in: Any) -> None:
    """Give a wrapper of what a module has the name that it has there, if nothing else is found under its own:
    ``random.seed`` is a method of a hidden object. Pickles refer to a function by its name."""
    if not isinstance(stand_in, FunctionType | StandIn) or not isinstance(owner, ModuleType):
        return
    known = stand_in.__qualname__
    if "." in known and "<locals>" not in known:
        stand_in.__qualname__, stand_in.__module__ = name, owner.__name__
