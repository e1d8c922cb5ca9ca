"""Merges the statements of all events of a run, independent of their order and number.

The state follows from minima and maxima of times, inputs and outputs are unions, and the last writer of a facet by
(event time, event key) wins. A statement that later ones override completely is dropped, so a run that reports a
thousand times is as small as one that reports twice.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from headwater.model.events import EventType
from headwater.model.graph import RunState

STATES = tuple(RunState)
COMPLETED = RunState.COMPLETED.rank
FAILED = RunState.FAILED.rank
RUNNING = RunState.RUNNING.rank
_OF_EVENT = {
    EventType.START: RUNNING,
    EventType.RUNNING: RUNNING,
    EventType.COMPLETE: COMPLETED,
    EventType.ABORT: RunState.ABORTED.rank,
    EventType.FAIL: FAILED,
}


def state_of(kind: EventType | None) -> int:
    """The rank of the state that an event reports; OTHER and events without a type report none."""
    return _OF_EVENT.get(kind, 0) if kind is not None else 0


class FacetStatement(msgspec.Struct, array_like=True, gc=False):
    """A facet set that an event gave to an object."""

    at: int
    key: bytes
    facets: int


class Extra(msgspec.Struct, array_like=True, gc=False):
    """A facet of the run, or of one reading or writing: its last body."""

    at: int
    key: bytes
    body: msgspec.Raw | bytes


class Touched(msgspec.Struct, array_like=True, gc=False):
    """A dataset that the run read or wrote."""

    statements: list[FacetStatement]
    extras: dict[str, Extra]


class Settled(msgspec.Struct, array_like=True, gc=False):
    """The contributions of the run to the graph when it was last settled."""

    job: int
    #: instant that orders the run within its job, from which its edges are valid
    at: int
    #: shape by target name id; the job's own name id stands for what it only read
    shapes: dict[int, int]
    #: version id by dataset node
    versions: dict[int, int]
    derivations: list[int]
    #: dataset nodes it read
    reads: list[int]


class RunDoc(msgspec.Struct, array_like=True, gc=False):
    """The merged run. It only uses name ids, so merging nodes does not change it."""

    job_at: int
    job_key: bytes
    job: int
    job_statements: list[FacetStatement]
    was_running: bool
    #: latest event time by terminal state
    ends: dict[int, int]
    facets: dict[str, Extra]
    inputs: dict[int, Touched]
    outputs: dict[int, Touched]
    settled: Settled | None = None
    #: latest time of a START
    begun: int | None = None
    #: earliest event time by terminal state, of those that were reported at several
    first_ends: dict[int, int] = {}

    def advance(self, kind: EventType | None, at: int) -> int:
        """Apply the state that an event reports; returns the state of the run."""
        state = state_of(kind)
        if state == RUNNING:
            self.was_running = True
            if kind is EventType.START and (self.begun is None or at > self.begun):
                self.begun = at
        elif state > RUNNING:
            last = self.ends.get(state)
            if last is None:
                self.ends[state] = at
            elif at != last:
                self.first_ends[state] = min(at, self.first_ends.get(state, last))
                self.ends[state] = max(at, last)
            if len(self.ends) == 1:
                return state
        return self._end() if self.ends else RUNNING if self.was_running else 0

    def _end(self) -> int:
        """The highest rank of the reported ends.

        However, a run that failed counts as completed only if it was started again in between: Spark's listener reports
        COMPLETE at the end of a query even if its job failed. An ABORT does not prevent completion: it may be a guess
        that the process is gone.
        """
        if COMPLETED in self.ends and FAILED in self.ends and self._failed_for_good():
            return FAILED
        return max(self.ends)

    def _failed_for_good(self) -> bool:
        """Whether it failed before it ever completed, and did not complete after another start."""
        if self.begun is None:
            return False
        first = {**self.ends, **self.first_ends}
        failures = (first[FAILED], self.ends[FAILED])
        if failures[0] > first[COMPLETED]:
            return False
        return any(self.begun <= at <= self.ends[COMPLETED] for at in failures)


decode = msgspec.msgpack.Decoder(RunDoc).decode
encode = msgspec.msgpack.Encoder().encode

NamesOf = Callable[[int], frozenset[str]]


def add_statement(statements: list[FacetStatement], at: int, key: bytes, facets: int, names_of: NamesOf) -> None:
    """Add a facet set to a list sorted by (time, key), and drop those that later ones override completely."""
    if not statements:
        statements.append(FacetStatement(at, key, facets))
        return
    if len(statements) == 1 and statements[0].facets == facets:
        old = statements[0]
        if at > old.at or (at == old.at and key > old.key):
            old.at, old.key = at, key
        return
    for place, old in enumerate(statements):
        if old.facets == facets:
            if (at, key) > (old.at, old.key):  # after those of the same event: some events list a dataset twice
                del statements[place]
                statements.append(FacetStatement(at, key, facets))
            break
    else:
        statements.append(FacetStatement(at, key, facets))
    if len(statements) > 1:
        statements.sort(key=lambda statement: (statement.at, statement.key))
        _prune(statements, names_of)


def _prune(statements: list[FacetStatement], names_of: NamesOf) -> None:
    covered: frozenset[str] = frozenset()
    kept: list[FacetStatement] = []
    for statement in reversed(statements):
        names = names_of(statement.facets)
        if not names <= covered:
            kept.append(statement)
            covered |= names
    statements[:] = reversed(kept)


def put_extras(extras: dict[str, Extra], at: int, key: bytes, facets: dict[str, msgspec.Raw]) -> None:
    """Merge facets; the last writer by (time, key) wins."""
    for name, raw in facets.items():
        old = extras.get(name)
        if old is None or (at, key) > (old.at, old.key):
            extras[name] = Extra(at, key, bytes(raw))
