"""Administration for people: what the API does for keys, members, shares, tenants and the quarantine, as pages.

Every change is a form of our own pages and is answered by a redirect, except where a secret is shown this once.
"""

from __future__ import annotations

from headwater.server.routes.pages.admin import keys, members, overview, quarantine, shares, tenants
from headwater.server.routing import Operation

OPERATIONS: tuple[Operation, ...] = (
    *overview.OPERATIONS,
    *keys.OPERATIONS,
    *members.OPERATIONS,
    *shares.OPERATIONS,
    *quarantine.OPERATIONS,
    *tenants.OPERATIONS,
)
