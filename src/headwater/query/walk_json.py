"""The answer to a plain walk as JSON bytes, assembled from cached pieces.

The bytes equal those of ``msgspec.json.encode(build(...))``. The JSON of a node or an edge is made once by the same
functions and kept until a commit touches it (``headwater.storage.answer_cache``), so a repeated answer of a thousand
nodes does not query the store. Only what depends on the question is computed each time: which nodes and edges there
are, in which order, how many hops away, and what is hidden.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Literal, NamedTuple

import msgspec

from headwater.model.graph import Direction, Edge, Node, NodeKind
from headwater.query.api import AsOf
from headwater.query.graph_builder import details, shown_edge, shown_node
from headwater.query.history import uncounted
from headwater.query.lineage import Lineage, check_numbers
from headwater.query.names import node_id
from headwater.query.walk import Edges, distinct, walk_nodes
from headwater.storage.answer_cache import EdgePiece, NodePiece, View, pair_key
from headwater.storage.base import Store
from headwater.storage.row_types import EdgeRow, NodeRow

_encode = msgspec.json.Encoder().encode
_Maybe = msgspec.Raw | msgspec.UnsetType
_ENDS = len(_encode(Edge(source="", target=""))) - 1


class _Document(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The members of ``LineageGraph`` in their order, the large ones as text."""

    roots: tuple[str, ...] = ()
    direction: str = ""
    nodes: _Maybe = msgspec.UNSET
    edges: _Maybe = msgspec.UNSET
    as_of: int | None = None
    truncated: bool = False
    gaps: tuple[str, ...] = ()
    hidden: _Maybe = msgspec.UNSET
    columns: bool = False
    total: int = 0
    level: str = "dataset"


def walk_json(
    lineage: Lineage,
    node: str,
    direction: Direction,
    *,
    depth: int | None = None,
    as_of: AsOf = None,
    columns: bool = False,
    kinds: Iterable[str] | None = None,
    level: Literal["dataset", "run"] = "dataset",
    limit: int | None = None,
) -> msgspec.Raw:
    """Return ``upstream`` or ``downstream`` of a node as JSON; what a walk from a dataset shows now is remembered."""
    with lineage.store.view() as view:
        if as_of is None and kinds is None and not columns and level == "dataset":
            check_numbers(depth=depth, limit=limit)
            target = lineage.resolver.target(node)
            if target.node.kind is NodeKind.DATASET and not target.field and target.version is None:
                found = walk_document(lineage.store, view, target.node, direction, depth=depth, limit=limit)
                return msgspec.Raw(found)
        walk = lineage.upstream if direction is Direction.UPSTREAM else lineage.downstream
        graph = walk(node, depth=depth, as_of=as_of, columns=columns, kinds=kinds, level=level, limit=limit)
    return msgspec.Raw(_encode(graph))


class _Pairs(NamedTuple):
    """The pairs of nodes with an edge between, by the place of the near end and then the far end; and how many
    neighbours of each node are no part of the answer."""

    sources: list[int]
    targets: list[int]
    far: list[int]
    keys: list[int]
    hidden: dict[int, int]


def walk_document(
    store: Store, view: View, root: NodeRow, direction: Direction, *, depth: int | None, limit: int | None
) -> bytes:
    """Return what a walk from a dataset shows now, as JSON. ``view`` is the one that the store is asked in."""
    edges = Edges(store)
    reach = walk_nodes(edges, [root.id], (), direction, depth=depth, limit=limit)
    pairs = _around(edges, reach.levels, direction)
    found = _edge_pieces(store, view, pairs)
    jobs = _job_levels(pairs.far, found, reach.levels)
    levels = reach.levels | {job: hop for job, hop in jobs.items() if job and job not in reach.levels}
    nodes = _node_pieces(store, view, levels)
    names = {key: piece.name for key, piece in nodes.items()}
    hidden = [f"{names[key]}:{pairs.hidden[key]}" for key in reach.levels if key in pairs.hidden and key in names]
    return _encode(
        _Document(
            roots=(node_id(root),),
            direction=direction.value,
            gaps=() if pairs.sources else uncounted(store, root),
            nodes=_text("[", _nodes_text(levels, nodes), "]"),
            edges=_text("[", _edges_text(pairs, found, names, jobs), "]"),
            truncated=reach.is_truncated,
            hidden=_text("{", hidden, "}"),
            total=reach.total,
        )
    )


