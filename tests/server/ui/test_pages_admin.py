"""Administration by forms: what each does, who may, from where, and that a secret is shown once."""

from __future__ import annotations

import re

import pytest

from headwater.server.access.control_rows import Quota, Tenant
from headwater.server.permissions import SCOPES, Permission, Role

OURS = {"Sec-Fetch-Site": "same-origin"}
HTML = {"Accept": "text/html"}
OWNER = frozenset(SCOPES)
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def owner(served):
    """Somebody with everything that a tenant's owner may do, in a browser."""
    client = served.client(permissions=OWNER)
    client.headers.update(OURS)
    return client


@pytest.fixture
def operator(served):
    """Who operates the service, in a browser."""
    client = served.client()
    client.headers.update(OURS)
    return client


def test_a_key_is_made_shown_once_and_revoked(served, owner):
    """The secret stands in the answer to the form and nowhere else; it opens; when revoked it opens nothing."""
    made = owner.post("/admin/keys", data={"name": "airflow", "scope": ["ingest", "read"], "days": "2.5"})
    secret = re.search(r'value="(hw_[^"]+)"', made.text)[1]
    assert made.status_code == 200
    assert made.headers["cache-control"] == "no-store"
    key = next(one for one in served.service.control.keys("default") if one.name == "airflow")
    assert key.permissions == {Permission.INGEST, Permission.READ}
    assert key.expires_at - key.created_at == 216_000_000_000
    assert secret not in owner.get("/admin/keys").text
    opened = served.bare(headers={"Authorization": f"Bearer {secret}"})
    assert opened.get("/api/v1/whoami").status_code == 200
    done = owner.post(f"/admin/keys/{key.id}/revoke")
    assert (done.status_code, done.headers["location"]) == (303, "/admin/keys")
    assert opened.get("/api/v1/whoami").status_code == 401


def test_a_key_is_rotated(served, owner):
    """The new key is shown; the old one goes on opening for the hours that were asked for."""
    owner.post("/admin/keys", data={"name": "old", "scope": "read"})
    old = next(one for one in served.service.control.keys("default") if one.name == "old")
    made = owner.post(f"/admin/keys/{old.id}/rotate", data={"overlap_hours": "1"})
    assert re.search(r'value="hw_[^"]+"', made.text)
    now = served.service.clock()
    ends = served.service.control.key("default", old.id).revoked_at
    assert now < ends <= now + 3_600_000_000


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"name": "none"}, "scopes"),
        ({"name": "odd", "scope": "fly"}, "scope"),
        ({"name": "days", "scope": "read", "days": "soon"}, "must be a number"),
        ({"name": "days", "scope": "read", "days": "-1"}, "more than 0"),
        ({"name": "x" * 201, "scope": "read"}, "at most 200"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_made(served, owner, data, words):
    """A form that breaks a rule is answered 422 with a page that names field and rule."""
    before = len(served.service.control.keys("default"))
    answer = owner.post("/admin/keys", data=data)
    assert answer.status_code == 422
    assert words in answer.text
    assert len(served.service.control.keys("default")) == before


def test_nobody_gives_more_than_they_have(served, owner):
    """An owner of a tenant cannot make a key that operates the service."""
    assert owner.post("/admin/keys", data={"scope": "operate"}).status_code == 403


FORMS = (
    "/admin/keys",
    "/admin/keys/x/rotate",
    "/admin/keys/x/revoke",
    "/admin/members",
    "/admin/members/drop",
    "/admin/shares",
    "/admin/shares/x/end",
    "/admin/quarantine/1/replay",
    "/admin/quarantine/1/drop",
    "/admin/tenants",
    "/admin/tenants/x",
    "/admin/tenants/x/drop",
)


@pytest.mark.parametrize("site", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {}])
@pytest.mark.parametrize("path", FORMS)
def test_other_sites_can_send_no_form(serve, path, site):
    """A form of another site is refused, even where the service lets everybody in as owner."""
    served = serve(anonymous=Role.OWNER)
    for client in (served.client(), served.bare()):
        answer = client.post(path, data={"name": "evil", "scope": "read"}, headers=site)
        assert answer.status_code in ((403,) if client.headers.get("authorization") else (401, 403))
    assert len(served.service.control.tenants()) == 1


