"""Contents of the inspector for a node, an edge, and a change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from headwater.errors import NotFound
from headwater.model.graph import FieldEdge, NodeKind
from headwater.query.details import Details
from headwater.query.facet_values import RunFacts, body, run_facts
from headwater.query.impact import Impact
from headwater.query.importances import Importances, read_importances
from headwater.query.lineage import Lineage
from headwater.query.listing import NodeSummary, node_summary
from headwater.query.models import MODEL_TYPES
from headwater.query.walk import is_valid
from headwater.server.rendering.tables import MOST_ROWS
from headwater.storage.base import Store
from headwater.storage.row_types import EdgeRow, NodeRow

_LONGEST_TEXT = 20_000
DEEDS = {
    "drop": "is dropped",
    "retype": "gets another type",
    "rename": "is renamed",
    "retire": "is retired",
    "delete_rows": "loses rows",
}
"""Verbs for the kinds of changes."""


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """The evidence for an edge. ``sql`` and ``source`` are the code of the job, if recorded."""

    source: NodeSummary
    target: NodeSummary
    job: NodeSummary | None
    how: str
    valid_from: int
    valid_to: int | None
    is_past: bool
    run: RunFacts | None
    fields: tuple[FieldEdge, ...]
    importances: Importances | None = None
    """For an edge into a model, the importance of each of its features."""
    sql: str = ""
    source_code: str = ""
    language: str = ""


def how_words(how: str) -> str:
    """A description of one of the four kinds of evidence."""
    return {
        "declared": "The producer named this edge itself.",
        "column": "It follows from column lineage that the producer sent.",
        "product": "The run read the one and wrote the other; which output came from which input was not said.",
        "inferred": "Our own analysis concluded it; no producer said so.",
    }.get(how, "")


def severities(impact: Impact) -> dict[str, str]:
    """The severity of a change for each node, by id, to mark the cards of a picture."""
    return {item.node.id: item.severity for item in impact.items}


def about_words(details: Details) -> str:
    """The kind of a node in a word or two."""
    if details.kind != NodeKind.DATASET.value:
        return details.kind
    return details.type.lower().replace("_", " ") or "dataset"


def evidence(lineage: Lineage, source: str, target: str, job: str, *, as_of: str = "") -> list[Evidence]:
    """The edges between two nodes, or between a job and one of its inputs or outputs, with their evidence.

    Raises:
        NotFound: there is no such edge.
    """
    ends = {
        name: lineage.resolver.node(text) if text else None for name, text in (("source", source), ("target", target))
    }
    jobs = lineage.resolver.node(job) if job else None
    rows = _rows(lineage.store, ends["source"], ends["target"], jobs)
    if not rows:
        raise NotFound(f"an edge from {source or job} to {target or job}")
    instant = lineage.instant(as_of or None)
    rows.sort(key=lambda row: (not is_valid(row, instant), -row.valid_from))
    keys = {key for row in rows for key in (row.source_id, row.target_id, row.job_id)}
    nodes = {node.id: node for node in lineage.store.nodes(sorted(keys))}
    return [_evidence(lineage, row, nodes, instant) for row in rows[:MOST_ROWS]]


def _rows(store: Store, source: NodeRow | None, target: NodeRow | None, job: NodeRow | None) -> list[EdgeRow]:
    """The edges with these ends; a job as an end stands for all of its edges with the other."""
    job = job or next((row for row in (source, target) if row is not None and row.kind is NodeKind.JOB), None)
    given = {
        "source_id": source.id if source and source.kind is not NodeKind.JOB else None,
        "target_id": target.id if target and target.kind is not NodeKind.JOB else None,
        "job_id": job.id if job else None,
    }
    return store.edges(**given) if any(given.values()) else []


def _evidence(lineage: Lineage, row: EdgeRow, nodes: Mapping[int, NodeRow], instant: int | None) -> Evidence:
    store = lineage.store
    run = store.run(row.run_id) if row.run_id else None
    job = nodes.get(row.job_id)
    facets = {**(store.facets(row.job_id) if job else {}), **(store.run_facets(row.run_id) if run else {})}
    code = body(facets, "sourceCode")
    return Evidence(
        source=node_summary(nodes[row.source_id]),
        target=node_summary(nodes[row.target_id]),
        job=node_summary(job) if job else None,
        how=str(row.how),
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        is_past=not is_valid(row, instant),
        run=run_facts(store, run) if run else None,
        fields=store.mapping_fields(row),
        importances=_importances(store, nodes[row.target_id], instant),
        sql=_text(body(facets, "sql"), "query"),
        source_code=_text(code, "sourceCode"),
        language=_text(code, "language"),
    )


def _importances(store: Store, target: NodeRow, instant: int | None) -> Importances | None:
    if target.type not in MODEL_TYPES:
        return None
    return read_importances(body(store.facets(target.id, as_of=instant), "headwater_model"))


def _text(facet: Mapping[str, Any], name: str) -> str:
    return str(facet.get(name) or "")[:_LONGEST_TEXT]
