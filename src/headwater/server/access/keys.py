"""API keys: 256 random bits, of which only a digest is kept."""

from __future__ import annotations

import hashlib
import secrets

import msgspec

from headwater.server.permissions import Permission

PREFIX = "hw_"
_SHOWN = 10


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a key. Times are microseconds since the epoch; ``expires_at`` None is never."""

    id: str
    """The first characters of the key: enough to tell it from others, too few to guess it."""
    digest: bytes
    tenant: str
    name: str
    permissions: frozenset[Permission]
    created_at: int
    expires_at: int | None = None
    revoked_at: int | None = None

    def is_valid(self, now: int) -> bool:
        """Whether the key opens anything at an instant."""
        return (self.expires_at is None or now < self.expires_at) and (self.revoked_at is None or now < self.revoked_at)


def new_secret() -> str:
    """A new key, as its owner will send it."""
    return PREFIX + secrets.token_urlsafe(32)


def digest_of(secret: str) -> bytes:
    """What is kept and looked up. A plain hash is enough for 256 random bits: there is nothing to guess."""
    return hashlib.sha256(secret.encode()).digest()


def id_of(secret: str) -> str:
    """The part of a key that may be shown."""
    return secret[:_SHOWN]
