"""Template filters: formatting of values on pages."""

from __future__ import annotations

import re
from datetime import UTC
from typing import Any
from urllib.parse import quote

import msgspec
from markupsafe import Markup, escape

from headwater.query.instants import ago, iso, iso_utc, lasted
from headwater.query.terminal_text import clean, elide

_LONGEST_FACET = 20_000
_PARTS = re.compile(r"(?<=[/._:@=-])(?=\w)")
"""Positions where a name may be broken: after a separator."""
_SIZES = ("B", "kB", "MB", "GB", "TB")


def both_ends(name: str, letters: int = 48) -> str:
    """A name shortened in the middle, since both ends distinguish names."""
    return elide(clean(name), letters)


def breakable(text: str) -> Markup:
    """A name as markup that can wrap after separators."""
    return Markup("<wbr>").join(escape(part) for part in _PARTS.split(text))


def segment(text: str) -> str:
    """Text as a single path segment, with slashes encoded."""
    return quote(text, safe="")


def object_path(id: str) -> str:
    """The path of the page of a dataset, job or run, from its id, of which only the prefix is interpreted."""
    kind, _, rest = id.partition(":")
    if kind == "run":
        return f"/runs/{segment(rest)}"
    return f"/{'jobs' if kind == 'job' else 'datasets'}/{segment(id)}"


def when(instant: int | None) -> str:
    """An instant to the second, in UTC; empty for None."""
    return iso(instant, UTC)[:19]


def machine_time(instant: int | None) -> str:
    """An instant for the ``datetime`` attribute of ``<time>``."""
    return iso_utc(instant) or ""


def since(instant: int | None, now: int) -> str:
    """How long ago an instant was: ``3 min ago``."""
    return ago(instant, now)


def duration(start: int | None, end: int | None) -> str:
    """How long something took: ``3.2 s``; empty while it runs."""
    return lasted(start, end)


def span(micros: int) -> str:
    """A length of time: ``3.2 s``."""
    return lasted(0, micros)


def share(part: int, whole: int) -> str:
    """A share in per cent, never rounded to 0 or 100 unless exact."""
    if not whole:
        return ""
    return f"{min(max(round(100 * part / whole), 1 if part else 0), 100 if part == whole else 99)} %"


def plain(value: Any) -> str:
    """A value of a facet for display: text as it is, everything else as JSON."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def measure(value: Any) -> str:
    """A measured value: numbers with six digits, mappings as names and values (``rows 563``), anything else as it
    is."""
    if isinstance(value, dict) and value and all(isinstance(one, str | int | float) for one in value.values()):
        return ", ".join(f"{name} {measure(one)}" for name, one in value.items())
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return number(value) if is_number else plain(value)


def sentence(text: str) -> str:
    """A message as a sentence: with a full stop, and a capital letter unless it begins with a name."""
    first = text.split(" ", 1)[0]
    begun = text[:1].upper() + text[1:] if first.isalpha() and first.islower() else text
    return begun if not begun or begun[-1] in ".?!:" else f"{begun}."


def pretty(raw: msgspec.Raw) -> str:
    """A facet as indented JSON; only the beginning of a long one."""
    text = msgspec.json.format(bytes(raw), indent=2).decode("utf-8", "replace")
    if len(text) <= _LONGEST_FACET:
        return text
    return f"{text[:_LONGEST_FACET]}\n… {len(text) - _LONGEST_FACET:,} more characters; the API gives all"


def size(count: int | None) -> str:
    """Bytes with about three digits: ``3.2 MB``."""
    if count is None:
        return ""
    amount, unit = float(count), 0
    while amount >= 1000 and unit < len(_SIZES) - 1:
        amount, unit = amount / 1000, unit + 1
    return f"{count:,} B" if unit == 0 else f"{amount:.3g} {_SIZES[unit]}"


def number(value: float | None) -> str:
    """A count with separators, or a measure with at most six digits."""
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.6g}"
