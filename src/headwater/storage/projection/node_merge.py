"""Merges the nodes of names that turn out to be one dataset, in any order and at any time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from headwater.storage.projection.columns import Columns
from headwater.storage.projection.flows import Flows
from headwater.storage.projection.names import Names
from headwater.storage.projection.records import DESCRIBED, Flow
from headwater.storage.projection.tables import Tables


class Joining:
    """Merges nodes. The caller retracts the runs that touched them before, and settles them again afterwards."""

    def __init__(self, tables: Tables, names: Names, columns: Columns, flows: Flows) -> None:
        self._tables = tables
        self._names = names
        self._columns = columns
        self._flows = flows

    def runs_of(self, *nodes: int) -> dict[int, tuple[int, bytes, int]]:
        """(time, key, sequence number) of one event by run, for every run that touched one of these nodes."""
        names = [name.id for node in nodes for name in self._names.of(node)]
        last: dict[int, tuple[int, int]] = {}
        for mention in self._tables.mentions(names):
            if mention.run and (mention.run not in last or mention.at > last[mention.run][0]):
                last[mention.run] = mention.at, mention.seq
        keys = self._tables.event_keys({seq for _, seq in last.values()})
        return {run: (at, keys[seq], seq) for run, (at, seq) in last.items()}

    def join(self, kept: int, others: Sequence[int]) -> None:
        """Merge nodes into one of them."""
        keys = set().union(*map(self._flows_at, (kept, *others)))
        for key in keys:
            for edge in self._tables.edges.where(job=key[0], target=key[1], kind=key[2]):
                self._flows.remove(edge)
            self._tables.flows.drop(key)
        for lost in others:
            for name in self._names.of(lost):
                name.node = kept
                self._tables.names.put(name)
            self._merge(kept, lost)
            fields = self._tables.fields.get(lost)
            if fields is not None:
                self._columns.add_fields(kept, fields.names)
                self._tables.fields.drop(lost)
            self._flows.move(lost, kept)
            self._names.drop(lost)
        gone = frozenset(others)
        for job, target, kind in keys:
            self._flows.mark(job, kept if target in gone else target, kind)
        self._flows.mark(0, kept, DESCRIBED)
        # The run level needs no rewrite: every run that touched the nodes is settled again, which logs the changes.
        self._tables.rewritten("dataset")

    def _flows_at(self, node: int) -> set[tuple[int, int, int]]:
        flows: list[Flow] = self._tables.flows.where(target=node)
        keys = {(flow.job, flow.target, flow.kind) for flow in flows}
        edges = self._tables.edges.where(source=node) + self._tables.edges.where(target=node)
        return keys | {(edge.job, edge.target, edge.kind) for edge in edges}

    def _merge(self, kept: int, lost: int) -> None:
        one, other = self._names.by_id(kept), self._names.by_id(lost)
        one.created_at = min(one.created_at, other.created_at)
        one.updated_at = max(one.updated_at, other.updated_at)
        one.read_until = max(one.read_until, other.read_until)
        if other.life_key:
            self._names.apply_life_cycle(
                one, other.life_at, other.life_key, other.life_run, is_dropped=other.is_dropped
            )
        self._names.changed[one.id] = one
        self._names.relisted.add(kept)


def together(pairs: Iterable[tuple[int, int]]) -> list[list[int]]:
    """The nodes that are one, as lists in order, from pairs of nodes that are. Merged at once, because each merge reads
    everything that is known about the result."""
    leader: dict[int, int] = {}

    def find(node: int) -> int:
        while (above := leader.setdefault(node, node)) != node:
            leader[node] = leader.setdefault(above, above)
            node = above
        return node

    for left, right in pairs:
        one, other = sorted((find(left), find(right)))
        leader[other] = one
    groups: dict[int, list[int]] = {}
    for node in sorted(leader):
        groups.setdefault(find(node), []).append(node)
    return [group for _, group in sorted(groups.items()) if len(group) > 1]
