"""The PostgreSQL store keeps the contract."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from headwater.storage.base import Store
from headwater.testing.store_suite import StoreSuite

pytest.importorskip("psycopg")


class TestPostgresStore(StoreSuite):
    """The whole suite, a tenant a test on one server."""

    @pytest.fixture(autouse=True)
    def _server(self, postgres_url: str) -> None:
        self.url = postgres_url

    def open_store(self, folder: Path) -> Store:
        """The store of the tenant that stands for a folder."""
        from headwater.storage.postgres import PostgresStore

        return PostgresStore.open(self.url, tenant=hashlib.sha256(str(folder).encode()).hexdigest()[:16])
