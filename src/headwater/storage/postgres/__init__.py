"""The store on a PostgreSQL server: many tenants in one database, kept apart by the server itself."""

from headwater.storage.postgres.store import PostgresStore

__all__ = ["PostgresStore"]
