"""The effects of an event on the objects it names: names, times, facets, mentions, life cycle."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from headwater.model.events import Dataset, EventType, Job, RunEvent
from headwater.model.source_names import name_at_source
from headwater.storage.projection.columns import Columns
from headwater.storage.projection.facet_sets import FacetSet, FacetSets, field_names
from headwater.storage.projection.flows import LIFE, Flows
from headwater.storage.projection.history import History, Repetition
from headwater.storage.projection.names import Names
from headwater.storage.projection.records import DATASET, JOB, Name, Node, Statement
from headwater.storage.projection.tables import Tables
from headwater.storage.projection.weights import ENTRY

_CACHE_SIZE = 20_000


class Stamp(msgspec.Struct, frozen=True, gc=False):
    """The time, event and run of a statement."""

    at: int
    key: bytes
    seq: int
    run: int = 0
    run_id: str = ""


class Part(NamedTuple):
    """An object named by an event, with what is needed to process it again."""

    node: Node
    #: its facets, and whether they are still news; None for an object without facets
    facets: FacetSet | None
    repetition: Repetition | None


class Template(msgspec.Struct, frozen=True):
    """The objects of an event, kept because every run of a job usually names the same ones."""

    #: the key of the template; referenced so that no other object gets the same ``id``
    things: tuple[object, ...]
    #: a later event cannot be the earliest for any of the nodes and names
    after: int
    parts: list[Part]
    #: (name, facet set) of each part
    mentions: list[tuple[int, int]]
    job: Name
    job_facets: FacetSet
    inputs: list[tuple[int, int]]
    outputs: list[tuple[int, int]]


class EventEffects:
    """``apply`` each object of an event, then ``finish`` the event."""

    def __init__(
        self, tables: Tables, names: Names, sets: FacetSets, columns: Columns, history: History, flows: Flows
    ) -> None:
        self._tables = tables
        self._names = names
        self._sets = sets
        self._columns = columns
        self._history = history
        self._flows = flows
        #: pairs of names that turned out to be one dataset, merged at the end of the batch
        self.joins: set[tuple[int, int]] = set()
        #: what the current event states about each node, and whether it is the latest statement
        self._stated: dict[int, tuple[Node, bool, list[FacetSet]]] = {}
        #: the names that the current event lists
        self._listed: set[int] = set()
        #: by object identity: the reader returns the same object for the same bytes
        self._known: dict[int, tuple[Dataset | Job, Name, FacetSet]] = {}
        self._templates: dict[tuple[object, ...], Template] = {}
        self._once: set[int] = set()
        #: (node, facet set, job) whose lineage facets have given their fields
        self._placed: set[tuple[int, int, int]] = set()
        self.weight = 0

    def clear(self) -> None:
        """Drop everything cached or pending: the batch was rolled back."""
        self.joins.clear()
        self._stated.clear()
        self._listed.clear()
        self._known.clear()
        self._templates.clear()
        self._placed.clear()
        self.weight = 0

    def joined(self) -> None:
        """Nodes were merged: drop everything cached about nodes."""
        self.joins.clear()
        self._templates.clear()
        self._placed.clear()

    # -- repeated events ---------------------------------------------------------------------------------------------
    def template(self, event: RunEvent) -> Template | None:
        """The template of an event that names the same objects as an earlier one, if any."""
        return self._templates.get(_known_by(event))

    def replay(self, template: Template, stamp: Stamp) -> bool:
        """Apply an event by its template; returns False, having done nothing, if it is the earliest for one of its
        names."""
        at = stamp.at
        if at <= template.after:
            return False
        self._tables.mention(template.mentions, stamp.run, at, stamp.seq)
        changed = self._names.changed
        for node, facets, repetition in template.parts:
            is_newest = at > node.updated_at
            if is_newest:
                node.updated_at = at
                changed[node.id] = node
            if repetition is not None and facets is not None and not repetition.holds(at):
                self._history.apply(node, facets, at, stamp.key, stamp.run_id, is_newest=is_newest)
        return True

    def remember(self, event: RunEvent) -> None:
        """Keep the template of the event just applied, if it is a plain one that repeats an earlier event, or will
        probably be repeated: the end of a run mostly names what its start named."""
        if event.event_type is not EventType.START and not self._is_repeated(event):
            return
        job, job_facets = self._resolved(JOB, event.job)
        inputs = [self._resolved(DATASET, dataset) for dataset in event.inputs]
        outputs = [self._resolved(DATASET, dataset) for dataset in event.outputs]
        listed = [(job, job_facets), *outputs, *inputs]
        if any(facets.symlinks or facets.life for _, facets in listed):
            return
        names = [name for name, _ in listed]
        mentions = [(name.id, facets.id if facets.bodies else 0) for name, facets in listed]
        parts = [self._part(name, facets) for name, facets in listed]
        for _, facets in listed:
            for kind, namespace, text in facets.named():
                name = self._names.known(kind, namespace, text) if namespace else None
                if name is not None and name not in names:
                    names.append(name)
                    mentions.append((name.id, 0))
                    parts.append(Part(self._names.by_id(name.node), None, None))
        if len({part.node.id for part in parts}) < len(parts):
            return
        also = [self._names.known(DATASET, *there) for entry in listed if (there := _at_source(*entry)) is not None]
        if len(self._templates) >= _CACHE_SIZE:
            self._templates.clear()
        self.weight += ENTRY * (3 + len(parts) + len(mentions))
        self._templates[_known_by(event)] = Template(
            things=(event.job, *event.inputs, *(output.facets for output in event.outputs)),
            after=max(
                *(name.first_at for name in (*names, *also) if name is not None),
                *(part.node.created_at for part in parts),
            ),
            parts=parts,
            mentions=mentions,
            job=job,
            job_facets=job_facets,
            inputs=[(name.id, facets.id if facets.bodies else 0) for name, facets in inputs],
            outputs=[(name.id, facets.id if facets.bodies else 0) for name, facets in outputs],
        )

    def _is_repeated(self, event: RunEvent) -> bool:
        """Whether an event names the same objects as an earlier one; from now on it is an earlier one itself."""
        mark = hash(_known_by(event))
        if mark in self._once:
            return True
        if len(self._once) >= _CACHE_SIZE:
            self._once.clear()
        self._once.add(mark)
        return False

    def _resolved(self, kind: int, thing: Dataset | Job) -> tuple[Name, FacetSet]:
        name = self._names.known(kind, thing.namespace, thing.name)
        if name is None:
            raise KeyError((thing.namespace, thing.name))
        return name, self._sets.of(thing.facets)

    def _part(self, name: Name, facets: FacetSet) -> Part:
        node = self._names.by_id(name.node)
        if not facets.bodies:
            return Part(node, None, None)
        return Part(node, facets, self._history.repetition(node.id, facets.id))

    # -- other events --------------------------------------------------------------------------------------------------
    def resolve(self, kind: int, thing: Dataset | Job, at: int, key: bytes) -> tuple[Name, FacetSet]:
        """The name and facets of an object in an event."""
        known = self._known.get(id(thing))
        if known is not None and known[0] is thing:
            _, name, facets = known
            if at <= name.first_at or not name.is_direct:
                self._names.seen(kind, thing.namespace, thing.name, at, key)
        else:
            name = self._names.seen(kind, thing.namespace, thing.name, at, key)
            facets = self._sets.of(thing.facets)
            if len(self._known) >= _CACHE_SIZE:
                self._known.clear()
            self._known[id(thing)] = (thing, name, facets)
            self.weight += ENTRY
        return name, facets

    def apply(self, kind: int, thing: Dataset | Job, stamp: Stamp) -> tuple[Name, FacetSet]:
        """Apply an object of an event, with its facets."""
        name, facets = self.resolve(kind, thing, stamp.at, stamp.key)
        self.apply_resolved(kind, name, facets, stamp)
        return name, facets

    def apply_resolved(self, kind: int, name: Name, facets: FacetSet, stamp: Stamp) -> None:
        """Apply an object whose name and facets are resolved."""
        node = self._names.by_id(name.node)
        at = stamp.at
        is_newest = at > node.updated_at
        if not is_newest or node.updated_at < node.created_at:
            self._touch(node, at)
        else:
            node.updated_at = at
            self._names.changed[node.id] = node
        self._listed.add(name.id)
        if not facets.bodies:
            self._tables.mention(((name.id, 0),), stamp.run, at, stamp.seq)
            return
        self._tables.mention(((name.id, facets.id),), stamp.run, at, stamp.seq)
        stated = self._stated.get(node.id)
        if stated is None:
            self._stated[node.id] = (node, is_newest, [facets])
        else:
            stated[2].append(facets)
        if kind == DATASET:
            for other in facets.symlinks:
                self._join(name, other, stamp)
            there = _at_source(name, facets)
            if there is not None:
                self._join(name, there, stamp)
        if facets.life:
            self._apply_life_cycle(name, node, facets, stamp)

    def _touch(self, node: Node, at: int) -> bool:
        """Record an event of the node; returns whether it is the latest so far."""
        if at > node.updated_at:
            if node.updated_at < node.created_at:
                self._history.is_named(node.id)
            node.updated_at = at
            self._names.changed[node.id] = node
            return True
        if at < node.created_at:
            node.created_at = at
            self._names.changed[node.id] = node
            self._names.relisted.add(node.id)
        return False

    def finish(self, stamp: Stamp, job: Name | None = None) -> None:
        """Apply the facets to each node, once all of its names in the event are known; ``job`` is that of the event."""
        with_lineage: list[tuple[int, FacetSet]] = []
        for node_id, (node, is_newest, stated) in self._stated.items():
            if len(stated) == 1:
                if stated[0].lineage:
                    with_lineage.append((node_id, stated[0]))
                self._history.apply(node, stated[0], stamp.at, stamp.key, stamp.run_id, is_newest=is_newest)
                continue
            with_lineage += [(node_id, facets) for facets in stated if facets.lineage]
            for facets in stated if node.kind == DATASET else ():
                self._columns.add_fields(node_id, field_names(facets.raw))
            self._history.apply_bodies(
                node, self._sets.merged(stated), stamp.at, stamp.key, stamp.run_id, is_newest=is_newest
            )
        self._stated.clear()
        for node_id, facets in with_lineage:
            self._apply_lineage(node_id, facets, stamp, job)
        self._listed.clear()

    def _apply_lineage(self, node_id: int, facets: FacetSet, stamp: Stamp, job: Name | None) -> None:
        """Record the names in the lineage facets of a node, and their fields.

        A field exists from the moment that a facet names it, whether or not the claim counts: which of the claims of a
        run count can depend on events that have not arrived.
        """
        known = (node_id, facets.id, job.node if job else 0)
        is_known = known in self._placed
        for (kind, namespace, text), fields in facets.named().items():
            if namespace:
                node = self._mention(kind, namespace, text, stamp).node
            else:
                node = node_id if kind == DATASET else known[2]
            if fields and node and not is_known:
                self._columns.add_fields(node, fields)
        if not is_known:
            if len(self._placed) >= _CACHE_SIZE:
                self._placed.clear()
            self._placed.add(known)

    def _mention(self, kind: int, namespace: str, name: str, stamp: Stamp) -> Name:
        """Record a name in a lineage facet, whether or not the event lists it as well."""
        found = self._names.seen(kind, namespace, name, stamp.at, stamp.key)
        if found.id not in self._listed:
            self._listed.add(found.id)
            self._touch(self._names.by_id(found.node), stamp.at)
            self._tables.mention(((found.id, 0),), stamp.run, stamp.at, stamp.seq)
        return found

    def _join(self, name: Name, other: tuple[str, str], stamp: Stamp) -> Name | None:
        if not other[0].strip() or not other[1].strip():
            return None
        alias = self._names.seen(DATASET, *other, stamp.at, stamp.key, another_of=self._names.by_id(name.node))
        if alias.node != name.node:
            self.joins.add((name.id, alias.id))
        return alias

    def _apply_life_cycle(self, name: Name, node: Node, facets: FacetSet, stamp: Stamp) -> None:
        is_dropped = facets.life == "DROP"
        if facets.renamed_from and name.kind == DATASET:
            old = self._join(name, facets.renamed_from, stamp)
            if old is not None and not old.is_renamed and old.id != name.id:
                old.is_renamed = True
                self._tables.names.put(old)
                self._names.relisted.add(old.node)
        self._names.apply_life_cycle(node, stamp.at, stamp.key, stamp.run_id, is_dropped=is_dropped)
        if name.kind == JOB:
            self.put_statement(name, LIFE, [(0, int(is_dropped))], stamp)
            self._flows.mark_job(name.node)

    def put_statement(self, name: Name, kind: int, claims: list[tuple[int, int]], stamp: Stamp) -> None:
        """Store a statement about a name."""
        self._tables.statements.put(Statement(subject=name.id, kind=kind, at=stamp.at, key=stamp.key, says=claims))


def _at_source(name: Name, facets: FacetSet) -> tuple[str, str] | None:
    """The name of a dataset at its data source, if that is certain and differs from its own."""
    if not facets.source_uri or name.kind != DATASET:
        return None
    return name_at_source(name.namespace, name.name, facets.source_uri)


def _known_by(event: RunEvent) -> tuple[object, ...]:
    """Identifies the objects of an event. The reader returns the same object for the same bytes."""
    outputs = [(output.namespace, output.name, id(output.facets)) for output in event.outputs]
    return (id(event.job), *map(id, event.inputs), *outputs)
