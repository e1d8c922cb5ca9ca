"""``Details``: everything known about one dataset, version, job or run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import msgspec

from headwater.model import node_ids
from headwater.model.graph import Direction, NodeKind
from headwater.query.facet_values import (
    Facets,
    RunFacts,
    Version,
    as_seen,
    body,
    run_facts,
    schema_fields,
    version_facts,
)
from headwater.query.history import RunSummary, summary
from headwater.query.names import node_id
from headwater.query.resolve import Target
from headwater.query.result import Answer
from headwater.query.selectors import owner_names, tag_labels
from headwater.query.versions import version_at
from headwater.query.walk import Edges, job_neighbours
from headwater.storage.base import Store
from headwater.storage.row_types import NodeRow, RunRow, VersionRow

_MOST_VERSIONS = 10
_MOST_NEIGHBOURS = 50
_T = TypeVar("_T")


class Column(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A column: its type as named by the producer, and its measured statistics."""

    name: str
    type: str = ""
    measures: dict[str, Any] = {}


class Neighbour(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A node next to this one."""

    id: str
    kind: str
    namespace: str
    name: str
    type: str = ""


class LinkedRun(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A run that this run depends on, or that depends on it. ``is_pending``: it was named but has not arrived yet."""

    run_id: str
    job_name: str = ""
    state: str = ""
    is_pending: bool = False


class Details(Answer, frozen=True, kw_only=True, omit_defaults=True):
    """Everything known about a node. ``producers`` and ``consumers`` are jobs for a dataset and datasets for a job.

    ``versions`` and ``runs`` are the latest ten, which ``history`` and ``runs`` list in full. A run depends on its
    ``dependencies``; its ``dependents`` depend on it. ``facets`` holds all facets verbatim,
    including unknown ones, as the JSON that came in; ``facet`` decodes one.
    """

    id: str
    kind: str
    namespace: str
    name: str
    type: str = ""
    aliases: tuple[str, ...] = ()
    description: str = ""
    owners: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    is_deleted: bool = False
    created_at: int = 0
    updated_at: int = 0
    columns: tuple[Column, ...] = ()
    version: Version | None = None
    versions: tuple[Version, ...] = ()
    producers: tuple[Neighbour, ...] = ()
    consumers: tuple[Neighbour, ...] = ()
    inputs: tuple[Version, ...] = ()
    outputs: tuple[Version, ...] = ()
    run: RunFacts | None = None
    runs: tuple[RunSummary, ...] = ()
    dependencies: tuple[LinkedRun, ...] = ()
    dependents: tuple[LinkedRun, ...] = ()
    facets: dict[str, msgspec.Raw] = {}
    gaps: tuple[str, ...] = ()
    """What is to be known before the rest is read, in sentences."""

    def facet(self, name: str) -> Any:
        """Return a facet as plain values (of a facet that follows the specification: a dict); None if it has none of
        that name."""
        raw = self.facets.get(name)
        return None if raw is None else msgspec.json.decode(raw)

    def to_text(self, *, cells: int | None = None, base: str | None = None) -> str:
        """Return the details as text, at most ``cells`` wide."""
        from headwater.query.object_text import details_lines
        from headwater.query.terminal_text import plain

        return plain(details_lines(self, cells=cells, base=base))


def describe(store: Store, target: Target, *, as_of: int | None = None) -> Details:
    """Return what is known about a dataset, a version of it, or a job, at an instant."""
    if target.node.kind is NodeKind.JOB:
        return _describe_job(store, target.node, as_of)
    return _describe_dataset(store, target.node, target.version or version_at(store, target.node.id, as_of), as_of)


def _describe_dataset(store: Store, node: NodeRow, version: VersionRow | None, as_of: int | None) -> Details:
    facets = store.facets(node.id, as_of=as_of)
    of_version = store.version_facets(version.id) if version else {}
    merged = {**facets, **of_version}
    edges = Edges(store, as_of)
    into = [edge.job_id for edge in edges.of(node.id, Direction.UPSTREAM)]
    out = [edge.job_id for edge in edges.of(node.id, Direction.DOWNSTREAM)]
    gaps: list[str] = []
    written_by = store.run(version.run_id) if version and version.run_id else None
    return Details(
        **_common(node, facets),
        columns=_columns(store, node, merged),
        version=version_facts(node, as_seen(store, [version])[0]) if version else None,
        versions=tuple(
            version_facts(node, row)
            for row in as_seen(store, store.versions(node.id, as_of=as_of, limit=_MOST_VERSIONS))
        ),
        producers=_neighbours(store, _first(into, "jobs that write it", gaps)),
        consumers=_neighbours(store, _first(out, "jobs that read it", gaps)),
        run=run_facts(store, written_by) if written_by else None,
        facets=merged,
        gaps=tuple(gaps),
    )


def _describe_job(store: Store, node: NodeRow, as_of: int | None) -> Details:
    facets = store.facets(node.id, as_of=as_of)
    edges = Edges(store, as_of)
    runs = store.runs(job_id=node.id, limit=_MOST_VERSIONS, before=None if as_of is None else as_of + 1)
    into = job_neighbours(edges, node.id, Direction.UPSTREAM)
    out = job_neighbours(edges, node.id, Direction.DOWNSTREAM)
    gaps: list[str] = []
    return Details(
        **_common(node, facets),
        producers=_neighbours(store, _first(into, "datasets that it reads", gaps)),
        consumers=_neighbours(store, _first(out, "datasets that it writes", gaps)),
        run=run_facts(store, runs[0]) if runs else None,
        runs=tuple(summary(run, {node.id: node}) for run in runs),
        facets=facets,
        gaps=tuple(gaps),
    )


def describe_run(store: Store, run: RunRow) -> Details:
    """Return what is known about a run: facts, inputs and outputs as versions, facets verbatim."""
    facts = run_facts(store, run)
    jobs = store.nodes([run.job_id])
    inputs, outputs = store.run_io(run.run_id)
    rows = {row.id: row for row in store.nodes(sorted({version.dataset_id for version in (*inputs, *outputs)}))}
    gaps: list[str] = []
    dependencies = _first(store.dependencies([run.run_id]).get(run.run_id, ()), "runs that it depends on", gaps)
    dependents = _first(store.dependents([run.run_id]).get(run.run_id, ()), "runs that depend on it", gaps)
    return Details(
        id=node_ids.run_id(run.run_id),
        kind=NodeKind.RUN.value,
        namespace=jobs[0].namespace if jobs else "",
        name=jobs[0].name if jobs else "",
        type=run.operation,
        run=facts,
        inputs=tuple(version_facts(rows[v.dataset_id], v) for v in as_seen(store, inputs) if v.dataset_id in rows),
        outputs=tuple(version_facts(rows[v.dataset_id], v) for v in outputs if v.dataset_id in rows),
        dependencies=_linked(store, dependencies),
        dependents=_linked(store, dependents),
        facets=store.run_facets(run.run_id),
        gaps=tuple(gaps),
    )


def _first(items: Iterable[_T], what: str, gaps: list[str]) -> list[_T]:
    """As many of these, each once, as are listed; ``gaps`` gets a sentence if that is not all."""
    found = list(dict.fromkeys(items))
    if len(found) > _MOST_NEIGHBOURS:
        gaps.append(f"{_MOST_NEIGHBOURS} of {len(found):,} {what} are listed")
    return found[:_MOST_NEIGHBOURS]


def _linked(store: Store, run_ids: Sequence[str]) -> tuple[LinkedRun, ...]:
    runs = {run_id: run for run_id in run_ids if (run := store.run(run_id)) is not None}
    jobs = {row.id: row.name for row in store.nodes(sorted({run.job_id for run in runs.values()}))}
    return tuple(
        LinkedRun(run_id=run_id, job_name=jobs.get(run.job_id, ""), state=run.state.value)
        if (run := runs.get(run_id)) is not None
        else LinkedRun(run_id=run_id, is_pending=True)
        for run_id in run_ids
    )


def _common(node: NodeRow, facets: Facets) -> dict[str, Any]:
    return {
        "id": node_id(node),
        "kind": node.kind.value,
        "namespace": node.namespace,
        "name": node.name,
        "type": node.type,
        "aliases": tuple(f"{namespace}:{name}" for namespace, name in node.aliases),
        "description": str(body(facets, "documentation").get("description", "")),
        "owners": tuple(dict.fromkeys(owner_names(facets))),
        "tags": tuple(dict.fromkeys(tag_labels(facets))),
        "is_deleted": node.is_deleted,
        "created_at": node.created_at,
        "updated_at": node.updated_at,
    }


def _columns(store: Store, node: NodeRow, facets: Facets) -> tuple[Column, ...]:
    measured = body(facets, "dataQualityMetrics").get("columnMetrics")
    measures = measured if isinstance(measured, dict) else {}
    fields = schema_fields(facets) or [(name, "") for name in sorted(store.fields(node.id))]
    return tuple(
        Column(name=name, type=type_, measures=found if isinstance(found := measures.get(name), dict) else {})
        for name, type_ in fields
    )


def _neighbours(store: Store, keys: list[int]) -> tuple[Neighbour, ...]:
    return tuple(
        Neighbour(id=node_id(row), kind=row.kind.value, namespace=row.namespace, name=row.name, type=row.type)
        for row in store.nodes(keys)
    )
