"""Compares two instants of a view in one graph: added, removed and changed nodes and edges."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

import msgspec

from headwater.model.graph import Edge, Node
from headwater.query.facet_values import body, schema_fields
from headwater.query.resolve import Resolver
from headwater.query.result import LineageGraph
from headwater.query.terminal_text import plural
from headwater.storage.base import Store

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


def facet_moments(store: Store, node: int) -> list[tuple[int, str]]:
    """When the columns, the SQL or the code of a node changed, and which; their first appearance is not a change."""
    return [
        (new.changed_at, name)
        for name in COMPARED
        for old, new in pairwise(store.history(node, facet=name))
        if None not in (found := (_value(name, old.body), _value(name, new.body))) and found[0] != found[1]
    ]


def _differences(old: Iterable[Any], new: Iterable[Any]) -> dict[Any, str]:
    before, after = set(old), set(new)
    return dict.fromkeys(after - before, "added") | dict.fromkeys(before - after, "removed")


def _differs(store: Store, resolver: Resolver, node: Node, since: int, upto: int) -> bool:
    rows = resolver.rows(node.id)
    if not rows:
        return False
    before, after = (store.facets(rows[0].id, as_of=instant) for instant in (since, upto))
    values = ((_value(name, before.get(name)), _value(name, after.get(name))) for name in COMPARED)
    return any(None not in pair and pair[0] != pair[1] for pair in values)


def _value(name: str, facet: msgspec.Raw | None) -> Any:
    """The part of a facet that is compared: columns with their types, or the text of SQL or code."""
    if facet is None:
        return None
    if name == "schema":
        return tuple(sorted(schema_fields({name: facet})))
    return body({name: facet}, name).get(_TEXTS[name])
