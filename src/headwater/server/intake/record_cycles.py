"""Rejects flat records that would close a cycle of dependencies, with the cycle in the message."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import msgspec

from headwater.errors import InvalidRecord
from headwater.formats.record import Record
from headwater.storage.base import Store

_MOST_STEPS = 100_000


class _Body(msgspec.Struct):
    dependencies: list[str] = []


class RecordCycles:
    """Dependencies among the records of a batch and the stored ones.

    ``closed`` has the ids of records whose transitive dependencies were all present on arrival, so that no path leads
    from them to a new record. This keeps the cost per record constant in a long chain.
    """

    def __init__(self, store: Store, closed: set[str]) -> None:
        self._store = store
        self._closed = closed
        self._known: dict[str, Sequence[str] | None] = {}

    def add(self, record: Record) -> None:
        """Add a record.

        Raises:
            InvalidRecord: it depends on a record that depends on it.
        """
        is_new = record.lineage_id not in self._closed and self._dependencies(record.lineage_id) is None
        came_from, is_whole = self._walk(record.dependencies, record.lineage_id, self._closed if is_new else set())
        if record.lineage_id in came_from:
            path = _back(came_from, record.lineage_id)
            raise InvalidRecord(
                field="dependencies",
                value=repr(path[0]),
                rule="must not form a cycle: " + " -> ".join((record.lineage_id, *path)),
                hint="remove the dependency that was recorded by mistake",
            )
        self._known[record.lineage_id] = record.dependencies
        if is_whole:
            if len(self._closed) > _MOST_STEPS:
                self._closed.clear()
            self._closed.update(came_from, (record.lineage_id,))

    def _walk(self, starts: Sequence[str], goal: str, closed: set[str]) -> tuple[dict[str, str | None], bool]:
        """Walk along dependencies until the goal is reached; returns the predecessor of each record reached, and
        whether all of them are present."""
        came_from: dict[str, str | None] = dict.fromkeys(starts)
        waiting = deque(one for one in came_from if one not in closed)
        is_whole = True
        while waiting and goal not in came_from:
            here = waiting.popleft()
            found = self._dependencies(here)
            is_whole = is_whole and found is not None
            for below in found or ():
                if below not in came_from:
                    came_from[below] = here
                    if below not in closed:
                        waiting.append(below)
        return came_from, is_whole

    def _dependencies(self, lineage_id: str) -> Sequence[str] | None:
        """The dependencies of a record; None if it has not arrived."""
        if lineage_id not in self._known:
            facets = self._store.run_facets(lineage_id) if self._store.run(lineage_id) is not None else None
            self._known[lineage_id] = None if facets is None else _dependencies(facets.get("headwater_record"))
        return self._known[lineage_id]


def _dependencies(body: msgspec.Raw | None) -> Sequence[str]:
    if body is None:
        return ()
    try:
        return msgspec.json.decode(body, type=_Body).dependencies
    except msgspec.ValidationError:  # a facet with that name from another producer
        return ()


def _back(came_from: dict[str, str | None], end: str) -> list[str]:
    path = [end]
    while (before := came_from[path[-1]]) is not None:
        path.append(before)
    return path[::-1]


class Turn:
    """A tenant's turn to store records, with what is cached about the stored ones."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.closed: set[str] = set()


class Turns:
    """Lets requests store records one at a time per tenant. Used on one event loop."""

    def __init__(self) -> None:
        self._turns: dict[str, Turn] = {}

    def forget(self, tenant: str) -> None:
        """Drop the cache of a tenant whose records were deleted."""
        found = self._turns.get(tenant)
        if found is not None:
            found.closed.clear()

    @asynccontextmanager
    async def turn(self, tenant: str) -> AsyncIterator[Turn]:
        """A context in which no other request of the tenant has a turn."""
        turn = self._turns.setdefault(tenant, Turn())
        async with turn.lock:
            yield turn
