"""The lineage that producers claim, next to what the SQL of their jobs says."""

from __future__ import annotations

from headwater.query.claims import Claims
from headwater.server.permissions import Permission
from headwater.server.request import Call
from headwater.server.routing import Operation


def claims(call: Call) -> Claims:
    """Both sides of a job: what is agreed, what only the emitter says, what only our parse of its SQL finds."""
    with call.lineage() as lineage:
        return lineage.claims(call.path["id"])


OPERATIONS = (
    Operation(
        method="GET",
        path="/api/v1/nodes/{id}/claims",
        handler=claims,
        permission=Permission.READ,
        summary="What a job's producer claims, next to what its SQL says.",
        group="Lineage",
        answer=Claims,
    ),
)
