"""The legend of a picture: the symbols that occur in it."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import NamedTuple

from headwater.model.emphasis import MEANINGS, Emphasis
from headwater.query.drawing.palette import STATES, state_colour, type_colour
from headwater.query.drawing.picture import Card, Picture
from headwater.query.drawing.text_width import text_ems

SIGNED = ("failed", "aborted", "running", "new")
"""The states that a card of data shows: that the latest run completed goes without saying."""
_LEAST = 420.0
"""How wide the rows may be at least, however narrow the picture is."""
_ROW, _SWATCH, _APART, _SIZE = 20.0, 34.0, 18.0, 11.0
_PLAIN = 0.88
"""The width of regular letters relative to bold ones."""
_TYPES = {
    "data": "data",
    "feature": "features",
    "model": "model or checkpoint",
    "predictions": "predictions",
    "service": "topic, API, endpoint, dashboard",
    "memory": "in memory only",
}


class Entry(NamedTuple):
    """A sign, drawn in 34 by 12 pixels from 0, 0, and what it means."""

    sign: str
    words: str


class Legend(NamedTuple):
    """SVG text from 0, 0 on, and the room it takes."""

    text: str
    width: float
    height: float


def legend_of(picture: Picture, emphasis: Emphasis, width: float) -> Legend:
    """Return the legend of a picture that is so wide, what is emphasised first; nothing for one without signs."""
    widest = max(width, _LEAST)
    parts: list[str] = []
    x, y, used = 0.0, 0.0, 0.0
    if emphasis.title:
        parts.append(f'<text class="name" x="0" y="12">{escape(emphasis.title)}</text>')
        y, used = _ROW, text_ems(emphasis.title) * (_SIZE + 1)
    for sign, words in _entries(picture, emphasis):
        wide = _SWATCH + 6 + text_ems(words) * _SIZE * _PLAIN
        if x and x + wide > widest:
            x, y = 0.0, y + _ROW
        parts.append(
            f'<g transform="translate({x:.0f} {y + 3:.0f})">{sign}'
            f'<text class="col" x="{_SWATCH + 6:.0f}" y="10">{escape(words)}</text></g>'
        )
        x += wide + _APART
        used = max(used, x - _APART)
    return Legend("".join(parts), used, y + _ROW if parts else 0.0)


def _entries(picture: Picture, emphasis: Emphasis) -> Iterator[Entry]:
    for mark in emphasis.used():
        is_line = mark in emphasis.lines and not any(card_mark == mark for card_mark in emphasis.nodes.values())
        sign = (
            _line(f"m-{mark}")
            if is_line
            else f'<rect class="card m-{mark}" x="4" y="1" width="26" height="10" rx="3"/>'
        )
        yield Entry(sign, MEANINGS[mark])
    if picture.links:
        yield Entry(_line(""), "a value flows")
    if any(link.is_indirect or link.how == "inferred" for link in picture.links):
        yield Entry(_line("dash"), "it only decides (filter, join), or was inferred")
    if any(link.is_past for link in picture.links):
        yield Entry(_line("past"), "does not hold at this time")
    found = {type_colour(card.type) for card in picture.cards if card.kind == "dataset"}
    for colour, words in _TYPES.items():
        if colour in found:
            yield Entry(f'<rect class="c-{colour}" x="15" y="0" width="4" height="12" rx="1.5"/>', words)
    yield from _states(picture.cards)
    if any(card.is_root for card in picture.cards):
        yield Entry('<rect class="card is-root" x="4" y="1" width="26" height="10" rx="3"/>', "the root")
    if any(card.hidden_up or card.hidden_down for card in picture.cards):
        yield Entry('<text class="more" x="8" y="10">+3</text>', "3 more, not shown")


def _states(cards: tuple[Card, ...]) -> Iterator[Entry]:
    found = {card.state for card in cards if card.kind in ("job", "run") or card.state in SIGNED}
    for state in STATES:
        if state in found:
            yield Entry(state_sign(state, 17, 6), f"latest run {state}")


def _line(name: str) -> str:
    return f'<path class="edge {name}" d="M2 6h30"/>'


def state_sign(state: str, x: float, y: float) -> str:
    """Return the sign of a run state around a point: a shape as well as a colour."""
    colour = f"c-{state_colour(state)}"
    if state == "failed":
        return f'<path class="{colour}" d="M{_n(x - 4)} {_n(y - 3)}l1-1 3 3 3-3 1 1-3 3 3 3-1 1-3-3-3 3-1-1 3-3z"/>'
    if state == "aborted":
        return f'<rect class="{colour}" x="{_n(x - 3.5)}" y="{_n(y - 3.5)}" width="7" height="7"/>'
    if state in {"running", "new"}:
        return f'<path class="{colour}" d="M{_n(x)} {_n(y - 4.5)}l4.5 4.5-4.5 4.5-4.5-4.5z"/>'
    return f'<circle class="{colour}" cx="{_n(x)}" cy="{_n(y)}" r="3.5"/>'


def _n(number: float) -> str:
    """Write a number short and always the same."""
    return f"{number:.1f}".rstrip("0").rstrip(".")
