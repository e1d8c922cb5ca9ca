"""Tenants do not interfere: what one does changes no byte of what another is answered."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from starlette.testclient import TestClient

from headwater.server.access.control_rows import Key, Tenant
from headwater.server.access.keys import digest_of, id_of
from headwater.server.permissions import SCOPES
from headwater.server.routes import operations
from headwater.server.routing import Operation
from headwater.server.shared_cache import SharedValues
from headwater.testing.events import History, dataset, dataset_event, run_event, run_id, schema

NOW_NS = 1_800_000_000_000_000_000
ENDLESS = "/api/v1/stream"
RANDOM_ANSWERS = {"/api/v1/keys", "/api/v1/keys/{id}/rotate", "/api/v1/shares", "/login", "/logout", "/login/links"}
"""What answers with a new secret or id: its bytes differ from one call to the next."""
STEPS = 120
Step = tuple[str, str, bytes | None]


@pytest.fixture(autouse=True)
def still(monkeypatch):
    """A clock that stands still: what is told of times cannot differ between two transcripts."""
    monkeypatch.setattr(time, "time_ns", lambda: NOW_NS)
    monkeypatch.setattr(time, "time", lambda: NOW_NS / 1e9)


def key_of(served: Any, tenant: str) -> str:
    """A key of a tenant that is the same in every run of a test."""
    secret = f"hw_{tenant}_" + "k" * 30
    served.service.control.add_tenant(Tenant(name=tenant, created_at=0))
    served.service.control.add_key(
        Key(
            id=id_of(secret),
            digest=digest_of(secret),
            tenant=tenant,
            name="t",
            permissions=frozenset(SCOPES),
            created_at=0,
        )
    )
    return secret


class Actor:
    """Somebody who uses the whole API at random, with names of their own and of others."""

    def __init__(self, seed: int, own: str, others: str) -> None:
        self._random = random.Random(seed)
        self._events = History(seed).events(40)
        names = [f"{who}{number}" for who in (own, others) for number in range(4)]
        self._words = [
            *names,
            *(f"dataset:db:{name}" for name in names),
            *(f"job:jobs:{name}" for name in names),
            *(run_id(number) for number in (1, 2, 1001, 1002)),
            "db",
            "jobs",
            "t1",
            "dataset:db:t1",
            "job:jobs:j1",
            "nothing",
            "1",
        ]
        base = 0 if own < others else 1000
        self._own = [
            msgspec.json.encode(
                run_event(
                    run_id(base + number),
                    f"{own}{number % 4}",
                    "COMPLETE",
                    number,
                    [f"{own}{number % 3}"],
                    [dataset(f"{own}{number % 4}", facets={"schema": schema("x", f"y{number}")})],
                )
            )
            for number in range(1, 20)
        ]
        self._asked = [one for one in operations() if one.path != ENDLESS and one.path not in RANDOM_ANSWERS]

    def step(self) -> Step:
        """The next thing that the actor does."""
        pick = self._random.random()
        if pick < 0.25:
            return "POST", "/api/v1/lineage", self._random.choice(self._own + self._events)
        if pick < 0.3:
            return "POST", "/api/v1/lineage", self._random.choice([b"{}", b"[", b'{"run": 1}'])
        if pick < 0.35:
            return "POST", "/api/v1/lineage/batch", b"[" + b",".join(self._random.sample(self._events, 4)) + b"]"
        return self._asked_at_random(self._random.choice(self._asked))

    def _asked_at_random(self, operation: Operation) -> Step:
        path = re.sub(r"\{\w+\}", lambda _: quote(self._random.choice(self._words), safe=""), operation.path)
        query = "&".join(self._parameters(operation))
        body = None if operation.method in ("GET", "DELETE") else b"{}"
        return operation.method, path + (f"?{query}" if query else ""), body

    def _parameters(self, operation: Operation) -> list[str]:
        if operation.query is None:
            return []
        return [
            f"{field.encode_name}={quote(self._value(field.encode_name), safe='')}"
            for field in msgspec.structs.fields(operation.query)
            if field.required or self._random.random() < 0.2
        ]

    def _value(self, name: str) -> str:
        if name in ("limit", "depth", "budget", "offset"):
            return str(self._random.randrange(1, 4))
        if name in ("nodeId", "node", "root", "select", "source", "target", "q", "before", "after", "id"):
            return self._random.choice(self._words)
        return self._random.choice(["", "dataset", "job", "true", "json", "dot", *self._words])


def said(client: TestClient, step: Step) -> tuple[Any, ...]:
    """A step, and everything that it was answered but for the name of the request."""
    method, path, body = step
    answer = client.request(method, path, content=body)
    headers = {name: value for name, value in answer.headers.items() if name != "x-request-id"}
    return method, path, answer.status_code, headers, answer.content


def transcript(served: Any, seed: int, *, has_neighbour: bool) -> list[tuple[Any, ...]]:
    """What tenant B is answered, with a busy tenant A beside it or without."""
    # What open pages are given may be as old as it took long to make: that clock stands still too.
    served.service.shared_values = SharedValues(clock=lambda: 0.0)
    client = served.bare(headers={"Authorization": f"Bearer {key_of(served, 'bbb')}"})
    neighbour = served.bare(headers={"Authorization": f"Bearer {key_of(served, 'aaa')}"}) if has_neighbour else None
    actor, other = Actor(seed, "b", "a"), Actor(seed + 1, "a", "b")
    found = []
    for _ in range(STEPS):
        for _ in range(2):
            if neighbour is not None:
                said(neighbour, other.step())
        found.append(said(client, actor.step()))
    return found


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("kind", ["memory", "sqlite", "postgres"])
def test_a_neighbour_changes_no_byte(new_service, kind, seed):
    """The transcript of tenant B over the whole API is byte for byte the same with and without tenant A's doings."""
    found = []
    for has_neighbour in (False, True):
        with ExitStack() as stack:
            found.append(transcript(new_service(kind, stack), seed, has_neighbour=has_neighbour))
    for alone, beside in zip(*found, strict=True):
        assert alone == beside
    assert not [step for step in found[0] if step[2] >= 500]
    assert len({step[2] for step in found[0]}) >= 5


