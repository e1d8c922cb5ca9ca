"""Runs."""

from __future__ import annotations

import msgspec

from headwater.model.graph import RunState
from headwater.query.details import Details
from headwater.query.history import RunSummary
from headwater.query.listing import run_page
from headwater.server.permissions import Permission
from headwater.server.request import Call
from headwater.server.routes.graph_responses import Limit, State, cursor, read_cursor
from headwater.server.routing import Operation


class RunsQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The runs to list."""

    state: State | None = None
    parent: str | None = None
    limit: Limit = 20
    cursor: str = ""


class Runs(msgspec.Struct, frozen=True, kw_only=True):
    """A page of runs, latest first. ``next`` is the start of the next one, or None."""

    runs: list[RunSummary]
    next: str | None = None


def runs(call: Call) -> Runs:
    """Runs, latest start first."""
    query: RunsQuery = call.query
    state = None if query.state is None else RunState(query.state)
    after = read_cursor(query.cursor, tuple[int, str]) if query.cursor else None
    with call.store() as store:
        found, last = run_page(store, state=state, parent=query.parent, after=after, limit=query.limit)
    return Runs(runs=found, next=None if last is None else cursor(last))


def run(call: Call) -> Details:
    """Everything known about a run; a unique prefix of its id suffices."""
    with call.lineage() as lineage:
        return lineage.show(f"run:{call.path['id']}")


OPERATIONS = (
    Operation(
        method="GET",
        path="/api/v1/runs",
        handler=runs,
        permission=Permission.READ,
        summary="Runs, latest first.",
        group="Lineage",
        query=RunsQuery,
        answer=Runs,
    ),
    Operation(
        method="GET",
        path="/api/v1/runs/{id}",
        handler=run,
        permission=Permission.READ,
        summary="Everything known about a run.",
        group="Lineage",
        answer=Details,
    ),
)
