"""Structure-aware fuzzing of what writes: good events, records and bodies, broken in every way that can be thought of.

``just fuzz`` sends 200,000; the suite some hundreds. The same seed sends the same inputs.
"""

from __future__ import annotations

import asyncio
import copy
import gzip
import json
import os
import random
import resource
import zlib
from collections.abc import Iterator
from typing import Any

import msgspec
import zstandard

from headwater.server.access.records import Tenant
from headwater.server.app import App, create_app
from headwater.server.permissions import SCOPES
from headwater.server.settings import Limits, Settings
from headwater.testing.events import (
    History,
    column_lineage,
    dataset,
    dataset_event,
    facet,
    job_event,
    run_event,
    run_id,
    schema,
    whole_run,
)

INPUTS = int(os.environ.get("HEADWATER_FUZZ_INPUTS", "1200"))
SEED = int(os.environ.get("HEADWATER_FUZZ_SEED", "1"))
MOST_GROWTH_BYTES = 400 << 20
ROUTES = (
    "/api/v1/lineage",
    "/lineage",
    "/api/v1/lineage/batch",
    "/api/v1/openlineage/lineage/batch",
    "/api/v1/records",
    "/api/v1/quarantine/{}/replay",
)
ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 2**63, 2**64, 10**400, 10**4290, 1.5, -0.0, "", "\0", "a\0b", "\ud800", "\udfff\ud800",
    "null", "NaN", "2026-99-99T99:99:99Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999+23:59", "x" * 5000,
    "x" * 70_000, [], {}, [[]], [None], {"": None}, {"_deleted": True}, {"\0": 1}, "../../etc/passwd",
    " ", "\u202e", "'; DROP TABLE x;--",
    "<script>alert(1)</script>", "s3://a/b?c#d", "http://169.254.169.254/latest", "%2f%00", "{{7*7}}", "💥" * 50,
)  # fmt: skip
RAW = (
    b"NaN",
    b"-Infinity",
    b"1e999",
    b"01",
    b"'x'",
    b"\\ud800",
    b"\xff",
    b"\x00",
    b"{" * 80,
    b"[" * 2000,
    b",",
    b"//c",
)
LINES = "application/x-ndjson"