def _filled(served: Any, tenant: str, mark: str, refusals: int = 1) -> dict[str, str]:
    """Lineage of a tenant under names with a mark, and everything that has an id there."""
    client = served.client(tenant)
    name = f"zqx{mark}"
    event = run_event(
        run_id(int(mark, 16)), name, "COMPLETE", 1, [f"{name}-in"], [dataset(name, namespace=name)], namespace=name
    )
    assert client.post("/api/v1/lineage", content=msgspec.json.encode(event)).status_code == 201
    view = dataset_event(name, 1, {"schema": schema(name)}, namespace=name)
    assert client.post("/api/v1/lineage", content=msgspec.json.encode(view)).status_code == 201
    for number in range(refusals):  # they are numbered within a tenant: the last of one is beyond those of the other
        assert client.post("/api/v1/lineage", content=b'{"n": %d}' % number).status_code == 422
    return {"name": name, "run": run_id(int(mark, 16))}


def test_an_id_of_another_tenant_answers_like_a_random_one(served_everywhere):
    """Every operation with an id in its path or parameters answers a tenant that has no such thing alike, whether
    another has it or nobody does."""
    served = served_everywhere
    theirs = _filled(served, "aaa", "aaaaa", refusals=37)
    random_ids = {"name": "zqxbbbbb", "run": run_id(0xBBBBB)}
    asking = served.client("bbb")
    _filled(served, "bbb", "ccccc")
    entry = served.client("aaa").get("/api/v1/quarantine").json()["entries"][0]["id"]
    key = served.client("aaa").get("/api/v1/keys").json()["keys"][0]["id"]
    pairs = [(theirs["name"], random_ids["name"]), (theirs["run"], random_ids["run"]), (str(entry), "91")]
    pairs += [(key, "hw_" + "q" * (len(key) - 3))]
    pairs += [
        (f"{form}:{one}:{one}", f"{form}:{other}:{other}") for form in ("dataset", "job") for one, other in pairs[:1]
    ]
    checked = 0
    for operation in operations():
        if operation.path in {ENDLESS, "/login", "/logout", "/login/links"}:
            continue
        for theirs_id, random_id in pairs:
            answers = [_answer(asking, operation, one) for one in (theirs_id, random_id)]
            if answers[0] is None:
                continue
            checked += 1
            assert answers[0] == answers[1], f"{operation.method} {operation.path} {theirs_id}"
    assert checked > 200


def _answer(client: TestClient, operation: Operation, one: str) -> tuple[Any, ...] | None:
    """What an operation answers when every id in it is this one, with the id taken out; None where it has none."""
    path = re.sub(r"\{\w+\}", quote(one, safe=""), operation.path)
    fields = [] if operation.query is None else msgspec.structs.fields(operation.query)
    asked = [field.encode_name for field in fields if field.required or field.encode_name in ("select", "q")]
    if operation.path == path and not asked:
        return None
    query = "&".join(f"{name}={quote(one, safe='')}" for name in asked)
    body = None if operation.method in ("GET", "DELETE") else b"{}"
    answer = client.request(operation.method, f"{path}?{query}" if query else path, content=body)
    assert answer.status_code < 500
    return answer.status_code, _without(answer.text, one)


def _without(text: str, one: str) -> str:
    """A text without an id, in the forms in which texts quote it, and without times and digests made from it."""
    text = text.replace("<wbr>", "")  # where a long name may be broken
    forms: list[Callable[[str], str]] = [str, lambda x: quote(x, safe=""), quote, lambda x: x.replace(":", "&#58;")]
    for form in forms:
        text = re.sub(rf"(?<!\w){re.escape(form(one))}(?!\w)", "ID", text)
    return re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UUID", text)
