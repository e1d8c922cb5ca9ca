"""Every page in a real browser: readable by everybody, with hostile names, with nothing, with very much."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from accessibility import wrong_in_both_themes
from playwright.sync_api import expect
from stories import HOSTILE, hostile, many, shop

PAGES = (
    "/",
    "/login",
    "/nowhere",
    "/lineage",
    "/search",
    "/search?q=orders",
    "/lineage?root=clean.orders",
    "/lineage?root=clean.orders&columns=true&down=3",
    "/lineage?root=clean.orders&change=drop&column=amount",
    "/lineage?root=raw.users&to=out.preds",
    "/lineage?root=clean.orders&group=namespace",
    "/lineage?root=raw.orders:amount",
    "/lineage?root=nothing.like.this",
)


@pytest.fixture(scope="module")
def live(filled):
    """The shop."""
    return filled(shop())


@pytest.mark.parametrize("path", PAGES)
def test_everybody_can_use_it(live, watch, path):
    """axe finds nothing against WCAG 2.2 A and AA, in both themes."""
    watched = watch(bypass_csp=True)
    watched.expected = ("status of 404",) if "nothing" in path or "nowhere" in path else ()
    page = watched.open(live.url + path)
    page.wait_for_timeout(150)
    assert wrong_in_both_themes(page) == []


def test_what_only_the_dark_theme_gets_wrong_is_found(live, watch):
    """The colours of the dark theme are looked at in it, though the page was opened in the light one."""
    page = watch(bypass_csp=True).open(f"{live.url}/login")
    page.add_style_tag(content="@media (prefers-color-scheme: dark) { h1 { color: #333; background: #222 } }")
    assert {(theme, rule) for theme, rule, _ in wrong_in_both_themes(page)} == {("dark", "color-contrast")}


def test_a_phone_shows_what_matters_first(live, watch):
    """What is wrong stands above what is new, and the list of what breaks above its picture."""
    page = watch(viewport={"width": 390, "height": 844}, has_touch=True).open(f"{live.url}/")

    def top(selector: str) -> float:
        return page.locator(selector).bounding_box()["y"]

    assert top("#wrong") < top("#new") < top("#covered")
    assert top("#wrong") < 844
    page.goto(f"{live.url}/lineage?root=clean.orders&change=drop&column=amount")
    assert top(".impact-list") < top("[data-stage]")
    page.goto(f"{live.url}/lineage?root=clean.orders")
    assert top("[data-stage]") < top("[data-inspector]") < 844


@pytest.mark.parametrize("path", ["/", "/lineage?root=clean.orders", "/login"])
def test_it_fits_a_phone(live, watch, path):
    """Nothing is wider than the screen of a phone."""
    page = watch(viewport={"width": 390, "height": 844}, has_touch=True).open(live.url + path)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_theme_stays(live, watch):
    """The button goes round system, light and dark; the next page is drawn in the theme that was chosen."""
    page = watch(color_scheme="light").open(f"{live.url}/")
    page.get_by_role("button", name="Theme: system").click()
    page.get_by_role("button", name="Theme: light").click()
    assert page.evaluate("getComputedStyle(document.body).colorScheme") == "dark"
    page.goto(f"{live.url}/lineage?root=clean.orders")
    assert page.locator("html").get_attribute("data-theme") == "dark"


def test_an_empty_store_says_what_to_do(filled, watch):
    """Where nothing was recorded yet, the pages say how to begin."""
    live = filled([])
    for path in ("/", "/lineage"):
        page = watch().open(live.url + path)
        expect(page.get_by_text("Nothing has been recorded yet.")).to_be_visible()
        expect(page.get_by_text("headwater run train.py")).to_be_visible()


@pytest.fixture(scope="module")
def rude(filled):
    """Lineage whose every name tries something."""
    return filled(hostile())


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_a_name_is_a_name(rude, watch, name):
    """No name runs, breaks the page, or becomes markup: in cards, columns, inspector, table, title and export."""
    root = quote(f"dataset:db:{name}", safe="")
    page = watch().open(f"{rude.url}/lineage?root={root}&columns=true")
    expect(page.locator(".g-card.is-root")).to_be_visible()
    page.locator(".g-card.is-root .g-name").click()
    expect(page.locator("[data-inspector] h2")).to_be_visible()
    page.locator(".g-card.is-root .g-port").first.click()
    expect(page.locator(".path-words")).to_be_visible()
    assert page.locator("[data-lineage] script:not([type])").count() == 0
    assert page.locator("[data-lineage] :is(img:not(.still), iframe)").count() == 0


def test_five_thousand_nodes(filled, watch):
    """A graph of 5,000 nodes opens at its root, says what it leaves out, and can be seen whole."""
    live = filled(many(5000))
    page = watch().open(f"{live.url}/lineage?root=t0000")
    expect(page.locator(".g-card.is-root")).to_be_visible()
    page.goto(f"{live.url}/lineage?root=t0000&up=0&down=50&limit=300")
    expect(page.locator("[data-table]")).to_contain_text("only the nearest nodes are shown")
    page.goto(f"{live.url}/lineage?root=t0000&up=0&down=50&limit=10000&jobs=edges")
    page.keyboard.press("Tab")
    page.locator("[data-do=fit]").click()
    expect(page.locator(".g-cards")).to_have_class("g-cards is-far")
    stage = page.locator("[data-stage]").bounding_box()
    page.mouse.move(stage["x"] + stage["width"] / 2, stage["y"] + stage["height"] / 2)
    page.mouse.down()
    page.mouse.move(stage["x"] + 100, stage["y"] + 100, steps=10)
    page.mouse.up()
    expect(page.locator("[data-minimap]")).to_be_visible()
    page.get_by_label("Find in the picture").fill("t0317")
    page.keyboard.press("Enter")
    expect(page.locator(".g-card.is-lit .g-name")).to_have_text("t0317")  # near enough to be read
    expect(page.locator(".g-cards")).to_have_class("g-cards has-lit")
