"""The control store in a SQLite file beside the stores of the tenants (``memory://``: in none)."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

from headwater.server.access.control import Control, Tenant
from headwater.server.access.keys import Key
from headwater.server.permissions import Permission

_SCHEMA = """
CREATE TABLE IF NOT EXISTS tenants (name TEXT PRIMARY KEY, created_at INTEGER NOT NULL, title TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS keys (
  digest BLOB PRIMARY KEY,
  id TEXT NOT NULL,
  tenant TEXT NOT NULL,
  name TEXT NOT NULL,
  permissions TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  revoked_at INTEGER
) STRICT;
CREATE INDEX IF NOT EXISTS keys_by_tenant ON keys (tenant, created_at);
"""
_KEY = "SELECT digest, id, tenant, name, permissions, created_at, expires_at, revoked_at FROM keys"


class SQLiteControl(Control):
    """One connection under a lock: it is asked rarely, and cached by who asks often."""

    def __init__(self, path: Path | None) -> None:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(
            ":memory:" if path is None else path, isolation_level=None, check_same_thread=False, timeout=10
        )
        if path is not None:
            path.chmod(0o600)
            self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.executescript(_SCHEMA)

    def tenants(self) -> list[Tenant]:
        """Every tenant, by name."""
        with self._lock:
            found = self._connection.execute("SELECT name, created_at, title FROM tenants ORDER BY name").fetchall()
        return [Tenant(name=name, created_at=created_at, title=title) for name, created_at, title in found]

    def tenant(self, name: str) -> Tenant | None:
        """One tenant."""
        return next((one for one in self.tenants() if one.name == name), None)

    def add_tenant(self, tenant: Tenant) -> None:
        """Remember a new tenant; does nothing when there is one of that name."""
        with self._lock:
            self._connection.execute(
                "INSERT OR IGNORE INTO tenants (name, created_at, title) VALUES (?, ?, ?)",
                (tenant.name, tenant.created_at, tenant.title),
            )

    def add_key(self, key: Key) -> None:
        """Remember a new key."""
        given = (
            key.digest,
            key.id,
            key.tenant,
            key.name,
            " ".join(sorted(key.permissions)),
            key.created_at,
            key.expires_at,
            key.revoked_at,
        )
        with self._lock:
            self._connection.execute("INSERT INTO keys VALUES (?, ?, ?, ?, ?, ?, ?, ?)", given)

    def key_of(self, digest: bytes) -> Key | None:
        """The key of that digest, valid or not."""
        with self._lock:
            found = self._connection.execute(f"{_KEY} WHERE digest = ?", (digest,)).fetchone()
        return None if found is None else _key(*found)

    def keys(self, tenant: str) -> list[Key]:
        """The keys of a tenant, oldest first."""
        with self._lock:
            found = self._connection.execute(f"{_KEY} WHERE tenant = ? ORDER BY created_at, id", (tenant,)).fetchall()
        return [_key(*columns) for columns in found]

    def revoke_key(self, tenant: str, key_id: str, at: int) -> bool:
        """Let a key end at an instant; False when the tenant has none of that id."""
        with self._lock:
            done = self._connection.execute(
                "UPDATE keys SET revoked_at = ? WHERE tenant = ? AND id = ?", (at, tenant, key_id)
            )
        return done.rowcount > 0

    def close(self) -> None:
        """Release the file. Idempotent."""
        with self._lock:
            self._connection.close()


def _key(
    digest: bytes,
    key_id: str,
    tenant: str,
    name: str,
    permissions: str,
    created_at: int,
    expires_at: int | None,
    revoked_at: int | None,
) -> Key:
    return Key(
        id=key_id,
        digest=digest,
        tenant=tenant,
        name=name,
        permissions=frozenset(Permission(one) for one in permissions.split()),
        created_at=created_at,
        expires_at=expires_at,
        revoked_at=revoked_at,
    )
