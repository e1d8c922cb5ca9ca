"""Versions of a job: a new one whenever its inputs, outputs or code location change.

They are derived from the validity of the job's edges, backwards from now, so that the latest are the cheapest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec

from headwater.formats.dataset_facets import try_facet
from headwater.formats.marquez.ids import job_version_uuid
from headwater.formats.run_facets import SourceCodeLocation
from headwater.model.graph import NodeKind
from headwater.storage.base import Store
from headwater.storage.row_types import EdgeRow, NodeRow, RunRow

Named = tuple[str, str]


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a job, from ``since`` until the next one."""

    uuid: str
    since: int
    inputs: tuple[Named, ...]
    outputs: tuple[Named, ...]
    location: str


class _State:
    """The inputs and outputs of a job at an instant, while going back in time."""

    def __init__(self, job: NodeRow, datasets: dict[int, NodeRow]) -> None:
        self._job = job
        self._datasets = datasets
        self.inputs: Counter[int] = Counter()
        self.outputs: Counter[int] = Counter()
        self.location = ""

    def change(self, edge: EdgeRow, by: int) -> None:
        """Add or remove an edge."""
        for ends, end in ((self.inputs, edge.source_id), (self.outputs, edge.target_id)):
            if end in self._datasets:
                ends[end] += by
                if not ends[end]:
                    del ends[end]

    def version(self, since: int) -> Version:
        """The state as a version."""
        inputs, outputs = self._names(self.inputs), self._names(self.outputs)
        uuid = job_version_uuid(self._job.namespace, self._job.name, inputs, outputs, self.location)
        return Version(uuid=uuid, since=since, inputs=inputs, outputs=outputs, location=self.location)

    def _names(self, ends: Counter[int]) -> tuple[Named, ...]:
        rows = [self._datasets[end] for end in ends]
        return tuple(sorted((row.namespace, row.name) for row in rows))


def datasets_of(store: Store, edges: Sequence[EdgeRow]) -> dict[int, NodeRow]:
    """The datasets at the ends of some edges."""
    ends = {end for edge in edges for end in (edge.source_id, edge.target_id)}
    return {row.id: row for row in store.nodes(sorted(ends)) if row.kind is NodeKind.DATASET}


def current_version(job: NodeRow, edges: Sequence[EdgeRow], datasets: dict[int, NodeRow], location: str) -> Version:
    """The current version, from the job's currently valid edges."""
    state = _State(job, datasets)
    state.location = location
    for edge in edges:
        state.change(edge, 1)
    return state.version(max((edge.valid_from for edge in edges), default=job.created_at))


def versions(store: Store, job: NodeRow) -> Iterator[Version]:
    """The versions of a job, latest first."""
    edges = store.edges(job_id=job.id)
    state = _State(job, datasets_of(store, edges))
    ends: dict[int, list[EdgeRow]] = {}
    starts: dict[int, list[EdgeRow]] = {}
    for edge in edges:
        starts.setdefault(edge.valid_from, []).append(edge)
        if edge.valid_to is None:
            state.change(edge, 1)
        elif edge.valid_to > edge.valid_from:
            ends.setdefault(edge.valid_to, []).append(edge)
    places = _locations(store, job)
    state.location = places[-1][1] if places else ""
    instants = sorted({*starts, *ends, *(at for at, _ in places), job.created_at}, reverse=True)
    pending: Version | None = None
    for at in instants:
        found = state.version(at)
        if pending is not None and pending.uuid != found.uuid:
            yield pending
        pending = found
        for edge in starts.get(at, ()):
            if edge.valid_to is None or edge.valid_to > edge.valid_from:
                state.change(edge, -1)
        for edge in ends.get(at, ()):
            state.change(edge, 1)
        while places and places[-1][0] >= at:
            places.pop()
        state.location = places[-1][1] if places else ""
    if pending is not None:
        yield pending


def _locations(store: Store, job: NodeRow) -> list[tuple[int, str]]:
    """(since, URL) of the code locations of the job, earliest first."""
    found = []
    for change in store.history(job.id, facet=SourceCodeLocation.KEY):
        place = None if change.body is None else try_facet({SourceCodeLocation.KEY: change.body}, SourceCodeLocation)
        found.append((change.changed_at, place.url if place else ""))
    return found


class Timeline:
    """Finds the job version of a run. Runs must be given latest first; older versions are computed on demand."""

    def __init__(self, store: Store, job: NodeRow) -> None:
        self._left = versions(store, job)
        self._known: list[Version] = []

    @property
    def latest(self) -> Version:
        """The current version."""
        return self._at(0)

    def of(self, run: RunRow) -> str | None:
        """The UUID of the job version of a run; None if the run is only announced."""
        at = run.ended_at or run.started_at
        if at is None:
            return None
        place = 0
        while self._has(place + 1) and self._at(place).since > at:
            place += 1
        return self._at(place).uuid

    def _has(self, place: int) -> bool:
        while len(self._known) <= place:
            found = next(self._left, None)
            if found is None:
                return False
            self._known.append(found)
        return True

    def _at(self, place: int) -> Version:
        self._has(place)
        return self._known[place]
