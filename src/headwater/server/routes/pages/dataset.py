"""The page of a dataset of any type: a table, a feature view, a model, predictions."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from starlette.responses import RedirectResponse, Response

from headwater.errors import InvalidInput
from headwater.model.graph import NodeKind
from headwater.query.adjacent_jobs import jobs_beside
from headwater.query.facet_values import Metric
from headwater.query.lineage import Lineage
from headwater.query.models import MODEL_TYPES, read_model
from headwater.query.names import Labels, node_id
from headwater.query.quality import Quality, read_quality
from headwater.query.resolve import Target
from headwater.query.terminal_text import clean
from headwater.query.versions import version_at
from headwater.query.why import Why
from headwater.server.permissions import Permission
from headwater.server.rendering.charts import Lines, box, dates, lines
from headwater.server.rendering.inspector import about_words
from headwater.server.rendering.page import page
from headwater.server.rendering.template_filters import object_path, when
from headwater.server.request import Call
from headwater.server.routing import Operation

_MOST_COLUMNS = 200
_MOST_CHARTS = 12
_MOST_VERSIONS = 30
_MOST_CHANGES = 100
_MOST_CHAIN = 100
_MOST_DIGITS = 15


class DatasetQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The version to show (by default the latest), and the row of predictions to trace."""

    version: Annotated[str, msgspec.Meta(max_length=1000)] = ""
    row: Annotated[str, msgspec.Meta(max_length=100, description="A row, counted from 0.")] = ""


def show(call: Call) -> Response:
    """The page of a dataset."""
    query: DatasetQuery = call.query
    with call.lineage() as lineage:
        target = lineage.resolver.target(call.path["id"])
        if target.run is not None or target.node.kind is NodeKind.JOB:
            here = f"run:{target.run.run_id}" if target.run else node_id(target.node)
            return RedirectResponse(object_path(here), status_code=303)
        text = node_id(target.node)
        if query.version:
            text = f"{text}#{query.version}"
            target = lineage.resolver.target(text)
        elif target.version is not None:
            text = f"{text}#{target.version.version}"
        shown = _shown(lineage, target, text, query.row.strip())
        return page(call, "dataset.html", status=422 if shown["row_problem"] else 200, query=query, **shown)


def _shown(lineage: Lineage, target: Target, text: str, row: str) -> dict[str, Any]:
    store, node = lineage.store, target.node
    details = lineage.show(text)
    version = target.version or version_at(store, node.id, None)
    history = lineage.history(details.id, limit=_MOST_CHANGES)
    quality = read_quality(store, node)
    is_model = details.type in MODEL_TYPES and version is not None
    is_predictions = details.type == "PREDICTIONS" and version is not None
    why, row_problem = _why(lineage, text, row) if is_model or is_predictions else (None, "")
    charts = quality_charts(quality)
    return {
        "about": details,
        "word": about_words(details),
        "is_old": target.version is not None
        and bool(history.versions)
        and target.version.id != version_id(lineage, node),
        "columns": details.columns[:_MOST_COLUMNS],
        "boxes": {column.name: box(column.measures) for column in details.columns[:_MOST_COLUMNS]},
        "versions": history.versions[:_MOST_VERSIONS],
        "has_more_versions": len(history.versions) > _MOST_VERSIONS,
        "schema_changes": [change for change in history.changes if change.facet == "schema"],
        "other_changes": [change for change in history.changes if change.facet != "schema"],
        "writers": jobs_beside(store, node.id, "writers"),
        "readers": jobs_beside(store, node.id, "readers"),
        "quality": quality,
        "charts": charts[:_MOST_CHARTS],
        "more_charts": max(0, len(charts) - _MOST_CHARTS),
        "model": read_model(store, node, version) if is_model and version else None,
        "metric_charts": metric_charts(details.run.metrics) if is_model and details.run else [],
        "why": why,
        "row_problem": row_problem,
        "versions_by_id": {made.version.id: made.version for made in why.history} if why else {},
        "labels": Labels(shown=[details, *(made.version for made in why.history)] if why else [details]),
        "is_predictions": is_predictions,
        "most_chain": _MOST_CHAIN,
    }


def _why(lineage: Lineage, text: str, row: str) -> tuple[Why, str]:
    """The trace of a version, or of one of its rows, and an error for the form if there is no such row."""
    if not row:
        return lineage.why(text), ""
    if not (row.isascii() and row.isdecimal() and len(row) <= _MOST_DIGITS):
        return lineage.why(text), f"a row is a number, counted from 0, and {clean(row)!r} is none"
    try:
        return lineage.why(f"{text}#{row}"), ""
    except InvalidInput as error:
        return lineage.why(text), error.message


def version_id(lineage: Lineage, node: Any) -> int:
    """The id of the latest version of a dataset; 0 if it has none."""
    latest = version_at(lineage.store, node.id, None)
    return latest.id if latest else 0


def quality_charts(quality: Quality) -> list[Lines]:
    """Charts of rows over time, and of nulls, means and distinct values of columns where they changed."""
    names = [f"version {version.ordinal}, {when(version.created_at)} UTC" for version in quality.versions]
    places = dates([version.created_at for version in quality.versions])
    found = [lines("Rows", quality.rows, names, places)]
    for word in ("nulls", "means", "distinct"):
        for column in quality.columns:
            values = getattr(column, word)
            if len({value for value in values if value is not None}) > 1:
                found.append(lines(f"{column.name}: {'mean' if word == 'means' else word}", values, names, places))
    return [chart for chart in found if chart is not None]


def metric_charts(metrics: tuple[Metric, ...]) -> list[Lines]:
    """Charts of metrics that were reported at several steps."""
    series: dict[str, list[Metric]] = {}
    for metric in metrics:
        if metric.step is not None:
            series.setdefault(f"{metric.name} on {metric.dataset}" if metric.dataset else metric.name, []).append(
                metric
            )
    found = []
    for name, all_of in series.items():
        ordered = sorted(all_of, key=lambda metric: metric.step or 0)
        values = [one.value if isinstance(one.value, int | float) else None for one in ordered]
        found.append(lines(name, values, [f"step {one.step}" for one in ordered]))
    return [chart for chart in found if chart is not None][:_MOST_CHARTS]


OPERATIONS = (
    Operation(
        method="GET",
        path="/datasets/{id}",
        handler=show,
        permission=Permission.READ,
        summary="The page of a dataset, feature view, model or prediction log.",
        group="Pages",
        query=DatasetQuery,
        is_page=True,
    ),
)
