"""Buffers that are reused from block to block.

Allocating an array of a megabyte costs ten times as much as a vector operation on it, because the system provides its
pages one by one. So every pass writes into memory that the thread keeps until the profile is done.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import numpy.typing as npt

_LEAST = 1024


class _Held(threading.local):
    """The arrays of one thread by slot."""

    def __init__(self) -> None:
        self.arrays: dict[str, npt.NDArray[Any]] = {}


_held = _Held()


def scratch(slot: str, count: int, dtype: Any) -> npt.NDArray[Any]:
    """``count`` values with undefined content, valid until the same thread requests the same slot again.

    A slot is used in one place of the code only, and always with the same type.
    """
    array = _held.arrays.get(slot)
    if array is None or len(array) < count or array.dtype != dtype:
        array = _held.arrays[slot] = np.empty(max(count, _LEAST), dtype=dtype)
    return array[:count]


def compressed(slot: str, values: npt.NDArray[Any], keep: npt.NDArray[np.bool_]) -> npt.NDArray[Any]:
    """The values where ``keep`` holds, in scratch memory."""
    found = scratch(slot, int(np.count_nonzero(keep)), values.dtype)
    return np.compress(keep, values, out=found)


def release() -> None:
    """Free the memory of the calling thread."""
    _held.arrays.clear()
