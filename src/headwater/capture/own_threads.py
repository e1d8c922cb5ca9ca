"""Leaves our thread out of the threads that a program counts and lists.

A program that joins every thread but its own, or waits until it is alone, would wait for ours for ever.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any
from weakref import WeakSet

OWN: WeakSet[threading.Thread] = WeakSet()
"""The threads of capture."""


class OwnThread(threading.Thread):
    """A daemon thread of capture, which ends without a word."""

    def __init__(self, work: Callable[[], None], name: str) -> None:
        super().__init__(target=work, name=name, daemon=True)
        OWN.add(self)

    def _delete(self) -> None:
        """Forget the thread as it ends. ``gevent`` replaces the function that tells threads apart while they run, and
        the one under which this thread was remembered would not be found: every such program would show that."""
        private: Any = threading
        with private._active_limbo_lock:
            private._active.pop(self.ident, None)


def hide_ours() -> Callable[[], None]:
    """Leave the threads in ``OWN`` out of ``threading.enumerate`` and ``active_count``. Returns a function that undoes
    it."""
    listed, counted = threading.enumerate, threading.active_count

    @functools.wraps(listed)
    def enumerate_() -> list[threading.Thread]:
        return [thread for thread in listed() if thread not in OWN]

    @functools.wraps(counted)
    def active_count() -> int:
        return len(enumerate_())

    threading.enumerate, threading.active_count = enumerate_, active_count

    def undo() -> None:
        if threading.enumerate is enumerate_:
            threading.enumerate = listed
        if threading.active_count is active_count:
            threading.active_count = counted

    return undo
