"""Third step of the layout: x for columns, and y for every box, near its neighbours."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from headwater.query.drawing.geometry import COLUMN_GAP, ROW_GAP
from headwater.query.drawing.ordering import Ints, Rows, Segments

TALLEST = 1400.0
_WIDER = 0.1
_WIDEST_GAP = 150.0
_FEW = 2500
_SWEEPS = 12
_SWEEPS_OF_MANY = 3

Floats = npt.NDArray[np.float64]


def tallest(widths: Floats, heights: Floats) -> float:
    """Return how tall a column may be: 1,400, and more where the picture would else be wider than 16:10."""
    area = float(((widths + COLUMN_GAP) * (heights + ROW_GAP)).sum())
    return max(TALLEST, math.sqrt(area / 1.6))


def wrap(rows: Rows, heights: Floats, limit: float) -> Rows:
    """Return the rows, with one that is taller than ``limit`` as several of about equal height."""
    wrapped: Rows = []
    for row in rows:
        ends = np.cumsum(heights[row] + ROW_GAP)
        parts = max(1, -(-int(ends[-1]) // int(limit)))
        if parts == 1:
            wrapped.append(row)
            continue
        part = np.minimum(((ends - heights[row]) * parts / ends[-1]).astype(np.intp), parts - 1)
        wrapped.extend(chunk for number in range(parts) if (chunk := row[part == number]).size)
    return wrapped


class _Pull(NamedTuple):
    """What draws the cells of one column to one side: rank of the cell, far cell, distance of the two ends, weight."""

    own: Ints
    far: Ints
    shift: Floats
    weight: Floats


def middles_of(rows: Rows, heights: Floats, gaps: Floats, segments: Segments, weights: Floats) -> Floats:
    """Return the vertical middle of every cell: in the order of its row, apart, and near what it is linked to.

    ``gaps`` is the free room around each cell, half above and half below. Each sweep puts a column where it is nearest
    to the last place of its neighbours, links between two passing cells weighing most (``weights``), so that long
    links run straight. The first sweeps look to one side, the others to both.
    """
    middles: Floats = np.zeros(heights.size)
    rank, column = np.zeros((2, heights.size), dtype=np.intp)
    for at, row in enumerate(rows):
        tops = np.cumsum(heights[row] + gaps[row])
        middles[row] = tops - (heights[row] + gaps[row]) / 2 - tops[-1] / 2
        rank[row], column[row] = np.arange(row.size), at
    shift = segments.at_target * heights[segments.target] - segments.at_source * heights[segments.source]
    lefts = _pulls(segments.target, segments.source, -shift, weights, rank, column, len(rows))
    rights = _pulls(segments.source, segments.target, shift, weights, rank, column, len(rows))
    offsets = [_offsets(heights[row] + gaps[row]) for row in rows]
    few = heights.size <= _FEW
    for number in range(_SWEEPS if few else _SWEEPS_OF_MANY):
        is_right = number % 2 == 0
        is_first = number < 2 and few
        for at in range(len(rows)) if is_right else reversed(range(len(rows))):
            row = rows[at]
            total = np.full(row.size, 1e-6) * middles[row]
            weight = np.full(row.size, 1e-6)
            if is_right or not is_first:
                _add(lefts[at], middles, total, weight)
            if not is_right or not is_first:
                _add(rights[at], middles, total, weight)
            middles[row] = spread((total / weight).tolist(), offsets[at], weight.tolist())
    return middles


def _pulls(
    near: Ints, far: Ints, shift: Floats, weights: Floats, rank: Ints, column: Ints, columns: int
) -> list[_Pull]:
    order = np.argsort(column[near], kind="stable")
    cuts = np.searchsorted(column[near][order], np.arange(columns + 1)).tolist()
    near, far, shift, weights = rank[near[order]], far[order], shift[order], weights[order]
    return [_Pull(near[a:b], far[a:b], -shift[a:b], weights[a:b]) for a, b in pairwise(cuts)]


def _add(pull: _Pull, middles: Floats, total: Floats, weight: Floats) -> None:
    if pull.own.size:
        total += np.bincount(pull.own, (middles[pull.far] - pull.shift) * pull.weight, total.size)
        weight += np.bincount(pull.own, pull.weight, total.size)


def _offsets(rooms: Floats) -> list[float]:
    """Return the least distance of each middle in a column from that of the first."""
    middles = np.cumsum(rooms) - rooms / 2
    offsets: list[float] = (middles - middles[0]).tolist()
    return offsets


def spread(wanted: Sequence[float], offsets: Sequence[float], weights: Sequence[float]) -> list[float]:
    """Return middles in the given order, at least ``offsets`` apart, with the least weighted squared distance from the
    wanted ones.

    Subtracting from each wanted middle the room that must lie above it turns "no overlap" into "never descending";
    pooling neighbours that violate that is the exact answer (isotonic regression).
    """
    means: list[float] = []
    masses: list[float] = []
    counts: list[int] = []
    for want, offset, weight in zip(wanted, offsets, weights, strict=True):
        mean, mass, count = want - offset, weight, 1
        while means and means[-1] > mean:
            other = masses.pop()
            mean = (mean * mass + means.pop() * other) / (mass + other)
            mass += other
            count += counts.pop()
        means.append(mean)
        masses.append(mass)
        counts.append(count)
    flat = [mean for mean, count in zip(means, counts, strict=True) for _ in range(count)]
    return [value + offset for value, offset in zip(flat, offsets, strict=True)]


def lefts_of(rows: Rows, widths: Floats, middles: Floats, segments: Segments) -> list[float]:
    """Return the left side of every column; steep links get a wider gap, so that they can be distinguished."""
    column = np.zeros(widths.size, dtype=np.intp)
    for at, row in enumerate(rows):
        column[row] = at
    climbs = np.abs(middles[segments.target] - middles[segments.source])
    gap_of = column[segments.target] - 1
    total = np.bincount(gap_of, climbs, len(rows))
    count = np.bincount(gap_of, minlength=len(rows))
    gaps = np.minimum(COLUMN_GAP + _WIDER * total / np.maximum(count, 1), _WIDEST_GAP).round()
    lefts = [0.0]
    for at, row in enumerate(rows[:-1]):
        width = float(widths[row].max())
        lefts.append(lefts[-1] + width + float(gaps[at]) * (1.0 if width else 0.5))
    return lefts
