"""The memory store keeps the contract."""

from __future__ import annotations

from pathlib import Path

from headwater.storage.base import Store
from headwater.storage.memory import MemoryStore
from headwater.testing.store_suite import StoreSuite


class TestMemoryStore(StoreSuite):
    """The whole suite."""

    def open_store(self, folder: Path) -> Store:
        """A new store in memory."""
        return MemoryStore.open()
