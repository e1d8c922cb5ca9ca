"""Fair queueing of writes: deficit round robin by bytes, one commit per tenant at a time."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Sequence

from headwater.storage.row_types import Quarantined, Receipt


class Delivery:
    """The data that a request passes to its tenant's store, and the result it waits for."""

    __slots__ = ("arrived", "done", "events", "is_alone", "refused", "size", "tenant")

    def __init__(
        self, tenant: str, events: Sequence[bytes], refused: Sequence[Quarantined], arrived: float, *, is_alone: bool
    ) -> None:
        self.tenant = tenant
        self.events = events
        #: documents to quarantine
        self.refused = refused
        self.size = sum(map(len, events)) + sum(len(one.body) for one in refused)
        self.arrived = arrived
        #: do not share a commit with other deliveries
        self.is_alone = is_alone
        #: receipts of the events, and quarantine ids of the refused documents
        self.done: asyncio.Future[tuple[list[Receipt], list[int]]] = asyncio.get_running_loop().create_future()


class FairQueue:
    """Deliveries by tenant. A busy tenant does not delay the others."""

    def __init__(self, *, turn_bytes: int, alone_bytes: int, most_together: int) -> None:
        self._turn_bytes = turn_bytes
        #: size of a commit while no other tenant waits: larger, because an event then costs less
        self._alone_bytes = alone_bytes
        self._most_together = most_together
        #: in the order of turns
        self._waiting: OrderedDict[str, deque[Delivery]] = OrderedDict()
        self._credit: dict[str, int] = {}
        self._writing: set[str] = set()
        self.depth = 0

    def put(self, delivery: Delivery) -> None:
        """Add a delivery."""
        self._waiting.setdefault(delivery.tenant, deque()).append(delivery)
        self.depth += 1

    def take(self) -> list[Delivery]:
        """The deliveries for the next commit, of the tenant whose turn it is; empty if nothing can be written now.

        The tenant gets its next turn only after ``finished`` was called for it.
        """
        ready = [tenant for tenant in self._waiting if tenant not in self._writing]
        while ready:
            for tenant in ready:
                waiting = self._waiting[tenant]
                if waiting[0].size <= self._credit.get(tenant, 0):
                    return self._turn(tenant, waiting)
                self._credit[tenant] = self._credit.get(tenant, 0) + self._turn_bytes
        return []

    def _turn(self, tenant: str, waiting: deque[Delivery]) -> list[Delivery]:
        credit = self._credit.get(tenant, 0)
        is_only = len(self._waiting) == 1 and not self._writing
        most = max(credit, self._alone_bytes) if is_only else credit
        taken: list[Delivery] = []
        size = 0
        while waiting and size + waiting[0].size <= most and len(taken) < self._most_together:
            if taken and (waiting[0].is_alone or taken[0].is_alone):
                break
            size += waiting[0].size
            taken.append(waiting.popleft())
        self.depth -= len(taken)
        if waiting:  # do not charge what was written while no other tenant waited
            self._credit[tenant] = max(0, credit - size)
            self._waiting.move_to_end(tenant)
        else:  # a tenant without waiting deliveries accumulates no credit
            self._credit.pop(tenant, None)
            del self._waiting[tenant]
        self._writing.add(tenant)
        return taken

    def finished(self, tenant: str) -> None:
        """The commit of a tenant has ended, successfully or not."""
        self._writing.discard(tenant)
