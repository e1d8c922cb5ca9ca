"""Home, objects, comparison and administration in a real browser: usable by everybody, whatever the names."""

from __future__ import annotations

from urllib.parse import quote

import msgspec
import pytest
from accessibility import wrong_in_both_themes
from playwright.sync_api import expect
from stories import HOSTILE, hostile, shop

from headwater.server.permissions import SCOPES, Permission, Role
from headwater.storage.open import open_store
from headwater.testing.events import dataset, facet, run_event, run_id


def story() -> list[dict]:
    """The shop; and a table with quality over time, a model with everything, a run that failed with an error."""
    events = shop()
    for day in range(4):
        columns = {
            "id": {"nullCount": day, "distinctCount": 9, "min": 0, "max": 9, "mean": day / 2,
                   "quantiles": {"0.25": 2, "0.5": 4, "0.75": 6}},
        }  # fmt: skip
        table = dataset(
            "dwh.daily",
            facets={
                "datasetType": facet(datasetType="TABLE"),
                "schema": facet(fields=[{"name": "id", "type": "int"}, *[{"name": "new", "type": "text"}] * (day > 1)]),
                "tags": facet(tags=[{"key": "pii", "value": "true"}]),
                "ownership": facet(owners=[{"name": "team:data"}]),
            },
            outputFacets={"dataQualityMetrics": facet(rowCount=100 + day, columnMetrics=columns)},
        )
        sql = facet(query="INSERT INTO dwh.daily SELECT id FROM raw.orders")
        ends = "FAIL" if day == 3 else "COMPLETE"
        error = {"errorMessage": facet(message="it broke", programmingLanguage="SQL", stackTrace="line 1")}
        events.append(
            run_event(run_id(20 + day), "daily", ends, 100 + day, ["raw.orders"], [table],
                      job_facets={"sql": sql}, run_facets=error if day == 3 else None)
        )  # fmt: skip
    model = dataset(
        "m.tree",
        facets={
            "datasetType": facet(datasetType="MODEL"),
            "headwater_model": facet(
                name="tree", version="r1", features=["id", "new"], importances={"id": 0.7, "new": 0.3},
                importance_details={"kind": "impurity", "left_out": 1, "columns": {"id": 0.7}, "mixed": 0.3},
                preprocessing=[{"step": "scale", "class": "S"}], hyper_parameters={"depth": 3},
                training={"namespace": "db", "name": "dwh.daily"},
            ),
        },
    )  # fmt: skip
    metrics = facet(metrics=[{"name": "loss", "value": 1 / step, "step": step} for step in (1, 2, 3)])
    predictions = dataset("p.log", facets={"datasetType": facet(datasetType="PREDICTIONS")})
    given = {"headwater_metrics": metrics, "headwater_parameters": facet(parameters={"lr": 0.1}),
             "headwater_seeds": facet(seeds=[{"library": "numpy", "value": 7}])}  # fmt: skip
    for number, line in ((40, "x = 1"), (41, "x = 2")):
        source = facet(language="python", sourceCode=f"import os\n\n{line}\nprint(x, {'1' * 200!r})\n", sha256=line)
        code = {"headwater_code": facet(path="code.py", sha256=line)}
        events.append(run_event(run_id(number), "code", "COMPLETE", 100 + number, ["raw.orders"], ["coded"],
                                job_facets={"sourceCode": source}, run_facets=code))  # fmt: skip
    events.append(run_event(run_id(30), "fit", "COMPLETE", 200, ["dwh.daily"], [model], run_facets=given))
    events.append(run_event(run_id(31), "score", "COMPLETE", 210, ["m.tree", "dwh.daily"], [predictions]))
    return events


