"""Estimates the width of text before it is drawn, on the safe side: a bold face as wide as any common
one (DejaVu Sans Bold), so that a card cuts no name that has room and lets none run over its side."""

from __future__ import annotations

from headwater.query.terminal_text import elide, width

_EMS = {
    **dict.fromkeys(" !'(),-./:;I[\\]`ijl|", 0.44),
    **dict.fromkeys('"*?_cfrstz', 0.59),
    **dict.fromkeys("%@MWmw", 1.06),
    **dict.fromkeys("#&+<=>^~ABCDEFGHJKLNOPQRSTUVXYZ", 0.85),
}
_EM = 0.72


def text_ems(text: str) -> float:
    """Return how wide a text is in ems."""
    return sum(_EMS.get(char, _EM if char.isascii() else 1.1 * width(char) / 2 or 0.0) for char in text)


def fitted(text: str, ems: float) -> str:
    """Return the text cut in the middle until it is at most so wide; a path keeps its last part whole if that fits."""
    if text_ems(text) <= ems:
        return text
    folder, slash, last = text.rstrip("/").rpartition("/")
    tail = slash + last + text[len(text.rstrip("/")) :]
    for kept in range(len(folder) - 1, 0, -1):
        if slash and text_ems(short := folder[:kept] + "…" + tail) <= ems:
            return short
    cells = width(text) - 1
    while cells > 1 and text_ems(elide(text, cells)) > ems:
        cells -= 1
    return elide(text, cells)
