"""The search box of every page, as a combobox: by keyboard alone, and by mouse."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect
from stories import shop


@pytest.fixture(scope="module")
def live(filled):
    """The shop."""
    return filled(shop())


def test_what_fits_is_shown_while_typing(live, watch):
    """Slash leads to the box, letters bring suggestions, arrows choose one, Enter goes there."""
    page = watch().open(f"{live.url}/")
    page.keyboard.press("/")
    box = page.get_by_role("combobox", name="Search datasets")
    expect(box).to_be_focused()
    page.keyboard.type("reven")
    option = page.get_by_role("option")
    expect(option).to_have_count(1)
    page.keyboard.press("ArrowDown")
    expect(option).to_have_attribute("aria-selected", "true")
    assert box.get_attribute("aria-activedescendant") == option.get_attribute("id")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/lineage\\?root=dataset%3Adb%3Abi.revenue"))


def test_enter_alone_shows_all_results(live, watch):
    """Without a choice Enter opens the search page; Esc closes the list, then leaves the box."""
    page = watch().open(f"{live.url}/")
    page.keyboard.press("Control+k")
    page.keyboard.type("order")
    expect(page.get_by_role("option").first).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("listbox")).to_be_hidden()
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{live.url}/search?q=order")
    expect(page.get_by_role("heading", level=1)).to_have_text("Results for order")
    page.get_by_role("link", name=re.compile("^table")).click()
    expect(page.locator(".chip[aria-current]")).to_have_count(1)


def test_a_suggestion_can_be_clicked(live, watch):
    """The mouse chooses too; the list goes when the box loses the focus."""
    page = watch().open(f"{live.url}/")
    page.get_by_role("combobox", name="Search datasets").fill("churn")
    page.get_by_role("option", name=re.compile("models.churn")).click()
    expect(page).to_have_url(re.compile("root=dataset%3Adb%3Amodels.churn"))
    page.get_by_role("combobox", name="Search datasets").fill("churn")
    expect(page.get_by_role("listbox")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("listbox")).to_be_hidden()
