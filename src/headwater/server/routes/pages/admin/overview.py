"""Overview: checks, contents of the store, the index, usage and quota, and the audit log."""

from __future__ import annotations

from typing import Any, get_args

from starlette.responses import Response

from headwater.server.permissions import Permission
from headwater.server.request import Call
from headwater.server.routes.pages.admin.admin_page import admin_page, operation
from headwater.storage.base import Store
from headwater.storage.row_types import Level

_MOST_ACTIONS = 50
_CHECKS = {
    "control": "Tenants, keys and members can be read",
    "store": "The lineage can be read",
    "views": "No store's views are being rebuilt",
    "intake": "Events are taken in",
}


def show(call: Call) -> Response:
    """The overview."""
    service = call.service
    with call.store() as store:
        stored = store.statistics()
        indexes = _indexes(store)
        capabilities = store.capabilities
    counters = service.intake.counters.tenants.get(call.tenant)
    return admin_page(
        call,
        "admin.html",
        "/admin",
        checks=[(_CHECKS.get(check.name, check.name), check) for check in service.checks()],
        stored=stored,
        indexes=indexes,
        capabilities=capabilities,
        quota=service.quota(call.tenant),
        counters=counters,
        actions=service.control.actions(call.tenant, limit=_MOST_ACTIONS),
    )


def _indexes(store: Store) -> list[dict[str, Any]]:
    """The graph index of each level, up to the last event."""
    indexes = {level: store.index(level) for level in get_args(Level)}
    return [
        {"level": level, "nodes": one.node_count, "edges": one.edge_count, "bytes": one.memory_bytes}
        for level, one in indexes.items()
    ]


OPERATIONS = (operation("GET", "/admin", show, Permission.REPORT, "The administration page."),)
