"""Tenants, keys, members and shares over HTTP, and what is put on record."""

from __future__ import annotations

import msgspec
import pytest

from headwater.server.access.authentication import KNOWN_US
from headwater.server.permissions import ROLES, SCOPES, Permission, Role
from headwater.testing.events import run_event, run_id

SECOND_US = 1_000_000
DAY_S = 86_400


def event(source: str = "a", target: str = "b") -> bytes:
    """A complete run of a job of its own that wrote one dataset from another."""
    return msgspec.json.encode(run_event(run_id(len(target)), f"make {target}", "COMPLETE", 1, [source], [target]))


@pytest.fixture
def time(served, monkeypatch):
    """The clock of the service, moved by hand: ``time.now_s += 5``."""

    class Time:
        now_s = 1_800_000_000

    clock = Time()
    for part in (served.service, served.service.authentication, served.service.administration):
        monkeypatch.setattr(part, "clock" if part is served.service else "_clock", lambda: clock.now_s * SECOND_US)
    return clock


def opens(served, secret: str) -> bool:
    """Whether a key opens the service."""
    return served.bare(headers={"Authorization": f"Bearer {secret}"}).get("/api/v1/whoami").status_code == 200


def test_a_key_is_shown_once_and_kept_as_a_digest(served):
    """The secret is 256 bits, is in the answer that makes it and in nothing else."""
    owner = served.client()
    made = owner.post("/api/v1/keys", json={"name": "ci", "scopes": ["read"]}).json()
    assert len(made["secret"]) >= 43
    assert made["secret"] not in owner.get("/api/v1/keys").text
    assert made["secret"] not in owner.get("/api/v1/audit").text
    assert opens(served, made["secret"])
    row = next(key for key in owner.get("/api/v1/keys").json()["keys"] if key["id"] == made["key"]["id"])
    assert (row["name"], row["scopes"]) == ("ci", ["read"])


def test_a_key_ends_when_its_time_is_over(served, time):
    """``days`` after it was made, a key opens nothing."""
    secret = served.client().post("/api/v1/keys", json={"scopes": ["read"], "days": 1}).json()["secret"]
    assert opens(served, secret)
    time.now_s += DAY_S - 1
    assert opens(served, secret)
    time.now_s += 1
    assert not opens(served, secret)


def test_a_rotated_key_goes_on_opening_for_the_overlap(served, time):
    """The new key opens at once, the old one until the overlap is over; rotating an ended key is a conflict."""
    owner = served.client()
    old = owner.post("/api/v1/keys", json={"scopes": ["read"]}).json()
    new = owner.post(f"/api/v1/keys/{old['key']['id']}/rotate", json={"overlap_s": 60}).json()
    assert opens(served, new["secret"])
    assert opens(served, old["secret"])
    time.now_s += 61
    assert not opens(served, old["secret"])
    assert opens(served, new["secret"])
    assert owner.post(f"/api/v1/keys/{old['key']['id']}/rotate", json={}).status_code == 409


def test_a_revoked_key_ends_at_once(served):
    """DELETE ends a key with the next request, although it was used a moment ago."""
    owner = served.client()
    made = owner.post("/api/v1/keys", json={"scopes": ["read"]}).json()
    assert opens(served, made["secret"])
    assert owner.delete(f"/api/v1/keys/{made['key']['id']}").status_code == 204
    assert not opens(served, made["secret"])


def test_a_key_revoked_by_another_process_ends_soon(served, time):
    """What is remembered of a key is asked for again after two seconds."""
    made = served.client().post("/api/v1/keys", json={"scopes": ["read"]}).json()
    assert opens(served, made["secret"])
    served.service.control.end_key("default", made["key"]["id"], time.now_s * SECOND_US)
    time.now_s += KNOWN_US // SECOND_US + 1
    assert not opens(served, made["secret"])


