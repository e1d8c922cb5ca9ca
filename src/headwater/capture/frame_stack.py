"""Keeps the interpreter from allocating a piece of its stack at every call of some function.

CPython (3.11 and later) keeps the frames of a thread in pieces of 16 kB. A piece is taken from the operating system
when a call does not fit into the last one, and given back when that call returns. A function that is called in a loop
just where a piece ends therefore costs two system calls and a page fault at each call (``push_chunk`` in
``Python/pystate.c``). Where the ends are depends on how deep the caller is, so our own frames would move them for the
program. A frame that is larger than a piece gets a larger one, and the calls below it share what it does not use.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

_SLOTS: Final = 16_000
"""Of 8 bytes. Pieces are powers of two: this takes one of 256 kB and leaves half of it, a few hundred frames. The slots
are never touched, so no memory is behind them; and a frame object of that size, which a traceback makes, is still small
enough for the allocator to serve it without the operating system."""

_Function = TypeVar("_Function", bound=Callable[..., Any])


def with_room_below(function: _Function) -> _Function:
    """The same function, with room in its piece of the stack for the frames of what it calls."""
    changed: Any = function
    changed.__code__ = changed.__code__.replace(co_stacksize=_SLOTS)
    return function
