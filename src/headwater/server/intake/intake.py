"""The intake: concurrent requests share commits, tenants take turns, and a response means the data is on disk.

Requests queue deliveries on the event loop; worker threads commit them, at most one commit per tenant at a time.
Deliveries that arrive during a commit share the next one, so that nothing waits for a timer. Rows are also written in
these threads, although ``Store.write`` would be slightly faster on the loop: a store that is locked (by a retention, a
backup, or another process) would block the requests of all tenants.
"""

from __future__ import annotations

import asyncio
import logging
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import msgspec

from headwater.errors import StoreError
from headwater.server.access.control_rows import Quota
from headwater.server.errors import Busy
from headwater.server.intake.counters import IntakeCounters
from headwater.server.intake.fair_queue import Delivery, FairQueue
from headwater.server.intake.memory_limits import Rooms
from headwater.server.intake.quotas import Quotas
from headwater.server.settings import Limits
from headwater.server.tenants.stores import TenantStores
from headwater.storage.ingest import now_us, refusals
from headwater.storage.row_types import Quarantined, Receipt, ReceiptStatus

STALLED_S = 30.0
"""A commit that takes longer, in seconds, counts as stalled."""
_MEASURE_EVERY_S = 5.0
_log = logging.getLogger("headwater.intake")
Answer = tuple[list[Receipt], list[int]]


class Readiness(msgspec.Struct, frozen=True):
    """Whether events can be accepted, and if not, why."""

    is_ready: bool
    reason: str = ""


