"""The history of facets: their values, and when they changed.

Only changes are stored; the log of mentions tells when a value was repeated. So a late statement that falls between two
equal ones splits them at exactly the instant of the second.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from headwater.storage.projection.columns import Columns
from headwater.storage.projection.facet_sets import FacetSet, FacetSets, field_names, type_of, words_of
from headwater.storage.projection.names import Names, is_deleted, type_by_place
from headwater.storage.projection.records import DATASET, JOB, Change, Mention, Node, SearchText, change_order
from headwater.storage.projection.stretches import LENGTH, MOST, Stretch
from headwater.storage.projection.tables import Tables
from headwater.storage.projection.weights import ENTRY

_SEARCHED = frozenset({"schema", "documentation", "tags", "ownership"})
_LISTED = frozenset({"dataSource"})
_TYPED = frozenset({"datasetType", "jobType"})
_CACHE_SIZE = 20_000
_END = (2**63 - 1, b"")
"""Sorts after every statement."""


class ChangeCounter(msgspec.Struct, gc=False):
    """Counts the changes to the history of a node."""

    changes: int = 0


class Repetition(msgspec.Struct, gc=False):
    """A facet set that repeated known facets of a node more than once: after ``since``, and while the history of the
    node is unchanged, repeating it again changes nothing."""

    counter: ChangeCounter
    changes: int = -1
    since: int = 0

    def holds(self, at: int) -> bool:
        """Whether the facet set changes nothing if repeated at that instant."""
        return self.changes == self.counter.changes and at > self.since


class History:
    """Inserts facet statements into the histories of nodes."""

    def __init__(self, tables: Tables, sets: FacetSets, names: Names, columns: Columns) -> None:
        self._tables = tables
        self._sets = sets
        self._names = names
        self._columns = columns
        self._latest: dict[int, dict[str, Change]] = {}
        #: node -> facet -> where changes came late; a last change is the same object as in ``_latest``
        self._stretches: dict[int, dict[str, Stretch[Change]]] = {}
        self._stale: set[int] = set()
        self._counters: dict[int, ChangeCounter] = {}
        self._repetitions: dict[tuple[int, int], Repetition] = {}
        self.weight = 0

    def clear(self) -> None:
        """Drop the cache: the batch that filled it was rolled back."""
        self._latest.clear()
        self._stretches.clear()
        self._stale.clear()
        self._counters.clear()
        self._repetitions.clear()
        self.weight = 0

    def repetition(self, node_id: int, facets: int) -> Repetition:
        """Tells whether a facet set is still news for a node."""
        found = self._repetitions.get((node_id, facets))
        if found is None:
            if len(self._repetitions) >= _CACHE_SIZE:
                del self._repetitions[next(iter(self._repetitions))]
            found = self._repetitions[node_id, facets] = Repetition(self._counter(node_id))
            self.weight += ENTRY
        return found

    def _counter(self, node_id: int) -> ChangeCounter:
        found = self._counters.get(node_id)
        if found is None:
            found = self._counters[node_id] = ChangeCounter()
        return found

    def apply(self, node: Node, facets: FacetSet, at: int, key: bytes, run_id: str, *, is_newest: bool) -> None:
        """Apply a facet set of an event to a node, with a fast path for repetitions."""
        repetition = self.repetition(node.id, facets.id)
        if not repetition.holds(at) and self.apply_bodies(node, facets.bodies, at, key, run_id, is_newest=is_newest):
            latest = self._latest_of(node.id)
            repetition.changes = repetition.counter.changes
            repetition.since = max(latest[name].at for name in facets.bodies)

    def apply_bodies(
        self, node: Node, bodies: dict[str, int], at: int, key: bytes, run_id: str, *, is_newest: bool
    ) -> bool:
        """Apply the facet bodies (0: removed) of an event to a node.

        With ``is_newest`` the event is the latest one of the node so far. Returns whether all bodies had been stated
        before, more than once.
        """
        latest = self._latest_of(node.id)
        is_old = True
        for name, body in bodies.items():
            current = latest.get(name)
            if current is not None and current.body == body and (at, key) >= (current.at, current.key):
                if not current.is_repeated and (at, key) > (current.at, current.key):
                    current.is_repeated = True
                    self._tables.changes.put(current)
                is_old = is_old and current.is_repeated
                continue
            is_old = False
            self.weight += ENTRY
            change = Change(node=node.id, name=name, at=at, key=key, body=body, run_id=run_id)
            if current is None or is_newest:
                self._tables.changes.put(change)
                latest[name] = change
                if node.id in self._stretches and (late := self._stretches[node.id].get(name)) is not None:
                    late.append(change)
            else:
                latest[name] = self._place_late(change, current)
            self._changed(node, name, body)
        return is_old

    def _latest_of(self, node_id: int) -> dict[str, Change]:
        found = self._latest.get(node_id)
        if found is None:
            if len(self._latest) >= _CACHE_SIZE:
                self._latest.clear()
                self._stretches.clear()
            stored = () if node_id in self._names.without_history else self._tables.latest_changes(node_id)
            self._names.without_history.discard(node_id)
            found = self._latest[node_id] = {entry.name: entry for entry in stored}
            self.weight += ENTRY + 100 * len(found)
        return found

    def _forget(self, node_id: int) -> None:
        self._names.without_history.discard(node_id)
        self._latest.pop(node_id, None)
        self._stretches.pop(node_id, None)

    def _stretch_around(self, change: Change, latest: Change) -> tuple[Stretch[Change], int]:
        """The stored changes around a new one, and its place among them; ``latest`` is the last of its facet."""
        if len(self._stretches) >= MOST:
            self._stretches.clear()
        by_name = self._stretches.setdefault(change.node, {})
        found = by_name.get(change.name)
        place = None if found is None else found.place(change_order(change))
        if found is None or place is None:
            where = change.node, change.name, change_order(change)
            before, after = self._tables.changes_before(*where, 1), self._tables.changes_from(*where, LENGTH + 1)
            ends, place = len(after) <= LENGTH, len(before)
            found = Stretch(before + after[:LENGTH], change_order, begins=not before, ends=ends)
            if ends:
                found.rows[-1] = latest  # one object per row: a change to a copy would be lost
            by_name[change.name] = found
        return found, place

    def _place_late(self, change: Change, latest: Change) -> Change:
        """Insert a change before, or shortly after, the last one of its facet; returns the last one afterwards."""
        stretch, place = self._stretch_around(change, latest)
        self._insert(change, stretch.rows, place)
        last = stretch.rows[-1] if stretch.ends else latest
        stretch.shorten()
        return last

    def _insert(self, change: Change, rows: list[Change], place: int) -> None:
        after = rows[place] if place < len(rows) else None
        if after is not None and change_order(after) == change_order(change):
            return
        last = rows[place - 1] if place else None
        if last is not None and last.body == change.body:
            if not last.is_repeated:
                last.is_repeated = True
                self._tables.changes.put(last)
            return
        again = self._next_repetition(last, change, after) if last is not None and last.is_repeated else None
        if again is not None:
            self._tables.changes.put(again)
            rows[place:place] = [change, again]
        elif after is not None and after.body == change.body:
            change.is_repeated = True
            self._tables.changes.drop(_key(after))
            rows[place] = change
        else:
            rows.insert(place, change)
        self._tables.changes.put(change)

    def _next_repetition(self, last: Change, change: Change, until: Change | None) -> Change | None:
        """The next time after ``change``, and before ``until``, that the body of ``last`` was repeated."""
        names = [name.id for name in self._names.of(change.node)]
        before = _END if until is None else change_order(until)
        found: Mention | None = None
        for earliest, mentions in self._tables.mentions_within(names, change.at, before[0]):
            if earliest > before[0]:
                break
            for at, key, mention, bodies in self._statements(mentions):
                if change_order(change) < (at, key) < before and bodies.get(change.name) == last.body:
                    before, found = (at, key), mention
        if found is None:
            return None
        at, key, mention = *before, found
        run = self._tables.runs.get(mention.run) if mention.run else None
        return Change(
            node=change.node,
            name=change.name,
            at=at,
            key=key,
            body=last.body,
            run_id=run.run_id if run else "",
            is_repeated=True,
        )

    def _statements(self, given: Iterable[Mention]) -> list[tuple[int, bytes, Mention, dict[str, int]]]:
        """(time, key, mention, bodies) of each event's statement about a node, in order."""
        by_event: dict[int, list[Mention]] = {}
        for mention in given:
            if mention.facets:
                by_event.setdefault(mention.seq, []).append(mention)
        found = []
        keys = self._tables.event_keys(by_event)
        for seq, mentions in by_event.items():
            sets = [self._sets.by_id(mention.facets) for mention in mentions]
            bodies = sets[0].bodies if len(sets) == 1 else self._sets.merged(sets)
            found.append((mentions[0].at, keys[seq], mentions[0], bodies))
        return sorted(found, key=lambda one: one[:2])

    def rebuild(self, node: Node) -> None:
        """Rebuild the history of a node from the mentions of all its names."""
        for row in self._tables.changes.where(node=node.id):
            self._tables.changes.drop(_key(row))
        self._forget(node.id)
        self._counter(node.id).changes += 1
        current: dict[str, Change] = {}
        mentions = self._tables.mentions([name.id for name in self._names.of(node.id)])
        for at, key, mention, bodies in self._statements(mentions):
            run = self._tables.runs.get(mention.run) if mention.run else None
            for name, body in bodies.items():
                old = current.get(name)
                if old is not None and old.body == body:
                    old.is_repeated = True
                    continue
                current[name] = Change(
                    node=node.id, name=name, at=at, key=key, body=body, run_id=run.run_id if run else ""
                )
                self._tables.changes.put(current[name])
        self._forget(node.id)
        for row in self._tables.changes.where(node=node.id):
            self._changed(node, row.name, row.body)
        node.type = self._type_of(node)
        self._names.changed[node.id] = node
        self._stale.add(node.id)

    def _type_of(self, node: Node) -> str:
        stated = type_of(self.current(node.id, _TYPED), is_job=node.kind == JOB)
        return stated or type_by_place(node.kind, [name.namespace for name in self._names.of(node.id)])

    def _changed(self, node: Node, facet: str, body: int) -> None:
        self._counter(node.id).changes += 1
        if facet in _SEARCHED:
            self._stale.add(node.id)
            if facet == "schema" and body and node.kind == DATASET:
                self._columns.add_fields(node.id, field_names(self._raw({facet: body})))
        elif facet in _LISTED:
            self._names.relisted.add(node.id)
        elif facet in _TYPED:
            node.type = self._type_of(node)
            self._names.changed[node.id] = node
            self._stale.add(node.id)

    def current(self, node_id: int, only: frozenset[str] | None = None) -> dict[str, msgspec.Raw]:
        """The current facets of a node."""
        latest = self._latest_of(node_id)
        bodies = {name: entry.body for name, entry in latest.items() if entry.body and (only is None or name in only)}
        return self._raw(bodies)

    def _raw(self, bodies: dict[str, int]) -> dict[str, msgspec.Raw]:
        return {name: msgspec.Raw(self._tables.bodies.get(body)) for name, body in bodies.items()}

    def forget(self, node_id: int) -> None:
        """Drop the history of a node that was merged into another."""
        self._counter(node_id).changes += 1
        for row in self._tables.changes.where(node=node_id):
            self._tables.changes.drop(_key(row))
        self._forget(node_id)
        self._stale.discard(node_id)
        self._tables.search.drop(node_id)

    def is_named(self, node_id: int) -> None:
        """Note that a node got a new name, for its search text."""
        self._stale.add(node_id)

    def refresh_search(self) -> None:
        """Write the search texts of nodes whose names, fields or words changed."""
        for node_id in sorted(self._stale | self._columns.grown | self._names.relisted):
            node = self._tables.nodes.get(node_id)
            if node is None:
                continue
            names = self._names.of(node_id)
            fields = self._tables.fields.get(node_id)
            about, tags, owners = words_of(self.current(node_id, _SEARCHED))
            text = SearchText(
                node=node_id,
                kind=node.kind,
                namespace="\n".join(dict.fromkeys(name.raw_namespace for name in names)),
                name="\n".join(dict.fromkeys(name.raw_name for name in names)),
                fields="\n".join(sorted(fields.names)) if fields else "",
                description=about,
                tags=tags,
                owners=owners,
                type=node.type,
                is_deleted=is_deleted(node),
            )
            if self._tables.search.get(node_id) != text:
                self._tables.search.put(text)
        self._stale.clear()
        self._columns.grown.clear()


def _key(change: Change) -> tuple[int, str, int, bytes]:
    return change.node, change.name, change.at, change.key
