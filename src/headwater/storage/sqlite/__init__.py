"""The store in a folder: one SQLite file a tenant."""

from headwater.storage.sqlite.store import SQLiteStore

__all__ = ["SQLiteStore"]
