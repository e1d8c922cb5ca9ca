"""Managing access: tenants, keys, members, shares, and the audit log."""

from __future__ import annotations

from headwater.server.routes.access import access_log, keys, members, shares, tenants
from headwater.server.routing import Operation

OPERATIONS: tuple[Operation, ...] = (
    *access_log.OPERATIONS,
    *keys.OPERATIONS,
    *members.OPERATIONS,
    *shares.OPERATIONS,
    *tenants.OPERATIONS,
)
