"""Computes charts on the server: positions of lines, bars and boxes. ``macros/charts.html`` draws them.

Every chart has a title and a textual description, and accompanies a table of the same numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import floor, isfinite, log10
from typing import Any, Literal

import msgspec

from headwater.query.facet_values import is_number
from headwater.query.history import RunSummary
from headwater.query.instants import lasted
from headwater.query.terminal_text import plural
from headwater.server.rendering.template_filters import number, when

WIDTH, HEIGHT = 320, 116
LEFT, RIGHT, TOP, BOTTOM = 46, 6, 8, 26
_LETTER = 5.8
"""Largest width of a letter or digit of a label."""
_APART = 14.0
_MOST_LABELS = 5
_SHORTEST_BAR, _WIDEST_BAR = 3.0, 18.0
_TIMES_S = (0.001, 0.01, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14_400, 43_200, 86_400)


class Tick(msgspec.Struct, frozen=True):
    """A horizontal grid line with its label."""

    y: float
    text: str


class Label(msgspec.Struct, frozen=True):
    """A label below the chart; ``anchor`` is the part of the text at ``x``."""

    x: float
    text: str
    anchor: Literal["start", "middle", "end"]


class Dot(msgspec.Struct, frozen=True):
    """A measured value; ``words`` describes it."""

    x: float
    y: float
    words: str


class Lines(msgspec.Struct, frozen=True, kw_only=True):
    """Values over versions. ``path`` has gaps where nothing was measured."""

    title: str
    description: str
    path: str
    dots: tuple[Dot, ...]
    ticks: tuple[Tick, ...]
    labels: tuple[Label, ...]


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """A run, with its duration and result."""

    x: float
    y: float
    width: float
    height: float
    state: str
    words: str
    run: str


class Bars(msgspec.Struct, frozen=True, kw_only=True):
    """Runs as bars, the latest on the right."""

    title: str
    description: str
    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]
    labels: tuple[Label, ...]


class Box(msgspec.Struct, frozen=True, kw_only=True):
    """A distribution on a scale from 0 to 100: range, middle half, and median."""

    low: float
    high: float
    left: float
    right: float
    middle: float


def lines(title: str, values: Sequence[float | None], names: Sequence[str], places: Sequence[str] = ()) -> Lines | None:
    """A line chart of values in order of time, with their names; None if fewer than two were measured.

    ``places`` are the labels below the values, shown where there is room; by default the names.
    """
    known = [value for value in values if value is not None and is_number(value)]
    if len(known) < 2:
        return None
    top, ticks = _scale(min(known), max(known))
    step = (WIDTH - LEFT - RIGHT) / max(len(values) - 1, 1)
    dots: list[Dot] = []
    pieces: list[str] = []
    is_open = False
    for at, value in enumerate(values):
        if value is None or not is_number(value):
            is_open = False
            continue
        dot = Dot(round(LEFT + at * step, 1), top.place(value), f"{names[at]}: {number(value)}")
        dots.append(dot)
        pieces.append(f"{'L' if is_open else 'M'}{dot.x} {dot.y}")
        is_open = True
    description = (
        f"{len(known)} values from {number(min(known))} to {number(max(known))}; "
        f"first {number(known[0])}, last {number(known[-1])}."
    )
    xs = [LEFT + at * step for at in range(len(values))]
    return Lines(
        title=title,
        description=description,
        path="".join(pieces),
        dots=tuple(dots),
        ticks=ticks,
        labels=_labels(xs, places or names),
    )


def dates(instants: Sequence[int]) -> list[str]:
    """Instants as labels, with the precision needed to distinguish them: day, minute or second (UTC)."""
    texts = [when(instant) for instant in instants]
    return next(
        (cut for letters in (10, 16) if len(set(cut := [text[:letters] for text in texts])) == len(texts)), texts
    )


def run_bars(title: str, runs: Sequence[RunSummary], now: int) -> Bars | None:
    """A bar chart of the durations of runs, given latest first; a running one extends to now. None without any."""
    timed = [run for run in reversed(runs) if run.started_at is not None]
    if not timed:
        return None
    lengths = [max((run.ended_at or now) - (run.started_at or now), 0) / 1e6 for run in timed]
    top, ticks = _scale(0, max(*lengths, 1e-3), is_time=True)
    step = (WIDTH - LEFT - RIGHT) / len(timed)
    wide = min(step * 0.76, _WIDEST_BAR)
    bars = []
    for at, (run, length) in enumerate(zip(timed, lengths, strict=True)):
        height = max(HEIGHT - BOTTOM - top.place(length), _SHORTEST_BAR)
        took = lasted(run.started_at, run.ended_at) or "not ended"
        bars.append(
            Bar(
                x=round(LEFT + (at + 0.5) * step - wide / 2, 1),
                y=round(HEIGHT - BOTTOM - height, 1),
                width=round(wide, 1),
                height=round(height, 1),
                state=run.state.lower(),
                words=f"{when(run.started_at)} UTC: {run.state.lower()}, {took}",
                run=run.run_id,
            )
        )
    counts = {state: sum(bar.state == state for bar in bars) for state in dict.fromkeys(bar.state for bar in bars)}
    words = ", ".join(f"{count} {state}" for state, count in counts.items())
    starts = dates([run.started_at or 0 for run in timed])
    return Bars(
        title=title,
        description=f"{plural(len(bars), 'run')}, oldest first: {words}.",
        bars=tuple(bars),
        ticks=ticks,
        labels=_labels([bar.x + bar.width / 2 for bar in bars], starts),
    )


def box(measures: dict[str, Any]) -> Box | None:
    """The distribution of a column from its measured quantiles; None if these are incomplete."""
    given = measures.get("quantiles")
    quantiles: dict[float, float] = {}
    for key, value in given.items() if isinstance(given, dict) else ():
        share, amount = _float(key), _float(value)
        if share is not None and amount is not None:
            quantiles[share] = amount
    least = _float(measures.get("min"))
    most = _float(measures.get("max"))
    low = least if least is not None else quantiles.get(0.05, quantiles.get(0.0))
    high = most if most is not None else quantiles.get(0.95, quantiles.get(1.0))
    left, middle, right = (quantiles.get(share) for share in (0.25, 0.5, 0.75))
    if low is None or high is None or left is None or middle is None or right is None or not low < high:
        return None

    def place(value: float) -> float:
        return round(min(max(100 * (value - low) / (high - low), 0.0), 100.0), 1)

    return Box(low=0.0, high=100.0, left=place(left), right=place(right), middle=place(middle))


def _labels(xs: Sequence[float], texts: Sequence[str]) -> tuple[Label, ...]:
    """As many evenly spaced labels as there is room for: the first and the last, then those in between."""
    for count in range(min(_MOST_LABELS, len(xs)), 1, -1):
        places = [round(at * (len(xs) - 1) / (count - 1)) for at in range(count)]
        labels = [_label(xs[place], texts[place]) for place in places]
        ends = [_ends(label) for label in labels]
        if all(left[1] + _APART <= right[0] for left, right in pairwise(ends)):
            return tuple(labels)
    return (_label(xs[-1], texts[-1]),)


def _label(x: float, text: str) -> Label:
    """A label centred below its place, or aligned with the edge of the chart."""
    half = len(text) * _LETTER / 2
    if x + half > WIDTH:
        return Label(WIDTH, text, "end")
    return Label(0, text, "start") if x < half else Label(round(x, 1), text, "middle")


def _ends(label: Label) -> tuple[float, float]:
    wide = len(label.text) * _LETTER
    left = label.x - {"start": 0.0, "middle": wide / 2, "end": wide}[label.anchor]
    return left, left + wide


class _Scale:
    def __init__(self, low: float, high: float) -> None:
        self._low, self._high = low, high

    def place(self, value: float) -> float:
        """The vertical position of a value, from the top."""
        share = (value - self._low) / (self._high - self._low)
        return round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 1)


def _scale(low: float, high: float, *, is_time: bool = False) -> tuple[_Scale, tuple[Tick, ...]]:
    """A scale with round limits around the values, and about three ticks on it."""
    if low == high:
        low, high = low - (abs(low) or 1) * 0.1, high + (abs(high) or 1) * 0.1
    step = _round_up_time((high - low) / 2) if is_time else _round_up((high - low) / 2)
    bottom, top = floor(low / step) * step, floor(low / step) * step
    marks = [bottom]
    while top < high and len(marks) < 6:
        top += step
        marks.append(top)
    scale = _Scale(bottom, top)
    texts = [_time(mark) if is_time else _short(mark, step) for mark in marks]
    return scale, tuple(Tick(scale.place(mark), text) for mark, text in zip(marks, texts, strict=True))


def _round_up(value: float) -> float:
    """The next larger value of 1, 2 or 5 times a power of ten."""
    power: float = 10.0 ** floor(log10(value))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= value * 0.999)


def _round_up_time(seconds: float) -> float:
    """The next larger common duration."""
    return next(
        (step for step in _TIMES_S if step >= seconds * 0.999), _TIMES_S[-1] * _round_up(seconds / _TIMES_S[-1])
    )


def _short(value: float, step: float) -> str:
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size and step >= size / 100:
            return f"{value / size:.4g}{letter}"
    return f"{value:.6g}" if abs(value) > step * 1e-6 else "0"


def _time(seconds: float) -> str:
    return lasted(0, round(seconds * 1e6)) if seconds else "0"


def _float(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if isfinite(found) else None
