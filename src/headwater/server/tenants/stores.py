"""The stores of all tenants: one that writes and a few that read for each, opened when first asked for."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import LifoQueue

from headwater.storage.base import Store
from headwater.storage.open import drop_store, open_store


class _TenantStores:
    """The open stores of one tenant."""

    def __init__(self, target: str, tenant: str, readers: int) -> None:
        self._target = target
        self._tenant = tenant
        self._lock = threading.Lock()
        self._left = readers
        self._free: LifoQueue[Store] = LifoQueue()
        self.users = 0
        self.writer = open_store(target, tenant=tenant)
        self._shares_writer = target.startswith("memory:")

    @contextmanager
    def reading(self) -> Iterator[Store]:
        """A store to ask, for the length of one question."""
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
        """Close them all; nobody uses them any more."""
        while not self._free.empty():
            self._free.get().close()
        self.writer.close()


class TenantStores:
    """Opens, shares and closes the stores of tenants. Safe to use from many threads."""

    def __init__(self, target: str, *, readers: int, most_open: int) -> None:
        self._target = target
        self._readers = readers
        self._most_open = most_open
        self._lock = threading.Lock()
        self._idle = threading.Condition(self._lock)
        self._open: OrderedDict[str, _TenantStores] = OrderedDict()
        self.on_write: Callable[[str], None] = lambda tenant: None

    @property
    def open_count(self) -> int:
        """How many tenants have open stores."""
        return len(self._open)

    @contextmanager
    def reading(self, tenant: str) -> Iterator[Store]:
        """A store of the tenant to ask; it shows everything acknowledged before."""
        with self._using(tenant) as stores, stores.reading() as store:
            yield store

    @contextmanager
    def writing(self, tenant: str) -> Iterator[Store]:
        """The store of the tenant that writes. Whoever follows the tenant is told when it is given back."""
        with self._using(tenant) as stores:
            yield stores.writer
        self.on_write(tenant)

    @contextmanager
    def _using(self, tenant: str) -> Iterator[_TenantStores]:
        with self._lock:
            stores = self._open.get(tenant)
            if stores is None:
                stores = self._open[tenant] = _TenantStores(self._target, tenant, self._readers)
            self._open.move_to_end(tenant)
            stores.users += 1
            closing = self._unused()
        for one in closing:
            one.close()
        try:
            yield stores
        finally:
            with self._idle:
                stores.users -= 1
                self._idle.notify_all()

    def _unused(self) -> list[_TenantStores]:
        """Take out those beyond the number that may be open and that nobody uses, longest unused first."""
        # A store in memory is all there is of its tenant: it is never closed.
        spare = 0 if self._target.startswith("memory:") else len(self._open) - self._most_open
        unused = [name for name, stores in self._open.items() if not stores.users]
        return [self._open.pop(name) for name in unused[: max(0, spare)]]

    def drop(self, tenant: str) -> None:
        """Wait for those who use the stores of a tenant, then delete everything that is in them."""
        with self._idle:
            stores = self._open.pop(tenant, None)
            if stores is not None:
                self._idle.wait_for(lambda: not stores.users)
                stores.close()
        drop_store(self._target, tenant)

    def close(self) -> None:
        """Close every store."""
        with self._lock:
            closing = list(self._open.values())
            self._open.clear()
        for one in closing:
            one.close()
