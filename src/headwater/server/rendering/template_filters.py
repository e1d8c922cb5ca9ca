"""Template filters: formatting of values on pages."""

from __future__ import annotations

import re
from datetime import UTC
from typing import Any
from urllib.parse import quote

import msgspec
from markupsafe import Markup, escape

from headwater.query.instants import ago, iso_utc, lasted, moment
from headwater.query.terminal_text import clean, elide

_LONGEST_FACET = 20_000
_PARTS = re.compile(r"(?<=[/._:@=-])(?=\w)")
"""Where a name may be broken: behind a separator, before what it separates."""
_SIZES = ("B", "kB", "MB", "GB", "TB")


def both_ends(name: str, letters: int = 48) -> str:
    """A name cut in the middle: both its ends tell names apart."""
    return elide(clean(name), letters)


def breakable(text: str) -> Markup:
    """A name as markup, that may go on in the next line behind its separators."""
    return Markup("<wbr>").join(escape(part) for part in _PARTS.split(text))


def segment(text: str) -> str:
    """Text as one segment of a path, slashes encoded."""
    return quote(text, safe="")


def object_path(id: str) -> str:
    """The page of a dataset, job or run, by its id, of which only our own word before the first colon is read."""
    kind, _, rest = id.partition(":")
    if kind == "run":
        return f"/runs/{segment(rest)}"
    return f"/{'jobs' if kind == 'job' else 'datasets'}/{segment(id)}"


def when(instant: int | None) -> str:
    """An instant to the second, in UTC; nothing for None."""
    if instant is None:
        return ""
    return moment(instant, UTC).strftime("%Y-%m-%d %H:%M:%S")


def machine_time(instant: int | None) -> str:
    """An instant for the ``datetime`` attribute of ``<time>``."""
    return iso_utc(instant) or ""


def since(instant: int | None, now: int) -> str:
    """How long ago an instant was: ``3 min ago``."""
    return ago(instant, now)


def duration(start: int | None, end: int | None) -> str:
    """How long something took: ``3.2 s``; nothing while it runs."""
    return lasted(start, end)


def span(micros: int) -> str:
    """A length of time: ``3.2 s``."""
    return lasted(0, micros)


def share(part: int, whole: int) -> str:
    """A part of a whole in per cent; never rounded to all or to nothing where it is neither."""
    if not whole:
        return ""
    return f"{min(max(round(100 * part / whole), 1 if part else 0), 100 if part == whole else 99)} %"


def plain(value: Any) -> str:
    """A value of a facet as people write it: text as it is, everything else as JSON."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def measure(value: Any) -> str:
    """A measured value: a number in six digits, facts by their names (``rows 563``), anything else as it is."""
    if isinstance(value, dict) and value and all(isinstance(one, str | int | float) for one in value.values()):
        return ", ".join(f"{name} {measure(one)}" for name, one in value.items())
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return number(value) if is_number else plain(value)


def sentence(text: str) -> str:
    """Words of a message as a sentence: a capital letter where it begins with a word of ours, and a full stop."""
    first = text.split(" ", 1)[0]
    begun = text[:1].upper() + text[1:] if first.isalpha() and first.islower() else text
    return begun if not begun or begun[-1] in ".?!:" else f"{begun}."


def pretty(raw: msgspec.Raw) -> str:
    """A facet as it was sent, as indented JSON; of a long one the beginning."""
    text = msgspec.json.format(bytes(raw), indent=2).decode("utf-8", "replace")
    if len(text) <= _LONGEST_FACET:
        return text
    return f"{text[:_LONGEST_FACET]}\n… {len(text) - _LONGEST_FACET:,} more characters; the API gives all"


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
