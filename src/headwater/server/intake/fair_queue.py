"""Fair queueing of writes: deficit round robin by bytes, one commit of a tenant at a time."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Sequence

from headwater.storage.row_types import Quarantined, Receipt


class Delivery:
    """What one request hands to the store of its tenant, and the answer it waits for."""

    __slots__ = ("arrived", "done", "events", "is_alone", "refused", "size", "tenant")

    def __init__(
        self, tenant: str, events: Sequence[bytes], refused: Sequence[Quarantined], arrived: float, *, is_alone: bool
    ) -> None:
        self.tenant = tenant
        self.events = events
        #: what is to be put in quarantine
        self.refused = refused
        self.size = sum(map(len, events)) + sum(len(one.body) for one in refused)
        self.arrived = arrived
        #: share no commit with others
        self.is_alone = is_alone
        #: the receipts of the events, and the ids of the refusals
        self.done: asyncio.Future[tuple[list[Receipt], list[int]]] = asyncio.get_running_loop().create_future()


class FairQueue:
    """Deliveries by tenant. A tenant that sends much waits for its own, not for that of others."""

    def __init__(self, *, turn_bytes: int, alone_bytes: int, most_together: int) -> None:
        self._turn_bytes = turn_bytes
        #: what a commit may hold while there is no other tenant: an event of a large commit costs less than of a small
        self._alone_bytes = alone_bytes
        self._most_together = most_together
        #: in the order of turns
        self._waiting: OrderedDict[str, deque[Delivery]] = OrderedDict()
        self._credit: dict[str, int] = {}
        self._writing: set[str] = set()
        self.depth = 0

    def put(self, delivery: Delivery) -> None:
        """Let a delivery wait for its turn."""
        self._waiting.setdefault(delivery.tenant, deque()).append(delivery)
        self.depth += 1

    def take(self) -> list[Delivery]:
        """The deliveries of the tenant whose turn it is, for one commit; empty when nothing may be written now.

        ``finished`` must be called for the tenant before it gets another turn.
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
        if waiting:  # what was written while there was nobody else is nobody's loss
            self._credit[tenant] = max(0, credit - size)
            self._waiting.move_to_end(tenant)
        else:  # who has nothing waiting saves nothing up
            self._credit.pop(tenant, None)
            del self._waiting[tenant]
        self._writing.add(tenant)
        return taken

    def finished(self, tenant: str) -> None:
        """The commit of a tenant has ended, well or not."""
        self._writing.discard(tenant)
