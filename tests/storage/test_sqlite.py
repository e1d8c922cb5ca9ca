"""The SQLite store keeps the contract."""

from __future__ import annotations

from pathlib import Path

from headwater.storage.base import Store
from headwater.storage.sqlite import SQLiteStore
from headwater.testing.store_suite import StoreSuite


class TestSQLiteStore(StoreSuite):
    """The whole suite."""

    def open_store(self, folder: Path) -> Store:
        """The store of a folder."""
        return SQLiteStore.open(folder)
