"""A picture as a PNG file, drawn from its SVG by resvg (the extra ``headwater[png]``)."""

from __future__ import annotations

from math import sqrt
from typing import Literal

import msgspec

from headwater.errors import MissingExtra
from headwater.model.emphasis import Emphasis
from headwater.query.drawing.composition import picture_of
from headwater.query.drawing.picture import Picture
from headwater.query.drawing.svg import size_of, svg_of
from headwater.query.result import LineageGraph

SCALE = 2.0
"""Pixels of the file to one of the picture: sharp on the screens that people have."""
MOST_PIXELS = 25_000_000
"""Of a whole file: a larger picture is drawn smaller. They are what a large one costs: to fill, and to compress."""


class Drawn(msgspec.Struct, frozen=True, kw_only=True):
    """A PNG file; ``note`` says in words that it is smaller than usual, empty if it is not."""

    data: bytes
    note: str = ""


def png(graph: LineageGraph, *, theme: Literal["light", "dark"] = "light") -> Drawn:
    """Return the graph as a PNG file, jobs as pills. Raises ``MissingExtra`` where resvg-py is not installed."""
    return png_of(picture_of(graph, jobs="nodes"), theme=theme)


def png_of(
    picture: Picture,
    *,
    theme: Literal["light", "dark"] = "light",
    scale: float = SCALE,
    emphasis: Emphasis | None = None,
) -> Drawn:
    """Return a picture as a PNG file, ``scale`` times as large as its SVG, at most ``MOST_PIXELS``; ``emphasis`` marks
    what stands out, with a legend.

    Raises:
        MissingExtra: resvg-py is not installed.
    """
    try:
        from resvg_py import svg_to_bytes
    except ImportError:
        raise MissingExtra(
            "a PNG picture needs resvg-py", hint="pip install 'headwater[png]', or take the SVG picture"
        ) from None
    width, height = size_of(picture, emphasis=emphasis)
    fitting = min(scale, sqrt(MOST_PIXELS / (width * height)))
    wide = max(1, int(width * fitting))
    data = bytes(svg_to_bytes(svg_string=svg_of(picture, theme=theme, emphasis=emphasis), width=wide))
    return Drawn(data=data, note=smaller_words(fitting / scale))


def smaller_words(share: float) -> str:
    """Say that a PNG is drawn at this share of its usual width and height; nothing for 1."""
    if share >= 1:
        return ""
    return (
        f"the PNG is drawn at {max(1, min(99, round(100 * share)))} % of its usual size, to stay within "
        f"{MOST_PIXELS // 1_000_000} million pixels; the SVG is sharp at every size"
    )
