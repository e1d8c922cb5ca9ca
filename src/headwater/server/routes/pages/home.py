"""The home page: recent activity, problems, coverage, and entry points."""

from __future__ import annotations

from math import ceil
from typing import NamedTuple

from starlette.responses import Response

from headwater.query.coverage import Shares, first_datasets, shares
from headwater.query.listing import NodeSummary, node_summary
from headwater.query.names import Labels
from headwater.query.run_problems import find_run_problems
from headwater.server.permissions import Permission
from headwater.server.rendering.activity import Activity, latest_activity
from headwater.server.rendering.page import page
from headwater.server.request import Call
from headwater.server.routing import Operation
from headwater.server.shared_cache import SharedValue
from headwater.storage.answer_cache import State
from headwater.storage.base import Store
from headwater.storage.row_types import NodeRow

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
"""Number of datasets used for the coverage and the entry points, which are computed for every visit."""
_MOST_REFUSED = 5


def home(call: Call) -> Response:
    """The home page."""
    return _shown(call, "home.html", is_new=True)


def parts(call: Call) -> Response:
    """The contents of the home page, to update an open one."""
    return _shown(call, "fragments/home.html", is_new=False)


def _shown(call: Call, template: str, *, is_new: bool) -> Response:
    may_see_refused = call.principal.may(Permission.REPORT)
    with call.lineage() as lineage:
        store = lineage.store
        activity = _activity(call, store, is_new=is_new)
        known = _known(call, store, is_new=is_new)
        starts = known.value.starts
        shown = page(
            call,
            template,
            counts=store.tally(),
            activity=activity.value,
            trouble=find_run_problems(store, lineage.clock()),
            refused=store.quarantined(limit=_MOST_REFUSED) if may_see_refused else [],
            may_see_refused=may_see_refused,
            coverage=known.value.coverage,
            starts=starts,
            labels=Labels(shown=[*activity.value.lines, *(node for _, nodes in starts for node in nodes)]),
        )
    return _again(shown, max(activity.again_s, known.again_s))


def feed(call: Call) -> Response:
    """The recent activity, to update an open page."""
    with call.store() as store:
        activity = _activity(call, store, is_new=False)
    shown = page(call, "fragments/feed.html", activity=activity.value, labels=Labels(shown=activity.value.lines))
    return _again(shown, activity.again_s)


def _again(shown: Response, again_s: float) -> Response:
    """Tell an open page that the contents are outdated, and when to request newer ones."""
    if again_s:
        shown.headers["Headwater-Again"] = str(ceil(again_s))
    return shown


def _state(store: Store) -> State:
    with store.view() as view:
        return view.state


def _whose(call: Call) -> tuple[str, int]:
    """Identifies a tenant, even if it was deleted and created again with the same name."""
    tenant = call.service.control.tenant(call.tenant)
    return call.tenant, tenant.created_at if tenant else 0


def _activity(call: Call, store: Store, *, is_new: bool) -> SharedValue[Activity]:
    """The recent activity, computed once for all visitors with the same permissions."""
    may_see_refused = call.principal.may(Permission.REPORT)
    state = _state(store)
    latest = [(entry.id, entry.times) for entry in store.quarantined(limit=1)] if may_see_refused else []
    return call.service.shared_values.get(
        ("activity", may_see_refused, *_whose(call)),
        (state, *latest),
        lambda: latest_activity(store, state[1], with_refused=may_see_refused),
        is_new=is_new,
    )


class _Known(NamedTuple):
    """The parts of the page that are computed from thousands of datasets."""

    coverage: Shares
    starts: list[tuple[str, list[NodeSummary]]]


def _known(call: Call, store: Store, *, is_new: bool) -> SharedValue[_Known]:
    def make() -> _Known:
        rows, is_all = first_datasets(store, limit=_MOST_MEASURED)
        return _Known(shares(store, rows, is_all=is_all), _starts(rows))

    return call.service.shared_values.get(("known", *_whose(call)), _state(store), make, is_new=is_new)


def _starts(rows: list[NodeRow]) -> list[tuple[str, list[NodeSummary]]]:
    """The latest few nodes of each common kind."""
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
