"""Search as a person uses it: suggestions while typing, facets that narrow, selectors, runs by their id."""

from __future__ import annotations

import re
from urllib.parse import quote

import msgspec
import pytest

from headwater.storage.open import open_store
from headwater.testing.events import dataset, facet, run_event, run_id, schema


def story() -> list[dict]:
    """A few tables with tags and owners, a model, jobs in two states."""
    pii = {
        "tags": facet(tags=[{"key": "pii", "value": "true"}]),
        "ownership": facet(owners=[{"name": "team:data"}]),
        "schema": schema("email_address", "id"),
    }
    model = dataset("churn_model", facets={"datasetType": facet(datasetType="MODEL")})
    return [
        run_event(run_id(1), "load_users", "COMPLETE", 1, ["landing.users"], [dataset("raw.users", facets=pii)]),
        run_event(run_id(2), "train_users", "FAIL", 2, ["raw.users"], [model]),
        run_event(run_id(3), "train_users", "COMPLETE", 3, ["raw.users"], [model]),
    ]


@pytest.fixture
def client(served):
    """Somebody who may read, over the story."""
    found = served.client()
    for event in story():
        assert found.post("/api/v1/lineage", content=msgspec.json.encode(event)).status_code == 201
    return found


def options(client, words: str) -> list[str]:
    """Where the suggestions lead to."""
    answer = client.get("/search/suggestions", params={"q": words})
    assert answer.status_code == 200
    return re.findall(r'data-href="/lineage\?root=([^"]+)"', answer.text)


def test_names_columns_and_words_are_suggested(client):
    """A part of a name is enough; a column leads to its own lineage."""
    assert "dataset%3Adb%3Araw.users" in options(client, "users")
    assert options(client, "email_addr") == ["dataset%3Adb%3Araw.users%3Aemail_address"]


def test_what_is_called_exactly_so_comes_first(client):
    """The name itself is first, whatever else holds it."""
    assert options(client, "raw.users")[0] == "dataset%3Adb%3Araw.users"


def test_a_run_is_found_by_its_id(client):
    """An id of a run leads to its job."""
    assert options(client, run_id(2)) == ["job%3Ajobs%3Atrain_users"]
    assert "no run of that id" in client.get("/search/suggestions", params={"q": run_id(99)}).text


def test_the_end_of_a_selector_is_completed(client):
    """While a selector is typed, names for its last part are shown, and what Enter will do."""
    assert "dataset%3Adb%3Achurn_model" in options(client, "+raw.users & churn")
    assert "Enter shows" in client.get("/search/suggestions", params={"q": "kind:model & +"}).text


@pytest.mark.parametrize("words", ["", "a", "zz", "zebra", "!!!", "(", "<script>", "\u202e", "'", '"', "%", "a" * 900])
def test_odd_words_are_answered(client, words):
    """Nothing that can be typed fails, or comes back as markup."""
    for path in ("/search/suggestions", "/search"):
        answer = client.get(path, params={"q": words})
        assert answer.status_code == 200
        assert "<script>" not in re.sub(r"<script (type|src)", "", answer.text)


def test_the_page_narrows_by_facets(client):
    """Kind, namespace, tag, owner and state stand with their counts; each link narrows to one, or lets it go."""
    page = client.get("/search?q=users")
    assert "Found: 4" in page.text
    for facet_name in ("kind", "namespace", "tag", "owner", "state"):
        assert f'id="facet-{facet_name}"' in page.text
    assert 'href="/search?q=users&amp;tag=pii' in page.text
    narrowed = client.get("/search?q=users&kind=job&state=completed")
    assert "Found: 2" in narrowed.text
    assert 'aria-current="true"' in narrowed.text
    assert "No results." in client.get("/search?q=users&kind=model").text


def test_a_selector_is_answered_by_the_page(client):
    """The page shows what a selector names, and what is wrong with one."""
    page = client.get(f"/search?q={quote('raw.users+ & kind:model')}")
    assert "Found: 1" in page.text
    assert "churn_model" in page.text
    wrong = client.get(f"/search?q={quote('raw.users & (')}")
    assert wrong.status_code == 200
    assert 'class="left-out"' in wrong.text


def test_what_enter_does_is_said(client):
    """Below the best few stands how to see all."""
    assert "Enter shows all results." in client.get("/search/suggestions", params={"q": "users"}).text


def test_facets_narrow_a_selector_whatever_it_names(served):
    """Of a selector that names more than is shown, what fits a facet is found though it was not among those shown."""
    client = served.client()
    events = [run_event(run_id(at), f"job_{at:03d}", "COMPLETE", at, [], []) for at in range(1, 230)]
    events.append(run_event(run_id(300), "job_late", "FAIL", 300, [], []))
    body = b"[" + b",".join(msgspec.json.encode(event) for event in events) + b"]"
    assert client.post("/api/v1/lineage/batch", content=body).status_code < 300
    whole = client.get("/search?q=kind:job").text
    assert "names 230 nodes, of which 200 are shown" in whole
    assert ">job_<wbr>late<" not in whole
    for path in ("/search?q=kind:job&state=failed", "/search?q=state:failed"):
        text = client.get(path).text
        assert "Found: 1" in text
        assert ">job_<wbr>late<" in text
    assert "Found: 1" in client.get("/search?q=job&state=failed").text
    assert "no run has the state &#39;broken&#39;" in client.get("/search?q=state:broken").text


def test_among_very_many_the_exact_name_is_still_first(tmp_path):
    """Where thousands hold a word, the node that is called so is suggested first, and the answer is quick."""
    from headwater.query.lineage import Lineage
    from headwater.server.rendering.search_results import suggest

    with open_store(str(tmp_path / "store"), tenant="default") as store:
        names = [f"mart.orders_by_day_{at:05d}" for at in range(3000)]
        store.append([msgspec.json.encode(run_event(run_id(1), "load", "COMPLETE", 1, [], names))])
        store.append([msgspec.json.encode(run_event(run_id(2), "late", "COMPLETE", 2, [], ["orders"]))])
        found = suggest(Lineage(store, base="/"), "orders")
        assert found.lines[0].name == "orders"
        assert len(found.lines) == 12
        assert [line.name for line in suggest(Lineage(store, base="/"), "orders 02718").lines] == [
            "mart.orders_by_day_02718"
        ]
        assert store.search("oders by day")  # a slip of a finger, though every piece of it is everywhere
