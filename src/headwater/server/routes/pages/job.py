"""The page of a job: its runs over time, its code, inputs and outputs, and whether its SQL agrees."""

from __future__ import annotations

from typing import Any

from starlette.responses import RedirectResponse, Response

from headwater.model.graph import NodeKind
from headwater.query.facet_values import Code, body, run_facts
from headwater.query.history import RunSummary
from headwater.query.lineage import Lineage
from headwater.query.names import Labels, node_id
from headwater.server.permissions import Permission
from headwater.server.rendering.charts import run_bars
from headwater.server.rendering.page import page
from headwater.server.rendering.template_filters import object_path
from headwater.server.request import Call
from headwater.server.routing import Operation

_MOST_RUNS = 30
_MOST_CODES = 15
"""Number of runs whose code is read, which takes a few queries each."""
_LONGEST_TEXT = 20_000
_SQL = ("sql", "jinja2 sql", "plsql", "tsql")
"""Languages of jobs that consist of their SQL; in others, SQL is only a part of the job."""


def show(call: Call) -> Response:
    """The page of a job."""
    with call.lineage() as lineage:
        target = lineage.resolver.target(call.path["id"])
        if target.run is not None or target.node.kind is not NodeKind.JOB:
            here = f"run:{target.run.run_id}" if target.run else node_id(target.node)
            return RedirectResponse(object_path(here), status_code=303)
        return page(call, "job.html", **_shown(lineage, node_id(target.node)))


def _shown(lineage: Lineage, text: str) -> dict[str, Any]:
    details = lineage.show(text)
    runs = lineage.runs(text, limit=_MOST_RUNS + 1)
    history = lineage.history(text, limit=100)
    code = body(details.facets, "sourceCode")
    language = str(code.get("language") or "")
    return {
        "about": details,
        "nodes": {node.id: node for node in (*details.producers, *details.consumers)},
        "is_part": bool(language) and language.lower() not in _SQL,
        "labels": Labels(shown=[details, *details.producers, *details.consumers]),
        "runs": runs[:_MOST_RUNS],
        "has_more_runs": len(runs) > _MOST_RUNS,
        "chart": run_bars("How long the runs took", runs[:_MOST_RUNS], lineage.clock()),
        "codes": _codes(lineage, runs[:_MOST_CODES]),
        "claims": lineage.claims(text),
        "changes": history.changes,
        "sql": str(body(details.facets, "sql").get("query") or "")[:_LONGEST_TEXT],
        "source": str(code.get("sourceCode") or "")[:_LONGEST_TEXT],
        "language": language,
    }


def _codes(lineage: Lineage, runs: list[RunSummary]) -> dict[str, Code]:
    """The code of each of these runs, by run id."""
    rows = [lineage.store.run(run.run_id) for run in runs]
    return {row.run_id: run_facts(lineage.store, row).code for row in rows if row is not None}


OPERATIONS = (
    Operation(
        method="GET",
        path="/jobs/{id}",
        handler=show,
        permission=Permission.READ,
        summary="The page of a job.",
        group="Pages",
        is_page=True,
    ),
)
