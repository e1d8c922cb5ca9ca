"""The store in a folder: one SQLite file per tenant. What recovers a damaged file is in ``repair``, which few need."""

from headwater.storage.sqlite.store import SQLiteStore, stored_tenants

__all__ = ["SQLiteStore", "stored_tenants"]