def test_nobody_gives_more_than_they_have(served):
    """A key cannot make a key with a scope that it lacks, nor rotate one."""
    admin = served.client(permissions=frozenset({Permission.ADMIN, Permission.READ}))
    assert admin.post("/api/v1/keys", json={"scopes": ["read", "ingest"]}).status_code == 403
    assert admin.post("/api/v1/keys", json={"scopes": ["public"]}).status_code == 403
    assert admin.post("/api/v1/keys", json={"scopes": ["read"]}).status_code == 201
    strong = served.client().post("/api/v1/keys", json={"scopes": ["ingest"]}).json()["key"]["id"]
    assert admin.post(f"/api/v1/keys/{strong}/rotate", json={}).status_code == 403


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"scopes": []}, "scopes"),
        ({"scopes": ["everything"]}, "scopes[0]"),
        ({"days": 0}, "days"),
        ({"days": "soon"}, "days"),
        ({"name": "x" * 201}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"tenant": "other"}, "tenant"),
    ],
)
def test_a_wrong_request_for_a_key_names_the_field(served, body, field):
    """422 with the field; a tenant in the body is no field at all."""
    answer = served.client().post("/api/v1/keys", json=body)
    assert (answer.status_code, answer.json()["field"]) == (422, field)


def test_keys_of_another_tenant_answer_like_keys_that_do_not_exist(served):
    """Listing, rotating and revoking reach one's own tenant only, and the answers do not tell the difference."""
    one, other = served.client("one"), served.client("other")
    theirs = one.post("/api/v1/keys", json={"scopes": ["read"]}).json()["key"]["id"]
    assert theirs not in other.get("/api/v1/keys").text
    for method, path in (("POST", "/api/v1/keys/{}/rotate"), ("DELETE", "/api/v1/keys/{}")):
        answers = []
        for key_id in (theirs, "hw_0000000"):
            answer = other.request(method, path.format(key_id), json={} if method == "POST" else None)
            answers.append((answer.status_code, answer.text.replace(key_id, "ID")))
        assert answers[0] == answers[1]
        assert answers[0][0] == 404


def test_a_tenant_is_made_used_limited_and_dropped(served):
    """The operator makes a tenant and its first key; dropped, it has neither keys nor lineage."""
    operator = served.client()
    assert operator.post("/api/v1/tenants", json={"name": "team-a", "title": "Team A"}).status_code == 201
    assert operator.post("/api/v1/tenants", json={"name": "team-a"}).status_code == 409
    secret = operator.post("/api/v1/tenants/team-a/keys", json={}).json()["secret"]
    team = served.bare(headers={"Authorization": f"Bearer {secret}"})
    assert team.post("/api/v1/lineage", content=event()).status_code == 201
    assert team.get("/api/v1/tenant").json()["stored"]["events"] == 1
    assert team.get("/api/v1/tenants").status_code == 403
    changed = operator.patch("/api/v1/tenants/team-a", json={"quota": {"events_per_s": 5}}).json()
    assert changed["quota"] == {"events_per_s": 5}
    assert changed["title"] == "Team A"
    assert operator.delete("/api/v1/tenants/team-a?confirm=team").status_code == 409
    assert operator.delete("/api/v1/tenants/team-a?confirm=team-a").status_code == 204
    assert team.get("/api/v1/tenant").status_code == 401
    assert operator.get("/api/v1/tenants/team-a").status_code == 404
    operator.post("/api/v1/tenants", json={"name": "team-a"})
    assert operator.get("/api/v1/tenants/team-a").json()["stored"]["events"] == 0


def test_a_whole_number_is_an_integer_however_it_is_written(served):
    """JSON has one kind of number: ``101.0`` is 101, and ``101.5`` is refused by the name of its field."""
    operator = served.client()
    operator.post("/api/v1/tenants", json={"name": "team-n"})
    changed = operator.patch("/api/v1/tenants/team-n", content=b'{"quota": {"events_per_s": 101.0}}')
    assert (changed.status_code, changed.json()["quota"]) == (200, {"events_per_s": 101})
    refused = operator.patch("/api/v1/tenants/team-n", content=b'{"quota": {"events_per_s": 101.5}}')
    assert (refused.status_code, refused.json()["field"]) == (422, "quota.events_per_s")