class Intake:
    """Passes events to the stores of their tenants. Used on one event loop."""

    def __init__(
        self,
        stores: TenantStores,
        limits: Limits,
        quota: Callable[[str], Quota],
        *,
        writers: int,
        most_together: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.counters = IntakeCounters()
        self.rooms = Rooms(limits.waiting_bytes)
        self.quotas = Quotas(quota, clock)
        self._stores = stores
        self._clock = clock
        self._queue = FairQueue(
            turn_bytes=limits.turn_bytes, alone_bytes=limits.alone_bytes, most_together=most_together
        )
        self._writers = writers
        self._threads = ThreadPoolExecutor(writers, thread_name_prefix="headwater-intake")
        #: running commits, with their start times
        self._under_way: dict[str, float] = {}
        self._measured_at: dict[str, float] = {}
        self._failure: StoreError | None = None
        self._apart: set[asyncio.Task[None]] = set()

    # -- for requests ----------------------------------------------------------------------------------------------
    async def append(self, tenant: str, events: Sequence[bytes]) -> list[Receipt]:
        """Store events of a tenant in one commit; returns a receipt for each, once they are on disk.

        Raises:
            Busy: the tenant's quota is exhausted.
            StoreError: nothing could be written.
        """
        if not events:
            return []
        delivery = Delivery(tenant, events, (), self._clock(), is_alone=False)
        counters = self.counters.of(tenant)
        try:
            await self.quotas.take(tenant, len(events), delivery.size)
        except Busy:
            counters.busy += 1
            raise
        try:
            receipts, _ = await self._sent(delivery)
        except StoreError:
            refused = refusals(events)  # invalid events are refused as such, whatever the state of the store
            if refused is None:
                raise
            counters.unkept += len(refused)
            receipts = refused
        counters.bytes += delivery.size
        for receipt in receipts:
            if receipt.status is ReceiptStatus.STORED:
                counters.events += 1
            elif receipt.status is ReceiptStatus.DUPLICATE:
                counters.duplicates += 1
            else:
                counters.refused += 1
        return receipts

    async def keep(self, tenant: str, refused: Sequence[Quarantined]) -> list[int | None]:
        """Quarantine refused documents of a tenant; returns their ids, None for those that could not be stored.

        The client gets the refusal in any case, so a full disk or an exhausted quota is counted here, not raised.
        """
        if not refused:
            return []
        counters = self.counters.of(tenant)
        counters.refused += len(refused)
        try:
            delivery = Delivery(tenant, (), refused, self._clock(), is_alone=False)
            await self.quotas.take(tenant, len(refused), delivery.size)
            _, ids = await self._sent(delivery)
        except (Busy, StoreError):
            counters.unkept += len(refused)
            return [None] * len(refused)
        return list(ids)

    def ready(self) -> Readiness:
        """Whether commits progress, and the last one did not fail."""
        began = min(self._under_way.values(), default=None)
        if began is not None and self._clock() - began > STALLED_S:
            return Readiness(False, f"a commit has been under way for {self._clock() - began:.0f} s")
        if self._failure is not None:
            return Readiness(False, str(self._failure))
        return Readiness(True)

    @property
    def depth(self) -> int:
        """Number of deliveries that wait for a commit."""
        return self._queue.depth

    async def drain(self) -> None:
        """Wait until all queued deliveries are written."""
        while self._queue.depth or self._under_way or self._apart:
            await asyncio.sleep(0.01)

    def close(self) -> None:
        """Stop the threads, after their commits have ended."""
        self._threads.shutdown(wait=True)

    # -- commits ---------------------------------------------------------------------------------------------------
    async def _sent(self, delivery: Delivery) -> Answer:
        self._queue.put(delivery)
        self._pump()
        # If the client disconnects, only its response is lost: the delivery is still written with its group.
        return await delivery.done

    def _pump(self) -> None:
        """Start commits while there are free threads and deliveries."""
        while len(self._under_way) < self._writers and (group := self._queue.take()):
            tenant = group[0].tenant
            began = self._under_way[tenant] = self._clock()
            future = asyncio.get_running_loop().run_in_executor(self._threads, self._write, tenant, group)
            future.add_done_callback(partial(self._finished, tenant, group, began))

    def _write(self, tenant: str, group: list[Delivery]) -> Answer:
        """Write a group in one commit (and its refusals in another). Runs in a worker thread."""
        events = [event for delivery in group for event in delivery.events]
        refused = [one for delivery in group for one in delivery.refused]
        with self._stores.writing(tenant) as store:
            receipts = store.append(events) if events else []
            ids = store.quarantine(refused) if refused else []
            now = self._clock()
            if self.quotas.is_measured(tenant) and now - self._measured_at.get(tenant, -1e9) > _MEASURE_EVERY_S:
                self._measured_at[tenant] = now
                self.quotas.measured(tenant, store.size_bytes())
        return receipts, ids

    def _finished(self, tenant: str, group: list[Delivery], began: float, future: asyncio.Future[Answer]) -> None:
        now = self._clock()
        self._under_way.pop(tenant, None)
        self._queue.finished(tenant)
        error = future.exception()
        if error is None:
            self._failure = None
            self.counters.commits += 1
            self.counters.commit_s.add(now - began)
            self._answer(group, *future.result(), now)
        else:
            self.counters.failed_commits += 1
            self._failed(group, error)
        self._pump()

    def _answer(self, group: list[Delivery], receipts: list[Receipt], ids: list[int], now: float) -> None:
        at = id_at = 0
        for delivery in group:
            end, id_end = at + len(delivery.events), id_at + len(delivery.refused)
            if not delivery.done.done():
                delivery.done.set_result((receipts[at:end], ids[id_at:id_end]))
            at, id_at = end, id_end
            self.counters.wait_s.add(now - delivery.arrived)

    def _failed(self, group: list[Delivery], error: BaseException) -> None:
        if isinstance(error, StoreError):
            self._failure = error
        elif not group[0].is_alone:
            # An internal error caused by one event must not fail the others.
            where = traceback.extract_tb(error.__traceback__)[-1]
            _log.error("%s in %s line %s: taking the events one by one", type(error).__name__, where.name, where.lineno)
            for delivery in group:
                task = asyncio.get_running_loop().create_task(self._one_by_one(delivery))
                self._apart.add(task)
                task.add_done_callback(self._apart.discard)
            return
        for delivery in group:
            if not delivery.done.done():
                delivery.done.set_exception(error)

    async def _one_by_one(self, delivery: Delivery) -> None:
        """Store the events of a delivery separately; one that fails is refused and quarantined."""
        receipts: list[Receipt] = []
        for event in delivery.events:
            one = Delivery(delivery.tenant, (event,), (), self._clock(), is_alone=True)
            error = await self._outcome(one)
            if isinstance(error, StoreError):
                break
            if error is None:
                receipts += one.done.result()[0]
            else:
                receipts.append(await self._refuse(delivery.tenant, event, error))
        else:
            error = None
        kept = Delivery(delivery.tenant, (), delivery.refused, self._clock(), is_alone=True)
        if error is None and delivery.refused:
            error = await self._outcome(kept)
        if delivery.done.done():
            return
        if error is not None:
            delivery.done.set_exception(error)
        else:
            delivery.done.set_result((receipts, kept.done.result()[1] if delivery.refused else []))

    async def _outcome(self, delivery: Delivery) -> BaseException | None:
        self._queue.put(delivery)
        self._pump()
        await asyncio.wait([delivery.done])
        return delivery.done.exception()

    async def _refuse(self, tenant: str, event: bytes, error: BaseException) -> Receipt:
        rule = "must be an event that this version can store"
        hint = "it is kept in quarantine: send it again from there after an upgrade, and report this"
        value = type(error).__name__
        refused = Quarantined(received_at=now_us(), body=event, field="event", value=value, rule=rule, hint=hint)
        delivery = Delivery(tenant, (), (refused,), self._clock(), is_alone=True)
        failed = await self._outcome(delivery)
        entry = None if failed is not None else delivery.done.result()[1][0]
        return Receipt(
            status=ReceiptStatus.REFUSED,
            key="",
            field="event",
            value=value,
            rule=rule,
            hint=hint,
            quarantine_id=entry,
        )
