"""The feeds of all tenants."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any

import anyio.to_thread

from headwater.server.live.feed import Feed, Position
from headwater.server.live.messages import Topic
from headwater.server.tenants.stores import TenantStores
from headwater.storage.base import Store


class Hub:
    """Finds the feed of a tenant, and notifies it of commits."""

    def __init__(self, stores: TenantStores) -> None:
        self._stores = stores
        self._feeds: dict[str, Feed] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_closed = False

    @property
    def followers(self) -> int:
        """Number of followers of all tenants."""
        return sum(feed.followers for feed in self._feeds.values())

    def poke(self, tenant: str) -> None:
        """Notify the feed of a tenant of a commit. Thread-safe."""
        loop = self._loop
        if loop is not None and tenant in self._feeds:
            loop.call_soon_threadsafe(self._poke, tenant)

    def _poke(self, tenant: str) -> None:
        feed = self._feeds.get(tenant)
        if feed is not None:
            feed.poke()

    async def follow(
        self, tenant: str, topics: frozenset[Topic], after: Position | None
    ) -> AsyncGenerator[bytes, None]:
        """The stream of one follower, until the service ends."""
        self._loop = asyncio.get_running_loop()
        feed = self._feeds.get(tenant)
        if feed is None:
            feed = self._feeds[tenant] = Feed(self._reading(tenant))
        if self._is_closed:
            feed.close()
        async with aclosing(feed.follow(topics, after)) as chunks:
            async for chunk in chunks:
                yield chunk

    def _reading(self, tenant: str) -> Callable[[Callable[[Store], Any]], Any]:
        def with_store(function: Callable[[Store], Any]) -> Any:
            with self._stores.reading(tenant) as store, store.view():
                return function(store)

        async def reading(function: Callable[[Store], Any]) -> Any:
            return await anyio.to_thread.run_sync(with_store, function)

        return reading

    def close(self) -> None:
        """End the streams of all followers. Called on the event loop."""
        self._is_closed = True
        for feed in self._feeds.values():
            feed.close()
