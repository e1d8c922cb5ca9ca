"""Builds the messages for followers. They are a function of the log and the graph, so they can be rebuilt."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, get_args

import msgspec

from headwater.formats.openlineage import parse_time, read
from headwater.model.events import Dataset, DatasetEvent, Event, EventType, JobEvent, RunEvent
from headwater.model.graph import NodeKind
from headwater.query.history import facet_changes
from headwater.query.names import node_id
from headwater.storage.base import Store
from headwater.storage.row_types import EdgeRow, NodeRow, Quarantined, Side, StoredEvent

Topic = Literal["runs", "nodes", "edges", "schema", "quarantine"]
TOPICS: tuple[Topic, ...] = get_args(Topic)
_MOST_EDGES = 200
"""Edges listed per event; further ones are only counted."""
_WITH_EDGES = (EventType.COMPLETE, EventType.RUNNING)


class Message(msgspec.Struct, frozen=True):
    """One thing that changed."""

    topic: Topic
    data: dict[str, Any]


def messages(store: Store, stored: StoredEvent) -> list[Message]:
    """The changes of an event, in the order runs, nodes, schema, edges."""
    event, _, _ = read(stored.body)
    at = parse_time(event.event_time)
    job = _job(store, event)
    outputs = {id(one) for one in event.outputs} if isinstance(event, RunEvent) else set()
    named = [(one, row) for one in _datasets(event) if (row := _row(store, one)) is not None]
    found = [_run(store, event, job)] if isinstance(event, RunEvent) and job is not None else []
    is_done = isinstance(event, RunEvent) and event.event_type is EventType.COMPLETE
    found.extend(_node(job, at, is_written=False) if job is not None else [])
    for dataset, row in named:
        found.extend(_node(row, at, is_written=is_done and id(dataset) in outputs))
    for dataset, row in named:
        if "schema" in dataset.facets:
            found.extend(_schema(store, row, stored.key))
    found.extend(_edges(store, event, job, [row for _, row in named], at))
    return found


def refusal(entry: Quarantined) -> Message:
    """The message about a refused document: the reason, never its content."""
    data = {
        "id": entry.id,
        "received_at": entry.received_at,
        "kind": entry.kind,
        "field": entry.field,
        "rule": entry.rule,
        "hint": entry.hint,
    }
    return Message("quarantine", data)


def _job(store: Store, event: Event) -> NodeRow | None:
    if isinstance(event, DatasetEvent):
        return None
    return store.find(NodeKind.JOB, event.job.namespace, event.job.name)


def _datasets(event: Event) -> Iterable[Dataset]:
    if isinstance(event, DatasetEvent):
        return (event.dataset,)
    return (*event.inputs, *event.outputs)


def _row(store: Store, dataset: Dataset) -> NodeRow | None:
    return store.find(NodeKind.DATASET, dataset.namespace, dataset.name)


def _run(store: Store, event: RunEvent, job: NodeRow) -> Message:
    """The state and progress of a run: its datasets so far, and the rows it reports as written."""
    run = store.run(event.run.run_id)
    data: dict[str, Any] = {
        "run": event.run.run_id,
        "job": node_id(job),
        "job_name": job.name,
        "state": "" if run is None else run.state.value,
        "at": event.event_time,
    }
    if run is not None:
        data.update(operation=run.operation, started_at=run.started_at, ended_at=run.ended_at, parent=run.parent_run)
    inputs, outputs = store.run_io(event.run.run_id)
    rows = [version.row_count for version in outputs if version.row_count is not None]
    data["progress"] = {"inputs": len(inputs), "outputs": len(outputs), "rows": sum(rows) if rows else None}
    return Message("runs", data)


def _node(row: NodeRow, at: int, *, is_written: bool) -> list[Message]:
    """A node that is new, deleted, or has new content."""
    if row.is_deleted:
        change = "deleted"
    elif row.created_at == at:
        change = "new"
    elif is_written:
        change = "written"
    else:
        return []
    data = {
        "node": node_id(row),
        "kind": row.kind.value,
        "namespace": row.namespace,
        "name": row.name,
        "type": row.type,
        "change": change,
    }
    return [Message("nodes", data)]


def _schema(store: Store, row: NodeRow, key: str) -> list[Message]:
    """The change of a schema that an event made."""
    rows = store.history(row.id, facet="schema")
    about = {"node": node_id(row), "namespace": row.namespace, "name": row.name}
    return [
        Message("schema", {**about, **msgspec.to_builtins(change)})
        for stored, change in zip(rows, facet_changes(rows), strict=True)
        if stored.event_key == key
    ]


def _edges(store: Store, event: Event, job: NodeRow | None, datasets: list[NodeRow], at: int) -> list[Message]:
    """Edges that an event began or ended, or whose kind of evidence or columns it changed."""
    if isinstance(event, RunEvent) and event.event_type not in _WITH_EDGES:
        return []
    if isinstance(event, JobEvent | RunEvent):
        edges = [] if job is None else _around(store, [job.id], "job", at)
    else:
        edges = _around(store, [row.id for row in datasets], "target", at)
    begun = {_place(edge) for edge in edges if edge.valid_from == at}
    gone = {_place(edge) for edge in edges if edge.valid_to == at}
    changed = [edge for edge in edges if edge.valid_from == at or (edge.valid_to == at and _place(edge) not in begun)]
    shown = changed[:_MOST_EDGES]
    names = {row.id: node_id(row) for row in store.nodes(sorted({end for edge in shown for end in _ends(edge)}))}
    found = [
        Message(
            "edges",
            _edge(edge, names, "ended" if edge.valid_to == at else "changed" if _place(edge) in gone else "new"),
        )
        for edge in shown
    ]
    if len(changed) > len(shown):
        found.append(Message("edges", {"change": "more", "count": len(changed) - len(shown)}))
    return found


def _around(store: Store, ids: list[int], side: Side, at: int) -> list[EdgeRow]:
    """Edges that are valid right before or at an instant: a job with a new file each day has thousands of others."""
    edges = [edge for instant in (at - 1, at) for edge in store.edges_of(ids, side, as_of=instant)]
    return list({(*_place(edge), edge.valid_from): edge for edge in edges}.values())


def _ends(edge: EdgeRow) -> tuple[int, ...]:
    return tuple(end for end in (edge.source_id, edge.target_id, edge.job_id) if end)


def _place(edge: EdgeRow) -> tuple[int, int, int]:
    return edge.source_id, edge.target_id, edge.job_id


def _edge(edge: EdgeRow, names: dict[int, str], change: str) -> dict[str, Any]:
    return {
        "source": names.get(edge.source_id, ""),
        "target": names.get(edge.target_id, ""),
        "job": names.get(edge.job_id, ""),
        "run": edge.run_id,
        "how": edge.how.value,
        "change": change,
    }
