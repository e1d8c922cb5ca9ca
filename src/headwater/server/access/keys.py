"""API keys: 256 random bits, of which only a digest is stored."""

from __future__ import annotations

import hashlib
import secrets

PREFIX = "hw_"
_SHOWN = 10


def new_secret() -> str:
    """A new key in the form that clients send."""
    return PREFIX + secrets.token_urlsafe(32)


def digest_of(secret: str) -> str:
    """The digest to store and look up. A plain hash suffices for 256 random bits, which cannot be guessed."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def id_of(secret: str) -> str:
    """The public id of a key: 42 of its bits, which leaves 214 secret."""
    return secret[:_SHOWN]