@pytest.mark.parametrize("name", ["", "A", "a b", "../x", "-a", "a" * 64, "a/b", "ä", "a.db"])
def test_a_tenant_has_a_plain_name(served, name):
    """Names are part of file names and addresses: what is not plain is refused, and no file is made."""
    answer = served.client().post("/api/v1/tenants", json={"name": name})
    assert (answer.status_code, answer.json()["field"]) == (422, "name")


def test_no_tenant_is_the_service_itself(serve):
    """A tenant may have any plain name: what the service remembers lies where no tenant's file does."""
    served = serve()
    for name in ("control", "service", "index"):
        client = served.client(name)
        assert client.post("/api/v1/lineage", content=event()).status_code == 201
        assert client.get("/api/v1/tenant").json()["stored"]["events"] == 1
    assert {tenant["name"] for tenant in served.client().get("/api/v1/tenants").json()["tenants"]} == {
        "control",
        "default",
        "index",
        "service",
    }


def test_the_roles_are_those_of_the_design():
    """Every role can read; only writers, stewards and owners write; only owners manage."""
    assert all(Permission.READ in given for given in ROLES.values())
    assert {role for role, given in ROLES.items() if Permission.INGEST in given} == {
        Role.OWNER,
        Role.STEWARD,
        Role.WRITER,
    }
    assert {role for role, given in ROLES.items() if Permission.ADMIN in given} == {Role.OWNER}
    assert not any(Permission.OPERATE in given for given in ROLES.values())
    assert ROLES[Role.OWNER] == frozenset(SCOPES)


def test_members_are_added_changed_and_removed(served):
    """A member has one role; a second PUT changes it; a member who is not there cannot be removed."""
    owner, who = served.client(), {"issuer": "https://id.example", "subject": "u1"}
    assert owner.put("/api/v1/members", json={**who, "role": "reader"}).json()["role"] == "reader"
    assert owner.put("/api/v1/members", json={**who, "role": "owner"}).json()["role"] == "owner"
    assert [one["role"] for one in owner.get("/api/v1/members").json()["members"]] == ["owner"]
    assert owner.delete("/api/v1/members", params=who).status_code == 204
    assert owner.delete("/api/v1/members", params=who).status_code == 404
    assert owner.put("/api/v1/members", json={**who, "role": "king"}).json()["field"] == "role"


def test_a_share_opens_the_selected_subgraph_and_nothing_else(served, time):
    """The grantee reads what the selector names, until the share ends; both are on the giver's record."""
    giver, taker, third = served.client("giver"), served.client("taker"), served.client("third")
    giver.post("/api/v1/lineage", content=event("raw", "mart"))
    giver.post("/api/v1/lineage", content=event("secret", "hidden"))
    share = giver.post("/api/v1/shares", json={"to": "taker", "select": "+mart", "days": 1}).json()
    graph = taker.get(f"/api/v1/shared/{share['id']}").json()
    assert {node["name"] for node in graph["nodes"] if node["kind"] == "dataset"} == {"raw", "mart"}
    assert taker.get("/api/v1/shares").json()["received"][0]["id"] == share["id"]
    assert third.get(f"/api/v1/shared/{share['id']}").status_code == 404
    assert giver.get(f"/api/v1/shared/{share['id']}").status_code == 404
    whats = [action["what"] for action in giver.get("/api/v1/audit").json()["actions"]]
    assert whats[:2] == ["share.use", "share.create"]
    time.now_s += DAY_S
    assert taker.get(f"/api/v1/shared/{share['id']}").status_code == 404
    assert taker.get("/api/v1/shares").json()["received"] == []