class Fuzzer:
    """Makes inputs out of good ones."""

    def __init__(self, seed: int) -> None:
        self.pick = random.Random(seed)
        self._number = 0
        self._history = [msgspec.json.decode(raw) for raw in History(seed).events(60)]

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
            body = self._broken(body)
        return path, self._encoded(body, headers), headers

    def _document(self, path: str) -> bytes:
        document = self._record() if "records" in path else self._event()
        for _ in range(self.pick.choice([0, 1, 1, 2, 4])):
            self._mutate(document)
        text = _encode(document, is_escaped=self.pick.random() < 0.5)
        return self._broken(text) if self.pick.random() < 0.1 else text

    def _event(self) -> Any:
        pick = self.pick
        self._number += 1
        number = self._number
        out = dataset(
            "wide",
            facets={
                "schema": schema("a", "b"),
                "columnLineage": column_lineage({"a": [("x", "y")], "b": [("x", "z")]}),
            },
        )
        made = [
            lambda: pick.choice(self._history),
            lambda: run_event(run_id(number), "j", pick.choice(["START", "COMPLETE", "FAIL"]), number, ["x"], [out]),
            lambda: whole_run(number, "k", number, ["a"], ["b"])[1],
            lambda: job_event("j", number, ["x"], ["y"], facets={"sql": facet(query="select 1", dialect="x")}),
            lambda: dataset_event("x", number, {"symlinks": facet(identifiers=[{"namespace": "n", "name": "m"}])}),
        ]
        return msgspec.json.decode(msgspec.json.encode(pick.choice(made)()))

    def _record(self) -> Any:
        self._number += 1
        return {
            "lineage_id": run_id(self._number),
            "operation_type": self.pick.choice(["ETL", "MODEL_TRAINING", "INFERENCE"]),
            "source": {"type": "database", "identifier": "postgresql://u:secret@db/a"},
            "destination": [{"type": "model", "identifier": "m"}, {"type": "dashboard", "identifier": "d"}],
            "transformation": {"code_hash": "a" * 64, "parameters": {"n": 1}, "timestamp": "2026-01-01T00:00:00Z"},
            "data_quality": {"null_count": {"a": 1}, "statistics": {}},
            "dependencies": [run_id(self.pick.randrange(1, self._number + 3))],
        }

    def _mutate(self, document: Any) -> None:
        """Change one thing somewhere in it."""
        pick = self.pick
        places = list(_places(document))
        holder, key = pick.choice(places)
        what = pick.random()
        if what < 0.2 and isinstance(holder, dict):
            del holder[key]
        elif what < 0.3 and isinstance(holder, dict):
            holder[pick.choice(["", "\0", "k" * 5000, "_deleted", "run", "job", "dataset", key + " "])] = copy.deepcopy(
                holder[key]
            )
        elif what < 0.4:
            other_holder, other = pick.choice(places)
            holder[key] = copy.deepcopy(other_holder[other])
        elif what < 0.45:
            deep: Any = "end"
            for _ in range(pick.choice([10, 63, 64, 65, 70])):
                deep = {"d": deep} if pick.random() < 0.5 else [deep]
            holder[key] = deep
        elif what < 0.5 and isinstance(holder, dict):
            holder.update({f"k{number}": number for number in range(pick.choice([10, 3000]))})
        else:
            holder[key] = copy.deepcopy(pick.choice(ODD))

    def _broken(self, body: bytes) -> bytes:
        """Change bytes, whatever they mean."""
        pick = self.pick
        at = pick.randrange(len(body) + 1)
        return pick.choice(
            [
                lambda: body[:at],
                lambda: body[:at] + pick.choice(RAW) + body[at:],
                lambda: body[:at] + pick.choice(RAW) + body[at + 1 :],
                lambda: body[:at] + bytes([pick.randrange(256)]) + body[at + 1 :],
                lambda: body + body,
                lambda: body[at:] + body[:at],
                lambda: b"\xef\xbb\xbf" + body,
                lambda: body.decode("utf-8", "replace").encode("utf-16"),
            ]
        )()

    def _encoded(self, body: bytes, headers: dict[str, str]) -> bytes:
        pick = self.pick
        if pick.random() > 0.2:
            return body
        name = pick.choice(["gzip", "zstd", "deflate", "br", "GZIP", "identity"])
        headers["content-encoding"] = name
        made = {"gzip": gzip.compress, "GZIP": gzip.compress, "zstd": zstandard.compress, "deflate": zlib.compress}
        packed = made.get(name, bytes)(body)
        if pick.random() < 0.05:
            packed = made.get(name, bytes)(bytes(8 << 20))
        return self._broken(packed) if pick.random() < 0.3 else packed


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """(holder, key or index) of every place in a document."""
    pairs = list(value.items() if isinstance(value, dict) else enumerate(value))
    for key, inner in pairs:
        yield value, key
        if isinstance(inner, dict | list) and inner:
            yield from _places(inner)


def _encode(value: Any, *, is_escaped: bool) -> bytes:
    """JSON, of what JSON has no words for too."""
    return json.dumps(value, ensure_ascii=is_escaped).encode("utf-8", "surrogatepass")


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


def test_no_input_makes_the_service_fail_or_write_in_part(tmp_path):
    """No 5xx; what is refused alone changes nothing; the graph is the one of the log; memory stays bounded."""
    limits = Limits(plain_bytes=4 << 20, event_bytes=1 << 20)
    app = create_app(Settings(store=str(tmp_path), limits=limits))
    app.service.control.add_tenant(Tenant(name="fuzz", created_at=0))
    key = app.service.administration.issue_key("fuzz", who="test", scopes=frozenset(SCOPES)).secret
    fuzzer = Fuzzer(SEED)
    statuses: dict[int, int] = {}

    async def work() -> None:
        start = 0
        for number in range(INPUTS):
            path, body, headers = fuzzer.request()
            before = app.service.intake.counters.of("fuzz").events
            status, answer = await ask(app, key, path, body, headers)
            statuses[status] = statuses.get(status, 0) + 1
            assert status < 500, (number, path, headers, body[:2000], answer)
            told = msgspec.json.decode(answer)
            if status >= 400:
                assert told["status"] == status
                if LINES not in headers.get("content-type", ""):
                    assert app.service.intake.counters.of("fuzz").events == before
            if number == INPUTS // 4:
                start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - start
        assert grown < MOST_GROWTH_BYTES, grown
        await app.service.intake.drain()

    asyncio.run(work())
    assert {200, 201, 413, 415, 422} <= statuses.keys(), statuses
    with app.service.stores.writing("fuzz") as store:
        assert store.statistics().events > INPUTS // 10
        assert store.rebuild() == store.graph_hash()
        store.verify()
    app.service.close()
