"""Structure-aware fuzzing of every operation, on every kind of store.

``just fuzz`` sends 200,000; the suite some hundreds. The same seed sends the same inputs. A failure tells its round:
``HEADWATER_FUZZ_ROUND`` begins with that one.
"""

from __future__ import annotations

import os
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec
import pytest

from headwater.server.access.control_rows import Tenant
from headwater.server.permissions import SCOPES, Permission
from headwater.storage.base import Store
from headwater.storage.row_types import Statistics
from headwater.testing.events import History, run_id
from server.hostile import Hostile, ask, check_answer

INPUTS = int(os.environ.get("HEADWATER_FUZZ_INPUTS", "900"))
"""For every kind of store, a third."""
SEED = int(os.environ.get("HEADWATER_FUZZ_SEED", "1"))
ROUND = 2500
"""Inputs that one service is sent, a round: a store that stays small is looked at whole after every refusal."""
FIRST_ROUND = int(os.environ.get("HEADWATER_FUZZ_ROUND", "0"))
MOST_GROWTH_BYTES = 400 << 20
TENANT = "fuzz"


def resident_bytes() -> int:
    """The memory of this process that is in use."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) << 10
    raise AssertionError("no VmRSS")


def names_of(served: Any) -> dict[str, list[str]]:
    """Words that mean something to a service, by the parameter in which they do."""
    owner = served.client(TENANT)
    for raw in History(1).events(60):
        assert owner.post("/api/v1/lineage", content=raw).status_code == 201
    for number in range(3):
        assert owner.post("/api/v1/lineage", content=b'{"n": %d}' % number).status_code == 422
    served.service.control.add_tenant(Tenant(name="other", created_at=0))
    share = served.client("other").post("/api/v1/shares", json={"to": TENANT, "select": "kind:dataset"}).json()["id"]
    key = owner.post("/api/v1/keys", json={"scopes": ["read"]}).json()["key"]["id"]
    nodes = owner.get("/api/v1/nodes", params={"limit": 60}).json()["nodes"]
    runs = [one["run_id"] for one in owner.get("/api/v1/runs", params={"limit": 4}).json()["runs"]]
    ids = [node["id"] for node in nodes]
    run_ids = [*runs, run_id(7)]
    return {
        **dict.fromkeys(("nodes", "root", "node", "nodeId", "source", "target", "before", "after", "of"), ids),
        "namespace": [node["namespace"] for node in nodes],
        "dataset": [node["name"] for node in nodes if node["kind"] == "dataset"],
        "job": [node["name"] for node in nodes if node["kind"] == "job"],
        **dict.fromkeys(("run", "runs", "runId", "lineage_id"), run_ids),
        "quarantine": ["1", "2", "3"],
        "keys": [key],
        "shared": [share],
        "name": ["other"],
        "": ["PII", "headwater", "public", "x", "a"],
    }


def state_of(store: Store) -> tuple[str, Statistics]:
    """All that a store holds but for the quarantine."""
    counts = msgspec.structs.replace(store.statistics(), quarantined=0, size_bytes=0)
    return store.graph_hash(), counts


async def attack(served: Any, fuzzer: Hostile, turn: int, count: int, statuses: Counter[int], kind: str) -> None:
    """Send inputs; what is refused must have changed nothing."""
    app = served.app
    with app.service.stores.writing(TENANT) as store:
        before = state_of(store)
        for number in range(count):
            given = fuzzer.request()
            told = (SEED, turn, number, given.method, given.target[:400], given.headers, given.body[:1500])
            try:
                answer = await ask(app, given)
                await check_answer(app, given, answer)
            except Exception as error:
                error.add_note(f"seed, round, number, input: {told}")
                raise
            statuses[answer.status] += 1
            if given.method in ("GET", "HEAD") and given.operation.method == "GET":
                continue
            after = state_of(store)
            if answer.status >= 400 and b"ndjson" not in b" ".join(value for _, value in given.headers):
                assert after == before, told
            before = after
        await app.service.intake.drain()
        assert store.rebuild() == before[0]
        if kind == "sqlite":
            store.verify()


@pytest.mark.parametrize("kind", ["memory", "sqlite", "postgres"])
def test_no_input_makes_the_service_fail_or_write_in_part(new_service, kind):
    """No exception, no 5xx, a problem that names the field, nothing written by what is refused, bounded memory."""
    left, number, statuses = INPUTS // 3, FIRST_ROUND, Counter[int]()
    start = 0
    while left > 0:
        count = min(ROUND, left)
        left -= count
        with ExitStack() as stack:
            served = new_service(kind, stack)
            key = served.key(TENANT, frozenset({*SCOPES, Permission.OPERATE}))
            fuzzer = Hostile(SEED * 1_000_003 + number, names_of(served), key)
            served.portal.call(attack, served, fuzzer, number, count, statuses, kind)
        start = start or resident_bytes()
        number += 1
    assert resident_bytes() - start < MOST_GROWTH_BYTES
    print(f"{kind}: {statuses.total()} inputs, {dict(statuses.most_common())}")
    assert {200, 201, 401, 404, 405, 409, 422} <= statuses.keys(), statuses
