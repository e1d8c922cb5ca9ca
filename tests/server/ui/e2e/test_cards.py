"""The cards of the canvas in a real browser: nothing on them covers anything else, and a wide one can be searched."""

from __future__ import annotations

import re

import pytest
from accessibility import wrong
from playwright.sync_api import Page, expect
from stories import shop, typed

from headwater.testing.events import run_event, run_id

COVERED = """() => {
  const box = (element) => element.getBoundingClientRect();
  const meet = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
  const found = [];
  for (const door of document.querySelectorAll('.g-door')) {
    const own = door.closest('.g-card');
    for (const text of document.querySelectorAll('.g-name, .g-word, .g-port, .g-card > .shape, .g-group-name'))
      if (meet(box(door), box(text))) found.push(`${door.textContent} covers ${text.textContent || text.className}`);
    for (const card of document.querySelectorAll('.g-card'))
      if (card !== own && meet(box(door), box(card))) found.push(`${door.textContent} covers the card ${card.title}`);
  }
  return found;
}"""


@pytest.fixture(scope="module")
def live(filled):
    """The shop, with a table that nine others are made of and that nine are made from, one of them failing."""
    hub = typed("hub_with_a_name_that_fills_the_card", "TABLE", *(f"c{at}" for at in range(9)))
    inputs = [typed(f"source_{at}_with_a_long_name", "TABLE", "a", "b") for at in range(9)]
    ends = [run_event(run_id(90 + at), f"use_{at}", "COMPLETE", 90 + at, [hub], [f"end_{at}"]) for at in range(9)]
    more = [
        run_event(run_id(80 + at), f"feed_{at}", "COMPLETE", at, [f"deep_{at}"], [one]) for at, one in enumerate(inputs)
    ]
    failed = [run_event(run_id(60 + at), f"feed_{at}", "FAIL", 50 + at) for at in range(9)]
    hub_runs = [run_event(run_id(70), "fill_hub", "COMPLETE", 80, inputs, [hub])]
    hub_runs.append(run_event(run_id(71), "fill_hub", "FAIL", 89))
    return filled([*shop(), *more, *failed, *hub_runs, *ends])


def card(page: Page, name: str):
    """A card of the canvas, by its name."""
    return page.locator(".g-card", has=page.locator(".g-name", has_text=re.compile(f"^{re.escape(name)}$")))


@pytest.mark.parametrize("size", [(1280, 800), (390, 844)], ids=["desk", "phone"])
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("view", ["", "&columns=true", "&group=namespace", "&jobs=edges"])
def test_a_door_covers_nothing(live, watch, view, theme, size):
    """The counts at a card's corners stand clear of its name, its words and columns, and of every other card."""
    page = watch(viewport={"width": size[0], "height": size[1]}, color_scheme=theme).open(
        f"{live.url}/lineage?root=hub_with_a_name_that_fills_the_card&down=0{view}"
    )
    expect(page.locator(".g-door").first).to_be_attached()
    page.locator("[data-do=fit]").click()
    page.wait_for_timeout(400)
    assert page.evaluate(COVERED) == []


def test_a_wide_card_is_searched(live, watch):
    """The last row of a wide card opens a search in it: the column that is chosen comes onto the card, its path is
    pinned, no other card moves, and the link brings it back."""
    page = watch().open(f"{live.url}/lineage?root=clean.orders&columns=true")
    before = card(page, "clean.orders").bounding_box()
    card(page, "raw.users").locator("[data-more-ports]").click()
    finder = page.get_by_role("combobox", name="Find a column of raw.users")
    expect(finder).to_be_focused()
    finder.fill("extra 1")
    options = page.locator("[data-finder] [role=option]")
    first = ["extra_1", *(f"extra_{number}" for number in range(10, 17))]
    expect(options.locator("bdi")).to_have_text(first)
    expect(page.locator("[data-finder] p")).to_have_text("3 more fit")
    finder.press("ArrowDown")
    finder.press("Enter")
    expect(page.locator("[data-finder]")).to_be_hidden()
    ports = card(page, "raw.users").locator("[data-port]")
    expect(ports.first).to_have_attribute("data-port", "extra_10")
    expect(ports.first).to_have_class(re.compile("is-lit"))
    expect(ports).to_have_count(8)
    expect(page.locator(".path-words")).to_contain_text("extra_10: its path touches 0 other nodes")
    assert card(page, "clean.orders").bounding_box() == before
    expect(page).to_have_url(re.compile("found=.*extra_10.*port=extra_10"))
    again = watch().open(page.url)
    expect(card(again, "raw.users").locator("[data-port]").first).to_have_attribute("data-port", "extra_10")
    expect(again.locator(".path-words")).to_contain_text("extra_10: its path touches 0 other nodes")


def test_the_search_of_a_card_by_keyboard(live, watch):
    """``f`` searches the card that keys move from, also while columns are off; Esc goes back to the canvas; what does
    not fit is said."""
    watched = watch(bypass_csp=True)
    page = watched.open(f"{live.url}/lineage?root=raw.users")
    stage = page.locator("[data-stage]")
    stage.focus()
    page.keyboard.press("f")
    finder = page.get_by_role("combobox", name="Find a column of raw.users")
    expect(finder).to_be_focused()
    expect(finder).to_have_attribute("placeholder", "Find one of 22 columns")
    assert wrong(page) == []
    page.keyboard.type("nothing")
    expect(page.locator("[data-finder] [role=status]")).to_have_text("No column fits")
    page.keyboard.press("Escape")
    expect(stage).to_be_focused()
    expect(page.locator("[data-finder]")).to_be_hidden()
    page.keyboard.press("f")
    page.keyboard.type("ema")
    expect(page.locator("[data-finder] [role=option]")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(card(page, "raw.users").locator("[data-port=email]")).to_have_class(re.compile("is-lit"))
    expect(page.get_by_label("Columns", exact=True)).to_be_checked()


def test_a_search_on_a_phone_stays_on_the_screen(live, watch):
    """The search of a card is never wider than the picture, and stands in it."""
    page = watch(viewport={"width": 390, "height": 844}, has_touch=True).open(
        f"{live.url}/lineage?root=raw.users&down=0&columns=true"
    )
    card(page, "raw.users").locator("[data-more-ports]").click()
    expect(page.get_by_role("combobox", name="Find a column of raw.users")).to_be_focused()
    box, stage = page.locator("[data-finder]").bounding_box(), page.locator("[data-stage]").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    assert stage["y"] <= box["y"] <= box["y"] + box["height"] <= stage["y"] + stage["height"]
