"""The administration pages for keys, members, shares, tenants and the quarantine, with the functions of the API.

Every change is made by a form of our own pages and answered by a redirect, except where a secret is shown once.
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
