"""Builds the ``lineage`` facet from traces: one entry per dataset that the run wrote, exact to the column."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from headwater.capture.trace import Trace, Trail, Trails, compose, trace
from headwater.capture.values import INFERRED, NOTHING, DatasetRef, Value

MAX_FIELD_EDGES: Final = 100_000
"""An entry with more column edges is written without them: no reader and few receivers cope with more."""

_MANY: Final = 1_000
"""Where all columns of an entry come from the same, and so have more edges, that is said once: a model that mixes all
of its columns has the square of them."""

_INFERRED: Final = {"type": "INFERRED", "subtype": "", "description": "read by the run before it wrote this"}

_KEPT: Final = Trail("DIRECT", "IDENTITY", masking=False, description="")
"""How a column comes from itself where rows are added to it."""

_Name = tuple[str, str]
"""Namespace and name of a dataset."""

_Edges = dict[tuple[_Name, str | None, Trail], None]
"""Edges from a column of a dataset (None: from all of it), with the trail. Two reads of one file are one source."""


class Origins:
    """What fed one target, by dataset and by column, over everything that was written to it.

    Each value is traced once and then released, so that a loop that writes one target ten thousand times stays small.
    """

    __slots__ = (
        "_certain",
        "_fields",
        "_has_own",
        "_has_unknown",
        "_indirect",
        "_is_coarse",
        "_known",
        "_names",
        "_target",
        "_waiting",
        "_was_unseen",
        "flows",
        "has_any",
        "is_kept",
        "is_literal",
        "is_read_back",
        "was_read",
    )

    def __init__(self, ref: DatasetRef) -> None:
        self._target = ref[:2]
        self.was_read = False
        """Whether the run read the target before writing it, so that it comes from its own previous state."""
        self.is_read_back = False
        """Whether the run read what it had written there."""
        self._forget()

    def _forget(self) -> None:
        """Begin with a target that holds nothing."""
        self._waiting: list[Value] = []
        self._known: dict[_Name, None] = {}
        self.flows: dict[DatasetRef, dict[str, Any] | Value] = {}
        """The same datasets, each with the state that was last used, or the value that will have it once the run that
        made it has told it."""
        self._certain: dict[_Name, bool] = {}
        """For each dataset that columns come from, whether any of those edges is not a guess."""
        self._fields: dict[str, _Edges] = {}
        self._indirect: _Edges = {}
        self._names: set[str] = set()
        self._is_coarse = False
        self._has_unknown = False
        self._has_own = False
        """Whether a column comes from one of the target itself."""
        self._was_unseen = False
        self.has_any = False
        """Whether anything whose origin is known was written."""
        self.is_literal = True
        """Whether everything written was literal in the code, or of unknown origin."""
        self.is_kept = False
        """Whether the target still holds what it held before the run, because the run only added to it."""

    def begins_anew(self) -> bool:
        """The target is written from the beginning. Returns whether what was in it is therefore gone: not if the run
        has read that, and what it made of it may be anywhere."""
        is_gone = not self.is_read_back
        if is_gone:
            self._forget()
        return is_gone

    def settle(self) -> None:
        """Trace what was written since the last call, and release it."""
        waiting, self._waiting = self._waiting, []
        for value in waiting:
            self._take(trace(value))
            self._names.update(value.column_names())
            if value.dataset is not None:  # what others trace ends here
                value.traced = None

    def add(self, value: Value | None) -> None:
        """``value`` was written to the target; None for something of unknown origin."""
        if value is None:
            self._was_unseen = True
            return
        self._waiting.append(value)
        self.has_any = True
        self.is_literal = self.is_literal and value.inputs == (NOTHING,)

    def is_guess(self) -> bool:
        """Whether nothing is known about the origin of what was written."""
        self.settle()
        return not self._known and (self._has_unknown or not self.has_any or (self._was_unseen and self.is_literal))

    def entry(
        self, inferred: Iterable[DatasetRef], job: dict[str, Any] | None = None, *, in_full: bool = False
    ) -> dict[str, Any]:
        """The lineage entry of the target, with ``in_full`` column by column also where all columns have the same
        sources.

        If nothing is known about its origin, it comes from ``inferred`` (everything the run had read by then), or from
        the ``job`` that has read it, and is marked so.
        """
        is_guess = self.is_guess()
        whole = [_input(name) if self._certain.get(name, True) else _guessed(name) for name in self._known]
        if is_guess:
            names = dict.fromkeys(ref[:2] for ref in inferred)
            whole = [_guessed(name) for name in names if not self._is_itself(name)] if job is None else [job]
        if self.is_kept and self._target not in self._known:
            whole.append(_input(self._target))
        whole += [_with_trail(*edge) for edge in _best(self._resolved(self._indirect))]
        if not self._names:  # an array, or a model with unnamed features: each column's sources are those of the whole
            whole += [
                _with_trail(*edge) for edge in _best(self._resolved(self._fields.get("*", {}))) if edge[1] is not None
            ]
        document = {**_input(self._target), "inputs": whole}
        common = {} if in_full else self._common()
        whole += [_with_trail(*edge) for edge in _best(self._resolved(common))]
        fields: dict[str, dict[str, Any]] = {
            name: {"inputs": [] if common else [_with_trail(*edge) for edge in _best(self._resolved(edges))]}
            for name, edges in self._fields.items()
            if name != "*" and (name in self._names or not self._names)
        }
        for name, edges in fields.items() if self.is_kept else ():
            kept = _with_trail(self._target, name, _KEPT)
            if kept not in edges["inputs"]:
                edges["inputs"].append(kept)
        if fields and not self._is_coarse:
            document["fields"] = fields
        return document

    def _common(self) -> _Edges:
        """The edges of every column, if all have the same ones and they are many: then they are those of the whole."""
        first = self._fields.get(next(iter(self._names), ""), {})
        if self._is_coarse or self.is_kept or len(first) * len(self._names) <= _MANY:
            return {}
        if any(column is None for _, column, _ in first):
            return {}
        return first if all(self._fields.get(name, {}).keys() == first.keys() for name in self._names) else {}

    def _take(self, found: Trace) -> None:
        for value in found.sources:
            if value.dataset is not None and not self._is_itself(value.dataset[:2]):
                self._known[value.dataset[:2]] = None
                self.flows[value.dataset] = value if value.state is None else value.state
        self._indirect.update(self._edges(found.indirect))
        self._is_coarse = self._is_coarse or found.is_coarse
        self._has_unknown = self._has_unknown or found.has_unknown
        shared: dict[int, _Edges] = {}  # many columns of a model come from the same ones, and have one object for them
        for name, trails in found.fields.items():
            edges = shared.get(id(trails))
            if edges is None:
                edges = shared[id(trails)] = self._edges(trails)
            known = self._fields.get(name)
            if known is None:
                self._fields[name] = edges.copy()
            else:
                known.update(edges)
        if sum(map(len, self._fields.values())) > MAX_FIELD_EDGES:
            self._is_coarse = True
        if self._is_coarse:
            self._fields = {}

    def _edges(self, trails: Trails) -> _Edges:
        edges: _Edges = {}
        for (value, column), trail in trails.items():
            if value.dataset is None:
                continue
            name = value.dataset[:2]
            self._certain[name] = self._certain.get(name, False) or trail.description != INFERRED
            self._has_own = self._has_own or name == self._target
            edges[name, column, trail] = None
        return edges

    def _resolved(self, edges: _Edges) -> _Edges:
        """The edges, with those from columns of the target itself replaced by what this run made these columns from
        (``UPDATE t SET total = amount + tax``). What was in the target before the run remains a source."""
        if not self._has_own or self.was_read:
            return edges
        found: _Edges = {}
        seen: set[tuple[str | None, Trail]] = set()
        waiting = list(edges)
        for name, column, trail in waiting:  # which grows meanwhile
            if name != self._target or self.is_kept:
                found[name, column, trail] = None
            if name == self._target and (column, trail) not in seen:
                seen.add((column, trail))
                inner = self._fields.get(column, {}) if column is not None else {}
                waiting += [(outer, field, compose(trail, step)) for outer, field, step in inner]
        return found

    def _is_itself(self, name: _Name) -> bool:
        """Whether a source is the target as this run made it (a model trained further, a file read back), which is no
        edge of the graph."""
        return name == self._target and not self.was_read


def _best(edges: _Edges) -> Iterable[tuple[_Name, str | None, Trail]]:
    """The edges without those guesses that are known for certain too: a file may be reported both by the hook of
    ``open`` and by that of the library that writes it."""
    if not any(trail.description == INFERRED for _, _, trail in edges):
        return edges
    known = {(name, column, trail.type) for name, column, trail in edges if trail.description != INFERRED}
    return [edge for edge in edges if edge[2].description != INFERRED or (*edge[:2], edge[2].type) not in known]


def _input(name: _Name, field: str | None = None) -> dict[str, Any]:
    document: dict[str, Any] = {"namespace": name[0], "name": name[1], "type": "DATASET"}
    if field is not None:
        document["field"] = field
    return document


def _guessed(name: _Name) -> dict[str, Any]:
    return {**_input(name), "transformations": [_INFERRED]}


def read_by(job: _Name) -> dict[str, Any]:
    """Whatever the job has read, as a source that is a guess."""
    return {**_guessed(job), "type": "JOB"}


def job_entry(job: _Name, names: Iterable[_Name]) -> dict[str, Any]:
    """The lineage entry of the job itself: what it read."""
    return {**_input(job), "type": "JOB", "inputs": [_guessed(name) for name in names]}


def _with_trail(name: _Name, column: str | None, trail: Trail) -> dict[str, Any]:
    step: dict[str, Any] = {"type": trail.type, "subtype": trail.subtype, "masking": trail.masking}
    if trail.description:
        step["description"] = trail.description
    return {**_input(name, column), "transformations": [step]}
