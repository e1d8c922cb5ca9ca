"""API keys: 256 random bits, of which only a digest is stored."""

from __future__ import annotations

import hashlib
import secrets

PREFIX = "hw_"
_SHOWN = 10


def new_secret() -> str:
    """A new key, as its owner will send it."""
    return PREFIX + secrets.token_urlsafe(32)


def digest_of(secret: str) -> str:
    """What is kept and looked up. A plain hash is enough for 256 random bits: there is nothing to guess."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def id_of(secret: str) -> str:
    """The part of a key that may be shown: 42 bits of it, which leaves 214 unknown."""
    return secret[:_SHOWN]
