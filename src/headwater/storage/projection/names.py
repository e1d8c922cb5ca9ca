"""Names, and the nodes they refer to."""

from __future__ import annotations

from collections.abc import Sequence

from headwater.model.file_paths import is_doubled
from headwater.model.names import normalise
from headwater.storage.projection.records import DATASET, Name, Node
from headwater.storage.projection.tables import Tables
from headwater.storage.projection.weights import ENTRY


def normal_form(kind: int, namespace: str, name: str) -> tuple[str, str]:
    """The form in which names are compared; job names are compared as they are."""
    return normalise(namespace, name) if kind == DATASET else (namespace, name)


def type_by_place(kind: int, namespaces: Sequence[str]) -> str:
    """The type of a node of which no event states one, from the namespaces of its names: a local file is a file. (One
    that only reads a file often does not know what is in it.)"""
    return "FILE" if kind == DATASET and "file" in namespaces else ""


def display_order(name: Name) -> tuple[bool, bool, int, bytes, str, str]:
    """Sort key by which the display name of a node comes first.

    That is the earliest name that an event was about, unless it was renamed since.
    """
    return (name.is_renamed, not name.is_direct, name.first_at, name.first_key, name.namespace, name.name)


def _is_sooner(found: Name, name: str, at: int, key: bytes) -> bool:
    """Whether this spelling replaces the shown one: the earliest is shown, a path without a table only as a last
    resort."""
    if name != found.raw_name and (doubled := is_doubled(name)) != is_doubled(found.raw_name):
        return not doubled
    return (at, key) < (found.first_at, found.first_key)


def is_deleted(node: Node) -> bool:
    """Whether the node was dropped and has not been revived since.

    A dataset is revived when a run other than the one that dropped it writes it, a job when any event names it.
    """
    if not node.is_dropped:
        return False
    if node.kind == DATASET:
        return not (node.head and node.head_at > node.life_at and node.head_run != node.life_run)
    return node.updated_at <= node.life_at


class Names:
    """Finds names, and creates new ones."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._cache: dict[tuple[int, str, str], Name] = {}
        self._names: dict[int, Name] = {}
        self._nodes: dict[int, Node] = {}
        #: by id, to be written at the end of the batch
        self.changed: dict[int, Node] = {}
        #: nodes whose listing may have changed
        self.relisted: set[int] = set()
        #: nodes created in this batch, whose facets have no history yet
        self.without_history: set[int] = set()
        #: all names of each node created in this batch; empty once nodes were merged
        self._of_new: dict[int, list[Name]] = {}
        self.weight = 0

    def clear(self) -> None:
        """Drop the cache: the batch that filled it was rolled back."""
        self._cache.clear()
        self._names.clear()
        self._nodes.clear()
        self.changed.clear()
        self.weight = 0
        self.settled()

    def settled(self) -> None:
        """The batch was settled or rolled back."""
        self.relisted.clear()
        self.without_history.clear()
        self._of_new.clear()

    def drop(self, node_id: int) -> None:
        """Drop a node that was merged into another."""
        self._nodes.pop(node_id, None)
        self.changed.pop(node_id, None)
        self._of_new.clear()
        self.relisted.add(node_id)
        self._tables.nodes.drop(node_id)

    def seen(
        self, kind: int, namespace: str, name: str, at: int, key: bytes, *, another_of: Node | None = None
    ) -> Name:
        """The name, created if it is new, and updated by the event that mentions it.

        A new name gets its own node, unless the event says that it is another name of a node.
        """
        found = self._cache.get((kind, namespace, name)) or self.known(kind, namespace, name)
        if found is None:
            node = another_of or self._new_node(kind, at)
            found = self._add(node, namespace, name, at, key)
            self._keep(found, namespace, name)
        is_direct = another_of is None
        if is_direct and (not found.is_direct or _is_sooner(found, name, at, key)):
            found.is_direct = True
            self._respell(found, namespace, name, at, key)
        elif not is_direct and not found.is_direct and _is_sooner(found, name, at, key):
            self._respell(found, namespace, name, at, key)
        return found

    def known(self, kind: int, namespace: str, name: str) -> Name | None:
        """The name in any equivalent spelling, or None."""
        found = self._cache.get((kind, namespace, name))
        if found is None:
            found = self._tables.name(kind, *normal_form(kind, namespace, name))
            if found is not None:
                self._keep(found, namespace, name)
        return found

    def _keep(self, found: Name, namespace: str, name: str) -> None:
        self._cache[found.kind, namespace, name] = found
        self.weight += ENTRY + len(namespace) + len(name)

    def _respell(self, found: Name, namespace: str, name: str, at: int, key: bytes) -> None:
        found.raw_namespace, found.raw_name = namespace, name
        found.first_at, found.first_key = at, key
        self._tables.names.put(found)
        self.relisted.add(found.node)

    def _new_node(self, kind: int, at: int) -> Node:
        node = Node(id=self._tables.next_id("node"), kind=kind, created_at=at, updated_at=at - 1)
        self._tables.nodes.put(node)
        self.without_history.add(node.id)
        self._of_new[node.id] = []
        return node

    def _add(self, node: Node, namespace: str, name: str, at: int, key: bytes) -> Name:
        normal = normal_form(node.kind, namespace, name)
        if not node.type and (by_place := type_by_place(node.kind, [normal[0]])):
            node.type = by_place
            self._tables.nodes.put(node)
        made = Name(
            id=self._tables.next_id("name"),
            kind=node.kind,
            namespace=normal[0],
            name=normal[1],
            node=node.id,
            raw_namespace=namespace,
            raw_name=name,
            first_at=at,
            first_key=key,
        )
        self._tables.names.put(made)
        self.relisted.add(node.id)
        if node.id in self._of_new:
            self._of_new[node.id].append(made)
        return made

    def node(self, name_id: int) -> Node:
        """The node that a name belongs to."""
        name = self._names.get(name_id) or self.by_name_id(name_id)
        return self._nodes.get(name.node) or self.by_id(name.node)

    def by_name_id(self, name_id: int) -> Name:
        """The name with that id."""
        found = self._names.get(name_id)
        if found is None:
            found = self._tables.names.get(name_id)
            if found is None:
                raise KeyError(name_id)
            self._names[name_id] = found
        return found

    def by_id(self, node_id: int) -> Node:
        """The node with that id."""
        found = self._nodes.get(node_id)
        if found is None:
            found = self._tables.nodes.get(node_id)
            if found is None:
                raise KeyError(node_id)
            self._nodes[node_id] = found
        return found

    def of(self, node_id: int) -> list[Name]:
        """The names of a node, its display name first."""
        return sorted(self._of_new.get(node_id) or self._tables.names.where(node=node_id), key=display_order)

    def flush(self) -> None:
        """Write the nodes that changed."""
        for node in self.changed.values():
            self._tables.nodes.put(node)
            if node.is_dropped:  # it may have been revived since
                self.relisted.add(node.id)
        self.changed.clear()

    def apply_life_cycle(self, node: Node, at: int, key: bytes, run_id: str, *, is_dropped: bool) -> None:
        """Apply a statement about the life cycle of a node; the last one by (time, key) wins.

        If one event states both for different names of the node, the node lives.
        """
        if node.life_key and (at, key) == (node.life_at, node.life_key):
            node.is_dropped = node.is_dropped and is_dropped
        elif not node.life_key or (at, key) > (node.life_at, node.life_key):
            node.life_at, node.life_key, node.life_run, node.is_dropped = at, key, run_id, is_dropped
        self.relisted.add(node.id)
        self.changed[node.id] = node
