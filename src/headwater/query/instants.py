"""Parses and formats instants as people write them.

Inside, an instant is an integer of microseconds since the epoch, UTC. People write ``2026-07-01``, ``yesterday`` or
``2h ago`` in their own time zone and read the same back.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo

from headwater.errors import InvalidInput
from headwater.formats.times import format_time

Clock = Callable[[], int]
"""Returns now, in microseconds since the epoch, UTC."""

SECOND = 1_000_000
MINUTE, HOUR, DAY, WEEK = 60 * SECOND, 3600 * SECOND, 86_400 * SECOND, 7 * 86_400 * SECOND

_FIRST, LAST = -62_135_596_800 * SECOND, 253_402_300_800 * SECOND - 1
_AGO = re.compile(r"(\d{1,20})\s*(s|sec|m|min|h|d|w|second|minute|hour|day|week)s?(?:\s+ago)?", re.IGNORECASE)
_UNITS = {"s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY, "w": WEEK}


def now() -> int:
    """Return the instant of the call."""
    return time.time_ns() // 1000


def micros(moment: datetime, zone: tzinfo | None = None) -> int:
    """Return a datetime as an instant; without a time zone it is local, or in ``zone``.

    Raises ``OverflowError`` if a time zone leads it out of the calendar.
    """
    if moment.tzinfo is None:
        try:
            moment = moment.replace(tzinfo=zone) if zone else moment.astimezone()
        except ValueError as error:  # the first or last day of the calendar, taken beyond it by the local zone
            raise OverflowError(str(error)) from error
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def moment(instant: int, zone: tzinfo | None = None) -> datetime:
    """Return an instant as an aware datetime, local unless ``zone`` is given; in UTC on a first or last day of the
    calendar that the zone does not have."""
    utc = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=instant)
    try:
        return utc.astimezone(zone)
    except (OverflowError, ValueError):
        return utc


def read_instant(text: str, *, clock: Clock = now, zone: tzinfo | None = None) -> int | None:
    """Return the instant that the text names, or None if it names none.

    Understands ISO 8601 dates and times (local without an offset; a date alone means its end, so that ``as_of`` a day
    includes it), ``now``, ``today``, ``yesterday``, ``2h ago`` and ``@`` followed by seconds since the epoch.

    Raises:
        InvalidInput: it names one that no calendar has, or one outside the years 1 to 9999.
    """
    try:
        instant = _read(text, clock, zone)
    except OverflowError:
        raise _no_year(text) from None
    if instant is not None and not _FIRST <= instant <= LAST:
        raise _no_year(text)
    return instant


def _no_year(text: str) -> InvalidInput:
    return InvalidInput(field="as_of", value=text[:80], rule="must lie between the years 1 and 9999")


def _read(text: str, clock: Clock, zone: tzinfo | None) -> int | None:
    word = text.strip().lower()
    current = clock()
    if word in {"now", "today"}:
        return current
    if word == "yesterday":
        # Without its offset from UTC, which may have been another one yesterday.
        return _end_of_day((moment(current, zone) - timedelta(days=1)).replace(tzinfo=zone))
    if match := _AGO.fullmatch(word):
        return current - int(match[1]) * _UNITS[match[2][0]]
    if re.fullmatch(r"@\d{1,20}(\.\d{1,20})?", word):
        return int(float(word[1:]) * SECOND)
    return _read_iso(text.strip(), zone)


def _read_iso(text: str, zone: tzinfo | None) -> int | None:
    if not re.match(r"\d{4}-\d{2}-\d{2}", text):
        return None
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(field="as_of", value=text, rule=f"must be a date or time: {error}") from None
    if len(text) == 10:
        return _end_of_day(parsed if zone is None else parsed.replace(tzinfo=zone))
    return micros(parsed, zone)


def _end_of_day(day: datetime) -> int:
    return micros(day.replace(hour=23, minute=59, second=59, microsecond=999_999))


def iso(instant: int | None, zone: tzinfo | None = None) -> str:
    """Return the instant in local ISO form to the second, empty for None."""
    return "" if instant is None else moment(instant, zone).isoformat(sep=" ", timespec="seconds")


def not_yet(name: str, known_since: int, instant: int | None) -> tuple[str, ...]:
    """Return a sentence when something was first heard of after the instant that is asked about."""
    if instant is None or known_since <= instant:
        return ()
    asked, since = (iso(moment, UTC)[:19] for moment in (instant, known_since))
    return (f"{name} was first heard of at {since} UTC, after the time asked about, {asked} UTC",)


def iso_utc(instant: int | None) -> str | None:
    """Return the instant as RFC 3339 in UTC with microseconds: the form of every JSON answer."""
    return None if instant is None else format_time(instant)


def ago(instant: int | None, current: int) -> str:
    """Return how long before ``current`` the instant was, in one unit: ``3 min ago``."""
    if instant is None:
        return ""
    gap = current - instant
    if gap < 0:
        return "in the future" if gap < -MINUTE else "just now"
    for size, name in ((DAY, "day"), (HOUR, "h"), (MINUTE, "min"), (SECOND, "s")):
        if gap >= size:
            count = gap // size
            return f"{count:,} {name}{'s' if name == 'day' and count != 1 else ''} ago"
    return "just now"


def lasted(start: int | None, end: int | None) -> str:
    """Return the time between two instants in two digits or so: ``840 ms``, ``3.2 s``, ``4 min 10 s``."""
    if start is None or end is None or end < start:
        return ""
    gap = end - start
    if gap < SECOND:
        return f"{gap / 1000:.0f} ms"
    if gap < MINUTE:
        return f"{gap / SECOND:.1f} s"
    if gap < HOUR:
        return f"{gap // MINUTE} min {gap % MINUTE // SECOND} s"
    return f"{gap // HOUR} h {gap % HOUR // MINUTE} min"
