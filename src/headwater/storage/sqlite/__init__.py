"""The store in a folder: one SQLite file per tenant."""

from headwater.storage.sqlite.repair import Repaired, repair, restore
from headwater.storage.sqlite.store import SQLiteStore, stored_tenants

__all__ = ["Repaired", "SQLiteStore", "repair", "restore", "stored_tenants"]
