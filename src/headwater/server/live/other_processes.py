"""Receives commits of other processes on the same database, for followers in this process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from headwater.server.live.hub import Hub
from headwater.server.settings import Settings


@contextmanager
def told_of_others(settings: Settings, hub: Hub) -> Iterator[None]:
    """A context in which notifications of the database reach the hub. A folder has no notifications: there the feeds
    poll, as they do when a notification is lost."""
    if not settings.store.startswith(("postgresql://", "postgres://")):
        yield
        return
    from headwater.storage.postgres.notifications import listen

    listener = listen(settings.listen_url or settings.store, lambda tenant, seq: hub.poke(tenant))
    try:
        yield
    finally:
        listener.close()
