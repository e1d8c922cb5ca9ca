"""What the service itself remembers: tenants and keys. Apart from the lineage, and shared by all its processes."""

from __future__ import annotations

from abc import ABC, abstractmethod

import msgspec

from headwater.server.access.keys import Key


class Tenant(msgspec.Struct, frozen=True, kw_only=True):
    """A tenant. ``created_at`` is in microseconds since the epoch."""

    name: str
    created_at: int
    title: str = ""


class Control(ABC):
    """The contract of the control store."""

    @abstractmethod
    def tenants(self) -> list[Tenant]:
        """Every tenant, by name."""

    @abstractmethod
    def tenant(self, name: str) -> Tenant | None:
        """One tenant."""

    @abstractmethod
    def add_tenant(self, tenant: Tenant) -> None:
        """Remember a new tenant; does nothing when there is one of that name."""

    @abstractmethod
    def add_key(self, key: Key) -> None:
        """Remember a new key."""

    @abstractmethod
    def key_of(self, digest: bytes) -> Key | None:
        """The key of that digest, valid or not."""

    @abstractmethod
    def keys(self, tenant: str) -> list[Key]:
        """The keys of a tenant, oldest first."""

    @abstractmethod
    def revoke_key(self, tenant: str, key_id: str, at: int) -> bool:
        """Let a key end at an instant; False when the tenant has none of that id."""

    @abstractmethod
    def close(self) -> None:
        """Release files. Idempotent."""
