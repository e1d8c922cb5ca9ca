"""Everything visible in a store, by name: two stores with the same events must be equal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import Any, Final

import msgspec

from headwater.errors import NotFound
from headwater.model.graph import NodeKind
from headwater.query import Lineage
from headwater.query.names import node_id
from headwater.query.neighbourhood import Extent, neighbourhood
from headwater.storage.base import Store
from headwater.storage.row_types import EdgeRow, NodeRow, VersionRow

MOST: Final = 100_000
"""More than any test has of anything."""

_UNORDERED: Final = frozenset({"nodes", "edges", "producers", "consumers", "inputs", "outputs", "fields"})
"""Lists of answers that come in no promised order."""


class Seen:
    """``facts`` of a store, at some instants and for some searches."""

    def __init__(self, store: Store, *, instants: Iterable[int], words: Iterable[str]) -> None:
        self._store = store
        self._lineage = Lineage(store)
        self._instants: tuple[int | None, ...] = (None, *instants)
        self._words = tuple(words)
        self._nodes = {row.id: row for row in store.scan_nodes(limit=MOST)}

    def facts(self) -> dict[str, Any]:
        """What is seen, by what was asked: plain values that can be compared."""
        found: dict[str, Any] = {"hash": self._store.graph_hash()}
        for part in (self._objects, self._edges, self._runs, self._directory, self._searches, self._answers):
            found.update(part())
        return {key: _plain(value) for key, value in found.items()}

    # -- objects ---------------------------------------------------------------------------------------------------
    def _objects(self) -> Iterator[tuple[str, Any]]:
        store = self._store
        for row in self._nodes.values():
            key = self._name(row.id)
            yield f"row {key}", {**msgspec.structs.asdict(row), "id": 0}
            for instant in self._instants:
                yield f"facets {key} at {instant}", store.facets(row.id, as_of=instant)
            yield f"history {key}", store.history(row.id)
            yield f"fields {key}", sorted(store.fields(row.id))
            if row.kind is NodeKind.DATASET:
                yield from self._versions(row, key)

    def _versions(self, row: NodeRow, key: str) -> Iterator[tuple[str, Any]]:
        store = self._store
        for instant in self._instants:
            yield f"versions {key} at {instant}", self._named(store.versions(row.id, as_of=instant, limit=MOST))
            latest = store.latest_versions([row.id], as_of=instant)
            yield f"latest {key} at {instant}", self._named(latest.values())
        for version in store.versions(row.id, limit=MOST):
            yield f"version facets {key} {version.ordinal}", store.version_facets(version.id)

    def _named(self, rows: Iterable[VersionRow]) -> list[Any]:
        return [
            {**msgspec.structs.asdict(row), "id": bool(row.id), "dataset_id": self._name(row.dataset_id)}
            for row in rows
        ]

    def _name(self, node: int) -> str:
        return node_id(self._nodes[node]) if node else ""

    # -- edges and runs --------------------------------------------------------------------------------------------
    def _edges(self) -> Iterator[tuple[str, Any]]:
        store, ids = self._store, list(self._nodes)
        yield "edges", self._edge_list(store.edges())
        for instant in self._instants:
            yield f"edges at {instant}", self._edge_list(store.edges_of(ids, "target", as_of=instant))
            yield f"edges among at {instant}", self._edge_list(store.edges_among(ids, as_of=instant))

    def _edge_list(self, rows: Iterable[EdgeRow]) -> list[Any]:
        return sorted(
            (
                (self._name(row.source_id), self._name(row.target_id), self._name(row.job_id)),
                (row.valid_from, row.valid_to or 0, row.how.value, row.run_id),
                [msgspec.structs.astuple(field) for field in self._store.mapping_fields(row)],
            )
            for row in rows
        )

    def _runs(self) -> Iterator[tuple[str, Any]]:
        store = self._store
        runs = store.runs(limit=MOST)
        yield "runs", [{**msgspec.structs.asdict(run), "job_id": self._name(run.job_id)} for run in runs]
        jobs = [row.id for row in self._nodes.values() if row.kind is NodeKind.JOB]
        for instant in self._instants:
            latest = store.latest_runs(jobs, as_of=instant)
            yield f"latest runs at {instant}", sorted((self._name(job), run.run_id) for job, run in latest.items())
        ids = [run.run_id for run in runs]
        yield "dependencies", [store.has_dependencies(), store.dependencies(ids), store.dependents(ids)]
        for run in runs:
            yield f"run facets {run.run_id}", store.run_facets(run.run_id)
            sides = [sorted(self._named(rows), key=repr) for rows in store.run_io(run.run_id)]
            yield f"run io {run.run_id}", sides
            yield f"run {run.run_id}", self._lineage.show(f"run:{run.run_id}")
            yield f"record {run.run_id}", self._lineage.record(run.run_id)

    # -- lists -----------------------------------------------------------------------------------------------------
    def _directory(self) -> Iterator[tuple[str, Any]]:
        store = self._store
        yield "namespaces", store.namespaces()
        yield "sources", store.sources()
        for kind in (NodeKind.DATASET, NodeKind.JOB):
            listed = store.list_nodes(kind, limit=MOST)
            yield f"list {kind}", [self._name(row.id) for row in listed]
            yield f"known {kind}", store.count_known(kind, [instant or 0 for instant in self._instants])
            for space in store.namespaces():
                here = store.list_nodes(kind, namespace=space.name, limit=MOST)
                yield f"list {kind} in {space.name}", [self._name(row.id) for row in here]
        yield "events", [event.key for event in store.run_events(limit=MOST)]
        yield "counts", store.count_run_events()
        counts = msgspec.structs.asdict(store.statistics())
        yield "statistics", {key: counts[key] for key in counts if key not in {"last_seq", "size_bytes"}}

    def _searches(self) -> Iterator[tuple[str, Any]]:
        for words in self._words:
            yield f"search {words}", self._lineage.search(words, limit=MOST)

    # -- answers ---------------------------------------------------------------------------------------------------
    def _answers(self) -> Iterator[tuple[str, Any]]:
        ask = self._lineage
        for row in self._nodes.values():
            key = self._name(row.id)
            yield f"changes {key}", ask.history(key)
            for instant in self._instants:
                yield f"show {key} at {instant}", ask.show(key, as_of=instant)
                for columns in (False, True):
                    yield f"upstream {key} {columns} at {instant}", ask.upstream(key, as_of=instant, columns=columns)
                    yield (
                        f"downstream {key} {columns} at {instant}",
                        ask.downstream(key, as_of=instant, columns=columns),
                    )
                if row.kind is NodeKind.DATASET:
                    yield f"versions upstream {key} at {instant}", self._steps(key, instant)
            yield f"select {key}", ask.select(f"+{key}+")
            if row.kind is NodeKind.DATASET:
                yield f"impact {key}", ask.impact(key)
                yield f"why {key}", self._told(ask.why, key)
                # Ids follow the order of arrival.
                near = neighbourhood(self._store, row, Extent(up=2, down=2), with_columns=True)
                by_name = {name: self._name(node) for name, node in near.keys.items()}
                yield f"near {key}", [msgspec.structs.replace(near, keys={}), by_name]
            else:
                yield f"claims {key}", ask.claims(key)
        yield from self._paths()

    def _paths(self) -> Iterator[tuple[str, Any]]:
        keys = sorted(self._name(row.id) for row in self._nodes.values() if row.kind is NodeKind.DATASET)
        for first, last in pairwise(keys):
            yield f"path {first} {last}", self._told(self._lineage.path, first, last, limit=5)

    def _steps(self, key: str, instant: int | None) -> list[Any]:
        walks = (self._lineage.upstream, self._lineage.downstream)
        return [self._told(walk, key, level="run", as_of=instant, columns=True) for walk in walks]

    def _told(self, ask: Callable[..., Any], *names: str, **options: Any) -> Any:
        """An answer, or what is said if there is none."""
        try:
            return ask(*names, **options)
        except NotFound as error:
            return error.hint


def _plain(value: Any) -> Any:
    """Plain values; facets by content, and lists without a promised order sorted."""
    return _settled(msgspec.json.decode(msgspec.json.encode(value)))


def _settled(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _settled(one, key) for key, one in value.items()}
    if isinstance(value, list):
        found = [_settled(one) for one in value]
        return sorted(found, key=repr) if name in _UNORDERED else found
    return value
