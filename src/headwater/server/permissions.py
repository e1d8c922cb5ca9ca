"""Permissions, the scopes of keys, and the roles of people."""

from __future__ import annotations

from enum import StrEnum


class Permission(StrEnum):
    """The permission that an operation requires. Every operation must declare one, even if it is ``PUBLIC``."""

    PUBLIC = "public"
    """Nothing: health checks and the login page."""
    INGEST = "ingest"
    """Write events and records."""
    READ = "read"
    """Query the lineage of one's tenant."""
    REPORT = "report"
    """Read the quarantine, audit log and usage, as auditors do."""
    ADMIN = "admin"
    """Manage one's tenant: keys, members, shares, quarantine, deletions."""
    OPERATE = "operate"
    """Manage the service: tenants, quotas, stores."""


SCOPES = (Permission.INGEST, Permission.READ, Permission.REPORT, Permission.ADMIN)
"""The scopes that a key of a tenant may have."""


class Role(StrEnum):
    """The role of a member of a tenant."""

    OWNER = "owner"
    STEWARD = "steward"
    AUDITOR = "auditor"
    WRITER = "writer"
    READER = "reader"


ROLES: dict[Role, frozenset[Permission]] = {
    Role.OWNER: frozenset(SCOPES),
    Role.STEWARD: frozenset({Permission.INGEST, Permission.READ, Permission.REPORT}),
    Role.AUDITOR: frozenset({Permission.READ, Permission.REPORT}),
    Role.WRITER: frozenset({Permission.INGEST, Permission.READ}),
    Role.READER: frozenset({Permission.READ}),
}