def test_a_share_can_be_ended_by_its_giver_alone(served):
    """DELETE by another tenant answers like an id that does not exist."""
    giver, taker = served.client("giver"), served.client("taker")
    share = giver.post("/api/v1/shares", json={"to": "taker", "select": "kind:dataset"}).json()["id"]
    assert taker.delete(f"/api/v1/shares/{share}").status_code == 404
    assert giver.delete(f"/api/v1/shares/{share}").status_code == 204
    assert taker.get(f"/api/v1/shared/{share}").status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"to": "giver", "select": "kind:dataset"}, "to"),
        ({"to": "taker", "select": ""}, "select"),
        ({"to": "taker", "select": "kind:("}, "selector"),
        ({"to": "taker", "select": "kind:dataset", "days": 0}, "days"),
        ({"to": "taker", "select": "kind:dataset", "days": 367}, "days"),
    ],
)
def test_a_share_that_makes_no_sense_is_refused(served, body, field):
    """422 that names the field."""
    answer = served.client("giver").post("/api/v1/shares", json=body)
    assert answer.status_code == 422
    assert answer.json()["field"].startswith(field)


def test_a_session_of_the_browser_is_not_used_by_other_sites(served):
    """A cookie reads from anywhere, but changes only what our own pages send."""
    cookie = {"Cookie": f"headwater_session={served.key()}"}
    assert served.bare(headers=cookie).get("/api/v1/whoami").status_code == 200
    body = {"scopes": ["read"]}
    for origin, status in (
        ({}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://testserver"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "http://["}, 403),
        ({"Origin": "ftp://testserver"}, 403),
        ({"Origin": "http://testserver"}, 201),
        ({"Sec-Fetch-Site": "same-origin"}, 201),
    ):
        assert served.bare(headers={**cookie, **origin}).post("/api/v1/keys", json=body).status_code == status


@pytest.mark.parametrize(
    "header", ["Basic abc", "Bearer", "Bearer ", "hw_x", "Bearer " + "x" * 20_000, "Bearer \udce4"]
)
def test_a_credential_that_is_wrong_is_not_taken_for_none(serve, header):
    """Even where guests are let in, a bad Authorization header is 401."""
    served = serve(anonymous=Role.READER)
    assert served.bare().get("/api/v1/whoami").json()["name"] == "anonymous"
    answer = served.bare(headers={"Authorization": header.encode("utf-8", "surrogateescape")}).get("/api/v1/whoami")
    assert answer.status_code == 401


def test_guests_are_let_in_on_this_machine_only():
    """``--anonymous`` on an address that others reach is refused at the start."""
    from headwater.errors import ConfigError
    from headwater.server.settings import Settings, check

    with pytest.raises(ConfigError, match="anonymous access"):
        check(Settings(host="0.0.0.0", anonymous=Role.READER))


@pytest.mark.parametrize(
    ("store", "listen", "words"),
    [
        ("/tmp/lineage", "postgresql://db/headwater", "a store on PostgreSQL"),
        ("sqlite:///tmp/lineage", "postgresql://db/headwater", "a store on PostgreSQL"),
        ("postgresql://pool/headwater", "https://db:5432", "not the address of a PostgreSQL"),
    ],
)
def test_an_address_to_listen_to_that_would_not_be_heard_is_refused(store, listen, words):
    """``--listen-url`` beside a folder, or with something else than a PostgreSQL, is refused at the start: it would be
    passed over in silence. The remedy names the option and its variable, or what it begins with."""
    from headwater.errors import ConfigError
    from headwater.server.settings import Settings, check

    with pytest.raises(ConfigError, match=words) as caught:
        check(Settings(store=store, listen_url=listen))
    assert "HEADWATER_LISTEN_URL" in caught.value.hint or "postgresql://" in caught.value.hint
    check(Settings(store="postgres://pool/headwater", listen_url="postgresql://db/headwater"))
