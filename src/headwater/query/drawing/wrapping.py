"""Wraps a long picture into several rows, read like text, so that both ends of a path are visible.

The picture is cut in the gaps between its columns. What lies in one row stays as it was drawn; a link that is cut leads
on around the end of its row, through the room between the rows, to the beginning of the next.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import count
from typing import NamedTuple

import msgspec

from headwater.query.drawing.geometry import Point, Rect
from headwater.query.drawing.picture import Link, Picture
from headwater.query.drawing.routing import add, bands_of, rounded

_ROOM = 56.0
"""Between two rows."""
_BESIDE = 12.0
"""The distance from its row at which a link turns."""
_LANE = 4.0
_LANES = 8


class _Row(NamedTuple):
    """The part of the picture from ``left`` to ``right``, and how far it moves; ``below`` is free room under it."""

    left: float
    right: float
    dx: float
    dy: float
    below: float


def folded(picture: Picture, wide: float) -> Picture:
    """Return the picture in rows of at most ``wide`` pixels, but of one column at least.

    Cards keep their order, from left to right and then from the upper row to the lower; without groups, and without
    links that lead back. One that is narrow enough stays as it is.
    """
    rows = _rows(picture, wide)
    if len(rows) < 2:
        return picture
    starts = [row.left for row in rows]
    width = max(row.right - row.left for row in rows)
    lanes = [count() for _ in rows]
    cards = []
    for card in picture.cards:
        row = rows[_row_at(starts, card.x)]
        cards.append(msgspec.structs.replace(card, x=round(card.x + row.dx, 1), y=round(card.y + row.dy, 1)))
    links = [_link(link, rows, starts, width, lanes) for link in picture.links]
    points = [*(point for link in links for point in link.points)]
    points += [corner for card in cards for corner in ((card.x, card.y), (card.x + card.w, card.y + card.h))]
    left, top = (min(point[side] for point in points) for side in (0, 1))
    right, bottom = (max(point[side] for point in points) for side in (0, 1))
    return msgspec.structs.replace(
        picture,
        x=left,
        y=top,
        width=round(right - left, 1),
        height=round(bottom - top, 1),
        cards=tuple(cards),
        links=tuple(links),
    )


def _rows(picture: Picture, wide: float) -> list[_Row]:
    """Cut between columns, each row as full as it may be."""
    bands = bands_of(Rect(card.x, card.y, card.w, card.h) for card in picture.cards)
    rows: list[_Row] = []
    top, at = 0.0, 0
    while at < len(bands):
        upto = at + 1
        while upto < len(bands) and bands[upto].right - bands[at].left <= wide:
            upto += 1
        left, right = bands[at].left, bands[upto - 1].right
        heights = list(_heights(picture, left, right))
        rows.append(_Row(left, right, -left, top - min(heights), top + max(heights) - min(heights) + _BESIDE))
        top += max(heights) - min(heights) + _ROOM
        at = upto
    return rows


def _heights(picture: Picture, left: float, right: float) -> Iterator[float]:
    """The heights that cards and links between two sides reach."""
    for card in picture.cards:
        if left <= card.x <= right:
            yield from (card.y, card.y + card.h)
    for link in picture.links:
        yield from (y for x, y in link.points if left <= x <= right)


def _row_at(starts: Sequence[float], x: float) -> int:
    return max(0, bisect_right(starts, x) - 1)


def _link(
    link: Link, rows: Sequence[_Row], starts: Sequence[float], width: float, lanes: Sequence[Iterator[int]]
) -> Link:
    """The link moved with its row; one that is cut, led on."""
    homes = [_row_at(starts, x) for x, _ in link.points]
    points: list[Point] = []
    for home, (x, y) in zip(homes, link.points, strict=True):
        row = rows[home]
        moved = (x + row.dx, y + row.dy)
        if not points:
            points.append(moved)
            last = home
            continue
        while last < home:
            lane = next(lanes[last]) % _LANES * _LANE
            end, level, beside = width + _BESIDE + lane, rows[last].below + lane, -_BESIDE - lane
            add(points, end, points[-1][1])
            add(points, end, level)
            add(points, beside, level)
            last += 1
            add(points, beside, moved[1] if last == home else rows[last].below + lane)
        add(points, *moved)
    is_cut = homes[0] != homes[-1]
    return msgspec.structs.replace(link, points=tuple(rounded(points)), is_back=link.is_back or is_cut)
