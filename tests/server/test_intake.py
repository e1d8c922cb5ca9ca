"""Shared commits, fair turns, back-pressure, quotas, and what happens when a write fails."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import contextmanager

import pytest

from headwater.errors import StoreFull
from headwater.server.access.control_rows import Quota
from headwater.server.errors import Busy
from headwater.server.intake.fair_queue import Delivery, FairQueue
from headwater.server.intake.intake import Intake
from headwater.server.settings import Limits
from headwater.storage.memory import MemoryStore
from headwater.storage.row_types import ReceiptStatus
from headwater.testing.events import raw, run_event, run_id


def events(first: int, count: int = 1) -> list[bytes]:
    """So many runs, told apart by their numbers."""
    return raw([run_event(run_id(number), "j", "COMPLETE", number) for number in range(first, first + count)])


class Stores:
    """Stores in memory whose writers can be held up and made to fail."""

    def __init__(self) -> None:
        self.open: dict[str, MemoryStore] = {}
        self.may_write = threading.Event()
        self.may_write.set()
        self.begun = 0
        self.commits: list[tuple[str, int]] = []
        self.error: BaseException | None = None
        self.poison = b"\0"

    @contextmanager
    def writing(self, tenant):
        """A writer of the tenant."""
        self.begun += 1
        self.may_write.wait(10)
        yield _Writer(self, tenant, self.open.setdefault(tenant, MemoryStore.open(tenant=tenant)))


class _Writer:
    def __init__(self, stores: Stores, tenant: str, store: MemoryStore) -> None:
        self._stores, self._tenant, self._store = stores, tenant, store

    def append(self, batch):
        if self._stores.error is not None:
            raise self._stores.error
        if any(self._stores.poison in event for event in batch):
            raise ZeroDivisionError("a fault of ours")
        self._stores.commits.append((self._tenant, len(batch)))
        return self._store.append(batch)

    def quarantine(self, refused):
        return self._store.quarantine(refused)

    def statistics(self):
        return self._store.statistics()


def run(
    work: Callable[[Intake, Stores], Coroutine[object, object, None]],
    limits: Limits = Limits(),  # noqa: B008 - immutable
    quota: Quota = Quota(),  # noqa: B008 - immutable
    clock: Callable[[], float] | None = None,
) -> None:
    """Run some work on an intake of its own, drained and closed at the end."""

    async def main() -> None:
        stores = Stores()
        more = {} if clock is None else {"clock": clock}
        intake = Intake(stores, limits, lambda _: quota, writers=2, most_together=1000, **more)
        try:
            await work(intake, stores)
            await intake.drain()
        finally:
            intake.close()

    asyncio.run(asyncio.wait_for(main(), 20))


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something is so; ``run`` gives up on what never is."""
    while not condition():
        await asyncio.sleep(0.002)


async def held_up(intake: Intake, stores: Stores, *tenants: str) -> None:
    """Have the quotas of tenants looked up, by an event of each, and hold up all writing from then on."""
    for tenant in tenants:
        await intake.append(tenant, events(10**6))
    stores.commits.clear()
    stores.may_write.clear()


def test_what_arrives_during_a_commit_shares_the_next():
    """Sixty-four requests at once are two commits: the first that came, and all the others."""

    async def work(intake, stores):
        await held_up(intake, stores, "t")
        waiting = [asyncio.create_task(intake.append("t", events(number))) for number in range(1, 65)]
        await until(lambda: intake.depth == 63)
        stores.may_write.set()
        receipts = await asyncio.gather(*waiting)
        assert {one.status for (one,) in receipts} == {ReceiptStatus.STORED}
        assert [size for _, size in stores.commits] == [1, 63]
        assert intake.counters.commits == 3
        assert sum(intake.counters.wait_s.counts) == 65

    run(work)


def test_whoever_goes_away_leaves_the_others_alone():
    """A request that is cancelled while its commit waits takes only its own answer with it."""

    async def work(intake, stores):
        await held_up(intake, stores, "t")
        waiting = [asyncio.create_task(intake.append("t", events(number))) for number in range(1, 6)]
        await until(lambda: intake.depth == 4)
        waiting[2].cancel()
        stores.may_write.set()
        answers = await asyncio.gather(*waiting, return_exceptions=True)
        assert isinstance(answers[2], asyncio.CancelledError)
        assert [answers[number][0].seq for number in (0, 1, 3, 4)] == [2, 3, 5, 6]
        assert stores.open["t"].statistics().events == 6

    run(work)


