"""The nodes that there were at an instant. The sets of a store hold those that there are now, without deleted ones."""

from __future__ import annotations

from functools import cached_property

from headwater.query.facet_values import body
from headwater.storage.base import Store
from headwater.storage.row_types import NodeRow


class PastNodes:
    """The nodes of one store at one instant, in microseconds since the epoch, UTC."""

    def __init__(self, store: Store, instant: int) -> None:
        self._store = store
        self._instant = instant

    @cached_property
    def ever(self) -> int:
        """The set of all nodes, deleted ones included; it may hold ids that are none, which have no row."""
        last = self._store.living().bit_length()
        while page := self._store.scan_nodes(after=last, limit=1000):
            last = page[-1].id
        return (1 << last + 1) - 1

    @cached_property
    def deleted(self) -> int:
        """The set of the nodes that are deleted now."""
        return self.ever & ~self._store.living()

    def held(self, row: NodeRow) -> bool:
        """Whether a node was known then, and not deleted."""
        if row.created_at > self._instant:
            return False
        if not row.is_deleted:
            return True
        life = body(self._store.facets(row.id, as_of=self._instant), "lifecycleStateChange")
        return life.get("lifecycleStateChange") != "DROP"

    def is_unchanged(self, row: NodeRow) -> bool:
        """Whether nothing was said about a node since: what holds now held then."""
        return row.updated_at <= self._instant
