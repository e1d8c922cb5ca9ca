"""Limits on the memory held by a tenant's unanswered requests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from headwater.server.errors import Busy


class Rooms:
    """Counts the bytes of events that are held, a tenant, from the first byte read to the answer."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self.held: dict[str, int] = {}

    @contextmanager
    def room(self, tenant: str) -> Iterator[Room]:
        """Room for one request of a tenant, given back at its end."""
        room = Room(self, tenant)
        try:
            yield room
        finally:
            room.shrink(room.size)

    def take(self, tenant: str, size: int, own: int) -> None:
        """Hold more bytes. A request that is the only one may hold what the limits on requests allow.

        Raises:
            Busy: too much of the tenant is waiting.
        """
        held = self.held.get(tenant, 0)
        if held > own and held + size > self._most_bytes:
            raise Busy(f"{held:,} bytes of this tenant are waiting to be stored")
        self.held[tenant] = held + size

    def give_back(self, tenant: str, size: int) -> None:
        """Hold so many bytes less."""
        left = self.held.get(tenant, 0) - size
        if left > 0:
            self.held[tenant] = left
        else:
            self.held.pop(tenant, None)


class Room:
    """What one request holds."""

    def __init__(self, rooms: Rooms, tenant: str) -> None:
        self._rooms = rooms
        self._tenant = tenant
        self.size = 0

    def grow(self, size: int) -> None:
        """Hold more. Raises ``Busy``."""
        self._rooms.take(self._tenant, size, self.size)
        self.size += size

    def shrink(self, size: int) -> None:
        """Hold less."""
        self._rooms.give_back(self._tenant, size)
        self.size -= size