def _around(edges: Edges, levels: Mapping[int, int], direction: Direction) -> _Pairs:
    import numpy as np

    kept = np.fromiter(levels, np.uint32, len(levels))
    order = np.argsort(kept)
    ascending = kept[order]
    near, far = edges.index.steps(kept, direction.value, as_of=edges.instant)
    at = np.minimum(np.searchsorted(ascending, far), len(kept) - 1)
    is_inside = ascending[at] == far
    beyond, counts = np.unique(near[~is_inside], return_counts=True)
    near, far = near[is_inside], far[is_inside]
    by_place = np.argsort(order[np.searchsorted(ascending, near)], kind="stable")
    near, far = near[by_place], far[by_place]
    sources, targets = (far, near) if direction is Direction.UPSTREAM else (near, far)
    return _Pairs(
        sources.tolist(),
        targets.tolist(),
        far.tolist(),
        (sources.astype(np.int64) << 32 | targets).tolist(),
        dict(zip(beyond.tolist(), counts.tolist(), strict=True)),
    )


def _job_levels(far: list[int], found: list[EdgePiece], levels: Mapping[int, int]) -> dict[int, int]:
    """The jobs of edges, each at the hop of the farther end, in the order they are met."""
    jobs: dict[int, int] = {}
    for node, piece in zip(far, found, strict=True):
        hop = levels[node]
        for job, _ in piece.edges:
            if jobs.get(job, hop) >= hop:
                jobs[job] = hop
    return jobs


# -- pieces ------------------------------------------------------------------------------------------------------------
def _node_pieces(store: Store, view: View, keys: Collection[int]) -> dict[int, NodePiece]:
    """The pieces of these nodes, as far as they are known: those that are remembered, the others made."""
    pieces = dict(zip(keys, view.known_nodes(keys), strict=True))
    found = {key: piece for key, piece in pieces.items() if piece is not None}
    if len(found) < len(pieces):
        rows = store.nodes([key for key in pieces if key not in found])
        known = details(store, rows, None)
        seq = view.state[1]
        made = {row.id: _node_piece(seq, shown_node(row, 0, known[row.id])) for row in rows}
        view.keep(made, {})
        found |= made
    return found


def _node_piece(seq: int, node: Node) -> NodePiece:
    """A node at level 0 as text, cut where the level stands."""
    head = _encode(msgspec.structs.replace(node, properties={})).decode()[:-1]
    return NodePiece(seq=seq, name=_encode(node.id).decode(), head=head, tail=_encode(node).decode()[len(head) :])


def _edge_pieces(store: Store, view: View, pairs: _Pairs) -> list[EdgePiece]:
    """The pieces of the edges between these ends, in order: those that are remembered, the others made."""
    pieces = view.known_edges(pairs.keys)
    found = [piece for piece in pieces if piece is not None]
    if len(found) == len(pieces):
        return found
    ends = zip(pairs.keys, pairs.sources, pairs.targets, pieces, strict=True)
    missing = {key: (source, target) for key, source, target, piece in ends if piece is None}
    rows: dict[int, list[EdgeRow]] = {key: [] for key in missing}
    for row in distinct(store.edges_between(missing.values())):
        rows[pair_key(row.source_id, row.target_id)].append(row)
    seq = view.state[1]
    made = {key: _edge_piece(seq, some) for key, some in rows.items()}
    view.keep({}, made)
    return [made[key] if piece is None else piece for key, piece in zip(pairs.keys, pieces, strict=True)]


def _edge_piece(seq: int, rows: list[EdgeRow]) -> EdgePiece:
    """Edges with the same ends as text, without the names of ends and job."""
    shown = [_encode(shown_edge(row, {row.source_id: "", row.target_id: ""})).decode() for row in rows]
    return EdgePiece(seq=seq, edges=tuple([(row.job_id, text[_ENDS:]) for row, text in zip(rows, shown, strict=True)]))


# -- text --------------------------------------------------------------------------------------------------------------
def _nodes_text(levels: Mapping[int, int], nodes: Mapping[int, NodePiece]) -> list[str]:
    return [
        f'{piece.head},"level":{level}{piece.tail}' if level else piece.head + piece.tail
        for key, level in levels.items()
        if (piece := nodes.get(key)) is not None
    ]


def _edges_text(pairs: _Pairs, found: list[EdgePiece], names: Mapping[int, str], jobs: Collection[int]) -> list[str]:
    by = {job: f',"job":{names[job]}' if job in names else "" for job in jobs}
    return [
        f'{{"source":{names[source]},"target":{names[target]}{by[job]}{text}'
        for source, target, piece in zip(pairs.sources, pairs.targets, found, strict=True)
        for job, text in piece.edges
    ]


def _text(begin: str, items: list[str], end: str) -> _Maybe:
    return msgspec.Raw(f"{begin}{','.join(items)}{end}".encode()) if items else msgspec.UNSET
