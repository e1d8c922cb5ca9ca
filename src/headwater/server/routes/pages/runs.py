"""The page of all runs, latest first, optionally in one state."""

from __future__ import annotations

import msgspec
from starlette.responses import Response

from headwater.model.graph import RunState
from headwater.query.listing import run_page
from headwater.server.permissions import Permission
from headwater.server.rendering.page import page
from headwater.server.rendering.timeline import timeline
from headwater.server.request import Call
from headwater.server.routes.graph_responses import State, cursor, read_cursor
from headwater.server.routing import Operation
from headwater.storage.ingest import now_us

_ON_A_PAGE = 50
_WORDS = {  # "none ..."
    "": "",
    "RUNNING": "goes on",
    "COMPLETED": "completed",
    "FAILED": "failed",
    "ABORTED": "was aborted",
    "NEW": "was announced",
}


class RunsPageQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The runs to show."""

    state: State | None = None
    cursor: str = ""


def show(call: Call) -> Response:
    """The page of runs."""
    query: RunsPageQuery = call.query
    state = None if query.state is None else RunState(query.state)
    after = read_cursor(query.cursor, tuple[int, str]) if query.cursor else None
    with call.store() as store:
        found, last = run_page(store, state=state, after=after, limit=_ON_A_PAGE)
    return page(
        call,
        "runs.html",
        runs=found,
        line=timeline(found, now_us()),
        state=query.state or "",
        states=tuple(_WORDS),
        words=_WORDS,
        is_first=after is None,
        following=None if last is None else cursor(last),
    )


OPERATIONS = (
    Operation(
        method="GET",
        path="/runs",
        handler=show,
        permission=Permission.READ,
        summary="The page of runs.",
        group="Pages",
        query=RunsPageQuery,
        is_page=True,
    ),
)
