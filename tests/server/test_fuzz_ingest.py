"""Structure-aware fuzzing of what writes: good events, records and bodies, broken in every way that can be thought of.

``just fuzz`` sends 200,000; the suite some hundreds. The same seed sends the same inputs. A failure tells its round:
``HEADWATER_FUZZ_ROUND`` begins with that one.
"""

from __future__ import annotations

import asyncio
import os
import resource
from typing import Any

import msgspec

from headwater.server.access.control_rows import Tenant
from headwater.server.app import App, create_app
from headwater.server.permissions import SCOPES
from headwater.server.settings import Limits, Settings
from server.mutations import Mutator, encode

INPUTS = int(os.environ.get("HEADWATER_FUZZ_INPUTS", "1200"))
SEED = int(os.environ.get("HEADWATER_FUZZ_SEED", "1"))
ROUND = 5000
"""Inputs that one service is sent, a round: its jobs and datasets are few, and what is late in a long history costs."""
FIRST_ROUND = int(os.environ.get("HEADWATER_FUZZ_ROUND", "0"))
MOST_GROWTH_BYTES = 400 << 20
ROUTES = (
    "/api/v1/lineage",
    "/lineage",
    "/api/v1/lineage/batch",
    "/api/v1/openlineage/lineage/batch",
    "/api/v1/records",
    "/api/v1/quarantine/{}/replay",
)
LINES = "application/x-ndjson"


class Fuzzer(Mutator):
    """Makes inputs out of good ones."""

    def request(self) -> tuple[str, bytes, dict[str, str]]:
        """(path, body, headers) of one request."""
        pick = self.pick
        path = pick.choice(ROUTES).format(pick.choice(["1", "2", "99", "x", "%00", "-1"]))
        headers = {"content-type": "application/json"}
        if pick.random() < 0.25:
            headers["content-type"] = pick.choice([LINES, "text/plain", "application/x-ndjson; charset=utf-8", ""])
        documents = [self._document(path) for _ in range(pick.choice([0, 1, 1, 1, 2, 5]))]
        if headers["content-type"].startswith(LINES):
            body = pick.choice([b"\n", b"\r\n", b"\n\n \n"]).join(documents)
        elif "batch" in path or pick.random() < 0.15:
            body = b"[" + b",".join(documents) + b"]"
            if pick.random() < 0.1:
                body = b'{"events":' + body + b"}"
        else:
            body = documents[0] if documents else b""
        if pick.random() < 0.25:
            body = self.broken(body)
        return path, self.packed(body, headers), headers

    def _document(self, path: str) -> bytes:
        document = self.record() if "records" in path else self.event()
        for _ in range(self.pick.choice([0, 1, 1, 2, 4])):
            self.mutate(document)
        text = encode(document, is_escaped=self.pick.random() < 0.5)
        return self.broken(text) if self.pick.random() < 0.1 else text


async def ask(app: App, key: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
    """(status, body) of the answer to a POST."""
    given = {**headers, "authorization": f"Bearer {key}", "content-length": str(len(body)), "host": "x"}
    scope = {
        "type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in given.items()], "scheme": "http",
        "server": ("x", 1), "client": ("y", 2), "http_version": "1.1",
    }  # fmt: skip
    sent: list[dict[str, Any]] = []
    parts = [body[start : start + 65_536] for start in range(0, len(body), 65_536)] or [b""]

    async def receive() -> dict[str, Any]:
        part = parts.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(parts)}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


async def attack(app: App, key: str, fuzzer: Fuzzer, turn: int, count: int, statuses: dict[int, int]) -> None:
    """Send inputs; what is refused alone must have stored nothing."""
    for number in range(count):
        path, body, headers = fuzzer.request()
        before = app.service.intake.counters.of("fuzz").events
        status, answer = await ask(app, key, path, body, headers)
        statuses[status] = statuses.get(status, 0) + 1
        assert status < 500, (SEED, turn, number, path, headers, body[:2000], answer)
        told = msgspec.json.decode(answer)
        if status >= 400:
            assert told["status"] == status
            if LINES not in headers.get("content-type", ""):
                assert app.service.intake.counters.of("fuzz").events == before, (SEED, turn, number)
    await app.service.intake.drain()


def most_resident_bytes() -> int:
    """The most memory that this process has had in use."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def test_no_input_makes_the_service_fail_or_write_in_part(tmp_path):
    """No 5xx; what is refused alone changes nothing; the graph is the one of the log; memory stays bounded."""
    limits = Limits(plain_bytes=4 << 20, event_bytes=1 << 20)
    left, turn, start, statuses = INPUTS, FIRST_ROUND, 0, dict[int, int]()
    while left > 0:
        count = min(ROUND, left)
        app = create_app(Settings(store=str(tmp_path / str(turn)), limits=limits))
        app.service.control.add_tenant(Tenant(name="fuzz", created_at=0))
        key = app.service.administration.issue_key("fuzz", who="test", scopes=frozenset(SCOPES)).secret
        asyncio.run(attack(app, key, Fuzzer(SEED * 1_000_003 + turn), turn, count, statuses))
        with app.service.stores.writing("fuzz") as store:
            assert store.statistics().events > count // 10
            assert store.rebuild() == store.graph_hash()
            store.verify()
        app.service.close()
        start = start or most_resident_bytes()
        left, turn = left - count, turn + 1
    print(f"{sum(statuses.values())} inputs, {statuses}")
    assert most_resident_bytes() - start < MOST_GROWTH_BYTES
    assert {200, 201, 413, 415, 422} <= statuses.keys(), statuses
