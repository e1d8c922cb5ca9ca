"""Orders the boxes of each column with few crossings between neighbours.

Two ways. ``sweep`` moves each cell to the mean place of its neighbours (barycentre, Sugiyama et al. 1981), a few vector
operations a column: fast enough for thousands of cells. ``reduce_crossings`` then takes, column by column, the exact
number of crossings of every two cells in either order (one matrix product gives them all) and moves each cell to the
place where it crosses least (sifting); it wants links between neighbouring columns only.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.intp]
Floats = npt.NDArray[np.float64]
Rows = list[Ints]

_FIRST_ROUNDS = 4
_ROUNDS = 10
_IDLE = 2
_PASSES = 4
_CANDIDATES = (0, 2, 3, 4)
_IMPROVED = 3


class Segments:
    """Links between columns as arrays: the two cells of each, and where on the cell it ends (-0.5 top to 0.5)."""

    def __init__(self, ends: Sequence[tuple[int, int, float, float]]) -> None:
        table = np.array(ends, dtype=np.float64).reshape(-1, 4)
        self.source: Ints = table[:, 0].astype(np.intp)
        self.target: Ints = table[:, 1].astype(np.intp)
        self.at_source: Floats = table[:, 2].copy()
        self.at_target: Floats = table[:, 3].copy()


class _Side:
    """The links of every column on one of its sides: own cell, far cell, far place on the cell."""

    def __init__(self, near: Ints, far: Ints, near_at: Floats, far_at: Floats, column: Ints, columns: int) -> None:
        order = np.argsort(column[near], kind="stable")
        cuts = np.searchsorted(column[near][order], np.arange(columns + 1)).tolist()
        self.near = [near[order[a:b]] for a, b in pairwise(cuts)]
        self.far = [far[order[a:b]] for a, b in pairwise(cuts)]
        self.near_at = [near_at[order[a:b]] for a, b in pairwise(cuts)]
        self.far_at = [far_at[order[a:b]] for a, b in pairwise(cuts)]


def sides(segments: Segments, column: Ints, columns: int) -> tuple[_Side, _Side]:
    """Return the links to the left and to the right of every column."""
    left = _Side(segments.target, segments.source, segments.at_target, segments.at_source, column, columns)
    right = _Side(segments.source, segments.target, segments.at_source, segments.at_target, column, columns)
    return left, right


def sweep(rows: Rows, segments: Segments, column: Ints, sweeps: int) -> Rows:
    """Return the rows after so many barycentre sweeps, left to right and back in turn."""
    current = [row.copy() for row in rows]
    count = int(column.size)
    place: Floats = np.zeros(count)
    for row in current:
        place[row] = np.arange(row.size) - (row.size - 1) / 2
    left, right = sides(segments, column, len(rows))
    rank: Ints = np.zeros(count, dtype=np.intp)
    for number in range(sweeps):
        is_right = number % 2 == 0
        side = left if is_right else right
        for at in range(len(current)) if is_right else reversed(range(len(current))):
            near = side.near[at]
            if not near.size or current[at].size < 2:
                continue
            row = current[at]
            rank[row] = np.arange(row.size)
            own = rank[near]
            total = np.bincount(own, weights=place[side.far[at]] + side.far_at[at], minlength=row.size)
            links = np.bincount(own, minlength=row.size)
            wanted = np.where(links > 0, total / np.maximum(links, 1), place[row])
            row = row[np.argsort(wanted, kind="stable")]
            place[row] = np.arange(row.size) - (row.size - 1) / 2
            current[at] = row
    return current


class _Crossings:
    """An order under improvement. ``counts`` are the crossings right of each column, -1 if they must be recounted;
    ``calm`` are the columns in which no cell gains by moving while their neighbours stay."""

    def __init__(self, rows: Rows, segments: Segments, column: Ints) -> None:
        self.rows = [row.copy() for row in rows]
        self.left, self.right = sides(segments, column, len(rows))
        self.place: Floats = np.zeros(column.size)
        self.keep(self.rows)

    def keep(self, rows: Rows) -> None:
        """Take over an order."""
        self.rows = rows
        self.counts = [-1] * len(rows)
        self.calm: set[int] = set()
        for row in rows:
            self.place[row] = np.arange(row.size)

    def matrix(self, at: int, side: _Side) -> npt.NDArray[Any]:
        """Return for each two cells of a column, by place, how often their links cross with the first above."""
        size = self.rows[at].size
        if not side.near[at].size:
            return np.zeros((size, size), dtype=np.float32)
        far = self.place[side.far[at]] + side.far_at[at]
        ends, spot = np.unique(far, return_inverse=True)
        own = self.place[side.near[at]].astype(np.intp)
        links = np.bincount(spot * size + own, minlength=size * ends.size).reshape(ends.size, size).astype(np.float32)
        above = np.cumsum(links, axis=0, dtype=np.float32) - links  # by end: how many links of each cell end above it
        order = np.argsort(own, kind="stable")
        cells, starts = np.unique(own[order], return_index=True)
        found = np.zeros((size, size), dtype=np.float32)
        found[cells] = np.add.reduceat(above[spot[order]], starts, axis=0)
        return found

    def total(self) -> int:
        """Return the number of crossings, a link with another counted once in each gap."""
        for at, count in enumerate(self.counts):
            if count < 0:
                self.counts[at] = int(np.triu(self.matrix(at, self.right), 1).sum())
        return sum(self.counts)

    def sift(self, at: int, *, with_left: bool = True, with_right: bool = True) -> float:
        """Move each cell of a column to where its links cross least; returns how many crossings that saves."""
        size = self.rows[at].size
        is_full = with_left and with_right
        if size < 2 or (is_full and at in self.calm):
            return 0.0
        cost = np.zeros((size, size), dtype=np.float32)
        if with_left:
            cost += self.matrix(at, self.left)
        if with_right:
            cost += self.matrix(at, self.right)
        gain = cost - cost.T  # what it costs more to have the first above the second
        order, saved = _sifted(gain)
        if saved > 0:
            row = self.rows[at][order]
            self.rows[at] = row
            self.place[row] = np.arange(size)
            self.counts[at] = -1
            self.counts[at - 1] = -1
            self.calm -= {at - 1, at, at + 1}
        if is_full and not saved:
            self.calm.add(at)
        return saved


def _sifted(gain: npt.NDArray[Any]) -> tuple[Ints, float]:
    """Return an order of places in which no single cell gains by moving (or nearly so), and what it saves."""
    order: Ints = np.arange(gain.shape[0])
    saved = 0.0
    for _ in range(_PASSES):
        gaining = _gaining(gain, order)
        if not gaining.size:
            break
        for cell in gaining.tolist():
            here = int(np.flatnonzero(order == cell)[0])
            levels = np.cumsum(gain[order, cell], dtype=np.float64)  # what passing below each cell costs
            now = levels[here]
            best = int(np.argmin(levels)) + 1
            lowest = float(levels[best - 1])
            if lowest > 0.0:
                best, lowest = 0, 0.0
            if lowest > now - 0.5:
                continue
            saved += float(now - lowest)
            if best <= here:
                order[best + 1 : here + 1] = order[best:here].copy()
                order[best] = cell
            else:
                order[here : best - 1] = order[here + 1 : best].copy()
                order[best - 1] = cell
    return order, saved


def _gaining(gain: npt.NDArray[Any], order: Ints) -> Ints:
    """Return the cells that would gain by moving, examined all at once."""
    levels = np.cumsum(gain[np.ix_(order, order)], axis=0, dtype=np.float64)
    lowest = np.minimum(levels.min(axis=0), 0.0)
    found: Ints = order[lowest < np.diagonal(levels) - 0.5]
    return found


def reduce_crossings(starts: Sequence[Rows], segments: Segments, column: Ints) -> Rows:
    """Return the best order found from the given starts. Links must join neighbouring columns.

    Barycentre sweeps make a few candidates of each start, sifting against one side improves all of them as a sweep
    does, and sifting against both sides the most promising.
    """
    found: list[tuple[int, int, _Crossings]] = []
    for start in starts:
        rows = start
        for sweeps in _CANDIDATES:
            rows = sweep(rows, segments, column, sweeps)
            state = _Crossings(rows, segments, column)
            found.append((_improve(state, _FIRST_ROUNDS, is_one_sided=True), len(found), state))
    found.sort(key=lambda item: item[:2])
    fewest, _, best = found[0]
    for count, _, state in found[:_IMPROVED]:
        if not fewest:
            break
        better = _improve(state, _ROUNDS, is_one_sided=False) if count else 0
        if better < fewest:
            fewest, best = better, state
    return best.rows


def _improve(state: _Crossings, rounds: int, *, is_one_sided: bool) -> int:
    """Sift columns to and fro until nothing is gained, and leave the best order; returns its crossings.

    One-sided, a column is set by the one before it in the direction of the sweep alone.
    """
    count = state.total()
    best, fewest = [row.copy() for row in state.rows], count
    idle = 0
    for number in range(rounds):
        if not count or idle >= _IDLE:
            break
        is_right = number % 2 == 0
        for at in range(len(state.rows)) if is_right else reversed(range(len(state.rows))):
            state.sift(at, with_left=is_right or not is_one_sided, with_right=not (is_right and is_one_sided))
        count = state.total()
        idle = idle + 1 if count >= fewest else 0
        if count < fewest:
            best, fewest = [row.copy() for row in state.rows], count
    state.keep(best)
    return fewest
