"""The two things that the lineage page can be about beside a node: a way to another node, and what a change breaks."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from stories import shop

from headwater.testing.events import run_event, run_id

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
LONG = 7
BACKGROUND = {"light": "255,255,255", "dark": "18,24,31"}
BREAKS = {"light": "192,38,38", "dark": "244,124,124"}
COLOURS_OF = """async (data) => {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const picture = await createImageBitmap(new Blob([bytes]));
  const to = new OffscreenCanvas(picture.width, picture.height).getContext("2d");
  to.drawImage(picture, 0, 0);
  const { data: points } = to.getImageData(0, 0, picture.width, picture.height);
  const found = new Set();
  for (let at = 0; at < points.length; at += 4) found.add(`${points[at]},${points[at + 1]},${points[at + 2]}`);
  return [picture.width, [...found]];
}"""


@pytest.fixture(scope="module")
def live(filled):
    """The shop, and a long chain of tables beside it."""
    chain = [
        run_event(run_id(50 + at), f"job_{at}", "COMPLETE", 50 + at, [f"step.{at}"], [f"step.{at + 1}"])
        for at in range(LONG)
    ]
    return filled([*shop(), *chain])


def card(page: Page, name: str):
    """A card of the canvas, by its name."""
    return page.locator(".g-card", has=page.locator(".g-name", has_text=re.compile(f"^{re.escape(name)}$")))


def zoom(page: Page) -> float:
    """How large the canvas is drawn."""
    return float(re.search(r"scale\(([\d.]+)\)", page.locator(".g-cards").get_attribute("style"))[1])


def is_within(page: Page, name: str) -> bool:
    """Whether all of a card is in sight on the canvas."""
    stage, box = page.locator("[data-stage]").bounding_box(), card(page, name).bounding_box()
    return (
        box["x"] >= stage["x"]
        and box["y"] >= stage["y"]
        and box["x"] + box["width"] <= stage["x"] + stage["width"]
        and box["y"] + box["height"] <= stage["y"] + stage["height"]
    )


def test_both_ends_of_a_long_way_are_in_sight(live, watch):
    """A way that is too long for one row stands in several, at a zoom that can be read, with both ends in sight; its
    steps stand in the details."""
    page = watch().open(f"{live.url}/lineage?root=step.0&to=step.{LONG}")
    expect(card(page, f"step.{LONG}")).to_be_visible()
    expect(page.locator(".lineage[aria-busy]")).to_have_count(0)
    assert zoom(page) >= 0.8
    assert is_within(page, "step.0")
    assert is_within(page, f"step.{LONG}")
    inspector = page.locator("[data-inspector]")
    expect(inspector.locator("h2")).to_have_text(f"From step.0 to step.{LONG}")
    expect(inspector.locator(".way li")).to_have_count(LONG + 1)
    expect(inspector).to_contain_text("7 steps")
    expect(page.locator("select[name=up]")).to_be_hidden()


def test_on_a_phone_both_ends_are_in_sight_too(live, watch):
    """A shorter way on a narrow screen: both ends in sight, at a zoom that can be read; nothing is wider than it."""
    page = watch(**PHONE).open(f"{live.url}/lineage?root=step.0&to=step.3")
    expect(page.locator(".lineage[aria-busy]")).to_have_count(0)
    page.wait_for_timeout(300)
    page.locator("[data-stage]").scroll_into_view_if_needed()
    assert zoom(page) >= 0.55
    assert is_within(page, "step.0")
    assert is_within(page, "step.3")
    for name in ("step.0", "step.3"):
        box = card(page, name).bounding_box()
        for across in (0.05, 0.5, 0.95):
            point = [box["x"] + box["width"] * across, box["y"] + box["height"] * 0.8]
            seen = page.evaluate("([x, y]) => document.elementFromPoint(x, y).closest('.g-card')?.title", point)
            assert seen == name, "a control covers it"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_way_is_asked_for_by_name_and_left_again(live, watch):
    """Any node can be named as the other end; a name that is not known, and one that no data reaches, are said under
    the field, and the picture stays. Leaving, and going back in the history, bring the rest back."""
    watched = watch()
    watched.expected = ("404",)
    page = watched.open(f"{live.url}/lineage?root=raw.users")
    page.get_by_text("Path to another node").click()
    field = page.get_by_label("To", exact=True)
    for name, words in (("out.predz", "did you mean"), ("step.1", "no data flows between")):
        field.fill(name)
        field.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text(words)
        expect(field).to_have_attribute("aria-invalid", "true")
        expect(field).to_be_focused()
        expect(card(page, "clean.orders")).to_be_visible()
    field.fill("out.preds")
    field.press("Enter")
    expect(page.locator("[data-inspector] h2")).to_have_text("From raw.users to out.preds")
    expect(page.locator("[data-inspector]")).to_be_focused()
    expect(page).to_have_url(re.compile("to=out.preds"))
    card(page, "clean.orders").click()
    expect(page.locator("[data-inspector] h2")).to_have_text("clean.orders")
    page.get_by_role("button", name="The whole path").click()
    expect(page.locator("[data-inspector] h2")).to_have_text("From raw.users to out.preds")
    page.get_by_role("link", name="Leave the path").click()
    expect(card(page, "out.preds")).to_have_count(0)
    expect(page.locator("[data-inspector] h2")).to_have_text("raw.users")
    expect(page.locator("select[name=up]")).to_be_visible()
    page.go_back()
    expect(page.locator("[data-inspector] h2")).to_have_text("From raw.users to out.preds")


def test_a_change_is_in_the_address(live, watch):
    """The impact of a change comes back with its link, with the history, and from the details of a node in it; its
    count is that of its list, and how much of it is in the picture is said."""
    page = watch().open(f"{live.url}/lineage?root=clean.orders")
    page.get_by_text("What if it changes?").click()
    page.locator("[data-impact] [name=column]").select_option("amount")
    page.get_by_role("button", name="Show the impact").click()
    inspector = page.locator("[data-inspector]")
    expect(inspector.locator("h2")).to_have_text("If amount is dropped")
    rows = inspector.locator(".impact-list > li").count()
    counts = [int(text) for text in inspector.locator(".verdict b").all_inner_texts()]
    assert sum(counts) == rows > 3
    expect(inspector).to_contain_text(f"of {rows} are in the picture")
    expect(page).to_have_url(re.compile("change=drop&column=amount"))
    again = watch().open(page.url)
    expect(again.locator("[data-inspector] h2")).to_have_text("If amount is dropped")
    expect(again.locator(".g-card.is-breaks .g-name", has_text="features.spend")).to_be_visible()
    card(again, "features.spend").click()
    expect(again.locator("[data-inspector] h2")).to_have_text("features.spend")
    expect(again.locator(".g-card.is-breaks .g-name", has_text="features.spend")).to_be_visible()
    again.get_by_role("button", name="All that is affected").click()
    again.get_by_role("button", name="Show all of it in the picture").click()
    expect(again.locator("[data-in-picture]")).to_have_text("All of it is in the picture.")
    again.get_by_role("link", name="Leave the impact").click()
    expect(again.locator(".g-card.is-breaks")).to_have_count(0)
    again.go_back()
    expect(again.locator("[data-inspector] h2")).to_have_text("If amount is dropped")


def test_a_change_that_cannot_be_is_said_under_the_form(live, watch):
    """A column cannot be retired: the form stays, says so, and another choice works."""
    watched = watch()
    watched.expected = ("422",)
    page = watched.open(f"{live.url}/lineage?root=clean.orders")
    page.get_by_text("What if it changes?").click()
    page.locator("[data-impact] [name=column]").select_option("amount")
    page.locator("[data-impact] [name=change]").select_option("retire")
    page.get_by_role("button", name="Show the impact").click()
    expect(page.get_by_role("alert")).to_contain_text("column")
    page.locator("[data-impact] [name=column]").select_option("")
    page.get_by_role("button", name="Show the impact").click()
    expect(page.locator("[data-inspector] h2")).to_have_text("If clean.orders is retired")


def test_the_name_of_the_root_follows_the_picture(live, watch):
    """Another root is named in the tools, in the title of the window, and on the way that one came."""
    page = watch().open(f"{live.url}/lineage?root=clean.orders")
    card(page, "raw.users").dblclick()
    expect(page.locator("h1")).to_have_text("raw.users")
    expect(page).to_have_title("raw.users · Headwater")
    expect(page.locator("[data-crumbs] [aria-current]")).to_have_text("raw.users")
    page.go_back()
    expect(page.locator("h1")).to_have_text("clean.orders")
    expect(page).to_have_title("clean.orders · Headwater")


def test_what_is_exported_is_what_is_shown(live, watch):
    """The files of a view are of the view as it is now, not as the page was opened, and are called after its root: more
    hops, another root, a path."""
    page = watch().open(f"{live.url}/lineage?root=clean.orders")
    link = page.locator("[data-export=mermaid]")

    def exported() -> str:
        return page.request.get(live.url + link.get_attribute("href")).text()

    assert "models.churn" not in exported()
    page.locator("select[name=down]").select_option("2")
    expect(card(page, "models.churn")).to_be_visible()
    assert "models.churn" in exported()
    card(page, "raw.users").dblclick()
    expect(page.locator("h1")).to_have_text("raw.users")
    assert "raw.orders" not in exported()
    page.get_by_text("Export", exact=True).click()
    for name, ending in (("SVG picture", "svg"), ("JSON", "json"), ("PNG picture", "png")):
        with page.expect_download() as got:
            page.get_by_text(name, exact=True).click()
        assert got.value.suggested_filename == f"raw.users.{ending}"
        if not page.locator("[data-export=svg]").is_visible():
            page.get_by_text("Export", exact=True).click()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_file_of_a_change_has_its_colours(live, watch, theme):
    """What a change breaks is marked in every file, from the moment it is asked for; the PNG has the theme of the page,
    and is called after the root."""
    page = watch(color_scheme=theme).open(f"{live.url}/lineage?root=clean.orders&down=2")
    page.get_by_text("What if it changes?").click()
    page.locator("[data-impact] select[name=column]").select_option("amount")
    page.get_by_role("button", name="Show the impact").click()
    expect(page.locator(".g-card.is-breaks").first).to_be_visible()
    for form, sign in (("svg", "m-breaks"), ("json", '"mark": "breaks"'), ("mermaid", ": breaks"), ("dot", ": breaks")):
        path = page.locator(f"[data-export={form}]").get_attribute("href")
        assert sign in page.request.get(live.url + path).text()
    page.get_by_text("Export", exact=True).click()
    with page.expect_download() as got:
        page.get_by_text("PNG picture", exact=True).click()
    assert got.value.suggested_filename == "clean.orders.png"
    data = base64.b64encode(Path(got.value.path()).read_bytes()).decode()
    wide, colours = page.evaluate(COLOURS_OF, data)
    assert wide > 1000
    assert BACKGROUND[theme] in colours
    assert BREAKS[theme] in colours


def test_the_whole_of_what_is_short_is_copied(live, watch):
    """The button beside a short name copies the whole name, and says so; it is reached by keyboard."""
    page = watch(permissions=["clipboard-read", "clipboard-write"]).open(f"{live.url}/lineage?root=clean.orders")
    button = page.locator("[data-inspector]").get_by_role("button", name="Copy the whole name")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.locator("[data-notes]")).to_contain_text("Copied: clean.orders")
    assert page.evaluate("navigator.clipboard.readText()") == "clean.orders"
