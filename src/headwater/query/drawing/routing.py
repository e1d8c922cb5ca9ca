"""Last step of the layout: routes links around cards.

Cards are in bands: ranges of x that some card occupies, with free gaps between them. In a gap a link may go up and
down as it likes; through a band it runs level, at a height that no card of the band takes. So a link never passes
through a card, wherever the cards came from.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise

from headwater.query.drawing.geometry import Point, Rect

_MARGIN = 4.0
_STEP = 12.0
_LANE = 5.0
_LANES = 4


class Band:
    """A stretch of x with cards in it: their tops and bottoms from above, and the lanes between them already used."""

    def __init__(self, left: float, right: float, rects: Iterable[Rect]) -> None:
        self.left = left
        self.right = right
        spans = sorted((rect.y, rect.bottom) for rect in rects)
        self.tops: list[float] = []
        self.bottoms: list[float] = []
        for top, bottom in spans:
            if self.bottoms and top - self.bottoms[-1] < 2 * _MARGIN:
                self.bottoms[-1] = max(self.bottoms[-1], bottom)
            else:
                self.tops.append(top)
                self.bottoms.append(bottom)
        self.used: dict[int, int] = {}
        self.beside = 0

    def side_lane(self) -> float:
        """Return the distance from the band at which the next link turning there goes up or down."""
        self.beside += 1
        return _STEP + (self.beside % _LANES) * 3.0

    def lane(self, wanted: float) -> float:
        """Return the free height nearest to the wanted one; links through one gap get lanes of their own."""
        at = bisect_right(self.tops, wanted + _MARGIN) - 1  # the last card that begins above
        if at < 0 or wanted >= self.bottoms[at] + _MARGIN:
            return round(wanted, 1)
        above = self.tops[at] - wanted
        below = wanted - self.bottoms[at]
        gap = at if -above < -below else at + 1
        number = self.used[gap] = self.used.get(gap, 0) + 1
        if 0 < gap < len(self.tops):
            low, high = self.bottoms[gap - 1] + _MARGIN, self.tops[gap] - _MARGIN
            return round(low + (high - low) * _share(number), 1)
        outside = _MARGIN + _LANE * number
        return round(self.tops[0] - outside if gap == 0 else self.bottoms[-1] + outside, 1)


def _share(number: int) -> float:
    """Return the next of 1/2, 1/4, 3/4, 1/8, 5/8 ...: places in a gap far from those before (van der Corput)."""
    share, step = 0.0, 0.5
    while number:
        share += step * (number & 1)
        number >>= 1
        step /= 2
    return share


def bands_of(rects: Iterable[Rect]) -> list[Band]:
    """Return the bands that contain cards, from the left."""
    groups: list[list[Rect]] = []
    right = 0.0
    for rect in sorted(rects):
        if groups and rect.x <= right:
            groups[-1].append(rect)
            right = max(right, rect.right)
        else:
            groups.append([rect])
            right = rect.right
    return [Band(group[0].x, max(rect.right for rect in group), group) for group in groups]


def forward(start: Point, end: Point, passed: Sequence[Band], first: Band, last: Band) -> list[Point]:
    """Return the way of a link to the right, from a card in ``first`` to one in ``last`` through the bands between."""
    points = [start]
    y = start[1]
    add(points, first.right, y)
    for band in passed:
        x = points[-1][0]
        y = band.lane(y + (end[1] - y) * (band.left - x) / max(end[0] - x, 1.0))
        add(points, band.left, y)
        add(points, band.right, y)
    add(points, last.left, end[1])
    add(points, *end)
    return points


def backwards(start: Point, end: Point, passed: Sequence[Band]) -> list[Point]:
    """Return the way of a link that leads back: out to the right, left through the bands, in from the left.

    ``passed`` are the bands from the one of the target to the one of the source, both included.
    """
    right, left = passed[-1].right + passed[-1].side_lane(), passed[0].left - passed[0].side_lane()
    points = [start]
    add(points, right, start[1])
    y = start[1]
    for band in reversed(passed):
        y = band.lane(y if band is passed[-1] else y + (end[1] - y) / len(passed))
        add(points, right if band is passed[-1] else band.right, y)
        add(points, band.left, y)
    add(points, left, y)
    add(points, left, end[1])
    add(points, *end)
    return rounded(points)


def add(points: list[Point], x: float, y: float) -> None:
    """Lead a way on; two level stretches in a row become one, and standing still is no step."""
    last_x, last_y = points[-1]
    if last_y == y:
        if last_x == x:
            return
        if len(points) > 1 and points[-2][1] == y and (points[-2][0] <= last_x) == (last_x <= x):
            points[-1] = (x, y)
            return
    points.append((x, y))


def rounded(points: list[Point]) -> list[Point]:
    """Return the points with one decimal, without those that fall together with the one before."""
    found = [(round(x, 1), round(y, 1)) for x, y in points]
    return found[:1] + [point for before, point in pairwise(found) if point != before]
