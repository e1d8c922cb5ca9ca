"""Rows of the control store. Times are microseconds since the epoch, UTC."""

from __future__ import annotations

from typing import Annotated

import msgspec

from headwater.server.permissions import Permission, Role

MOST_COUNT = 2**53
"""The largest quota: all JSON parsers represent integers up to here exactly (RFC 8259, section 6)."""
Positive = Annotated[int, msgspec.Meta(ge=1, le=MOST_COUNT)]

Line = Annotated[str, msgspec.Meta(max_length=200, pattern=r"^[^\x00-\x1f]*$")]
"""A line of text for display."""
Named = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]*$")]


class Quota(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """The limits of a tenant; None is unlimited."""

    events_per_s: Positive | None = None
    bytes_per_s: Positive | None = None
    stored_bytes: Positive | None = None


class Tenant(msgspec.Struct, frozen=True, kw_only=True):
    """A tenant."""

    name: str
    created_at: int
    title: str = ""
    quota: Quota = Quota()


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """The stored part of an API key."""

    id: str
    """The first characters of the key: enough to tell it from others, too few to guess it."""
    digest: str
    """SHA-256, hexadecimal."""
    tenant: str
    name: str
    permissions: frozenset[Permission]
    created_at: int
    created_by: str = ""
    expires_at: int | None = None
    revoked_at: int | None = None
    used_at: int | None = None

    def is_valid(self, now: int) -> bool:
        """Whether the key is valid at an instant."""
        return (self.expires_at is None or now < self.expires_at) and (self.revoked_at is None or now < self.revoked_at)


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A member of a tenant, as identified by an identity provider."""

    tenant: str
    issuer: str
    subject: str
    role: Role
    name: str = ""
    added_at: int = 0


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """A grant: the grantee may read the subgraph that ``select`` names in the tenant's lineage, until it ends."""

    id: str
    tenant: str
    grantee: str
    select: str
    created_at: int
    created_by: str
    expires_at: int
    revoked_at: int | None = None

    def is_valid(self, now: int) -> bool:
        """Whether the grant is valid at an instant."""
        return now < self.expires_at and (self.revoked_at is None or now < self.revoked_at)


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of the audit log of a tenant: who did what to what."""

    at: int
    tenant: str
    who: str
    what: str
    subject: str
    detail: str = ""
