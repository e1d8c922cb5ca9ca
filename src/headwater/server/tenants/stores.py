"""The stores of all tenants: one writer and a few readers for each, opened on first use."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from queue import LifoQueue

from headwater.server.tenants.store_opener import Opening
from headwater.storage.base import Store
from headwater.storage.open import drop_store, open_store
from headwater.storage.view_rebuild import Progress


class _TenantStores:
    """The open stores of one tenant."""

    def __init__(self, target: str, tenant: str, readers: int, on_progress: Progress) -> None:
        self._target = target
        self._tenant = tenant
        self._lock = threading.Lock()
        self._left = readers
        self._free: LifoQueue[Store] = LifoQueue()
        self.users = 0
        self.writer = open_store(target, tenant=tenant, on_progress=on_progress)
        self._shares_writer = target.startswith("memory:")

    @contextmanager
    def reading(self) -> Iterator[Store]:
        """A store for the duration of one query."""
        if self._shares_writer:
            yield self.writer
            return
        store = self._reader()
        try:
            yield store
        finally:
            self._free.put(store)

    def _reader(self) -> Store:
        with self._lock:
            may_open = self._free.empty() and self._left > 0
            if may_open:
                self._left -= 1
        if not may_open:
            return self._free.get()
        try:
            return open_store(self._target, tenant=self._tenant, read_only=True, share_index_with=self.writer)
        except BaseException:
            with self._lock:
                self._left += 1
            raise

    def close(self) -> None:
        """Close all stores, which must not be in use."""
        while not self._free.empty():
            self._free.get().close()
        self.writer.close()


class TenantStores:
    """Opens, shares and closes the stores of tenants. Thread-safe."""

    def __init__(self, target: str, *, readers: int, most_open: int) -> None:
        self._target = target
        self._readers = readers
        self._most_open = most_open
        self._lock = threading.Lock()
        self._idle = threading.Condition(self._lock)
        self._open: OrderedDict[str, _TenantStores] = OrderedDict()
        self._opening: dict[str, Opening[_TenantStores]] = {}
        self.on_write: Callable[[str], None] = lambda tenant: None

    @property
    def open_count(self) -> int:
        """Number of tenants with open stores."""
        return len(self._open)

    @contextmanager
    def reading(self, tenant: str) -> Iterator[Store]:
        """A store of the tenant for reading, which includes everything acknowledged before."""
        with self._using(tenant) as stores, stores.reading() as store:
            yield store

    @contextmanager
    def writing(self, tenant: str) -> Iterator[Store]:
        """The writable store of the tenant. Followers of the tenant are notified at the end."""
        with self._using(tenant) as stores:
            yield stores.writer
        self.on_write(tenant)

    @contextmanager
    def _using(self, tenant: str) -> Iterator[_TenantStores]:
        stores, closing = self._entered(tenant)
        for one in closing:
            one.close()
        try:
            yield stores
        finally:
            with self._idle:
                stores.users -= 1
                self._idle.notify_all()

    def _entered(self, tenant: str) -> tuple[_TenantStores, list[_TenantStores]]:
        """The stores of a tenant, with their use count raised, and other stores to be closed.

        Opened outside of the lock, so that tenants do not wait for each other.
        """
        while True:
            with self._lock:
                stores = self._open.get(tenant)
                if stores is not None:
                    self._open.move_to_end(tenant)
                    stores.users += 1
                    return stores, self._unused()
                opening = self._opening.get(tenant)
                if opening is None:
                    opening = self._opening[tenant] = Opening(tenant, partial(self._opened, tenant))
            try:
                opening.wait()
            finally:
                self._settle(tenant, opening)

    def _opened(self, tenant: str, on_progress: Progress) -> _TenantStores:
        return _TenantStores(self._target, tenant, self._readers, on_progress)

    def _settle(self, tenant: str, opening: Opening[_TenantStores]) -> None:
        """Register the opened stores, or drop a failed attempt."""
        with self._lock:
            if opening.is_over and self._opening.get(tenant) is opening:
                del self._opening[tenant]
                if opening.opened is not None:
                    self._open[tenant] = opening.opened

    def renewing(self) -> list[int]:
        """Progress in per cent, for each tenant whose projections are being rebuilt."""
        with self._lock:
            return [opening.percent for opening in self._opening.values() if opening.is_renewing]

    def _unused(self) -> list[_TenantStores]:
        """Remove the unused stores beyond the allowed number, least recently used first."""
        # A store in memory holds the only copy of its data: never close it.
        spare = 0 if self._target.startswith("memory:") else len(self._open) - self._most_open
        unused = [name for name, stores in self._open.items() if not stores.users]
        return [self._open.pop(name) for name in unused[: max(0, spare)]]

    def drop(self, tenant: str) -> None:
        """Wait until the stores of a tenant are unused, then delete them."""
        with self._lock:
            opening = self._opening.pop(tenant, None)
        if opening is not None and (opened := opening.end()) is not None:
            opened.close()
        with self._idle:
            stores = self._open.pop(tenant, None)
            if stores is not None:
                self._idle.wait_for(lambda: not stores.users)
                stores.close()
        drop_store(self._target, tenant)

    def close(self) -> None:
        """Close every store."""
        with self._lock:
            openings, closing = list(self._opening.values()), list(self._open.values())
            self._opening.clear()
            self._open.clear()
        closing += [opened for opening in openings if (opened := opening.end()) is not None]
        for one in closing:
            one.close()
