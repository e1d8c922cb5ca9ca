"""Input and output types of the layout: boxes with ports, links, rectangles, routes. Units are pixels."""

from __future__ import annotations

from typing import NamedTuple

COLUMN_GAP = 56.0
ROW_GAP = 16.0

Point = tuple[float, float]


class Box(NamedTuple):
    """A thing to place: its key, width, height, and named ports with their distance from its top.

    The port named "" is where links to the box as a whole end; without it that is the middle.
    """

    key: str
    width: float
    height: float
    ports: tuple[tuple[str, float], ...] = ()


class Link(NamedTuple):
    """A line to lead from the right side of one box to the left side of another, at a port or at ``middle``."""

    source: str
    target: str
    source_port: str = ""
    target_port: str = ""


class Rect(NamedTuple):
    """Where a box stands: left, top, width, height."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """The right side."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """The lower side."""
        return self.y + self.height

    @property
    def middle(self) -> float:
        """The vertical middle."""
        return self.y + self.height / 2

    def is_apart(self, other: Rect, gap: float = 0.0) -> bool:
        """Tell whether at least ``gap`` lies between the two, sideways or up and down."""
        return (
            self.right + gap <= other.x
            or other.right + gap <= self.x
            or self.bottom + gap <= other.y
            or other.bottom + gap <= self.y
        )

    def moved(self, x: float, y: float) -> Rect:
        """Return the rectangle moved by so much."""
        return Rect(round(self.x + x, 1), round(self.y + y, 1), self.width, self.height)


class Layout(NamedTuple):
    """Boxes by key, the points that each link passes from box to box, the links that lead backwards.

    ``bounds`` is the rectangle around boxes and routes; it starts at 0, 0 unless boxes were placed before.
    """

    boxes: dict[str, Rect]
    routes: dict[Link, list[Point]]
    backward: frozenset[Link]
    bounds: Rect


def bounds_of(boxes: dict[str, Rect], routes: dict[Link, list[Point]]) -> Rect:
    """Return the rectangle around all boxes and routes."""
    xs = [side for rect in boxes.values() for side in (rect.x, rect.right)]
    ys = [side for rect in boxes.values() for side in (rect.y, rect.bottom)]
    for points in routes.values():
        for x, y in points[1:-1]:  # the ends are on boxes
            xs.append(x)
            ys.append(y)
    if not xs:
        return Rect(0.0, 0.0, 0.0, 0.0)
    left, top = min(xs), min(ys)
    return Rect(left, top, round(max(xs) - left, 1), round(max(ys) - top, 1))
