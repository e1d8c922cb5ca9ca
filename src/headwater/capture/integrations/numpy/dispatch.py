"""Keeps the dispatch of numpy's functions to arrays of other kinds (NEP 18).

A class with ``__array_function__`` is told which function was called, and looks for it among those that it knows:
``{np.mean: ...}``; a compiler such as numba does likewise. So what stands in for ``np.mean`` has to be what numpy
tells, and what was known before capture began must be found, too.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable
from types import MethodType
from typing import Any, Final

from headwater.capture.stand_ins import StandIn, called

Make = Callable[[Any], Any]

_OURS: Final[list[Any]] = []
"""What stands in for good, and is not wrapped again when capture begins anew."""


def stand_in(original: Any, make: Make, *, is_known: bool) -> Any:
    """``make(original)``, by which classes and compilers recognise the function. ``is_known``: some may know the
    original already."""
    if any(original is one for one in _OURS):
        return original
    if not is_dispatching(original):
        return make(original)
    return _equal(original, make) if is_known else _dispatching(original, make)


def is_dispatching(function: Any) -> bool:
    """Whether a function leaves arrays of other kinds to their class."""
    return type(function).__name__ == "_ArrayFunctionDispatcher"


def _dispatching(original: Any, make: Make) -> Any:
    """A function that dispatches as the original does, and tells of itself, around the observed implementation."""
    implementation = original.__wrapped__
    relevant = _relevant_arguments(implementation)
    if relevant is None:
        return _equal(original, make)
    found = type(original)(relevant, make(implementation))
    functools.update_wrapper(found, original)
    found.__wrapped__ = implementation  # where signatures are looked up, as in the original
    _OURS.append(found)
    return found


def _relevant_arguments(implementation: Any) -> Callable[..., Iterable[Any]] | None:
    """The function with which numpy finds the arguments that may be arrays of other kinds. It has no public name."""
    name = implementation.__name__
    module = sys.modules.get(implementation.__module__)
    own = getattr(module, f"_{_SHARED.get(name, name)}_dispatcher", None)
    return own if callable(own) else _OF_C.get(name)


def concatenate(
    arrays: Any, axis: Any = None, out: Any = None, *, dtype: Any = None, casting: Any = None
) -> Iterable[Any]:
    """The relevant arguments of ``np.concatenate``, which is written in C. Messages about wrong arguments say this
    name."""
    return arrays if out is None else [*arrays, out]


def where(condition: Any, x: Any = None, y: Any = None, /) -> Iterable[Any]:
    """The relevant arguments of ``np.where``, likewise."""
    return condition, x, y


_SHARED: Final = {"vstack": "vhstack", "hstack": "vhstack"}
_OF_C: Final[dict[str, Callable[..., Iterable[Any]]]] = {"concatenate": concatenate, "where": where}


def _equal(original: Any, make: Make) -> Any:
    """A wrapper that is found where the original is looked for, and the other way round; ``is`` tells them apart."""
    return called(original, make(original), _Equal)


class _Equal(StandIn):
    """Becomes a method as the attribute of a class, as the original does."""

    def __get__(self, instance: object, owner: object = None) -> Any:
        return self if instance is None else MethodType(self, instance)  # type: ignore[arg-type]
