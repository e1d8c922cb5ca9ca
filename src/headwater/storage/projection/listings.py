"""The rows of the directory: one per node, and counts of RunEvents per quarter of an hour.

A row changes when a node is new, renamed, merged, deleted or revived, or gets another source, not with every event.
"""

from __future__ import annotations

from collections import Counter

import msgspec

from headwater.formats.dataset_facets import DataSource, try_facet
from headwater.model.events import EventType
from headwater.model.names import normalise
from headwater.storage.projection.history import History
from headwater.storage.projection.names import Names, is_deleted
from headwater.storage.projection.records import DATASET, Listing, Node, Pulse
from headwater.storage.projection.tables import Tables

QUARTER_US = 900_000_000
"""A quarter of an hour: days begin on such a boundary in every time zone in use."""
EVENT_TYPES: tuple[EventType | None, ...] = (None, *EventType)
"""Types of RunEvents by their code in a ``Pulse``."""

_CODES = {kind: code for code, kind in enumerate(EVENT_TYPES)}
_SOURCE = frozenset({DataSource.KEY})


def listed_namespace(namespace: str) -> str:
    """The form in which namespaces are listed.

    It depends on the spelling of the namespace alone: a name can absorb a part of it (``postgres://db/shop`` and
    ``public.orders``), but the dataset is still listed under the namespace as given.
    """
    return normalise(namespace, "x").namespace


class Listings:
    """Maintains the rows of the directory."""

    def __init__(self, tables: Tables, names: Names, history: History) -> None:
        self._tables = tables
        self._names = names
        self._history = history
        self._event_counts: Counter[tuple[int, int]] = Counter()

    def clear(self) -> None:
        """Drop everything pending: the batch was rolled back."""
        self._event_counts.clear()

    def count_event(self, at: int, kind: EventType | None) -> None:
        """Count a RunEvent."""
        self._event_counts[at - at % QUARTER_US, _CODES[kind]] += 1

    def settle(self) -> None:
        """Write the changes since the last call."""
        directory = self._tables.directory
        for node_id in sorted(self._names.relisted):
            node = self._tables.nodes.get(node_id)
            if node is None:
                directory.listings.drop(node_id)
                continue
            row = self._row(node)
            if directory.listings.get(node_id) != row:
                directory.listings.put(row)
        self._names.settled()
        for (start, kind), count in self._event_counts.items():
            pulse = directory.pulses.get((start, kind)) or Pulse(start=start, type=kind, count=0)
            pulse.count += count
            directory.pulses.put(pulse)
        self._event_counts.clear()

    def _row(self, node: Node) -> Listing:
        shown = self._names.of(node.id)[0]
        source = self._source(node.id) if node.kind == DATASET else None
        return Listing(
            node=node.id,
            kind=node.kind,
            namespace=listed_namespace(shown.raw_namespace),
            name=shown.raw_name,
            spelt=shown.raw_namespace,
            created_at=node.created_at,
            is_deleted=is_deleted(node),
            source="" if node.kind != DATASET else (source.name if source else None) or shown.raw_namespace,
            source_uri=(source.uri or "") if source else "",
        )

    def _source(self, node_id: int) -> DataSource | None:
        facets: dict[str, msgspec.Raw] = self._history.current(node_id, _SOURCE)
        return try_facet(facets, DataSource)
