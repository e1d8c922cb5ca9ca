"""Text for terminals: safe to print, truncated to a width, coloured by the caller.

A line is a list of spans, a span is a text with the name of a style. This module knows no terminal; ``headwater.cli``
turns style names into colours, and ``plain`` into nothing at all.
"""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

Style = Literal[
    "", "name", "job", "root", "dim", "good", "bad", "warn", "key", "value", "heading", "column", "added", "removed",
    "data", "model", "predictions", "feature", "service", "memory",
]  # fmt: skip
"""What a text is; the last six are the colours of types in every drawing (``drawing.palette``)."""


class Span(NamedTuple):
    """A run of text in one style."""

    text: str
    style: Style = ""


Line = list[Span]


def clean(text: object) -> str:
    """Return the text with control and direction-changing characters escaped: no name can drive a terminal."""
    raw = str(text)
    if raw.isprintable():
        return raw
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in raw)


def width(text: str) -> int:
    """Return how many terminal cells the text takes: wide characters two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(_cells(char) for char in text)


def _cells(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1


def elide(text: str, cells: int) -> str:
    """Return the text cut to at most ``cells`` cells in the middle: long names keep both ends."""
    if width(text) <= cells:
        return text
    if cells <= 1:
        return "…"[:cells]
    tail_cells = (cells - 1) * 3 // 5
    head_cells = cells - 1 - tail_cells
    return _take(text, head_cells) + "…" + _take(text[::-1], tail_cells)[::-1]


def _take(text: Iterable[str], cells: int) -> str:
    taken: list[str] = []
    for char in text:
        cells -= _cells(char)
        if cells < 0:
            break
        taken.append(char)
    return "".join(taken)


def pad(text: str, cells: int) -> str:
    """Return the text filled with spaces to ``cells`` cells."""
    return text + " " * max(0, cells - width(text))


def plain(lines: Iterable[Sequence[Span]]) -> str:
    """Return the lines as text without colours, each without trailing space and ended by a newline."""
    return "".join("".join(span.text for span in line).rstrip() + "\n" for line in lines)


def fit(line: Sequence[Span], cells: int | None) -> Line:
    """Return the line cut at ``cells`` cells with an ellipsis; None leaves it alone."""
    total = sum(width(span.text) for span in line)
    if cells is None or total <= cells:
        return list(line)
    kept: Line = []
    left = cells - 1
    for span in line:
        size = width(span.text)
        if size > left:
            kept.append(Span(_take(span.text, left), span.style))
            break
        kept.append(span)
        left -= size
    kept.append(Span("…", "dim"))
    return kept


def folded(text: str, cells: int | None, *, indent: int = 0) -> list[str]:
    """Return the text over as many lines as it needs, those after the first indented; None for ``cells``: one line."""
    if cells is None or width(text) <= cells:
        return [text]
    return textwrap.wrap(text, cells, subsequent_indent=" " * indent, break_on_hyphens=False)


def plural(count: int, noun: str, nouns: str = "") -> str:
    """Return ``1 table`` or ``1,234 tables``."""
    word = noun if count == 1 else (nouns or noun + "s")
    return f"{count:,} {word}"


def listing(words: Sequence[str], limit: int = 4) -> str:
    """Return ``a, b, c and 7 more``."""
    if len(words) <= limit:
        return ", ".join(words)
    return ", ".join(words[:limit]) + f" and {len(words) - limit:,} more"


def table(headers: Sequence[str], rows: Sequence[Sequence[Span]], *, cells: int | None = None) -> list[Line]:
    """Return the rows as aligned columns under the headers; the widest columns give way when ``cells`` is short."""
    sizes = [max([width(head), *(width(row[at].text) for row in rows)]) for at, head in enumerate(headers)]
    gap = 2
    while cells is not None and sum(sizes) + gap * (len(sizes) - 1) > cells and max(sizes) > 8:
        sizes[sizes.index(max(sizes))] -= 1
    lines = [_row([Span(head, "dim") for head in headers], sizes, gap)]
    lines.extend(_row(row, sizes, gap) for row in rows)
    return [fit(line, cells) for line in lines]


def _row(row: Sequence[Span], sizes: Sequence[int], gap: int) -> Line:
    line: Line = []
    for at, (span, size) in enumerate(zip(row, sizes, strict=True)):
        text = elide(span.text, size)
        line.append(Span(text, span.style))
        if at + 1 < len(sizes):
            line.append(Span(" " * (size - width(text) + gap)))
    return line
