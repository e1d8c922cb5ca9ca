"""Stores and databases for tests."""

from __future__ import annotations

from typing import Protocol

from headwater.storage.postgres import PostgresStore


class Opener(Protocol):
    """Opens stores, closed after the test."""

    def __call__(self, tenant: str = ..., **options: object) -> PostgresStore:
        """The store of a tenant; of the test's own where none is named."""
