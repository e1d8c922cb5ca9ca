"""Words of the pages: how measured values are written."""

from __future__ import annotations

import pytest

from headwater.server.rendering.words import measure


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
