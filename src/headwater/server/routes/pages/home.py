"""Where everybody arrives: what is new, what is wrong, what is covered, where to start."""

from __future__ import annotations

from starlette.responses import Response

from headwater.query.coverage import shares
from headwater.query.listing import node_summary
from headwater.query.trouble import find_trouble
from headwater.server.call import Call
from headwater.server.permissions import Permission
from headwater.server.rendering.activity import latest_activity
from headwater.server.rendering.page import page
from headwater.server.routing import Operation

_STARTS = (
    ("Models", "MODEL"),
    ("Predictions", "PREDICTIONS"),
    ("Features", "FEATURE_VIEW"),
    ("Dashboards", "DASHBOARD"),
    ("Tables", "TABLE"),
    ("Files", "FILE"),
)
_MOST_STARTS = 5
_MOST_MEASURED = 5000
"""Datasets that the coverage on this page is measured on: it is measured anew for every visit."""
_MOST_REFUSED = 5


def home(call: Call) -> Response:
    """The home page."""
    with call.lineage() as lineage:
        store = lineage.store
        counts = store.statistics()
        may_see_refused = call.principal.may(Permission.REPORT)
        return page(
            call,
            "home.html",
            counts=counts,
            activity=latest_activity(store),
            trouble=find_trouble(store, lineage.clock()),
            refused=store.quarantined(limit=_MOST_REFUSED) if may_see_refused else [],
            may_see_refused=may_see_refused,
            coverage=shares(store, limit=_MOST_MEASURED),
            starts=[
                (title, [node_summary(row) for row in rows])
                for title, type_ in _STARTS
                if (rows := store.scan_nodes(type=type_, limit=_MOST_STARTS))
            ],
        )


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