def test_tenants_take_turns_by_bytes():
    """One that has a thousand events waiting is not served before another that has one."""

    async def work(intake, stores):
        await held_up(intake, stores, "greedy", "modest")
        greedy = [asyncio.create_task(intake.append("greedy", events(number, 10))) for number in range(1, 1001, 10)]
        await until(lambda: intake.depth >= 90)
        modest = asyncio.create_task(intake.append("modest", events(1)))
        await asyncio.sleep(0)
        stores.may_write.set()
        await modest
        # By the order of the commits: more may have been written since, while the loop came back to this line.
        before = stores.commits[: stores.commits.index(("modest", 1))]
        assert sum(size for _, size in before) <= 80
        await asyncio.gather(*greedy)
        assert stores.open["greedy"].statistics().events == 1001

    run(work, Limits(turn_bytes=4000))


def test_the_queue_gives_each_tenant_its_bytes_in_turn():
    """Over many turns two tenants get the same number of bytes, whatever the size of what they send."""

    async def work(intake, stores):
        queue = FairQueue(turn_bytes=1000, alone_bytes=1000, most_together=10)
        for _ in range(100):
            queue.put(Delivery("large", [b"x" * 700], (), 0.0, is_alone=False))
        for _ in range(700):
            queue.put(Delivery("small", [b"x" * 100], (), 0.0, is_alone=False))
        served = {"large": 0, "small": 0}
        for _ in range(40):
            group = queue.take()
            served[group[0].tenant] += sum(one.size for one in group)
            queue.finished(group[0].tenant)
        assert abs(served["large"] - served["small"]) <= 1000
        assert queue.depth == 800 - served["large"] // 700 - served["small"] // 100

    run(work)


def test_a_tenant_that_nobody_waits_beside_writes_more_at_once():
    """Up to ``alone_bytes`` a commit; beside another each has its turn, and neither owes nor has saved."""

    async def work(intake, stores):
        queue = FairQueue(turn_bytes=1000, alone_bytes=4000, most_together=10)
        for _ in range(20):
            queue.put(Delivery("first", [b"x" * 700], (), 0.0, is_alone=False))
        taken = []
        for at in range(5):
            if at == 2:
                queue.put(Delivery("second", [b"x" * 900], (), 0.0, is_alone=False))
            group = queue.take()
            taken.append((group[0].tenant, len(group)))
            if group[0].tenant != "second":
                queue.finished(group[0].tenant)
        assert taken == [("first", 5), ("first", 5), ("first", 1), ("second", 1), ("first", 1)]
        queue.finished("second")
        assert len(queue.take()) == 5
        assert queue.depth == 3

    run(work)


def test_a_tenant_that_waits_too_much_is_told_to_come_again_and_others_are_not():
    """``Busy`` for the one, while what others send is taken; when its commits are done it is welcome again."""

    async def work(intake, stores):
        with intake.rooms.room("busy") as first, intake.rooms.room("busy") as second:
            first.grow(5000)  # more than the limit, but nothing else is waiting
            with pytest.raises(Busy):
                second.grow(1)
            with intake.rooms.room("other") as other:
                other.grow(900)
        with intake.rooms.room("busy") as again:
            again.grow(900)
        assert intake.rooms.held == {}

    run(work, Limits(waiting_bytes=1000))


def test_a_quota_is_kept_and_says_when_to_come_again():
    """A burst of ten seconds passes; then ``Busy`` with the seconds, until time has gone by."""
    now = [100.0]

    async def work(intake, stores):
        await intake.append("t", events(1, 20))
        with pytest.raises(Busy) as refused:
            await intake.append("t", events(100))
        assert refused.value.retry_after_s == pytest.approx(0.5)
        assert intake.counters.of("t").busy == 1
        now[0] += 1.0
        await intake.append("t", events(200))
        assert stores.open["t"].statistics().events == 21

    run(work, quota=Quota(events_per_s=2), clock=lambda: now[0])


def test_a_full_store_is_told_to_everybody_who_waits_and_to_health():
    """The error reaches each request; afterwards the intake works as before."""

    async def work(intake, stores):
        stores.error = StoreFull("t.db: the disk is full")
        answers = await asyncio.gather(*(intake.append("t", events(n)) for n in range(3)), return_exceptions=True)
        assert {type(one) for one in answers} == {StoreFull}
        assert not intake.ready().is_ready
        assert "disk is full" in intake.ready().reason
        stores.error = None
        assert (await intake.append("t", events(9)))[0].status is ReceiptStatus.STORED
        assert intake.ready().is_ready

    run(work)


