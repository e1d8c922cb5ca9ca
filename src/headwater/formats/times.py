"""Converts RFC 3339 text to microseconds since the epoch (UTC) and back."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from headwater.errors import InvalidEvent
from headwater.model.patterns import lazy_pattern

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - subtracting naive from naive is the fast path for UTC
_MICROSECOND = timedelta(microseconds=1)
_FIRST = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
_LAST = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
_FAST = lazy_pattern(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z", re.ASCII).fullmatch
_SHAPE = lazy_pattern(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d)(?::(\d\d)(?:[.,](\d+))?)?"
    r"(?: ?(?:([Zz])|([+-]\d\d)(?::?(\d\d))?(?:(?<=[+-]00:00)[Zz])?))?(?:\[[\w/+:-]+\])?",
    re.ASCII,
).fullmatch


def parse_time(text: str, *, field: str = "eventTime") -> int:
    """Read an instant as microseconds since 1970-01-01T00:00:00Z.

    Accepts RFC 3339 and other forms that producers write: no zone (UTC is meant), nanoseconds (cut to microseconds), no
    seconds (Java leaves them out when zero), a zone name in brackets behind the offset, a leap second, UTC said twice
    (``+00:00Z``, of Python's ``isoformat() + "Z"``).

    Raises:
        InvalidEvent: ``text`` is no instant; ``field`` is what the message calls it.
    """
    try:
        if _FAST(text):
            moment = datetime.fromisoformat(text[:-1])
            delta = moment - _NAIVE_EPOCH
            return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds
    except ValueError:
        pass
    return _parse_slowly(text, field)


def _parse_slowly(text: str, field: str) -> int:
    match = _SHAPE(text.strip()) if isinstance(text, str) else None
    if match is None:
        raise _invalid(text, field)
    day, minute, second, fraction, _, hours, minutes = match.groups()
    leap = second == "60"
    if leap:
        second = "59"
    offset = f"{hours}:{minutes or '00'}" if hours else "+00:00"
    digits = (fraction or "").ljust(6, "0")[:6]
    try:
        moment = datetime.fromisoformat(f"{day}T{minute}:{second or '00'}.{digits}{offset}")
    except ValueError:
        raise _invalid(text, field) from None
    us = (moment - _EPOCH) // _MICROSECOND + (1_000_000 if leap else 0)
    if not _FIRST <= us <= _LAST:
        raise InvalidEvent(field=field, value=repr(text)[:80], rule="must lie between the years 1 and 9999 of UTC")
    return us


def _invalid(text: object, field: str) -> InvalidEvent:
    return InvalidEvent(
        field=field,
        value=repr(text)[:80],
        rule="must be an RFC 3339 time",
        hint="for example 2026-03-01T12:00:00.000Z",
    )


def format_time(us: int) -> str:
    """Write microseconds since the epoch as RFC 3339 in UTC, always six digits, so that text sorts as time does."""
    return (_NAIVE_EPOCH + timedelta(microseconds=us)).isoformat(timespec="microseconds") + "Z"