PAGES = (
    "/",
    "/runs",
    "/runs?state=NEW",
    "/datasets/dataset:db:dwh.daily",
    "/datasets/dataset:db:raw.orders",
    "/datasets/dataset:db:features.spend",
    "/datasets/dataset:db:m.tree",
    "/datasets/dataset:db:p.log",
    "/jobs/job:jobs:daily",
    "/jobs/job:jobs:export",
    f"/runs/{run_id(30)}",
    f"/runs/{run_id(23)}",
    f"/runs/{run_id(40)}",
    "/jobs/job:jobs:code",
    "/compare",
    "/compare?before=dwh.daily",
    f"/compare?before={run_id(40)}&after={run_id(41)}",
    f"/compare?before={run_id(20)}&after={run_id(23)}",
)
REFUSED = ("/compare?before=nothing.like.this", "/datasets/dataset:db:p.log?row=seven")
"""Pages of which a form was filled in wrongly: they stand, and say so."""


@pytest.fixture(scope="module")
def live(filled):
    """The story."""
    return filled(story())


@pytest.mark.parametrize("path", [*PAGES, *REFUSED])
def test_everybody_can_use_it(live, watch, path):
    """axe finds nothing against WCAG 2.2 A and AA, in both themes, with everything unfolded; it fits a phone."""
    watched = watch(bypass_csp=True)
    watched.expected = ("404", "422") if path in REFUSED else ()
    page = watched.open(live.url + path)
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    assert wrong_in_both_themes(page) == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


ADMINISTRATION = (
    "/admin",
    "/admin/keys",
    "/admin/members",
    "/admin/shares",
    "/admin/quarantine",
    "/admin/quarantine/1",
    "/admin/tenants",
)


@pytest.fixture(scope="module")
def ruled(filled):
    """A service with something of everything to administer, and a key that may do all of it."""
    live = filled(story())
    access = live.app.service.administration
    access.put_member("default", "https://idp.example", "ada@example.org", Role.OWNER, who="test", name="Ada")
    access.share("default", "other", "kind:model", who="test", days=7)
    access.create_tenant("other", who="test", title="The others")
    with live.app.service.stores.writing("default") as store:
        store.append([b'{"eventType": "COMPLETE"}'])
    return live, access.issue_key("default", who="test", scopes={*SCOPES, Permission.OPERATE}).secret


def test_everybody_can_administer(ruled, watch):
    """axe finds nothing on the pages of the administration, in both themes; they fit a phone."""
    live, secret = ruled
    headers = {"Authorization": f"Bearer {secret}"}
    for path in ADMINISTRATION:
        page = watch(bypass_csp=True, extra_http_headers=headers).open(live.url + path)
        expect(page.get_by_role("navigation", name="Administration")).to_be_visible()
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
        assert (path, wrong_in_both_themes(page)) == (path, [])
        page.set_viewport_size({"width": 390, "height": 844})
        assert (path, page.evaluate("document.documentElement.scrollWidth")) == (path, 390)


def test_a_key_is_made_in_a_browser(live, watch):
    """The form works without a script; the secret is shown once; the key is revoked by its button."""
    page = watch(java_script_enabled=False).open(f"{live.url}/admin/keys")
    page.get_by_label("Name").fill("from the browser")
    page.get_by_role("button", name="Create the key").click()
    assert page.get_by_label("Key", exact=True).input_value().startswith("hw_")
    page.get_by_role("link", name="I have saved it").click()
    row = page.get_by_role("row", name="from the browser")
    row.get_by_role("button", name="Revoke").click()
    page.wait_for_url(f"{live.url}/admin/keys")
    expect(page.get_by_text("Expired and revoked keys: 1")).to_be_visible()


def test_what_happens_appears_without_a_reload(filled, watch):
    """A run that ends while the home page is open stands in the feed a moment later."""
    live = filled(story())
    page = watch().open(f"{live.url}/")
    expect(page.locator("[data-live=live]")).to_be_visible()
    live.send(run_event(run_id(77), "just_now", "COMPLETE", 9000, ["raw.orders"], ["fresh"]))
    expect(page.locator("[data-feed]").get_by_role("link", name="just_now").first).to_be_visible(timeout=3000)


def test_an_empty_home_page_fills_when_something_comes(filled, watch):
    """Who has the empty page open and runs a first script sees it arrive, without a reload."""
    live = filled([])
    page = watch().open(f"{live.url}/")
    expect(page.get_by_text("Nothing has been recorded yet.")).to_be_visible()
    expect(page.locator("[data-live=live]")).to_be_visible()
    live.send(run_event(run_id(1), "first", "COMPLETE", 1, ["a"], ["b"]))
    expect(page.locator("[data-feed]").get_by_role("link", name="first").first).to_be_visible(timeout=8000)
    expect(page.get_by_text("Nothing has been recorded yet.")).to_have_count(0)