def test_an_event_that_brings_a_fault_of_ours_to_light_is_refused_alone():
    """Those that share its commit are stored; it is kept in quarantine, to be sent again after an upgrade."""

    async def work(intake, stores):
        stores.poison = run_id(7).encode()
        await held_up(intake, stores, "t")
        waiting = [asyncio.create_task(intake.append("t", events(number, 3))) for number in (1, 4, 7, 10)]
        await until(lambda: intake.depth == 3)
        stores.may_write.set()
        receipts = await asyncio.gather(*waiting)
        statuses = [[one.status.value for one in some] for some in receipts]
        assert statuses == [["stored"] * 3, ["stored"] * 3, ["refused", "stored", "stored"], ["stored"] * 3]
        (entry,) = stores.open["t"].quarantined()
        assert (entry.id, entry.value) == (receipts[2][0].quarantine_id, "ZeroDivisionError")
        assert "after an upgrade" in entry.hint
        assert stores.open["t"].statistics().events == 12

    run(work)


def test_a_commit_that_hangs_is_not_ready():
    """Health is told once a commit takes longer than it may."""
    now = [100.0]

    async def work(intake, stores):
        stores.may_write.clear()
        waiting = asyncio.create_task(intake.append("t", events(1)))
        await until(lambda: stores.begun == 1)
        assert intake.ready().is_ready
        now[0] += 60
        assert not intake.ready().is_ready
        stores.may_write.set()
        await waiting
        assert intake.ready().is_ready

    run(work, clock=lambda: now[0])


def test_busy_is_503_with_retry_after_for_the_one_tenant(serve):
    """Over HTTP: the tenant beyond its quota gets 503 and seconds to wait, another 201; never 429."""
    served = serve()
    one, other = served.client("one"), served.client("other")
    tenant = served.service.control.tenant("one")
    served.service.administration.change_tenant(tenant.name, who="test", quota=Quota(events_per_s=1))
    answers = [one.post("/api/v1/lineage", content=event) for event in events(1, 12)]
    assert {answer.status_code for answer in answers[:10]} == {201}
    assert answers[-1].status_code == 503
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert other.post("/api/v1/lineage", content=events(1)[0]).status_code == 201


def test_a_tenant_that_has_stored_its_share_is_told(serve):
    """The quota of stored bytes: 503, and the message names it; reading goes on."""
    served = serve()
    one = served.client("one")
    served.service.administration.change_tenant("one", who="test", quota=Quota(stored_bytes=1))
    first, second = events(1, 2)
    assert one.post("/api/v1/lineage", content=first).status_code == 201
    answer = one.post("/api/v1/lineage", content=second)
    assert answer.status_code == 503
    assert "stored" in answer.json()["detail"]
    assert one.get("/api/v1/quarantine").status_code == 200


def test_a_store_that_may_not_be_written_answers_503_with_the_remedy(serve, monkeypatch):
    """What the store says is passed on: reads go on, nothing is acknowledged."""
    from headwater.storage.sqlite import SQLiteStore

    served = serve()
    client = served.client()
    first, second = events(1, 2)
    client.post("/api/v1/lineage", content=first)

    def full(self, batch, *, received_at=None):
        raise StoreFull("default.db: database or disk is full")

    monkeypatch.setattr(SQLiteStore, "append", full)
    answer = client.post("/api/v1/lineage", content=second)
    assert (answer.status_code, answer.json()["type"]) == (503, "headwater:store-full")
    assert answer.headers["retry-after"]
    assert "space" in answer.json()["hint"]
    assert client.get(f"/api/v1/records/{run_id(1)}").status_code == 200


@pytest.mark.parametrize(("kind", "stored"), [("application/json", 0), ("application/x-ndjson", 600)])
def test_a_client_that_goes_away_in_mid_body_is_no_fault(serve, kind, stored):
    """Nothing of one document is stored, of a stream the chunks that were whole; nothing stays held."""
    served = serve()
    key = served.key()
    lines = b"\n".join(events(1, 600)) + b"\n"
    sent: list[dict[str, object]] = []
    messages = [{"type": "http.request", "body": lines, "more_body": True}, {"type": "http.disconnect"}]

    async def receive():
        return messages.pop(0)

    async def send(message):
        sent.append(message)

    async def ask():
        headers = [(b"authorization", f"Bearer {key}".encode()), (b"content-type", kind.encode())]
        scope = {
            "type": "http", "method": "POST", "path": "/api/v1/lineage/batch", "query_string": b"", "headers": headers,
            "raw_path": b"/api/v1/lineage/batch", "scheme": "http", "server": ("x", 1), "client": ("y", 2),
            "http_version": "1.1",
        }  # fmt: skip
        await served.app(scope, receive, send)

    served.bare().portal.call(ask)
    assert sent[0]["status"] == 400
    assert served.service.intake.rooms.held == {}
    with served.service.stores.reading("default") as store:
        assert store.statistics().events == stored
