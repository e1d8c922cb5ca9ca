"""Hides the frames of our wrappers from libraries that inspect the call stack.

A library that warns counts frames to find the user's line: a fixed number of them (``stacklevel=2``), or those in its
own folder. A wrapper adds one. Python skips frames of its import system, which it recognises by a file name that
contains ``importlib`` and ``_bootstrap``. ``unseen`` gives a wrapper such a name, so that warnings still point at the
user's line.

A call that takes a function of the user (``apply``) runs the user's code inside an observed call. What that code does
to objects belongs to the call; what it reads and writes is recorded separately. ``observe_caller``, ``observe_users``
(a method of a class of the user) and ``observe_io`` are the variants. An iterator among the arguments
(``concat(read(f) for f in files)``) runs the user's code as well, and is used up by the call: ``observe_drawing`` keeps
what was drawn from it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType, GeneratorType
from typing import Any, Final, TypeVar, cast

from headwater.capture.context import current
from headwater.capture.guard import GUARD
from headwater.capture.hooks import BUSY, After

FILENAME: Final = "<observed by /headwater/capture/, uncounted as importlib._bootstrap is>"
"""The file name of a wrapper's code."""

USERS_CODE: Final = 2
"""The depth of ``BUSY`` while the user's code may run inside an observed call."""

_PLAIN: Final = frozenset((GeneratorType, map, filter, zip, enumerate))

_renamed: dict[CodeType, CodeType] = {}

Function = TypeVar("Function", bound=Callable[..., Any])


def unseen(stand_in: Function) -> Function:
    """Make warnings skip the frame of ``stand_in``. Returns the same function, changed."""
    function = cast(FunctionType, stand_in)
    code = function.__code__
    renamed = _renamed.get(code)
    if renamed is None:
        renamed = _renamed[code] = code.replace(co_filename=FILENAME)
    function.__code__ = renamed
    return stand_in


def is_wrapper(function: FunctionType) -> bool:
    """Whether a function is one that ``unseen`` has changed."""
    return function.__code__.co_filename == FILENAME


def observe_io(original: Callable[..., Any], after: After, site: str) -> Callable[..., Any]:
    """As ``hooks.observe``, for functions that read or write: also observed inside the user's functions."""
    return _observed(original, after, site, inner=1, is_seen=lambda depth: depth in (0, USERS_CODE))


def observe_caller(original: Callable[..., Any], after: After, site: str) -> Callable[..., Any]:
    """As ``hooks.observe``, for functions that call a function of the user."""
    return _observed(original, after, site, inner=USERS_CODE, is_seen=lambda depth: depth == 0)


def observe_users(original: Callable[..., Any], after: After, site: str) -> Callable[..., Any]:
    """As ``hooks.observe``, for a function that is the user's code, which reads and writes also where a library calls
    it in the middle of an observed call."""

    @functools.wraps(original)
    def observed(*args: Any, **kwargs: Any) -> Any:
        cell = BUSY.cell
        depth = cell[0]
        recorder = None if depth == USERS_CODE else current()
        if recorder is None:
            return original(*args, **kwargs)
        cell[0] = USERS_CODE
        try:
            result = original(*args, **kwargs)
            cell[0] = 1
            if depth == 0:
                with GUARD.at(site):
                    after(recorder, result, args, kwargs)
        finally:
            cell[0] = depth
        return result

    return unseen(observed)


def _observed(
    original: Callable[..., Any], after: After, site: str, *, inner: int, is_seen: Callable[[int], bool]
) -> Callable[..., Any]:
    @functools.wraps(original)
    def observed(*args: Any, **kwargs: Any) -> Any:
        cell = BUSY.cell
        depth = cell[0]
        recorder = current() if is_seen(depth) else None
        if recorder is None:
            return original(*args, **kwargs)
        try:
            cell[0] = inner
            result = original(*args, **kwargs)
            cell[0] = 1
            with GUARD.at(site):
                after(recorder, result, args, kwargs)
        finally:
            cell[0] = depth
        return result

    return unseen(observed)


def observe_making(original: Callable[..., Any], after: After, site: str) -> Callable[..., Any]:
    """As ``observe_drawing``, for functions that treat other iterators than those of plain Python in ways of their own:
    numpy's know the type of their items."""
    return observe_drawing(original, after, site, is_drawn=_is_plain_iterator)


def observe_drawing(
    original: Callable[..., Any], after: After, site: str, *, is_drawn: Callable[[object], bool] | None = None
) -> Callable[..., Any]:
    """As ``hooks.observe``, for functions that draw from an iterator given to them, now or later. What the user's code
    in it does is observed like anything outside the call, and the handler gets a list of what is drawn in its place."""
    is_drawn = is_drawn or _is_iterator

    @functools.wraps(original)
    def drawing(*args: Any, **kwargs: Any) -> Any:
        cell = BUSY.cell
        recorder = None if cell[0] else current()
        if recorder is None:
            return original(*args, **kwargs)
        drawn: dict[int, list[Any]] = {id(item): [] for item in (*args, *kwargs.values()) if is_drawn(item)}
        cell[0] = 1
        try:
            if not drawn:
                result = original(*args, **kwargs)
            else:
                given = [_draw(item, drawn[id(item)]) if id(item) in drawn else item for item in args]
                named = {key: _draw(one, drawn[id(one)]) if id(one) in drawn else one for key, one in kwargs.items()}
                result = original(*given, **named)
                args = tuple(drawn.get(id(item), item) for item in args)
                kwargs = {key: drawn.get(id(item), item) for key, item in kwargs.items()}
            with GUARD.at(site):
                after(recorder, result, args, kwargs)
        finally:
            cell[0] = 0
        return result

    return unseen(drawing)


def _is_iterator(item: object) -> bool:
    return hasattr(type(item), "__next__")


def _is_plain_iterator(item: object) -> bool:
    return type(item) in _PLAIN


@unseen
def _draw(items: Iterator[Any], drawn: list[Any]) -> Iterator[Any]:
    """The same items, each noted, with the user's code that makes them outside of the observed call."""
    cell = BUSY.cell
    while True:
        depth = cell[0]
        cell[0] = 0
        try:
            item = next(items)
        except StopIteration:
            return
        finally:
            cell[0] = depth
        drawn.append(item)
        yield item
