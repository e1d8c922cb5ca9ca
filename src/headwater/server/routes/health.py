"""Whether the service lives."""

from __future__ import annotations

from headwater.server.call import Call
from headwater.server.permissions import Permission
from headwater.server.routing import Operation


async def live(call: Call) -> dict[str, str]:
    """The process answers."""
    del call
    return {"status": "live"}


OPERATIONS = (
    Operation(
        method="GET",
        path="/health/live",
        handler=live,
        permission=Permission.PUBLIC,
        summary="Whether the process answers.",
        group="Operations",
    ),
)
