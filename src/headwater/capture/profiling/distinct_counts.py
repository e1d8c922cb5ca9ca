"""Number of distinct values from their 64-bit hashes: exact up to ``KEEP`` values, an estimate beyond.

The ``KEEP`` smallest distinct hashes are kept (the k-minimum-values sketch of Bar-Yossef et al., 2002); from the
largest kept one follows how densely the hash space is filled. The standard error is 1/sqrt(KEEP) = 2.2 %.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from headwater.capture.profiling.blocks import BLOCK_ROWS, Mask, Words
from headwater.capture.profiling.buffers import scratch

KEEP = 2048
_CACHE_BITS = 14
_TAKE_BITS = np.uint64(64 - _CACHE_BITS)
_FIRST_ROWS = 4 * KEEP
_SELECT = KEEP + KEEP // 4
_OFTEN = 4


class Distinct:
    """Counts distinct hashes, block by block."""

    __slots__ = ("_kept", "_limit", "_pending", "_pending_rows", "_piece", "_seen")

    def __init__(self) -> None:
        self._kept = np.zeros(0, dtype=np.uint64)
        self._limit: np.uint64 | None = None
        self._piece = _FIRST_ROWS
        self._pending: list[Words] = []
        self._pending_rows = 0
        self._seen: Words | None = None

    def add(self, hashes: Words) -> None:
        """Add a block of hashes; the array is not kept."""
        at = 0
        while at < len(hashes):
            # Pieces of doubling size: each lowers the limit, so that most of the next need not be sorted.
            self._take(hashes[at : at + self._piece])
            at += self._piece
            self._piece = min(2 * self._piece, BLOCK_ROWS)

    def _take(self, hashes: Words) -> None:
        wanted = scratch("wanted", len(hashes), np.bool_)
        if self._limit is None:
            wanted.fill(True)
        else:
            np.less(hashes, self._limit, out=wanted)
        count = int(np.count_nonzero(wanted))
        if count > KEEP and _OFTEN * count > len(hashes) and len(self._kept):
            wanted &= self._unseen(hashes)
            count = int(np.count_nonzero(wanted))
        if count:
            fresh = hashes[wanted]
            if self._seen is not None:
                self._seen[(fresh >> _TAKE_BITS).view(np.int64)] = fresh
            self._pending.append(fresh)
            self._pending_rows += count
            if self._pending_rows > KEEP:
                self._merge()

    def _unseen(self, hashes: Words) -> Mask:
        """The mask of hashes that a small cache does not contain, so that columns with few values need no sorting."""
        if self._seen is None:
            # An empty slot must not equal a possible hash: those of slot 0 have no upper bits set.
            self._seen = np.zeros(1 << _CACHE_BITS, dtype=np.uint64)
            self._seen[0] = np.uint64((1 << 64) - 1)
        slots = np.right_shift(hashes, _TAKE_BITS, out=scratch("slots", len(hashes), np.uint64)).view(np.int64)
        known = np.take(self._seen, slots, out=scratch("known", len(hashes), np.uint64), mode="clip")
        unseen: Mask = np.not_equal(known, hashes, out=scratch("unseen", len(hashes), np.bool_))
        return unseen

    def _merge(self) -> None:
        merged = _smallest(np.concatenate([self._kept, *self._pending]))
        if len(merged) > KEEP:
            merged = merged[:KEEP]
            self._limit = merged[-1]
        self._kept = merged
        self._pending = []
        self._pending_rows = 0

    def add_bools(self, values: npt.NDArray[np.generic]) -> None:
        """Add a block of booleans as they are, because checking for both values is cheap."""
        present = [word for word, there in ((0, not values.all()), (1, values.any())) if there and len(values)]
        self._pending.append(np.array(present, dtype=np.uint64))

    def result(self) -> tuple[int, bool]:
        """The number of distinct values, and whether it is exact (up to two values sharing a 64-bit hash)."""
        self._merge()
        if self._limit is None:
            return len(self._kept), True
        return round((KEEP - 1) / (int(self._limit) / 2.0**64)), False


def _smallest(hashes: Words) -> Words:
    """The distinct hashes in order, or at least the ``KEEP`` smallest of them."""
    if len(hashes) > 2 * _SELECT:
        # Selecting is several times faster than sorting; it suffices unless many of the selected are equal.
        selected = _sorted_set(np.partition(hashes, _SELECT)[:_SELECT])
        if len(selected) > KEEP:
            return selected
    return _sorted_set(hashes)


def _sorted_set(hashes: Words) -> Words:
    """The distinct hashes in order. Sorting is vectorised; ``numpy.unique`` builds a hash table, many times slower."""
    hashes.sort()
    if len(hashes) < 2:
        return hashes
    fresh = np.empty(len(hashes), dtype=np.bool_)
    fresh[0] = True
    np.not_equal(hashes[1:], hashes[:-1], out=fresh[1:])
    return hashes[fresh]
