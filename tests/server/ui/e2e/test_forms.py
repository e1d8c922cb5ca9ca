"""Forms in a real browser: where the focus goes when one was refused."""

from __future__ import annotations

import re

import pytest
from accessibility import wrong_in_both_themes
from playwright.sync_api import expect
from stories import shop


@pytest.fixture(scope="module")
def live(filled):
    """The shop."""
    return filled(shop())


def test_the_focus_goes_to_the_wrong_field(live, watch):
    """After a refused form the wrong field has the focus and its value, is told to be invalid and why; axe finds
    nothing."""
    watched = watch(bypass_csp=True)
    watched.expected = ("status of 422",)
    page = watched.open(f"{live.url}/admin/keys")
    page.get_by_label("Name").fill("airflow")
    page.get_by_label("Days until it expires").fill("soon")
    page.get_by_role("button", name="Create the key").click()
    days = page.get_by_label("Days until it expires")
    expect(days).to_be_focused()
    expect(days).to_have_value("soon")
    expect(days).to_have_accessible_description(re.compile("days: must be a number, got soon"))
    expect(page.get_by_label("Name")).to_have_value("airflow")
    assert wrong_in_both_themes(page) == []
