"""How values are written on a page: the filters of the templates."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import quote

from headwater.query.text import clean, elide
from headwater.query.times import ago, iso_utc, lasted

_SIZES = ("B", "kB", "MB", "GB", "TB")


def both_ends(name: str, letters: int = 48) -> str:
    """A name cut in the middle: both its ends tell names apart."""
    return elide(clean(name), letters)


def segment(text: str) -> str:
    """Text as one segment of a path, slashes encoded."""
    return quote(text, safe="")


def when(instant: int | None) -> str:
    """An instant to the second, in UTC; nothing for None."""
    if instant is None:
        return ""
    return datetime.fromtimestamp(instant / 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def machine_time(instant: int | None) -> str:
    """An instant for the ``datetime`` attribute of ``<time>``."""
    return iso_utc(instant) or ""


def since(instant: int | None, now: int) -> str:
    """How long ago an instant was: ``3 min ago``."""
    return ago(instant, now)


def duration(start: int | None, end: int | None) -> str:
    """How long something took: ``3.2 s``; nothing while it runs."""
    return lasted(start, end)


def size(count: int | None) -> str:
    """Bytes in three digits or so: ``3.2 MB``."""
    if count is None:
        return ""
    amount, unit = float(count), 0
    while amount >= 1000 and unit < len(_SIZES) - 1:
        amount, unit = amount / 1000, unit + 1
    return f"{count:,} B" if unit == 0 else f"{amount:.3g} {_SIZES[unit]}"


def number(value: float | None) -> str:
    """A count with separators, a measure in six digits at most."""
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.6g}"
