"""The order within columns: few crossings between neighbours.

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

_ROUNDS = 14
_IDLE = 3


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
    """Crossing numbers of columns in the current order, kept until a neighbouring column changes."""

    def __init__(self, rows: Rows, segments: Segments, column: Ints) -> None:
        self.rows = [row.copy() for row in rows]
        self.left, self.right = sides(segments, column, len(rows))
        self.place: Floats = np.zeros(column.size)
        for row in self.rows:
            self.place[row] = np.arange(row.size)

    def matrix(self, at: int, side: _Side) -> npt.NDArray[Any]:
        """Return for each two cells of a column, by place, how often their links cross with the first above."""
        size = self.rows[at].size
        if not side.near[at].size:
            return np.zeros((size, size), dtype=np.float32)
        far = self.place[side.far[at]] + side.far_at[at]
        ends, spot = np.unique(far, return_inverse=True)
        own = self.place[side.near[at]].astype(np.intp)
        links = np.bincount(own * ends.size + spot, minlength=size * ends.size).reshape(size, ends.size)
        links = links.astype(np.float32)
        above = np.cumsum(links, axis=1, dtype=np.float32) - links
        product: npt.NDArray[Any] = links @ above.T
        return product

    def total(self) -> int:
        """Return the number of crossings, a link with another counted once in each gap."""
        return int(sum(np.triu(self.matrix(at, self.right), 1).sum() for at in range(len(self.rows))))

    def sift(self, at: int, *, with_left: bool = True, with_right: bool = True) -> float:
        """Move each cell of a column to where its links cross least; returns how many crossings that saves."""
        size = self.rows[at].size
        if size < 2:
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
        return saved


def _sifted(gain: npt.NDArray[Any]) -> tuple[Ints, float]:
    """Return an order of places in which no single cell gains by moving, and what it saves."""
    size = gain.shape[0]
    order: Ints = np.arange(size)
    busy = np.flatnonzero(np.abs(gain).sum(axis=1)).tolist()
    saved = 0.0
    has_moved = True
    while has_moved:
        has_moved = False
        for cell in busy:
            here = int(np.flatnonzero(order == cell)[0])
            steps = gain[order, cell]  # passing below that cell costs so much more
            steps[here] = 0.0
            levels = np.concatenate(([0.0], np.cumsum(steps, dtype=np.float64)))
            now = levels[here]
            best = int(np.argmin(levels))
            if levels[best] >= now - 0.5:
                continue
            saved += float(now - levels[best])
            rest = np.delete(order, here)
            order = np.insert(rest, best if best <= here else best - 1, cell)
            has_moved = True
    return order, saved


def reduce_crossings(starts: Sequence[Rows], segments: Segments, column: Ints) -> Rows:
    """Return the best order reached from any of the starts. Links must join neighbouring columns."""
    best: Rows = list(starts[0])
    fewest = -1
    for start in starts:
        state = _Crossings(start, segments, column)
        count = _improve(state)
        if fewest < 0 or count < fewest:
            best, fewest = [row.copy() for row in state.rows], count
        if not fewest:
            break
    return best


def _improve(state: _Crossings) -> int:
    """Sift columns to and fro, first against one side as a sweep does, then against both, until nothing is gained."""
    count = state.total()
    best, fewest = [row.copy() for row in state.rows], count
    idle = 0
    for number in range(_ROUNDS):
        if not count or idle >= _IDLE:
            break
        is_right = number % 2 == 0
        is_first = number < 4
        for at in range(len(state.rows)) if is_right else reversed(range(len(state.rows))):
            state.sift(at, with_left=is_right or not is_first, with_right=not (is_right and is_first))
        count = state.total()
        idle = idle + 1 if count >= fewest else 0
        if count < fewest:
            best, fewest = [row.copy() for row in state.rows], count
    state.rows = best
    return fewest
