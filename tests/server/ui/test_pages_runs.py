"""The page of runs: all of them, a page at a time, by state."""

from __future__ import annotations

import re
from typing import get_args

import msgspec
import pytest

from headwater.server.routes.graph_responses import State
from headwater.server.routes.pages.runs import _WORDS
from headwater.testing.events import run_event, run_id

HTML = {"Accept": "text/html"}


@pytest.fixture
def client(served):
    """Sixty runs of two jobs, every tenth of which failed."""
    found = served.client()
    for number in range(1, 61):
        ends = "FAIL" if number % 10 == 0 else "COMPLETE"
        event = run_event(run_id(number), f"job_{number % 2}", ends, number, ["a"], ["b"])
        assert found.post("/api/v1/lineage", content=msgspec.json.encode(event)).status_code == 201
    found.headers.update(HTML)
    return found


def shown(text: str) -> list[str]:
    """The runs of a page, by the start of their ids, in order."""
    return re.findall(r'href="/runs/([0-9a-f]{8}-[0-9a-f]{4})-', text)


def test_all_runs_are_reached_a_page_at_a_time(client):
    """Latest first, fifty on a page, each once, with a link to the earlier ones and back to the latest."""
    first = client.get("/runs").text
    following = re.search(r'href="(/runs\?cursor=[^"]+)">Earlier ones', first)[1]
    second = client.get(following.replace("&amp;", "&")).text
    wanted = [run_id(number)[:13] for number in range(60, 0, -1)]
    assert shown(first) + shown(second) == wanted
    assert len(shown(first)) == 50
    assert "Earlier ones" not in second
    assert '<a class="button" href="/runs">The latest</a>' in second


def test_runs_of_one_state(client):
    """A state narrows the list, and says so; where there is none of it, that is said."""
    text = client.get("/runs?state=FAILED").text
    assert shown(text) == [run_id(number)[:13] for number in range(60, 0, -10)]
    assert "Runs, latest first, only: failed" in text
    assert re.search(r'href="/runs\?state=FAILED" class="chip" aria-current="true"', text)
    assert "No such run: none was aborted." in client.get("/runs?state=ABORTED").text
    assert client.get("/runs?state=BROKEN").status_code == 422


def test_every_state_has_words():
    """A state that runs may have can be chosen."""
    assert set(_WORDS) == {"", *get_args(State)}


def test_an_empty_store_says_how_to_begin(served):
    """No run at all: how to make one."""
    found = served.client()
    found.headers.update(HTML)
    text = found.get("/runs").text
    assert "No run is known." in text
    assert "headwater run train.py" in text
