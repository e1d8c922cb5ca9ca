"""Limits on the memory held by a tenant's unanswered requests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from headwater.server.errors import Busy


class Rooms:
    """Counts the bytes of events held per tenant, from the first byte read until the response."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self.held: dict[str, int] = {}

    @contextmanager
    def room(self, tenant: str) -> Iterator[Room]:
        """Room for a request of a tenant, released at its end."""
        room = Room(self, tenant)
        try:
            yield room
        finally:
            room.shrink(room.size)

    def take(self, tenant: str, size: int, own: int) -> None:
        """Reserve more bytes. A tenant's only request may always use what the limits on requests allow.

        Raises:
            Busy: the tenant has too much data waiting.
        """
        held = self.held.get(tenant, 0)
        if held > own and held + size > self._most_bytes:
            raise Busy(f"{held:,} bytes of this tenant are waiting to be stored")
        self.held[tenant] = held + size

    def give_back(self, tenant: str, size: int) -> None:
        """Release bytes."""
        left = self.held.get(tenant, 0) - size
        if left > 0:
            self.held[tenant] = left
        else:
            self.held.pop(tenant, None)


class Room:
    """The bytes held by one request."""

    def __init__(self, rooms: Rooms, tenant: str) -> None:
        self._rooms = rooms
        self._tenant = tenant
        self.size = 0

    def grow(self, size: int) -> None:
        """Reserve more bytes. Raises ``Busy``."""
        self._rooms.take(self._tenant, size, self.size)
        self.size += size

    def shrink(self, size: int) -> None:
        """Release bytes."""
        self._rooms.give_back(self._tenant, size)
        self.size -= size