def test_what_goes_wrong_appears_without_a_reload(filled, watch):
    """A run that fails and an event that is refused stand under what is wrong a moment later; who stands in a list
    with the keyboard keeps it."""
    import httpx

    live = filled(shop())
    page = watch().open(f"{live.url}/")
    expect(page.locator("[data-live=live]")).to_be_visible()
    page.locator("[data-part=start] a").first.focus()
    live.send(run_event(run_id(90), "breaks", "FAIL", 9000, ["raw.orders"], ["fresh"]))
    assert httpx.post(f"{live.url}/api/v1/lineage", content=b'{"eventType": "COMPLETE"}').status_code == 422
    wrong = page.locator("[data-part=wrong]")
    expect(wrong.get_by_role("link", name="breaks")).to_be_visible(timeout=8000)
    expect(wrong.get_by_role("heading", name="Refused")).to_be_visible(timeout=8000)
    expect(page.locator("[data-part=start] a").first).to_be_focused()


def test_what_happened_while_the_server_was_away_is_told_when_it_is_back(filled, watch):
    """The page says that it is not live, and catches up by itself."""
    live = filled(shop())
    watched = watch()
    watched.expected = ("ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING")
    page = watched.open(f"{live.url}/")
    expect(page.locator("[data-live=live]")).to_be_visible()
    live.stop()
    expect(page.locator("[data-live=waiting]")).to_be_visible()
    with open_store(str(live.folder), tenant="default") as store:
        store.append([msgspec.json.encode(run_event(run_id(91), "missed", "COMPLETE", 9000, ["raw.orders"], ["x"]))])
    live.start()
    expect(page.locator("[data-live=live]")).to_be_visible(timeout=20_000)
    expect(page.locator("[data-feed]").get_by_role("link", name="missed").first).to_be_visible(timeout=8000)


def test_from_the_feed_to_the_run_and_on(live, watch):
    """Links lead from home to a run, to its job, to its data, without a script and with the keyboard alone."""
    page = watch(java_script_enabled=False).open(f"{live.url}/")
    page.locator("[data-feed] a").first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Run of")
    page.get_by_role("link", name="p.log").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("p.log")
    page.get_by_role("link", name="m.tree").first.click()
    expect(page.get_by_role("heading", name="Checkpoints and versions")).to_be_visible()
    page.get_by_role("link", name="fit").first.click()
    page.wait_for_url("**/*fit*")


def test_a_picture_has_words_and_a_table(live, watch):
    """A chart is named and described for who cannot see it, and its numbers stand in a table."""
    page = watch().open(f"{live.url}/datasets/dataset:db:dwh.daily")
    chart = page.get_by_role("img", name="Rows")
    expect(chart).to_be_visible()
    assert "3 values from 100 to 102" in chart.locator("desc").text_content()
    page.get_by_text("As a table", exact=True).click()
    expect(page.get_by_role("row", name="Rows 100 101 102")).to_be_visible()


@pytest.fixture(scope="module")
def rude(filled):
    """Lineage whose every name tries something."""
    return filled(hostile())


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_a_name_is_a_name(rude, watch, name):
    """No name runs, breaks a page or becomes markup, as dataset, column, job, in a path and in a query."""
    watched = watch()
    for path in (f"/datasets/{quote('dataset:db:' + name, safe='')}", f"/jobs/{quote('job:jobs:' + name, safe='')}"):
        page = watched.open(rude.url + path)
        expect(page.locator("h1")).to_be_visible()
        assert page.locator("main :is(script, img, iframe)").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    page.get_by_role("link", name="Lineage", exact=True).last.click()
    expect(page.locator("[data-lineage]")).to_be_visible()
    page = watched.open(f"{rude.url}/")
    assert page.locator("main :is(script, img, iframe)").count() == 0
