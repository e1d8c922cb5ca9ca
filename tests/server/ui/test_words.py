"""Words of the pages: how measured values are written."""

from __future__ import annotations

import pytest

from headwater.query.instants import LAST, iso_utc
from headwater.server.rendering.template_filters import breakable, measure, when


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.9219858156, "0.921986"),
        (True, "true"),
        ("text", "text"),
        ({"fingerprint": "1bd1", "rows": 563}, "fingerprint 1bd1, rows 563"),
        ({"mean": 0.63587921}, "mean 0.635879"),
        ({}, "{}"),
        ({"deep": {"a": 1}}, '{"deep":{"a":1}}'),
        ([1, 2], "[1,2]"),
    ],
)
def test_a_measured_value(value, words):
    """Numbers have six digits, facts their names, everything else is JSON; text is as it is."""
    assert measure(value) == words


def test_a_name_is_broken_behind_its_separators():
    """A line may end behind a separator that something follows, nowhere else by itself; what is markup is escaped."""
    assert breakable("a.b_c/d-e..f/") == "a.<wbr>b_<wbr>c/<wbr>d-<wbr>e..<wbr>f/"
    assert breakable("a.<b>") == "a.&lt;b&gt;"
    assert breakable("") == ""


@pytest.mark.parametrize("instant", [LAST, LAST - 400_000, -62_135_596_800_000_000, 1_600_000_000_999_999, -1])
def test_an_instant_is_told_to_the_second(instant):
    """To the second that it lies in, from the first day of the calendar to the last: nothing is rounded up."""
    assert when(instant).replace(" ", "T") == iso_utc(instant)[:-8]
    assert when(None) == ""
