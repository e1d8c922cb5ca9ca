"""Instants: what people may write, and what they read."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import InvalidInput
from headwater.query.instants import DAY, HOUR, MINUTE, SECOND, ago, iso, iso_utc, lasted, micros, not_yet, read_instant

from .histories import NOW_US


@pytest.fixture
def local(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Set the local time zone of this process."""

    def set_zone(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield set_zone
    monkeypatch.undo()
    time.tzset()


def at(*parts: int) -> int:
    """Return an instant in UTC."""
    return micros(datetime(*parts, tzinfo=UTC))  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", NOW_US),
        ("2h ago", NOW_US - 2 * HOUR),
        ("90 minutes ago", NOW_US - 90 * MINUTE),
        ("3d", NOW_US - 3 * DAY),
        ("yesterday", at(2026, 3, 4, 23, 59, 59, 999_999)),
        ("2026-03-01", at(2026, 3, 1, 23, 59, 59, 999_999)),
        ("2026-03-01T10:00", at(2026, 3, 1, 10)),
        ("2026-03-01T10:00:00+02:00", at(2026, 3, 1, 8)),
        ("@1700000000", 1_700_000_000 * SECOND),
        ("train.py", None),
        ("", None),
    ],
)
def test_instants_as_written(text: str, expected: int | None) -> None:
    """Every documented way to write an instant is understood; anything else is left to names and runs."""
    assert read_instant(text, clock=lambda: NOW_US, zone=UTC) == expected


def test_a_wrong_date_names_the_field() -> None:
    """A date that does not exist is refused, not taken for a name."""
    with pytest.raises(InvalidInput) as caught:
        read_instant("2026-02-30")
    assert caught.value.field == "as_of"
    assert caught.value.value == "2026-02-30"


@given(st.integers(0, 4_000_000_000_000_000))
def test_iso_round_trip(instant: int) -> None:
    """The form of JSON answers reads back to the same microsecond."""
    assert read_instant(str(iso_utc(instant))) == instant


def test_relative_times() -> None:
    """Ages and durations are told in one or two units."""
    assert ago(NOW_US - 3 * DAY, NOW_US) == "3 days ago"
    assert ago(NOW_US - DAY, NOW_US) == "1 day ago"
    assert ago(NOW_US - 5 * MINUTE, NOW_US) == "5 min ago"
    assert ago(NOW_US, NOW_US) == "just now"
    assert ago(NOW_US + HOUR, NOW_US) == "in the future"
    assert ago(None, NOW_US) == ""
    assert lasted(0, 250_000) == "250 ms"
    assert lasted(0, 3_200_000) == "3.2 s"
    assert lasted(0, 250 * SECOND) == "4 min 10 s"
    assert lasted(0, 2 * HOUR + 5 * MINUTE) == "2 h 5 min"
    assert lasted(5, None) == ""
    assert iso(at(2026, 3, 1, 10), UTC) == "2026-03-01 10:00:00+00:00"


@pytest.mark.parametrize(
    "text",
    ["99999999999999999999 days ago", "999999999 h ago", "@99999999999999999999", "@253402300800"],
)
def test_an_instant_beyond_the_calendar_is_refused(text: str) -> None:
    """A number that no store can hold is told, not tried."""
    with pytest.raises(InvalidInput, match="between the years 1 and 9999"):
        read_instant(text)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_time_zone_that_leads_out_of_the_calendar_is_refused(text: str) -> None:
    """The first and the last day exist in some zones only."""
    with pytest.raises(InvalidInput, match="between the years 1 and 9999"):
        read_instant(text)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ((2026, 3, 29, 10), (2026, 3, 28, 22, 59, 59, 999_999)),
        ((2026, 10, 25, 10), (2026, 10, 24, 21, 59, 59, 999_999)),
    ],
)
def test_yesterday_ends_at_midnight_when_the_clocks_change_today(
    now: tuple[int, ...], expected: tuple[int, ...], local: Callable[[str], None]
) -> None:
    """The day before had another offset from UTC: no hour of it is missing, none of today is in it."""
    local("Europe/Berlin")
    assert read_instant("yesterday", clock=lambda: at(*now)) == at(*expected)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/New_York"])
@pytest.mark.parametrize("text", ["0001-01-01", "0001-01-01T00:00", "9999-12-31", "9999-12-31T23:59"])
def test_the_ends_of_the_calendar_in_local_time(text: str, zone: str, local: Callable[[str], None]) -> None:
    """A local date that is none in UTC is refused with field and rule; any other is read, and said in words."""
    local(zone)
    try:
        found = read_instant(text)
    except InvalidInput as error:
        assert (error.field, error.rule) == ("as_of", "must lie between the years 1 and 9999")
    else:
        assert found is not None
        assert iso(found).startswith(text[:10])


def test_an_event_at_the_end_of_the_calendar_has_words_everywhere(local: Callable[[str], None]) -> None:
    """Where its zone has no such time any more, it is said in UTC."""
    local("Asia/Tokyo")
    assert iso(at(9999, 12, 31, 23, 59, 59)) == "9999-12-31 23:59:59+00:00"
    local("America/New_York")
    assert iso(at(1, 1, 1)) == "0001-01-01 00:00:00+00:00"


def test_early_years_have_four_digits() -> None:
    """RFC 3339 has no other, and text sorts as time does."""
    assert iso_utc(at(999, 12, 31)) == "0999-12-31T00:00:00.000000Z"
    assert read_instant(str(iso_utc(at(1, 1, 1)))) == at(1, 1, 1)
    assert not_yet("x", at(999, 1, 2), at(999, 1, 1)) == (
        "x was first heard of at 0999-01-02 00:00:00 UTC, after the time asked about, 0999-01-01 00:00:00 UTC",
    )
