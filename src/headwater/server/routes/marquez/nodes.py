"""Resolves node ids by looking up stored names, not by splitting the id."""

from __future__ import annotations

import msgspec

from headwater.model.graph import NodeKind
from headwater.model.node_ids import NodeRef, candidate_splits
from headwater.server.routes.marquez.datasets import find_version
from headwater.server.routes.marquez.errors import Missing
from headwater.server.routes.marquez.job_versions import versions
from headwater.storage.base import Store
from headwater.storage.row_types import NodeRow


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """The object of a node id. ``as_of`` is the instant of the version in the id; None for the present."""

    row: NodeRow
    field: str = ""
    as_of: int | None = None
    version: str = ""


def find_node(store: Store, text: str) -> Node:
    """The dataset, column or job of a node id; for a run, its job at that time.

    Raises:
        InvalidName: it is not a node id.
        Missing: the object is not stored.
    """
    for ref in candidate_splits(text):
        found = _run(store, ref) if ref.kind is NodeKind.RUN else _read(store, ref)
        if found is not None:
            return found
    raise Missing("Node", text)


def _run(store: Store, ref: NodeRef) -> Node | None:
    run = store.run(ref.name)
    if run is None:
        return None
    return Node(row=store.nodes([run.job_id])[0], as_of=run.ended_at, version=run.run_id)


def _read(store: Store, ref: NodeRef) -> Node | None:
    kind = NodeKind.JOB if ref.kind is NodeKind.JOB else NodeKind.DATASET
    row = store.find(kind, ref.namespace, ref.name)
    if row is None or row.is_deleted or (ref.field and ref.field not in store.fields(row.id)):
        return None
    if not ref.version:
        return Node(row=row, field=ref.field)
    since = _instant(store, row, ref.version)
    return None if since is None else Node(row=row, field=ref.field, as_of=since, version=ref.version)


def _instant(store: Store, row: NodeRow, version: str) -> int | None:
    """The instant from which a version of a dataset or job existed."""
    if row.kind is NodeKind.JOB:
        return next((one.since for one in versions(store, row) if one.uuid == version.lower()), None)
    found = find_version(store, row, version)
    return None if found is None else found.created_at
