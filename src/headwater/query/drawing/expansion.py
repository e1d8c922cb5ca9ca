"""Adds boxes to an existing picture: placed boxes stay where they are, new ones go where there is room.

A new box stands right of what it is made from and left of what is made from it, in a column that is there already if
it fits, else in a new column beside them; within the column it takes the free place nearest to its neighbours.
"""

from __future__ import annotations

import math
from bisect import insort
from collections.abc import Iterator, Mapping, Sequence

from headwater.errors import InvalidInput
from headwater.query.drawing.geometry import COLUMN_GAP, ROW_GAP, Box, Rect
from headwater.query.drawing.layering import Pair, topological

_LEAST_GAP = COLUMN_GAP / 2


class _Grid:
    """Rectangles by the squares they touch, so that few have to be compared. Those that touch very many, such as a
    group whose members were placed far apart, are compared with all."""

    _SIDE = 256.0
    _LARGE = 32 * _SIDE

    def __init__(self) -> None:
        self.rects: list[Rect] = []
        self.large: list[Rect] = []
        self.squares: dict[tuple[int, int], list[Rect]] = {}

    def add(self, rect: Rect) -> None:
        """Take a rectangle in."""
        self.rects.append(rect)
        if self._is_large(rect):
            self.large.append(rect)
            return
        for square in self._squares(rect, 0.0):
            self.squares.setdefault(square, []).append(rect)

    def has_room(self, rect: Rect, gap: float) -> bool:
        """Tell whether a rectangle is apart from all that are in."""
        if self._is_large(rect):
            return all(rect.is_apart(other, gap) for other in self.rects)
        return all(rect.is_apart(other, gap) for other in self.large) and all(
            rect.is_apart(other, gap) for square in self._squares(rect, gap) for other in self.squares.get(square, ())
        )

    def _is_large(self, rect: Rect) -> bool:
        return max(rect.width, rect.height) > self._LARGE

    def _squares(self, rect: Rect, gap: float) -> Iterator[tuple[int, int]]:
        side = self._SIDE
        for x in range(int((rect.x - gap) // side), int((rect.right + gap) // side) + 1):
            for y in range(int((rect.y - gap) // side), int((rect.bottom + gap) // side) + 1):
                yield x, y


class _Column:
    """A stretch of x, and the boxes in it by their tops."""

    def __init__(self, left: float, right: float) -> None:
        self.left = left
        self.right = right
        self.spans: list[tuple[float, float]] = []

    def room(self, wanted: float, height: float) -> float:
        """Return the top nearest to the wanted one at which a box of that height has free room around it."""
        best, distance = wanted, math.inf
        floor = -math.inf
        for top, bottom in [*self.spans, (math.inf, math.inf)]:
            if top - ROW_GAP - height >= floor:
                found = min(max(wanted, floor), top - ROW_GAP - height)
                if abs(found - wanted) < distance:
                    best, distance = found, abs(found - wanted)
            floor = max(floor, bottom + ROW_GAP)
        return best


def expand(known: Sequence[Box], pairs: Sequence[Pair], placed: Mapping[str, Rect]) -> list[Rect]:
    """Return where each box stands. ``pairs`` are acyclic. A box whose size has changed keeps its corner if it can.

    Raises ``InvalidInput`` when a place is not a finite number.
    """
    return _Expansion(known, pairs).places(placed)


class _Expansion:
    def __init__(self, known: Sequence[Box], pairs: Sequence[Pair]) -> None:
        self.known = known
        count = len(known)
        self.out: list[list[int]] = [[] for _ in range(count)]
        self.into: list[list[int]] = [[] for _ in range(count)]
        for source, target in pairs:
            self.out[source].append(target)
            self.into[target].append(source)
        self.order = topological(count, pairs, self.out)
        self.rects: list[Rect | None] = [None] * count
        self.columns: list[_Column] = []

    def places(self, placed: Mapping[str, Rect]) -> list[Rect]:
        self._keep(placed)
        waiting = [at for at in self.order if self.rects[at] is None]
        while waiting:
            count = len(waiting)
            for at in waiting:
                if any(self.rects[source] for source in self.into[at]):
                    self._add(at, is_right=True)
            for at in reversed(waiting):
                if self.rects[at] is None and any(self.rects[target] for target in self.out[at]):
                    self._add(at, is_right=False)
            waiting = [at for at in waiting if self.rects[at] is None]
            if len(waiting) == count:
                self._add(waiting.pop(0), is_right=True)
        return [rect for rect in self.rects if rect is not None]

    def _keep(self, placed: Mapping[str, Rect]) -> None:
        """Give boxes the place they had: first those of unchanged size, then others where they still fit."""
        kept: list[Rect] = []
        taken = _Grid()
        found = [(at, box, placed[box.key]) for at, box in enumerate(self.known) if box.key in placed]
        for _, box, old in found:
            if not all(math.isfinite(value) for value in old):
                raise InvalidInput(field=f"placed.{box.key}", value=str(tuple(old)), rule="must be four finite numbers")
        for at, box, old in sorted(found, key=lambda item: (item[1].width, item[1].height) != item[2][2:]):
            rect = Rect(old.x, old.y, box.width, box.height)
            is_same = rect[2:] == old[2:]
            if taken.has_room(rect, 0.0 if is_same else ROW_GAP):
                self.rects[at] = rect
                taken.add(rect)
                kept.append(rect)
        for rect in sorted(kept):
            if self.columns and rect.x <= self.columns[-1].right:
                self.columns[-1].right = max(self.columns[-1].right, rect.right)
            else:
                self.columns.append(_Column(rect.x, rect.right))
            insort(self.columns[-1].spans, (rect.y, rect.bottom))

    def _add(self, at: int, *, is_right: bool) -> None:
        box = self.known[at]
        sources = [rect for source in self.into[at] if (rect := self.rects[source])]
        targets = [rect for target in self.out[at] if (rect := self.rects[target])]
        low = max((rect.right for rect in sources), default=-math.inf)
        high = min((rect.x for rect in targets), default=math.inf)
        column = self._column(box.width, low, high, is_right=is_right)
        near = [*sources, *targets]
        wanted = sum(rect.middle for rect in near) / len(near) if near else self._lowest() + box.height
        top = round(column.room(wanted - box.height / 2, box.height), 1)
        self.rects[at] = Rect(column.left, top, box.width, box.height)
        column.right = max(column.right, column.left + box.width)
        insort(column.spans, (top, top + box.height))

    def _right(self) -> float:
        return self.columns[-1].right if self.columns else -math.inf

    def _lowest(self) -> float:
        return max((bottom for column in self.columns for _, bottom in column.spans), default=0.0)

    def _column(self, width: float, low: float, high: float, *, is_right: bool) -> _Column:
        """Return a column between ``low`` and ``high`` for a box of that width, nearest to where the box came from.

        Where neither a column nor room for a new one lies between them, the side that the box came from wins.
        """
        number = len(self.columns)
        if low == -math.inf and high == math.inf:
            fitting = [at for at in range(number) if self._fits(at, width)]
            return self.columns[fitting[0]] if fitting else self._new(number, width, self._right(), high)
        edges = [-math.inf, *(column.right for column in self.columns)]
        starts = [*(column.left for column in self.columns), math.inf]
        order = range(number + 1) if is_right else reversed(range(number + 1))
        for at in order:  # at the gap before column ``at``, then (or first) the column itself
            gap_low, gap_high = max(edges[at], low), min(starts[at], high)
            for what in ("gap", "column") if is_right else ("column", "gap"):
                if what == "column":
                    if at < number and low < starts[at] and self.columns[at].right < high and self._fits(at, width):
                        return self.columns[at]
                elif gap_high - gap_low >= width + 2 * COLUMN_GAP:
                    return self._new(at, width, gap_low, gap_high, is_right=is_right)
        if is_right and high < math.inf:
            return self._column(width, low, math.inf, is_right=True)
        if not is_right and low > -math.inf:
            return self._column(width, -math.inf, high, is_right=False)
        return self._new(number, width, edges[-1], math.inf, is_right=True)

    def _fits(self, at: int, width: float) -> bool:
        """Whether a box fits into a column: it is no wider, or the following gap has room to spare."""
        right = self.columns[at].left + width
        is_last = at + 1 == len(self.columns)
        return right <= self.columns[at].right or is_last or self.columns[at + 1].left - right >= _LEAST_GAP

    def _new(self, at: int, width: float, low: float, high: float, *, is_right: bool = True) -> _Column:
        if low == -math.inf and high == math.inf:
            left = 0.0
        elif (is_right and low > -math.inf) or high == math.inf:
            left = low + COLUMN_GAP
        else:
            left = high - COLUMN_GAP - width
        column = _Column(round(left, 1), round(left + width, 1))
        self.columns.insert(at, column)
        return column
