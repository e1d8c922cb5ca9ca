"""The pages for people."""

from __future__ import annotations

from starlette.responses import Response

from headwater.server.call import Call
from headwater.server.permissions import Permission
from headwater.server.rendering.page import page
from headwater.server.routing import Operation


def home(call: Call) -> Response:
    """Where everybody arrives: how much there is, what happened last, where to start."""
    with call.lineage() as lineage:
        counts = lineage.store.statistics()
        runs = lineage.runs(limit=10)
    return page(call, "home.html", counts=counts, runs=runs)


OPERATIONS = (
    Operation(
        method="GET",
        path="/",
        handler=home,
        permission=Permission.READ,
        summary="The home page.",
        group="Pages",
        is_page=True,
    ),
)
