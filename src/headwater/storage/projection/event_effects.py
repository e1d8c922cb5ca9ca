"""The effects of an event on the objects it names: names, times, facets, mentions, life cycle."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from headwater.model.events import Dataset, Job, RunEvent
from headwater.model.source_names import name_at_source
from headwater.storage.projection.columns import Columns
from headwater.storage.projection.facet_sets import FacetSet, FacetSets, field_names
from headwater.storage.projection.flows import LIFE, Flows
from headwater.storage.projection.history import Echo, History
from headwater.storage.projection.names import Names
from headwater.storage.projection.records import DATASET, JOB, Name, Node, Statement
from headwater.storage.projection.tables import Tables

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
    echo: Echo | None


class Script(msgspec.Struct, frozen=True):
    """The objects of an event, kept because every run of a job usually names the same ones."""

    #: the key of the script; referenced so that no other object gets the same ``id``
    things: tuple[object, ...]
    #: a later event cannot be the earliest for any of the nodes and names
    after: int
    parts: list[Part]
    #: (name, facet set) of each part
    said: list[tuple[int, int]]
    job: Name
    job_facets: FacetSet
    inputs: list[tuple[int, int]]
    outputs: list[tuple[int, int]]


class Hearing:
    """``listen`` to each object of an event, then ``conclude`` the event."""

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
        self._said: dict[int, tuple[Node, bool, list[FacetSet]]] = {}
        #: the names that the current event lists
        self._listed: set[int] = set()
        #: by object identity: the reader returns the same object for the same bytes
        self._known: dict[int, tuple[Dataset | Job, Name, FacetSet]] = {}
        self._scripts: dict[tuple[object, ...], Script] = {}
        self._once: set[int] = set()

    def clear(self) -> None:
        """Drop everything cached or pending: the batch was rolled back."""
        self.joins.clear()
        self._said.clear()
        self._listed.clear()
        self._known.clear()
        self._scripts.clear()

    def joined(self) -> None:
        """Nodes were merged: drop everything cached about nodes."""
        self.joins.clear()
        self._scripts.clear()

    # -- repeated events ---------------------------------------------------------------------------------------------
    def script(self, event: RunEvent) -> Script | None:
        """The script of an event that names the same objects as an earlier one, if any."""
        return self._scripts.get(_known_by(event))

    def replay(self, script: Script, stamp: Stamp) -> bool:
        """Apply an event by its script; returns False, having done nothing, if it is the earliest for one of its
        names."""
        at = stamp.at
        if at <= script.after:
            return False
        self._tables.mention(script.said, stamp.run, at, stamp.seq)
        for node, facets, echo in script.parts:
            is_newest = at > node.updated_at
            if is_newest:
                node.updated_at = at
                self._names.changed(node)
            if echo is not None and facets is not None and not echo.holds(at):
                self._history.hear(node, facets, at, stamp.key, stamp.run_id, is_newest=is_newest)
        return True

    def remember(self, event: RunEvent) -> None:
        """Keep the script of the event just applied, if it is a plain one that repeats an earlier event."""
        mark = hash(_known_by(event))
        if mark not in self._once:
            if len(self._once) >= _CACHE_SIZE:
                self._once.clear()
            self._once.add(mark)
            return
        job, job_facets = self._resolved(JOB, event.job)
        inputs = [self._resolved(DATASET, one) for one in event.inputs]
        outputs = [self._resolved(DATASET, one) for one in event.outputs]
        listed = [(job, job_facets), *outputs, *inputs]
        if any(facets.symlinks or facets.life for _, facets in listed):
            return
        names = [name for name, _ in listed]
        said = [(name.id, facets.id if facets.bodies else 0) for name, facets in listed]
        parts = [self._part(name, facets) for name, facets in listed]
        for _, facets in listed:
            for kind, namespace, text in facets.named():
                name = self._names.known(kind, namespace, text)
                if name is not None and name not in names:
                    names.append(name)
                    said.append((name.id, 0))
                    parts.append(Part(self._names.by_id(name.node), None, None))
        if len({part.node.id for part in parts}) < len(parts):
            return
        also = [self._names.known(DATASET, *there) for one in listed if (there := _at_source(*one)) is not None]
        if len(self._scripts) >= _CACHE_SIZE:
            self._scripts.clear()
        self._scripts[_known_by(event)] = Script(
            things=(event.job, *event.inputs, *(one.facets for one in event.outputs)),
            after=max(
                *(name.first_at for name in (*names, *also) if name is not None),
                *(part.node.created_at for part in parts),
            ),
            parts=parts,
            said=said,
            job=job,
            job_facets=job_facets,
            inputs=[(name.id, facets.id if facets.bodies else 0) for name, facets in inputs],
            outputs=[(name.id, facets.id if facets.bodies else 0) for name, facets in outputs],
        )

    def _resolved(self, kind: int, thing: Dataset | Job) -> tuple[Name, FacetSet]:
        name = self._names.known(kind, thing.namespace, thing.name)
        if name is None:
            raise KeyError((thing.namespace, thing.name))
        return name, self._sets.of(thing.facets)

    def _part(self, name: Name, facets: FacetSet) -> Part:
        node = self._names.by_id(name.node)
        return Part(node, facets, self._history.echo(node.id, facets.id)) if facets.bodies else Part(node, None, None)

    # -- listening ---------------------------------------------------------------------------------------------------
    def know(self, kind: int, thing: Dataset | Job, at: int, key: bytes) -> tuple[Name, FacetSet]:
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
        return name, facets

    def listen(self, kind: int, thing: Dataset | Job, stamp: Stamp) -> tuple[Name, FacetSet]:
        """Apply an object of an event, with its facets."""
        name, facets = self.know(kind, thing, stamp.at, stamp.key)
        self.take(kind, name, facets, stamp)
        return name, facets

    def take(self, kind: int, name: Name, facets: FacetSet, stamp: Stamp) -> None:
        """Apply an object whose name and facets are resolved."""
        node = self._names.by_id(name.node)
        at = stamp.at
        is_newest = at > node.updated_at
        if not is_newest or node.updated_at < node.created_at:
            self._touch(node, at)
        else:
            node.updated_at = at
            self._names.changed(node)
        self._listed.add(name.id)
        if not facets.bodies:
            self._tables.mention(((name.id, 0),), stamp.run, at, stamp.seq)
            return
        self._tables.mention(((name.id, facets.id),), stamp.run, at, stamp.seq)
        said = self._said.get(node.id)
        if said is None:
            self._said[node.id] = (node, is_newest, [facets])
        else:
            said[2].append(facets)
        if kind == DATASET:
            for other in facets.symlinks:
                self._join(name, other, stamp)
            there = _at_source(name, facets)
            if there is not None:
                self._join(name, there, stamp)
        if facets.life:
            self._live(name, node, facets, stamp)

    def _touch(self, node: Node, at: int) -> bool:
        """Record an event of the node; returns whether it is the latest so far."""
        if at > node.updated_at:
            if node.updated_at < node.created_at:
                self._history.is_named(node.id)
            node.updated_at = at
            self._names.changed(node)
            return True
        if at < node.created_at:
            node.created_at = at
            self._names.changed(node)
            self._names.relisted.add(node.id)
        return False

    def conclude(self, stamp: Stamp) -> None:
        """Apply the facets to each node, once all of its names in the event are known."""
        speaking: list[FacetSet] = []
        for node_id, (node, is_newest, said) in self._said.items():
            if len(said) == 1:
                if said[0].lineage:
                    speaking.append(said[0])
                self._history.hear(node, said[0], stamp.at, stamp.key, stamp.run_id, is_newest=is_newest)
                continue
            speaking += [facets for facets in said if facets.lineage]
            for facets in said if node.kind == DATASET else ():
                self._columns.add_fields(node_id, field_names(facets.raw))
            self._history.say(node, self._sets.merged(said), stamp.at, stamp.key, stamp.run_id, is_newest=is_newest)
        self._said.clear()
        for facets in speaking:
            for kind, namespace, name in facets.named():
                self._mention(kind, namespace, name, stamp)
        self._listed.clear()

    def _mention(self, kind: int, namespace: str, name: str, stamp: Stamp) -> None:
        """Record a name in a lineage facet, whether or not the event lists it as well."""
        found = self._names.seen(kind, namespace, name, stamp.at, stamp.key)
        if found.id not in self._listed:
            self._listed.add(found.id)
            self._touch(self._names.by_id(found.node), stamp.at)
            self._tables.mention(((found.id, 0),), stamp.run, stamp.at, stamp.seq)

    def _join(self, name: Name, other: tuple[str, str], stamp: Stamp) -> Name | None:
        if not other[0].strip() or not other[1].strip():
            return None
        alias = self._names.seen(DATASET, *other, stamp.at, stamp.key, is_direct=False)
        if alias.node != name.node:
            self.joins.add((name.id, alias.id))
        return alias

    def _live(self, name: Name, node: Node, facets: FacetSet, stamp: Stamp) -> None:
        is_dropped = facets.life == "DROP"
        if facets.renamed_from and name.kind == DATASET:
            old = self._join(name, facets.renamed_from, stamp)
            if old is not None and not old.is_renamed and old.id != name.id:
                old.is_renamed = True
                self._tables.names.put(old)
                self._names.relisted.add(old.node)
        self._names.live(node, stamp.at, stamp.key, stamp.run_id, is_dropped=is_dropped)
        if name.kind == JOB:
            self.state(name, LIFE, [(0, int(is_dropped))], stamp)
            self._flows.mark_job(name.node)

    def state(self, name: Name, kind: int, says: list[tuple[int, int]], stamp: Stamp) -> None:
        """Store a statement about a name."""
        self._tables.statements.put(Statement(subject=name.id, kind=kind, at=stamp.at, key=stamp.key, says=says))


def _at_source(name: Name, facets: FacetSet) -> tuple[str, str] | None:
    """The name of a dataset at its data source, if that is certain and differs from its own."""
    if not facets.source_uri or name.kind != DATASET:
        return None
    return name_at_source(name.namespace, name.name, facets.source_uri)


def _known_by(event: RunEvent) -> tuple[object, ...]:
    """Identifies the objects of an event. The reader returns the same object for the same bytes."""
    outputs = [(one.namespace, one.name, id(one.facets)) for one in event.outputs]
    return (id(event.job), *map(id, event.inputs), *outputs)
