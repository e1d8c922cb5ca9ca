"""Where everybody arrives: what is new, what is wrong, what is covered, where to start."""

from __future__ import annotations

from starlette.responses import Response

from headwater.query.coverage import first_datasets, shares
from headwater.query.listing import NodeSummary, node_summary
from headwater.query.names import Labels
from headwater.query.trouble import find_trouble
from headwater.server.call import Call
from headwater.server.permissions import Permission
from headwater.server.rendering.activity import latest_activity
from headwater.server.rendering.page import page
from headwater.server.routing import Operation
from headwater.storage.base import NodeRow

_STARTS = (
    ("Models", "MODEL"),
    ("Predictions", "PREDICTIONS"),
    ("Features", "FEATURE_VIEW"),
    ("Dashboards", "DASHBOARD"),
    ("Tables", "TABLE"),
    ("Files", "FILE"),
    ("Datasets", ""),
)
_MOST_STARTS = 5
_MOST_MEASURED = 5000
"""Datasets that the coverage is measured on, and where to start is looked for: anew for every visit."""
_MOST_REFUSED = 5


def home(call: Call) -> Response:
    """The home page."""
    return _shown(call, "home.html")


def parts(call: Call) -> Response:
    """What stands on the home page, for one that is open."""
    return _shown(call, "fragments/home.html")


def _shown(call: Call, template: str) -> Response:
    may_see_refused = call.principal.may(Permission.REPORT)
    with call.lineage() as lineage:
        store = lineage.store
        counts = store.statistics()
        rows, is_all = first_datasets(store, limit=_MOST_MEASURED)
        activity = latest_activity(store, counts.last_seq, with_refused=may_see_refused)
        starts = _starts(rows)
        return page(
            call,
            template,
            counts=counts,
            activity=activity,
            trouble=find_trouble(store, lineage.clock()),
            refused=store.quarantined(limit=_MOST_REFUSED) if may_see_refused else [],
            may_see_refused=may_see_refused,
            coverage=shares(store, rows, is_all=is_all),
            starts=starts,
            labels=Labels(shown=[*activity.lines, *(node for _, nodes in starts for node in nodes)]),
        )


def feed(call: Call) -> Response:
    """The list of what is new, for a page that is open."""
    with call.store() as store:
        last_seq = store.statistics().last_seq
        activity = latest_activity(store, last_seq, with_refused=call.principal.may(Permission.REPORT))
    return page(call, "fragments/feed.html", activity=activity, labels=Labels(shown=activity.lines))


def _starts(rows: list[NodeRow]) -> list[tuple[str, list[NodeSummary]]]:
    """The latest few of each sort that people look for."""
    found: dict[str, list[NodeSummary]] = {type_: [] for _, type_ in _STARTS}
    for row in reversed(rows):
        if len(found.get(row.type, ())) < _MOST_STARTS and row.type in found:
            found[row.type].append(node_summary(row))
    return [(title, found[type_]) for title, type_ in _STARTS if found[type_]]


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
    Operation(
        method="GET",
        path="/home/parts",
        handler=parts,
        permission=Permission.READ,
        summary="What stands on the home page, for one that is open.",
        group="Pages",
    ),
    Operation(
        method="GET",
        path="/feed",
        handler=feed,
        permission=Permission.READ,
        summary="What is new, as a part of the home page.",
        group="Pages",
    ),
)