@pytest.mark.parametrize("path", FORMS)
def test_who_may_only_report_changes_nothing(served, path):
    """Every form needs the permission to administer."""
    auditor = served.client(permissions=frozenset({Permission.READ, Permission.REPORT}))
    assert auditor.post(path, data={}, headers=OURS).status_code == 403


@pytest.mark.parametrize(
    ("permission", "seen"),
    [
        (Permission.READ, ()),
        (Permission.REPORT, ("/admin", "/admin/quarantine")),
        (Permission.ADMIN, ("/admin/keys", "/admin/members", "/admin/shares")),
        (Permission.OPERATE, ("/admin/tenants",)),
    ],
)
def test_each_sees_what_is_theirs(served, permission, seen):
    """A page of the administration opens for its permission and for no other."""
    client = served.client(permissions=frozenset({permission}))
    paths = ("/admin", "/admin/quarantine", "/admin/keys", "/admin/members", "/admin/shares", "/admin/tenants")
    assert tuple(path for path in paths if client.get(path, headers=HTML).status_code == 200) == seen


def test_members_are_added_changed_and_dropped(served, owner):
    """A person gets a role, another role, and is gone; hostile names are text."""
    person = {"issuer": "https://idp.example", "subject": HOSTILE}
    for role in ("reader", "steward"):
        assert owner.post("/admin/members", data={**person, "role": role}).status_code == 303
    (member,) = served.service.control.members("default")
    assert member.role is Role.STEWARD
    text = owner.get("/admin/members").text
    assert HOSTILE not in text
    assert "&lt;script&gt;" in text
    assert owner.post("/admin/members", data={**person, "role": "king"}).status_code == 422
    assert owner.post("/admin/members/drop", data=person).headers["location"] == "/admin/members"
    assert served.service.control.members("default") == []
    assert owner.post("/admin/members/drop", data=person).status_code == 404


def test_a_share_is_given_and_ended(served, owner):
    """A share ends when it is ended; without days, or with a selector that cannot be read, there is none."""
    served.service.control.add_tenant(Tenant(name="other", created_at=0))
    wanted = {"select": "kind:model", "to": "other", "days": "7"}
    assert owner.post("/admin/shares", data={**wanted, "days": ""}).status_code == 422
    assert owner.post("/admin/shares", data={**wanted, "select": "((a"}).status_code == 422
    assert owner.post("/admin/shares", data=wanted).status_code == 303
    (share,) = served.service.control.shares_given("default")
    assert "kind:model" in served.client("other", OWNER).get("/admin/shares").text
    assert owner.post(f"/admin/shares/{share.id}/end").status_code == 303
    assert not served.service.control.share(share.id).is_valid(served.service.clock())


GOOD = (
    '{"eventType":"COMPLETE","eventTime":"2026-01-01T00:00:00Z","producer":"https://p.example",'
    '"schemaURL":"https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",'
    '"run":{"runId":"01941f29-7c00-7000-8000-000000000001"},"job":{"namespace":"n","name":"mended"}}'
)


def test_what_was_refused_is_mended_and_sent_again(served, owner):
    """The page shows what arrived and the rule; the mended body is stored and the entry leaves."""
    assert owner.post("/api/v1/lineage", content=GOOD.replace("01941f29-7c00", "nope")).status_code == 422
    text = owner.get("/admin/quarantine").text
    entry = re.search(r'href="(/admin/quarantine/\d+)"', text)[1]
    assert "run.runId" in text
    assert "nope" in owner.get(entry).text
    again = owner.post(entry + "/replay", data={"mended": ""})
    assert again.status_code == 422
    assert owner.post(entry + "/replay", data={"mended": GOOD}).headers["location"] == "/admin/quarantine"
    assert "Nothing was refused." in owner.get("/admin/quarantine").text
    assert owner.get("/jobs/job:n:mended").status_code == 200
    assert owner.get(entry, headers=HTML).status_code == 404


