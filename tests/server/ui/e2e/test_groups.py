"""Cards in groups: by namespace, by selectors; each a box or one card."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect
from stories import shop

from headwater.testing.events import run_event, run_id


@pytest.fixture(scope="module")
def live(filled):
    """The shop, where predicting failed the last time."""
    failed = run_event(run_id(8), "predict", "FAIL", 70, ["models.churn"], ["out.preds"])
    return filled([*shop(), failed])


def card(page: Page, name: str):
    """The card of a node."""
    return page.locator(".g-card.g-card", has=page.locator(".g-name", has_text=re.compile(f"^{re.escape(name)}$")))


def test_groups_fold_into_one_card_and_back(live, watch):
    """Nodes stand in boxes by namespace; a box folds into one card that says what it holds."""
    page = watch().open(f"{live.url}/lineage?root=clean.orders&group=namespace")
    page.locator(".g-group-name").click()
    expect(page.locator(".g-group .g-name")).to_have_text("db")
    page.locator(".g-group").click()
    expect(card(page, "clean.orders")).to_be_visible()


def test_groups_fold_at_any_zoom_and_by_keyboard(live, watch):
    """The name of a group stays in sight and folds it, however far one is; ``g`` folds the group of a card and opens
    it again; all groups fold at once, and then one of them opens alone."""
    page = watch().open(f"{live.url}/lineage?root=clean.orders&up=3&down=3&group=namespace")
    name = page.locator(".g-group-name")
    page.locator("[data-do=farther]").click(click_count=4)
    expect(page.locator(".g-cards")).to_have_class(re.compile("is-far"))
    name.click()
    expect(name).to_have_count(0)
    page.keyboard.press("g")
    expect(name).to_have_text("db▾")
    page.keyboard.press("g")
    expect(name).to_have_count(0)
    page.goto(f"{live.url}/lineage?root=clean.orders&up=3&down=3")
    page.get_by_text("View", exact=True).click()
    page.locator("[name=group]").select_option("namespace")
    page.get_by_label("Each group as one card").check()
    expect(page.locator(".g-group")).to_have_count(1)
    expect(page.locator(".g-group.is-root")).to_be_in_viewport(ratio=1)
    expect(page).to_have_url(re.compile("group=namespace.*collapsed=%5B%22\\*%22%5D"))
    page.locator(".g-group").click()
    expect(card(page, "clean.orders")).to_be_visible()
    expect(page).not_to_have_url(re.compile("collapsed="))


def test_groups_are_made_by_selectors(live, watch):
    """Selectors make groups, typed in the menu by keyboard alone; each folds into one card with its true count and its
    worst state; the address brings them back."""
    page = watch().open(f"{live.url}/lineage?root=clean.orders&down=3")
    page.get_by_text("View", exact=True).click()
    page.locator("[name=group]").select_option("selector")
    expect(page.locator("[name=by]")).to_be_focused()
    page.keyboard.type("raw.*; features.* | out.* | kind:model | bi.*")
    page.keyboard.press("Enter")
    expect(page.locator(".g-group-name")).to_have_count(2)
    expect(page.locator(".g-card.is-root")).to_be_visible()
    page.get_by_label("Each group as one card").check()
    expect(page.locator(".g-group")).to_have_count(2)
    mixed = page.locator(".g-group", has_text="features")
    expect(mixed).to_contain_text("4 datasets of 4 kinds")
    expect(mixed).to_have_attribute("aria-label", re.compile("failed"))
    expect(mixed.locator(".state-failed")).to_be_visible()
    page.reload()
    expect(page.locator(".g-group")).to_have_count(2)
    expect(page.locator("[name=by]")).to_have_value("raw.*; features.* | out.* | kind:model | bi.*")
    mixed.click()
    expect(page.locator(".g-group-name")).to_contain_text("features")
    expect(card(page, "features.spend")).to_be_visible()
    expect(page).to_have_url(re.compile("collapsed=.*raw"))


def test_a_selector_that_is_wrong_is_named(live, watch):
    """What is wrong is said beside the field and over the picture, the others group, and what was typed stays."""
    by = "raw.*; tag:pii &; nothing.*; owner:nobody"
    page = watch().open(f"{live.url}/lineage?root=clean.orders&group=selector&by={quote(by)}")
    note = page.locator("[data-stage-note]")
    for words in ("“tag:pii &” groups nothing", "“nothing.*” groups nothing", "fits “owner:nobody”"):
        expect(note).to_contain_text(words)
    expect(page.locator(".g-group-name")).to_have_text("raw.*▾")
    page.get_by_text("View", exact=True).click()
    field = page.locator("[name=by]")
    expect(field).to_have_attribute("aria-invalid", "true")
    field.fill("tag:(")
    field.press("Enter")
    expect(page.locator("#group-problem")).to_contain_text("“tag:(” groups nothing: selector, character 5")
    expect(field).to_have_value("tag:(")
    field.fill("raw.*")
    field.press("Enter")
    expect(note).to_be_hidden()
    expect(field).to_have_attribute("aria-invalid", "false")


def test_groups_by_selectors_need_no_script(live, watch):
    """The form asks for them, and the picture as a file shows them."""
    page = watch(java_script_enabled=False).open(f"{live.url}/lineage?root=clean.orders")
    page.get_by_text("View", exact=True).click()
    page.locator("[name=group]").select_option("selector")
    page.locator("[name=by]").fill("raw.*")
    page.get_by_label("Each group as one card").check()
    page.get_by_role("button", name="Show").click()
    expect(page.locator("[name=by]")).to_have_value("raw.*")
    still = page.locator(".still").get_attribute("src")
    assert ">raw.*<" in page.request.get(live.url + still).text()
