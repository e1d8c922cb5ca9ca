"""Managing access: tenants, keys, members, shares, and the record of who did what."""

from __future__ import annotations

from headwater.server.routes.access import keys, members, record, shares, tenants
from headwater.server.routing import Operation

OPERATIONS: tuple[Operation, ...] = (
    *record.OPERATIONS,
    *keys.OPERATIONS,
    *members.OPERATIONS,
    *shares.OPERATIONS,
    *tenants.OPERATIONS,
)
