"""The lineage that producers report, compared with the SQL of their jobs."""

from __future__ import annotations

from headwater.query.claims import Claims
from headwater.server.permissions import Permission
from headwater.server.request import Call
from headwater.server.routing import Operation


def claims(call: Call) -> Claims:
    """Compare the two for a job: edges in both, only in the events, and only in its parsed SQL."""
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