def test_what_was_refused_is_dropped(owner):
    """A dropped entry is gone; hostile bodies are shown as text."""
    assert owner.post("/api/v1/lineage", content=f'"{HOSTILE}"').status_code == 422
    entry = re.search(r'href="(/admin/quarantine/\d+)"', owner.get("/admin/quarantine").text)[1]
    assert HOSTILE not in owner.get(entry).text
    assert owner.post(entry + "/drop").status_code == 303
    assert owner.post(entry + "/drop").status_code == 404


def test_the_quarantine_is_read_page_by_page(owner):
    """A page leads to the one before it, and the last says that there are no earlier ones."""
    for number in range(52):
        owner.post("/api/v1/lineage", content=f'{{"number": {number}}}')
    first = owner.get("/admin/quarantine").text
    following = re.search(r'href="(/admin/quarantine\?before=\d+)"', first)[1]
    second = owner.get(following).text
    assert len(re.findall(r'<th scope="row"><a href="/admin/quarantine/\d+"', first)) == 50
    assert len(re.findall(r'<th scope="row"><a href="/admin/quarantine/\d+"', second)) == 2
    assert "Earlier ones" not in second


def test_tenants_are_made_limited_and_dropped(served, operator):
    """An operator makes a tenant with a quota, changes it, and drops it by writing its name once more."""
    wanted = {"name": "acme", "title": "Acme", "events_per_s": "100"}
    assert operator.post("/admin/tenants", data=wanted).status_code == 303
    assert served.service.control.tenant("acme").quota == Quota(events_per_s=100)
    assert operator.post("/admin/tenants", data=wanted).status_code == 409
    assert operator.post("/admin/tenants", data={"name": "B A D"}).status_code == 422
    assert operator.post("/admin/tenants", data={"name": "b", "events_per_s": "0.5"}).status_code == 422
    assert operator.post("/admin/tenants/acme", data={"title": "A", "stored_bytes": "5"}).status_code == 303
    assert served.service.control.tenant("acme").quota == Quota(stored_bytes=5)
    assert operator.post("/admin/tenants/acme/drop", data={"confirm": "acm"}).status_code == 409
    assert operator.post("/admin/tenants/default/drop", data={"confirm": "default"}).status_code == 409
    assert operator.post("/admin/tenants/acme/drop", data={"confirm": "acme"}).status_code == 303
    assert served.service.control.tenant("acme") is None


def test_the_overview_says_how_it_stands(owner):
    """Checks, counts, index and the record of what was done are on one page."""
    owner.post("/admin/keys", data={"name": "noted", "scope": "read"})
    assert owner.post("/api/v1/lineage", content=GOOD).status_code == 201
    text = owner.get("/admin").text
    for words in ("keys and members can be read", "Events are taken in", "good", "key.issue", "dataset", "run"):
        assert words in text
    assert re.search(r'Events stored</th><td class="number">1</td>', text)


def test_a_form_that_is_too_large_is_refused(owner):
    """What no page of ours sends is not read to its end."""
    assert owner.post("/admin/keys", data={"name": "x" * 20_000}).status_code == 413
    many = "&".join(f"a{number}=1" for number in range(300))
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    assert owner.post("/admin/keys", content=many, headers=kind).status_code == 422


def test_a_refusal_does_not_repeat_a_name_of_any_length(owner):
    """The page says what was wrong in few words, however long the path was that its form was sent to."""
    usual = len(owner.get("/admin/keys").text)
    refused = owner.post(f"/admin/keys/{'x' * 50_000}/rotate", data={})
    assert refused.status_code == 404
    assert "nothing named" in refused.text
    assert len(refused.text) < usual + 5_000


def test_a_quota_beyond_every_number_is_refused_by_its_field(operator):
    """Neither the page nor the API takes a quota that the page of tenants could not show."""
    made = operator.post("/admin/tenants", data={"name": "vast", "stored_bytes": "1e300"})
    assert made.status_code == 422
    assert "stored_bytes" in made.text
    asked = operator.post("/api/v1/tenants", content=b'{"name": "vast", "quota": {"stored_bytes": 1%s}}' % (b"0" * 400))
    assert asked.status_code == 422
    assert asked.json()["field"] == "quota.stored_bytes"
    assert operator.get("/admin/tenants").status_code == 200
