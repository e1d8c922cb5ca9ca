"""A form that was refused is shown again: filled in as it was, its wrong field marked, and nothing was done."""

from __future__ import annotations

import re
from html import unescape

import pytest

OURS = {"Sec-Fetch-Site": "same-origin"}
HOSTILE = '"><script>alert(1)</script>'


@pytest.fixture
def operator(served):
    """Who operates the service, in a browser."""
    client = served.client()
    client.headers.update(OURS)
    return client


def fields_of(text: str, action: str) -> dict[str, list[tuple[str, bool]]]:
    """Value of each field of a form, and whether it is marked as wrong."""
    form = re.search(rf'<form action="{re.escape(action)}"[^>]*>(.*?)</form>', text, re.DOTALL)[1]
    found: dict[str, list[tuple[str, bool]]] = {}
    for tag in re.findall(r"<input[^>]*>", form):
        if 'type="checkbox"' in tag and " checked" not in tag:
            continue
        name, value = re.search(r'name="([^"]*)"', tag)[1], re.search(r'value="([^"]*)"', tag)[1]
        is_wrong = 'aria-invalid="true" aria-describedby="refused" autofocus' in tag
        found.setdefault(name, []).append((unescape(value), is_wrong))
    return found


@pytest.mark.parametrize(
    ("action", "data", "wrong"),
    [
        ("/admin/keys", {"name": f"air {HOSTILE}", "days": "soon", "scope": ["read", "report"]}, "days"),
        ("/admin/keys", {"name": "x" * 201, "days": "3", "scope": ["read"]}, "name"),
        ("/admin/shares", {"select": "((a", "to": "acme", "days": "7"}, "select"),
        ("/admin/shares", {"select": "no.such.table", "to": "acme", "days": "4"}, "select"),
        ("/admin/shares", {"select": "tag:none", "to": "acme", "days": "4000"}, "days"),
        ("/admin/members", {"issuer": "https://id.example", "subject": "x\ny", "name": "Ann"}, "subject"),
        ("/admin/tenants", {"name": "B A D", "title": "Bad", "events_per_s": "9"}, "name"),
        ("/admin/tenants", {"name": "good", "title": "Good", "bytes_per_s": "0.5"}, "bytes_per_s"),
    ],
)
def test_what_was_written_stays_and_the_field_is_marked(operator, action, data, wrong):
    """Every field holds what was written; the wrong one is marked, described by the reason and focused, alone."""
    answer = operator.post(action, data={"role": "reader", **data} if "members" in action else data)
    assert answer.status_code == (404 if data.get("select") == "no.such.table" else 422)
    assert answer.headers["cache-control"] == "no-store"
    fields = fields_of(answer.text, action)
    for name, value in data.items():
        given = value if isinstance(value, list) else [value]
        assert [text for text, _ in fields[name]] == [one.strip() for one in given]
    assert {name for name, values in fields.items() if any(is_wrong for _, is_wrong in values)} == {wrong}
    assert answer.text.count('id="refused" role="alert"') == 1
    assert answer.text.count("autofocus") == 1
    assert "<script>alert" not in answer.text


def test_the_form_of_a_tenant_is_opened_again(served, operator):
    """A wrong quota of one tenant marks that tenant's field and no other's; what was not saved is not saved."""
    operator.post("/admin/tenants", data={"name": "acme", "title": "Acme"})
    operator.post("/admin/tenants", data={"name": "bert", "title": "Bert"})
    answer = operator.post("/admin/tenants/acme", data={"title": "New", "stored_bytes": "many"})
    assert answer.status_code == 422
    assert fields_of(answer.text, "/admin/tenants/acme")["title"] == [("New", False)]
    assert fields_of(answer.text, "/admin/tenants/acme")["stored_bytes"] == [("many", True)]
    assert fields_of(answer.text, "/admin/tenants/bert")["title"] == [("Bert", False)]
    assert re.findall(r"<details[^>]* open><summary>(.*?)</summary>", answer.text) == ["Change acme"]
    wrong = operator.post("/admin/tenants/acme/drop", data={"confirm": "acm"})
    assert wrong.status_code == 409
    assert fields_of(wrong.text, "/admin/tenants/acme/drop")["confirm"] == [("acm", True)]
    assert served.service.control.tenant("acme").title == "Acme"


def test_a_reason_without_a_field_stands_at_the_top(operator):
    """A form of one button has no field to mark: the reason is focused itself."""
    operator.post("/admin/keys", data={"name": "k", "scope": "read"})
    path = re.search(r'action="(/admin/keys/[^"]+/rotate)"', operator.get("/admin/keys").text)[1]
    answer = operator.post(path, data={"overlap_hours": "100000000"})
    assert answer.status_code == 422
    assert answer.text.count('<p class="problem" id="refused" role="alert" tabindex="-1" autofocus>') == 1
    assert fields_of(answer.text, "/admin/keys")["name"] == [("", False)]


def test_a_mended_body_is_not_lost(operator):
    """What was mended in the quarantine and is refused again is still in the box, with the reason."""
    operator.post("/api/v1/lineage", content='{"a": 1}')
    entry = re.search(r'href="(/admin/quarantine/\d+)"', operator.get("/admin/quarantine").text)[1]
    answer = operator.post(entry + "/replay", data={"mended": '{"a": 2, </textarea>'})
    assert answer.status_code == 422
    assert 'spellcheck="false" aria-invalid="true" aria-describedby="refused" autofocus>' in answer.text
    assert "{&#34;a&#34;: 2, &lt;/textarea&gt;</textarea>" in answer.text


def test_a_secret_is_never_filled_in(served):
    """The login form says what is wrong and holds no key, of those that were tried least of all."""
    answer = served.bare(headers=OURS).post("/login", data={"key": "hw_wrong_secret"})
    assert answer.status_code == 403
    assert 'aria-invalid="true"' in answer.text
    assert "hw_wrong_secret" not in answer.text
