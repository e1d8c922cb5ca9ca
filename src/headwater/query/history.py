"""History of nodes (versions, runs, facet changes), lists of runs, and search results."""

from __future__ import annotations

from typing import Any

import msgspec

from headwater.model.graph import NodeKind, RunState
from headwater.query.facet_values import Version, as_seen, schema_fields, version_facts
from headwater.query.kind_filter import type_of
from headwater.query.names import field_id, node_id
from headwater.query.result import Answer
from headwater.storage.base import Store
from headwater.storage.row_types import FacetChange, NodeRow, RunRow

_LOOKED_AT = 20
"""The latest changes of facets that are looked at for a run that made one."""


class RunSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A run in one line. Times are microseconds since the epoch, UTC."""

    run_id: str
    job: str
    job_name: str
    operation: str
    state: str
    started_at: int | None
    ended_at: int | None
    parent_run: str = ""


class Change(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One change of one facet: ``added``, ``changed`` or ``removed``; of a schema, also which columns."""

    facet: str
    changed_at: int
    kind: str
    run_id: str = ""
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    retyped: tuple[str, ...] = ()


class History(Answer, frozen=True, kw_only=True):
    """The history of a node, latest first: versions of a dataset, runs of a job, changes of facets."""

    node: str
    versions: tuple[Version, ...] = ()
    runs: tuple[RunSummary, ...] = ()
    changes: tuple[Change, ...] = ()

    def to_text(self, *, cells: int | None = None, base: str | None = None) -> str:
        """Return the history as text, at most ``cells`` wide."""
        from headwater.query.object_text import history_lines
        from headwater.query.terminal_text import plain

        return plain(history_lines(self, cells=cells, base=base))


class SearchResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One search result: a node, and the column that matched, if any."""

    id: str
    kind: str
    namespace: str
    name: str
    type: str = ""
    field: str = ""
    score: float = 0.0


def search_nodes(store: Store, text: str, *, kind: str | None = None, limit: int = 20) -> list[SearchResult]:
    """Return search results, best first. ``kind`` is dataset, job, or a type such as model."""
    wanted = type_of(kind).upper() if kind else ""
    node_kind = NodeKind(wanted.lower()) if wanted in {"DATASET", "JOB"} else None
    hits = store.search(text, kind=node_kind, type="" if node_kind else wanted, limit=limit)
    return [
        SearchResult(
            id=field_id(hit.node, hit.field) if hit.field else node_id(hit.node),
            kind=hit.node.kind.value,
            namespace=hit.node.namespace,
            name=hit.node.name,
            type=hit.node.type,
            field=hit.field,
            score=round(hit.score, 4),
        )
        for hit in hits
    ]


def summary(run: RunRow, jobs: dict[int, NodeRow]) -> RunSummary:
    """Return a run in one line."""
    job = jobs.get(run.job_id)
    return RunSummary(
        run_id=run.run_id,
        job=node_id(job) if job else "",
        job_name=job.name if job else "",
        operation=run.operation,
        state=run.state.value,
        started_at=run.started_at,
        ended_at=run.ended_at,
        parent_run=run.parent_run,
    )


def list_runs(
    store: Store, node: NodeRow | None, *, state: RunState | None = None, limit: int = 20
) -> list[RunSummary]:
    """Return runs, latest first: those of a job, those that wrote a dataset, or all runs."""
    if node is None or node.kind is NodeKind.JOB:
        runs = store.runs(job_id=node.id if node else None, state=state, limit=limit)
    else:
        runs = _writers(store, node, state, limit)
    jobs = {row.id: row for row in store.nodes(sorted({run.job_id for run in runs}))}
    return [summary(run, jobs) for run in runs]


def _writers(store: Store, node: NodeRow, state: RunState | None, limit: int) -> list[RunRow]:
    """The runs that wrote a dataset. Of some state there may be few, so more versions are looked at until there are
    enough."""
    known: dict[str, RunRow | None] = {}
    asked = limit * 4
    while True:
        versions = store.versions(node.id, limit=asked)
        for run_id in dict.fromkeys(version.run_id for version in versions if version.run_id):
            if run_id not in known:
                known[run_id] = store.run(run_id)
        found = [run for run in known.values() if run is not None and state in {None, run.state}]
        if len(found) >= limit or len(versions) < asked:
            return found[:limit]
        asked *= 4


def uncounted(store: Store, node: NodeRow) -> tuple[str, ...]:
    """Return a sentence if the last run that said something about a node does not count: it goes on, or it failed.

    For answers in which nothing is known about the node, as if nothing had happened.
    """
    said = (change.run_id for change in reversed(store.history(node.id, limit=_LOOKED_AT)) if change.run_id)
    run = store.run(next(said, ""))
    if run is None or run.state is RunState.COMPLETED:
        return ()
    (job,) = store.nodes([run.job_id])
    name = f"run {run.run_id[:13]} of {job.name}"
    if run.state in (RunState.FAILED, RunState.ABORTED):
        return (f"{name} {run.state.value.lower()}: what it read and wrote does not count",)
    return (f"{name} is running: what it reads and writes counts when it has completed",)


def read_history(store: Store, node: NodeRow, *, limit: int = 100) -> History:
    """Return the history of a dataset or job, latest first, at most ``limit`` entries of each kind."""
    is_job = node.kind is NodeKind.JOB
    versions = [] if is_job else as_seen(store, store.versions(node.id, limit=limit))
    return History(
        node=node_id(node),
        versions=tuple(version_facts(node, row) for row in versions),
        runs=tuple(list_runs(store, node, limit=limit)) if is_job else (),
        changes=tuple(facet_changes(store.history(node.id, limit=limit))[::-1][:limit]),
    )


def facet_changes(rows: list[FacetChange]) -> list[Change]:
    """Return the change that each row made, in the same order. Rows of several facets may be mixed."""
    known: dict[str, Any] = {}
    changes: list[Change] = []
    for row in rows:
        before = known.get(row.name)
        kind = "removed" if row.body is None else "added" if before is None else "changed"
        changes.append(_change(row, kind, before))
        known[row.name] = row.body
    return changes


def _change(row: FacetChange, kind: str, before: msgspec.Raw | None) -> Change:
    if row.name != "schema":
        return Change(facet=row.name, changed_at=row.changed_at, kind=kind, run_id=row.run_id)
    old = dict(schema_fields({"schema": before})) if before is not None else {}
    new = dict(schema_fields({"schema": row.body})) if row.body is not None else {}
    return Change(
        facet=row.name,
        changed_at=row.changed_at,
        kind=kind,
        run_id=row.run_id,
        added=tuple(name for name in new if name not in old),
        removed=tuple(name for name in old if name not in new),
        retyped=tuple(f"{name}: {old[name]} to {new[name]}" for name in new if name in old and old[name] != new[name]),
    )
