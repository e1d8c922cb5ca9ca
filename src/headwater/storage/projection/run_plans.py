"""Resolves the claims of runs, once for all runs with the same claims."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

import msgspec

from headwater.model.graph import How
from headwater.storage.projection.columns import Columns
from headwater.storage.projection.facet_sets import FacetSets
from headwater.storage.projection.names import Names
from headwater.storage.projection.output_groups import Group, groups_of
from headwater.storage.projection.records import DATASET, HOWS, JOB
from headwater.storage.projection.run_documents import FacetStatement, RunDoc
from headwater.storage.projection.tables import Tables
from headwater.storage.projection.target_inputs import Lineages
from headwater.storage.projection.weights import ENTRY

_CACHE_SIZE = 20_000
_PASSED_ON = (HOWS.index(How.PRODUCT), HOWS.index(How.INFERRED))
"""Evidence by which a job feeds a target with what it reads by the same evidence."""

Pairs = tuple[tuple[int, int], ...]
"""(source node, mapping) pairs, ascending."""


class Plan(msgspec.Struct, frozen=True):
    """The claims of a run in terms of nodes. Shared between runs and never modified."""

    #: shape by target name id; the job's own name id stands for what it only read
    shapes: dict[int, int]
    #: shape by dataset node, for every dataset that the run wrote
    written: dict[int, int]
    #: shape by target node, jobs included; 0 for the job itself if it read nothing for itself
    flows: dict[int, int]
    #: future derivations, each with those of its sources that the run itself made before
    groups: list[tuple[Group, frozenset[int]]]
    #: dataset nodes that the run read
    reads: list[int]
    #: (name id, no facets) of names by which the run must be found, although its events may not list them
    noted: list[tuple[int, int]]
    #: name ids by node, of the inputs that the events list
    inputs: dict[int, list[int]]
    outputs: dict[int, list[int]]


class Plans:
    """Makes and caches plans. Merging nodes invalidates them."""

    def __init__(self, tables: Tables, names: Names, columns: Columns, sets: FacetSets) -> None:
        self._tables = tables
        self._names = names
        self._columns = columns
        self._sets = sets
        self.lineages = Lineages(names, columns, sets)
        self._cache: dict[Hashable, Plan] = {}
        self.weight = 0

    def clear(self) -> None:
        """Drop the cache: nodes were merged, or the batch was rolled back."""
        self._cache.clear()
        self.weight = 0

    def of(self, doc: RunDoc, at: int, key: bytes) -> Plan:
        """The plan of a run that counts. ``at`` and ``key`` are those of one of its events."""
        outputs = tuple([(name, *self._claims_about(touched.statements)) for name, touched in doc.outputs.items()])
        claims = (doc.job, self._marks(doc.job_statements), tuple(doc.inputs), outputs)
        found = self._cache.get(claims)
        if found is None:
            if len(self._cache) >= _CACHE_SIZE:
                self.clear()
            found = self._cache[claims] = self._make(
                doc, self.lineages.of_run(doc, at, key), frozenset([name for name, _, gone in outputs if gone])
            )
            self.weight += _weight(found)
        return found

    def _marks(self, statements: list[FacetStatement]) -> tuple[bytes, ...]:
        return tuple([mark for statement in statements if (mark := self._sets.by_id(statement.facets).lineage)])

    def _claims_about(self, statements: list[FacetStatement]) -> tuple[tuple[bytes, ...], bool]:
        """A key for the claims about an output, and whether the run dropped it rather than wrote it: events list it
        among the outputs with a life cycle change."""
        marks: list[bytes] = []
        is_dropped = False
        for statement in statements:
            facets = self._sets.by_id(statement.facets)
            if facets.lineage:
                marks.append(facets.lineage)
            if facets.life:
                is_dropped = facets.life == "DROP"
        return tuple(marks), is_dropped

    def _make(self, doc: RunDoc, shapes: dict[int, int], dropped: frozenset[int]) -> Plan:
        shapes = {name: shape for name, shape in shapes.items() if name not in dropped}
        kept = [name for name in (*doc.outputs, doc.job) if name not in dropped]
        by_node: dict[int, list[int]] = {self._names.node(name).id: [] for name in kept}
        for name, shape in shapes.items():
            by_node.setdefault(self._names.node(name).id, []).append(shape)
        flows = {node: self._columns.union(some) if some else 0 for node, some in by_node.items()}
        written = {node: shape for node, shape in flows.items() if self._names.by_id(node).kind == DATASET}
        only_read = self._columns.union(shape for name, shape in shapes.items() if self._names.node(name).kind == JOB)
        inputs = self.by_node(doc.inputs)
        fed, reads = self._fed(written, only_read)
        groups = groups_of(fed, reads, inputs)
        named = {name for shape in shapes.values() if shape for name, _, _ in self._tables.shapes.get(shape).sources}
        return Plan(
            shapes=shapes,
            written=written,
            flows=flows,
            groups=groups,
            reads=sorted({source for group, _ in groups for source, _ in group.sources}),
            noted=[(name, 0) for name in sorted(named | (shapes.keys() - doc.outputs.keys()))],
            inputs=inputs,
            outputs=self.by_node(doc.outputs),
        )

    def _fed(self, written: Mapping[int, int], only_read: int) -> tuple[dict[int, Pairs], Pairs]:
        """What feeds each target, and what was only read. A target that is fed through the job itself, as in a large
        cross product, comes from what the job reads for it; targets of one shape share one tuple."""
        passed_on = {how: self._sources(only_read, only=how) for how in _PASSED_ON}
        found: dict[int, Pairs] = {0: ()}
        used: set[tuple[int, int]] = set()
        for shape in set(written.values()) - {0}:
            own = self._sources(shape)
            by_job = [
                passed_on[how]
                for name, how, _ in self._tables.shapes.get(shape).sources
                if how in passed_on and self._names.node(name).kind == JOB
            ]
            used.update(*by_job)
            found[shape] = own if not by_job else by_job[0] if not own else _together(by_job[0], own)
        reads = tuple([pair for pair in self._sources(only_read) if pair not in used])
        return {node: found[shape] for node, shape in written.items()}, reads

    def _sources(self, shape: int, *, only: int | None = None) -> Pairs:
        """(source node, mapping) pairs, with ``only`` one kind of evidence; if two names of one node are sources, the
        stronger claim."""
        if not shape:
            return ()
        found: dict[int, tuple[int, int]] = {}
        for name, how, mapping in self._tables.shapes.get(shape).sources:
            if only is not None and how != only:
                continue
            node = self._names.node(name)
            old = found.get(node.id)
            if node.kind == DATASET and (
                old is None or self._columns.strength(how, mapping) < self._columns.strength(*old)
            ):
                found[node.id] = (how, mapping)
        return tuple((node, mapping) for node, (_, mapping) in sorted(found.items()))

    def by_node(self, listed: Mapping[int, object]) -> dict[int, list[int]]:
        """Name ids by the node they belong to, in the order of the names."""
        found: dict[int, list[int]] = {}
        for name in sorted(listed, key=self._spelling):
            found.setdefault(self._names.node(name).id, []).append(name)
        return found

    def _spelling(self, name: int) -> tuple[str, str]:
        row = self._names.by_name_id(name)
        return row.namespace, row.name


def _together(passed_on: Pairs, own: Pairs) -> Pairs:
    """Both; what is known for a target itself counts."""
    return tuple(sorted({**dict(passed_on), **dict(own)}.items()))


def _weight(plan: Plan) -> int:
    """The bytes that a plan and its key take, by estimate."""
    names = len(plan.inputs) + len(plan.outputs) + len(plan.shapes) + len(plan.noted)
    edges = sum([len(group.sources) + len(group.targets) for group, _ in plan.groups])
    return 2000 + ENTRY * names + 150 * edges
