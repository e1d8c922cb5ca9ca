"""The page of a run: parameters, environment, inputs, outputs and outcome."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from headwater.errors import NotFound
from headwater.query.code_diff import run_source
from headwater.query.facet_values import failure
from headwater.query.history import RunSummary, summary
from headwater.query.lineage import Lineage
from headwater.query.names import Labels
from headwater.server.permissions import Permission
from headwater.server.rendering.page import page
from headwater.server.rendering.timeline import timeline
from headwater.server.request import Call
from headwater.server.routes.pages.dataset import metric_charts
from headwater.server.routing import Operation
from headwater.storage.row_types import RunRow

_MOST_CHILDREN = 50


def show(call: Call) -> Response:
    """The page of a run; a unique prefix of its id suffices."""
    text = call.path["id"]
    with call.lineage() as lineage:
        run = lineage.resolver.run(text)
        if run is None:
            raise NotFound(text, hint="it may not have arrived yet; its job lists its runs")
        return page(call, "run.html", **_shown(lineage, run))


def _shown(lineage: Lineage, run: RunRow) -> dict[str, Any]:
    store = lineage.store
    details = lineage.show(f"run:{run.run_id}")
    children = store.runs(parent_run=run.run_id, limit=_MOST_CHILDREN + 1)
    parent = store.run(run.parent_run) if run.parent_run else None
    shown = children[:_MOST_CHILDREN]
    related = [*children, *([parent] if parent else [])]
    jobs = {row.id: row for row in store.nodes(sorted({one.job_id for one in related}))}
    error = failure(details.facets)
    return {
        "about": details,
        "labels": Labels(shown=[*details.inputs, *details.outputs]),
        "run": details.run,
        "parent": summary(parent, jobs) if parent else None,
        "children": [summary(one, jobs) for one in shown],
        "line": timeline([summary(one, jobs) for one in shown], lineage.clock()),
        "has_more_children": len(children) > _MOST_CHILDREN,
        "before": _before(lineage, run),
        "stack_trace": str(error.get("stackTrace") or "")[:20_000],
        "source": run_source(store, run, details.run.code) if details.run else None,
        "charts": metric_charts(details.run.metrics) if details.run else [],
    }


def _before(lineage: Lineage, run: RunRow) -> RunSummary | None:
    """The previous run of the same job, if it is among the nearest ones."""
    jobs = lineage.store.nodes([run.job_id])
    if not jobs or run.started_at is None:
        return None
    runs = lineage.store.runs(job_id=run.job_id, before=run.started_at, limit=2)
    earlier = next((one for one in runs if one.run_id != run.run_id), None)
    return summary(earlier, {jobs[0].id: jobs[0]}) if earlier else None


OPERATIONS = (
    Operation(
        method="GET",
        path="/runs/{id}",
        handler=show,
        permission=Permission.READ,
        summary="The page of a run.",
        group="Pages",
        is_page=True,
    ),
)
