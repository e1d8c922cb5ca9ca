"""Values that every open page requests, computed once for all of them.

A busy service changes many times per second, and each open page requests the news. So values are cached and recomputed
after changes, but only for a small part of the time: a value that takes a quarter of a second may be up to five seconds
old, one that takes a millisecond is practically current.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

import msgspec

T = TypeVar("T")

PART = 0.05
"""Largest share of a thread's time spent on recomputing a value."""
_MOST = 1000
_SOON_S = 1.0


class _Kept(msgspec.Struct, Generic[T]):
    state: Hashable
    until: float
    """Monotonic time until which the value is used, whatever the state."""
    value: T


class SharedValue(msgspec.Struct, Generic[T], frozen=True):
    """A value, and the seconds until a newer one is available; 0 if it is of the requested state."""

    value: T
    again_s: float = 0.0


class SharedValues:
    """Values by key, each of a state. Thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, _Kept[Any]] = OrderedDict()
        self._making: set[Hashable] = set()

    def get(self, key: Hashable, state: Hashable, make: Callable[[], T], *, is_new: bool = False) -> SharedValue[T]:
        """The cached value of a key, if it is of this state or young enough, else a new one.

        While one thread recomputes it, others get the cached one. ``is_new`` requires one of this state.
        """
        with self._lock:
            kept: _Kept[T] | None = self._kept.get(key)
            if kept is not None:
                self._kept.move_to_end(key)
                if kept.state == state:
                    return SharedValue(kept.value)
                rest = max(kept.until - self._clock(), _SOON_S if key in self._making else 0.0)
                if rest > 0 and not is_new:
                    return SharedValue(kept.value, rest)
            self._making.add(key)
        start = self._clock()
        try:
            value = make()
        except BaseException:
            with self._lock:
                self._making.discard(key)
            raise
        end = self._clock()
        with self._lock:
            self._making.discard(key)
            self._kept[key] = _Kept(state=state, until=end + (end - start) * (1 / PART - 1), value=value)
            self._kept.move_to_end(key)
            while len(self._kept) > _MOST:
                self._kept.popitem(last=False)
        return SharedValue(value)
