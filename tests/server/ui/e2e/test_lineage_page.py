"""The lineage page in a real browser: what it opens with, and everything that can be done on it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from stories import shop

from headwater.testing.events import run_event, run_id

CLEAN = "dataset:db:clean.orders"


@pytest.fixture(scope="module")
def live(filled):
    """The shop."""
    return filled(shop())


def card(page: Page, name: str):
    """A card of the canvas, by its name."""
    return page.locator(".g-card", has=page.locator(".g-name", has_text=re.compile(f"^{re.escape(name)}$")))


def names(page: Page) -> set[str]:
    """The names of all cards that are in sight."""
    return set(page.locator(".g-card .g-name").all_inner_texts())


def place(page: Page, name: str) -> tuple[int, int]:
    """Where a card stands on the screen."""
    box = card(page, name).bounding_box()
    return round(box["x"]), round(box["y"])


def test_it_opens_at_the_root_with_one_hop_each_way(live, watch):
    """The root and its neighbours, at a zoom that can be read; what is not shown is counted both ways."""
    page = watch().open(f"{live.url}/lineage?root=clean.orders")
    expect(card(page, "clean.orders")).to_have_class(re.compile("is-root"))
    assert names(page) == {
        "raw.orders", "raw.users", "clean.orders", "features.spend", "clean_orders", "make_features",
    }  # fmt: skip
    assert float(re.search(r"scale\(([\d.]+)\)", page.locator(".g-cards").get_attribute("style"))[1]) >= 0.8
    expect(card(page, "features.spend").locator(".g-down")).to_have_text(re.compile(r"^\+3 "))
    expect(card(page, "raw.orders").locator(".g-door")).to_have_count(0)
    assert page.locator("[data-table] tbody tr").count() == 3 + 6


def test_pointing_lights_the_path_and_a_click_keeps_it(live, watch):
    """The path through a card is lit and the rest is dimmed; a click keeps it, and Esc lets go."""
    page = watch().open(f"{live.url}/lineage?root=clean.orders")
    card(page, "raw.users").hover()
    lit = page.locator(".g-card.is-lit .g-name")
    assert {"raw.users", "clean_orders", "clean.orders", "features.spend"} <= set(lit.all_inner_texts())
    assert "raw.orders" not in lit.all_inner_texts()
    card(page, "raw.users").click()
    page.mouse.move(640, 790)
    expect(page.locator("[data-inspector] h2")).to_have_text("raw.users")
    assert "raw.users" in lit.all_inner_texts()
    expect(page).to_have_url(re.compile(r"pin=dataset%3Adb%3Araw.users"))
    page.keyboard.press("Escape")
    expect(page.locator(".g-card.is-lit")).to_have_count(0)


def test_opening_a_card_keeps_every_other_where_it_was(live, watch):
    """Expanding shows the hidden neighbours; no card that was there moves on the screen. Folding hides them again."""
    page = watch().open(f"{live.url}/lineage?root=clean.orders")
    before = {name: place(page, name) for name in ("clean.orders", "raw.orders", "features.spend")}
    card(page, "features.spend").locator(".g-down").click()
    expect(card(page, "models.churn")).to_be_visible()
    page.mouse.move(640, 790)
    for name, spot in before.items():
        assert place(page, name) == pytest.approx(spot, abs=2)
    card(page, "features.spend").hover()
    card(page, "features.spend").locator("[data-shut=down]").click()
    expect(card(page, "models.churn")).to_have_count(0)
    page.go_back()
    expect(card(page, "models.churn")).to_be_visible()


def test_columns_are_ports_and_a_click_pins_their_whole_path(live, watch):
    """Columns are off at first, at most eight, related first; a click on one lights its path and counts what is not
    in the picture."""
    page = watch().open(f"{live.url}/lineage?root=clean.orders")
    expect(page.locator(".g-port")).to_have_count(0)
    page.get_by_label("Columns", exact=True).check()
    users = card(page, "raw.users").locator(".g-port")
    expect(users).to_have_count(9)
    assert users.first.inner_text() == "email\ntext"
    expect(users.last).to_have_text("14 more columnsfind")
    card(page, "clean.orders").locator("[data-port=amount]").click()
    expect(page.locator(".path-words")).to_contain_text("its path touches 2 other nodes")
    lit = page.locator(".g-port.is-lit")
    assert sorted(lit.evaluate_all("all => all.map(one => one.dataset.port)")) == ["amount", "amount", "spend"]
    card(page, "raw.users").locator(".g-name").click()
    finder = page.locator("[data-column-find]")
    finder.fill("extra_1")
    assert page.locator("[data-column-row]:visible").count() == 11


def test_an_edge_shows_how_it_is_known(live, watch):
    """A click on a line opens its evidence: how known, run, SQL, columns with their transformation."""
    page = watch().open(f"{live.url}/lineage?root=clean.orders&jobs=edges")
    left, right = card(page, "raw.users").bounding_box(), card(page, "clean.orders").bounding_box()
    page.mouse.click((left["x"] + left["width"] + right["x"]) / 2, (left["y"] + right["y"] + right["height"]) / 2)
    inspector = page.locator("[data-inspector]")
    expect(inspector.locator("h2")).to_contain_text("raw.users")
    expect(inspector).to_contain_text("INSERT INTO clean.orders")
    expect(inspector).to_contain_text("column lineage")
    expect(inspector.locator("table")).to_contain_text("email")


def test_another_time_and_two_times_compared(live, watch):
    """The slider shows the lineage as it was; comparing marks what was added and removed, on one picture."""
    page = watch().open(f"{live.url}/lineage?root=bi.revenue&up=1&down=0")
    assert "features.spend" in names(page)
    page.get_by_role("button", name="Time").click()
    slider = page.locator("[data-instant]")
    expect(slider).not_to_have_attribute("max", "0")
    slider.fill("1")
    expect(card(page, "clean.orders")).to_be_visible()
    assert "features.spend" not in names(page)
    page.get_by_role("button", name="Compare two times").click()
    expect(page.locator(".g-card.is-removed .g-name")).to_have_text("clean.orders")
    expect(page.locator(".g-card.is-added .g-name")).to_have_text("features.spend")
    expect(page.locator("[data-table]")).to_contain_text("removed")
    expect(page.locator("[data-differences]")).to_have_text("Added: 1 node, 1 edge. Removed: 1 node, 1 edge.")
    page.get_by_label("and as of").fill("1")
    expect(page.locator("[data-differences]")).to_have_text("Nothing that is shown differs.")
    page.get_by_role("button", name="Compare two times").click()
    expect(page.get_by_label("and as of")).to_be_hidden()
    expect(page.locator("[data-differences]")).to_be_hidden()


def test_a_slider_moves_when_it_knows_between_what(live, watch):
    """Until the moments of change have come it cannot be moved: the answer would take it back."""
    page = watch().open(f"{live.url}/lineage?root=bi.revenue&up=1&down=0")
    held = []

    def hold(route):
        held.append(route)

    page.route("**/lineage/instants", hold)
    page.get_by_role("button", name="Time").click()
    slider = page.locator("[data-instant]")
    slider.press("Home")
    expect(slider).to_have_attribute("max", "0")
    for _ in range(250):  # the page asks when it likes, within five seconds
        if held:
            break
        page.wait_for_timeout(20)
    held[0].continue_()
    expect(slider).to_have_attribute("max", "3")
    expect(slider).to_have_value("3")
    slider.press("Home")
    expect(page).to_have_url(re.compile("as_of="))


def test_comparing_begins_with_the_last_change(live, watch):
    """Who compares without choosing a time is shown the last change, not now with now; the link keeps both times; the
    details beside the picture are those of the time that is shown."""
    page = watch().open(f"{live.url}/lineage?root=bi.revenue&up=1&down=0")
    expect(page.locator("[data-inspector]")).to_contain_text("Versionv2")
    page.get_by_role("button", name="Time").click()
    page.get_by_role("button", name="Compare two times").click()
    expect(page.locator(".g-card.is-added .g-name")).to_have_text("features.spend")
    page.get_by_label("and as of").fill("1")
    page.get_by_label("Between").fill("0")
    expect(page.locator("[data-inspector]")).to_contain_text("Versionv1")
    page.wait_for_timeout(500)
    again = watch().open(page.url)
    expect(again.get_by_label("Between")).to_have_value("0")
    expect(again.get_by_label("and as of")).to_have_value("1")


def test_where_nothing_changed_there_is_nothing_to_compare(live, watch):
    """A node around which nothing ever changed says so, and is not compared with itself."""
    page = watch().open(f"{live.url}/lineage?root=models.churn&up=0&down=0")
    page.get_by_role("button", name="Time").click()
    page.get_by_role("button", name="Compare two times").click()
    expect(page.locator("[data-notes]")).to_contain_text("no two states to compare")
    expect(page.get_by_role("button", name="Compare two times")).to_have_attribute("aria-pressed", "false")


def test_an_impact_is_a_list_first_and_a_coloured_picture_second(live, watch):
    """A change of a column is answered by a ranked list; the picture can be coloured by it."""
    page = watch().open(f"{live.url}/lineage?root=clean.orders")
    page.get_by_text("What if it changes?").click()
    page.locator("[data-impact] [name=column]").select_option("amount")
    page.get_by_role("button", name="Show the impact").click()
    expect(page.locator("[data-severity]").first).to_contain_text("breaks")
    page.get_by_role("button", name="Show all of it in the picture").click()
    expect(page.locator(".g-card.is-breaks .g-name", has_text="features.spend")).to_be_visible()


def test_the_path_between_two_nodes(live, watch):
    """The shortest ways from the root to another node are a picture of their own, with a link of its own."""
    page = watch().open(f"{live.url}/lineage?root=clean.orders&up=0&down=2&jobs=edges")
    card(page, "models.churn").click()
    page.get_by_role("link", name="Path from the root").click()
    expect(page).to_have_url(re.compile("to=dataset%3Adb%3Amodels.churn"))
    expect(card(page, "out.preds")).to_have_count(0)
    assert names(page) == {"clean.orders", "features.spend", "models.churn"}


def test_the_keyboard_is_enough(live, watch):
    """One tab stop; arrows walk, brackets open, Enter reads; what is under the focus is said."""
    page = watch().open(f"{live.url}/lineage?root=clean.orders")
    stage = page.locator("[data-stage]")
    stage.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".g-card.is-active .g-name")).to_have_text("features.spend")
    expect(page.locator("[data-said]")).to_contain_text("features.spend, feature view")
    page.keyboard.press("]")
    expect(card(page, "models.churn")).to_be_visible()
    expect(page.locator(".g-card.is-active .g-name")).to_have_text("features.spend")
    page.keyboard.press("Enter")
    expect(page.locator("[data-inspector] h2")).to_have_text("features.spend")
    active = stage.get_attribute("aria-activedescendant")
    assert page.locator(f"#{active}").count() == 1
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("go upstream")
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    expect(page.locator("[data-search]")).to_be_focused()


def test_a_link_brings_the_same_view_back(live, watch):
    """Root, hops, opened cards, pinned node and viewport are in the address."""
    page = watch().open(f"{live.url}/lineage?root=clean.orders&up=0")
    card(page, "features.spend").locator(".g-down").click()
    card(page, "features.spend").click()
    expect(page.locator("[data-inspector] h2")).to_have_text("features.spend")  # what is opened has been drawn by then
    page.mouse.move(300, 700)
    page.mouse.down()
    page.mouse.move(200, 650, steps=5)
    page.mouse.up()
    expect(page).to_have_url(re.compile("at=.*pin=|pin=.*at="))
    page.wait_for_timeout(500)
    again = watch().open(page.url)
    expect(again.locator("[data-inspector] h2")).to_have_text("features.spend")
    assert place(again, "clean.orders") == pytest.approx(place(page, "clean.orders"), abs=2)
    assert names(again) == names(page)


def test_what_is_done_before_an_answer_comes_stays_done(live, watch):
    """On a slow line: a card is opened, then another one, then one is pinned, all before the first answer. All three
    are shown, and are in the address."""
    page = watch().open(f"{live.url}/lineage?root=clean.orders&up=0&down=0")
    held = []

    def hold(route):
        held.append(route)

    page.route("**/lineage/picture", hold)
    card(page, "clean.orders").locator(".g-down").click()
    card(page, "clean.orders").locator(".g-up").click()
    card(page, "clean.orders").click()
    expect(page.locator("[data-inspector] h2")).to_have_text("clean.orders")
    for one in held:
        one.continue_()
    for name in ("raw.orders", "features.spend"):
        expect(card(page, name)).to_be_visible()
    expect(page).to_have_url(re.compile("opened=.*up.*down.*pin=|opened=.*down.*up.*pin="))


def test_the_wheel_and_two_fingers(live, watch):
    """A wheel zooms where the pointer is; two fingers on a touchpad move; with Ctrl they zoom."""
    page = watch().open(f"{live.url}/lineage?root=clean.orders")
    x, y = place(page, "clean.orders")
    page.mouse.move(x, y)
    page.mouse.wheel(0, -120)
    page.wait_for_timeout(200)
    assert place(page, "clean.orders") == pytest.approx((x, y), abs=3)
    page.mouse.wheel(30, 7)
    page.wait_for_timeout(200)
    assert place(page, "clean.orders") == pytest.approx((x - 30, y - 7), abs=3)


def test_it_is_saved_as_png_svg_json_and_mermaid(live, watch):
    """Every export is the picture that is shown."""
    page = watch().open(f"{live.url}/lineage?root=clean.orders&down=0")
    page.get_by_text("Export").click()
    with page.expect_download() as saved:
        page.get_by_role("button", name="PNG picture").click()
    assert Path(saved.value.path()).read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert saved.value.suggested_filename == "clean.orders.png"
    texts = {}
    for kind in ("SVG picture", "JSON", "Mermaid"):
        with page.expect_download() as saved:
            page.get_by_role("link", name=kind).click()
        texts[kind] = Path(saved.value.path()).read_text()
    assert "<svg" in texts["SVG picture"]
    assert {node["name"] for node in json.loads(texts["JSON"])["nodes"]} == {
        "clean.orders", "raw.orders", "raw.users", "clean_orders",
    }  # fmt: skip
    assert texts["Mermaid"].startswith("flowchart LR")
    assert "features" not in "".join(texts.values())


def test_a_card_is_found_in_the_picture(live, watch):
    """What is typed lights the cards that hold it; Enter goes from one to the next, into sight; Esc lets go, and the
    keys go on from the card that was found."""
    page = watch().open(f"{live.url}/lineage?root=clean.orders&up=3&down=3&jobs=edges")
    page.locator("[data-stage]").focus()
    page.keyboard.press("s")
    page.keyboard.type("orders")
    seek = page.locator("[data-seek] output")
    expect(seek).to_have_text("2 fit")
    expect(page.locator(".g-card.is-lit .g-name")).to_have_text(["raw.orders", "clean.orders"])
    page.keyboard.press("Enter")
    expect(seek).to_have_text("1 of 2")
    expect(page.locator("[data-said]")).to_contain_text("raw.orders, table")
    page.get_by_label("Find in the picture").fill("preds")
    page.keyboard.press("Enter")
    expect(card(page, "out.preds")).to_be_in_viewport()
    page.keyboard.press("Escape")
    expect(page.locator(".g-card.is-lit")).to_have_count(0)
    expect(page.locator(".g-card.is-active .g-name")).to_have_text("out.preds")
    expect(page.locator("[data-stage]")).to_be_focused()


def test_menus_fit_a_phone(live, watch):
    """What a menu holds is within the screen of a phone, with its labels."""
    page = watch(viewport={"width": 390, "height": 844}, has_touch=True).open(f"{live.url}/lineage?root=clean.orders")
    for menu in ("View", "Export"):
        page.get_by_text(menu, exact=True).click()
        box = page.locator("details[open] .menu-list").bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
        page.get_by_text(menu, exact=True).click()


def test_menus_close_again(live, watch):
    """A click elsewhere closes a menu, and so does Esc, which leads back to what opened it; one is open at a time."""
    page = watch().open(f"{live.url}/lineage?root=clean.orders")
    opened = page.locator("details.menu[open]")
    view = page.get_by_text("View", exact=True)
    view.click()
    expect(opened).to_have_count(1)
    page.locator("[data-stage]").click(position={"x": 20, "y": 20})
    expect(opened).to_have_count(0)
    view.focus()
    page.keyboard.press("Enter")
    page.locator("[name=jobs]").focus()
    page.keyboard.press("Escape")
    expect(opened).to_have_count(0)
    expect(view).to_be_focused()
    view.click()
    page.get_by_text("Export", exact=True).click()
    expect(opened.locator("summary")).to_have_text("Export")


def test_the_button_of_the_time_says_whether_it_is_open(live, watch):
    """Also on a page that was opened at another time."""
    page = watch().open(f"{live.url}/lineage?root=bi.revenue&as_of=2026-01-01T00:30:00Z")
    button = page.get_by_role("button", name="Time", exact=True)
    expect(button).to_have_attribute("aria-expanded", "true")
    button.click()
    expect(button).to_have_attribute("aria-expanded", "false")


def test_an_edge_is_read_by_keyboard(live, watch):
    """``e`` opens how the edges of a card are known, one after the other, and says which."""
    page = watch().open(f"{live.url}/lineage?root=clean.orders&jobs=edges")
    page.locator("[data-stage]").focus()
    page.keyboard.press("e")
    inspector = page.locator("[data-inspector]")
    expect(inspector).to_contain_text("INSERT INTO clean.orders")
    expect(page.locator("[data-said]")).to_contain_text("edge 1 of 3: raw.")
    page.keyboard.press("e")
    page.keyboard.press("e")
    expect(inspector.locator("h2")).to_contain_text("features.spend")
    expect(page.locator("[data-said]")).to_have_text("edge 3 of 3: clean.orders to features.spend")
    page.keyboard.press("e")
    expect(page.locator("[data-said]")).to_contain_text("edge 1 of 3")


def test_without_scripts_the_page_answers(live, watch):
    """The table, the picture as a file and the controls are there without a script."""
    page = watch(java_script_enabled=False).open(f"{live.url}/lineage?root=clean.orders")
    expect(page.locator("[data-table] tbody tr").first).to_be_visible()
    expect(page.locator("img.still")).to_be_visible()
    assert page.locator("img.still").evaluate("image => image.naturalWidth") > 200
    expect(page.locator("[data-needs-script]").first).to_be_hidden()


def test_the_server_goes_and_comes_back(filled, watch):
    """While the server is away the page says so and keeps what it shows; afterwards it goes on."""
    live = filled(shop())
    watched = watch()
    watched.expected = ("ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING")
    page = watched.open(f"{live.url}/lineage?root=clean.orders")
    live.stop()
    card(page, "features.spend").locator(".g-down").click()
    expect(page.locator("[data-stage-note]")).to_have_text("The server does not answer.")
    expect(card(page, "clean.orders")).to_be_visible()
    live.start()
    card(page, "features.spend").locator(".g-down").click()
    expect(card(page, "models.churn")).to_be_visible()
    expect(page.locator("[data-stage-note]")).to_be_hidden()


def test_a_run_changes_its_state_in_an_open_page(filled, watch):
    """An event that is acknowledged is seen in an open page within a second, without a reload, in a second tab too;
    a new edge becomes part of the picture, and no card that was there moves."""
    live = filled(shop())
    watched = watch()
    page = watched.open(f"{live.url}/lineage?root=clean.orders")
    expect(page.locator("[data-live]")).to_have_attribute("data-live", "live")
    second = watched.page.context.new_page()
    second.goto(f"{live.url}/lineage?root=clean.orders")
    expect(second.locator("[data-live]")).to_have_attribute("data-live", "live")
    job = card(page, "make_features")
    expect(job.locator(".shape")).to_have_class(re.compile("state-completed"))
    live.send(run_event(run_id(50), "make_features", "START", 9000, ["clean.orders"], ["features.spend"]))
    expect(job.locator(".shape")).to_have_class(re.compile("state-running"), timeout=1000)
    expect(card(second, "make_features").locator(".shape")).to_have_class(re.compile("state-running"), timeout=1000)
    before = place(page, "clean.orders")
    live.send(run_event(run_id(51), "sample", "COMPLETE", 9001, ["clean.orders"], ["samples.orders"]))
    expect(card(page, "samples.orders")).to_be_visible()
    assert place(page, "clean.orders") == pytest.approx(before, abs=2)
