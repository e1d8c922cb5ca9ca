"""Kinds of nodes, and filtering an answer by kind: remaining nodes are connected directly."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from headwater.errors import NotFound
from headwater.model.graph import Edge, How, Node, NodeKind
from headwater.query.result import LineageGraph
from headwater.storage.base import Store

_ALIASES = {"FEATURE": "FEATURE_VIEW", "PREDICTION": "PREDICTIONS"}
_HOWS = list(How)
KINDS = (
    "dataset", "job", "table", "view", "file", "topic", "stream", "api", "feature_view", "model", "checkpoint",
    "endpoint", "dashboard", "predictions", "in_memory",
)  # fmt: skip
"""The kinds and types that we name ourselves; an emitter may name others."""


def type_of(kind: str) -> str:
    """The type that a word for a kind means: ``feature`` is FEATURE_VIEW; any other word is a type already."""
    return _ALIASES.get(kind.upper(), kind)


def check_kinds(store: Store, kinds: Iterable[str]) -> None:
    """Raise ``NotFound`` for a kind that is none of ``KINDS`` and the type of nothing in the store."""
    for kind in kinds:
        word = kind.strip()
        name = type_of(word)
        if name.lower() not in {*KINDS, *NodeKind} and not store.scan_nodes(type=name, limit=1):
            raise NotFound(
                word,
                message=f"nothing is of the kind {word!r}",
                hint=f"kinds are {', '.join(KINDS)}, and the types that producers name; separate them by commas",
            )


def keep_kinds(graph: LineageGraph, kinds: Iterable[str]) -> LineageGraph:
    """Return the answer with its roots and the nodes of these kinds or types, whatever their case.

    Where nodes in between are left out, an edge joins what is left: it has the job only when there is one, and is as
    sure as the weakest edge it stands for. Column edges are dropped with the columns they passed through.
    """
    wanted = {kind.strip().upper() for kind in kinds}
    wanted |= {type_of(kind) for kind in wanted}
    kept = {node.id for node in graph.nodes if node.id in graph.roots or _is_wanted(node, wanted)}
    edges = _joined(graph, kept)
    used = kept | {edge.job for edge in edges if edge.job}
    left_out = sum(
        node.kind in {NodeKind.DATASET, NodeKind.DATASET_VERSION} for node in graph.nodes if node.id not in used
    )
    gaps = graph.gaps
    if left_out == 1:
        gaps = (*gaps, "1 node of another kind is left out; edges lead through it")
    elif left_out:
        gaps = (*gaps, f"{left_out:,} nodes of other kinds are left out; edges lead through them")
    nodes = tuple(node for node in graph.nodes if node.id in used)
    return msgspec.structs.replace(graph, nodes=nodes, edges=tuple(edges), gaps=gaps)


def _is_wanted(node: Node, wanted: set[str]) -> bool:
    return bool({node.type.upper(), node.kind.value.upper()} & wanted)


def _joined(graph: LineageGraph, kept: set[str]) -> list[Edge]:
    out: dict[str, list[Edge]] = {}
    for edge in graph.edges:
        out.setdefault(edge.source, []).append(edge)
    for edges in out.values():  # which of several ways is taken must not depend on the order of arrival
        edges.sort(key=lambda edge: (edge.target, edge.job, edge.valid_from, edge.valid_to or 0), reverse=True)
    joined: dict[tuple[str, str, str], Edge] = {}
    for start in sorted(kept):
        stack = [(edge, edge) for edge in out.get(start, [])]
        seen: set[str] = set()
        while stack:
            edge, so_far = stack.pop()
            if edge.target in kept:
                if edge.target != start or edge is so_far:
                    joined.setdefault((start, edge.target, so_far.job), so_far)
                continue
            if edge.target in seen:
                continue
            seen.add(edge.target)
            stack.extend((after, _through(so_far, after)) for after in out.get(edge.target, []))
    return [joined[key] for key in sorted(joined)]


def _through(before: Edge, after: Edge) -> Edge:
    weaker = max(before.how, after.how, key=_HOWS.index)
    ends = [end for end in (before.valid_to, after.valid_to) if end is not None]
    return Edge(
        source=before.source,
        target=after.target,
        how=weaker,
        valid_from=max(before.valid_from, after.valid_from),
        valid_to=min(ends) if ends else None,
    )
