"""Compares two instants of a view in one graph: added, removed and changed nodes and edges."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

from headwater.model.graph import Edge, Node
from headwater.query.facet_values import body, schema_fields
from headwater.query.resolve import Resolver
from headwater.query.result import LineageGraph
from headwater.query.terminal_text import plural
from headwater.storage.base import Store
from headwater.storage.row_types import FacetChange

EdgeName = tuple[str, str, str]
"""Source, target, job."""
_TEXTS = {"sql": "query", "sourceCode": "sourceCode"}
COMPARED = ("schema", *_TEXTS)
"""The facets whose change makes a node count as changed: its columns, its SQL, its code."""


def edge_name(edge: Edge) -> EdgeName:
    """The identity of an edge at two instants."""
    return (edge.source, edge.target, edge.job)


def node_changes(
    store: Store, resolver: Resolver, before: LineageGraph, after: LineageGraph, upto: int
) -> dict[str, str]:
    """``added``, ``removed`` or ``changed`` by id, for the nodes that differ; ``upto`` is the later instant."""
    old, new = {node.id for node in before.nodes}, {node.id for node in after.nodes}
    since = before.as_of
    both = [node for node in after.nodes if node.id in old]
    changed = {node.id for node in both if since is not None and _differs(store, resolver, node, since, upto)}
    return _differences(old, new) | dict.fromkeys(changed, "changed")


def edge_changes(before: LineageGraph, after: LineageGraph) -> dict[EdgeName, str]:
    """The same by edge: one present at both instants has changed if its kind of evidence differs."""
    old, new = ({edge_name(edge): edge for edge in graph.edges} for graph in (before, after))
    changed = {name for name, edge in new.items() if name in old and edge.how != old[name].how}
    return _differences(old, new) | dict.fromkeys(changed, "changed")


def difference_words(nodes: Mapping[str, str], edges: Mapping[EdgeName, str]) -> str:
    """The differences in words, one sentence per change."""
    counts = [Counter(found.values()) for found in (nodes, edges)]
    parts = []
    for change in ("added", "removed", "changed"):
        words = zip(counts, ("node", "edge"), strict=True)
        found = [plural(count[change], word) for count, word in words if count[change]]
        if found:
            parts.append(f"{change.capitalize()}: {', '.join(found)}.")
    return " ".join(parts) or "Nothing that is shown differs."


def facet_moments(history: Iterable[FacetChange]) -> list[tuple[int, str]]:
    """When the columns, the SQL or the code of a node changed, and which; their first appearance is not a change."""
    by_facet: dict[str, list[FacetChange]] = {}
    for change in history:
        if change.name in COMPARED:
            by_facet.setdefault(change.name, []).append(change)
    return [
        (new.changed_at, name)
        for name, changes in by_facet.items()
        for old, new in pairwise(changes)
        if None not in (found := (_value(old), _value(new))) and found[0] != found[1]
    ]


def _differences(old: Iterable[Any], new: Iterable[Any]) -> dict[Any, str]:
    before, after = set(old), set(new)
    return dict.fromkeys(after - before, "added") | dict.fromkeys(before - after, "removed")


def _differs(store: Store, resolver: Resolver, node: Node, since: int, upto: int) -> bool:
    rows = resolver.rows(node.id)
    if not rows:
        return False
    history = store.history(rows[0].id)
    for name in COMPARED:
        changes = [change for change in history if change.name == name]
        old, new = (_at(changes, instant) for instant in (since, upto))
        if None not in (old, new) and old != new:
            return True
    return False


def _at(changes: Iterable[FacetChange], instant: int) -> Any:
    """The value of a facet at an instant, or None."""
    latest = None
    for change in changes:
        if change.changed_at <= instant:
            latest = change
    return None if latest is None else _value(latest)


def _value(change: FacetChange) -> Any:
    """The part of a facet that is compared: columns with their types, or the text of SQL or code."""
    if change.body is None:
        return None
    if change.name == "schema":
        return tuple(sorted(schema_fields({"schema": change.body})))
    return body({change.name: change.body}, change.name).get(_TEXTS[change.name])
