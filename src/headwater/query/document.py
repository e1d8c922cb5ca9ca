"""The answer to a plain walk as JSON bytes, put together from pieces that the store remembers.

The bytes are those of ``msgspec.json.encode(build(...))``. What a node or an edge looks like is made once by the same
functions, and again when a commit has touched it (``headwater.storage.recall``); between, an answer of a thousand nodes
asks the store for nothing. Only what depends on the question is made each time: which nodes and edges there are, in
which order, how many hops away, and what is hidden.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

import msgspec

from headwater.model.graph import Direction, Edge, Node
from headwater.query.build import details, shown_edge, shown_node
from headwater.query.names import node_id
from headwater.query.walk import Edges, distinct, walk_nodes
from headwater.storage.base import EdgeRow, NodeRow, Store
from headwater.storage.recall import EdgePiece, NodePiece, View

if TYPE_CHECKING:  # a question that walks nothing does not need numpy
    from headwater.storage.index.source import U32

_encode = msgspec.json.Encoder().encode
_Maybe = msgspec.Raw | msgspec.UnsetType
_Pairs = list[tuple[int, int]]
"""(near, far) ends of edges, seen in the direction of the walk, in the order of the answer."""


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


def walk_document(
    store: Store, view: View, root: NodeRow, direction: Direction, *, depth: int | None, limit: int | None
) -> bytes:
    """Return what a walk from a dataset shows now, as JSON. ``view`` is the one that the store is asked in."""
    edges = Edges(store, index=view.index)
    reach = walk_nodes(edges, [root.id], (), direction, depth=depth, limit=limit)
    is_up = direction is Direction.UPSTREAM
    pairs, hidden = _around(edges, reach.levels, direction)
    pieces = _Pieces(store, view)
    found = pieces.edges(pairs, is_up=is_up)
    jobs = _job_levels(pairs, found, reach.levels)
    names = pieces.nodes([*reach.levels, *jobs])
    shown = {**reach.levels, **jobs}
    return _encode(
        _Document(
            roots=(node_id(root),),
            direction=direction.value,
            nodes=_array(_nodes_text(shown, names)),
            edges=_array(_edges_text(pairs, found, names, is_up=is_up)),
            truncated=reach.is_truncated,
            hidden=_hidden_text(reach.levels, hidden, names),
            total=reach.total,
        )
    )


def _around(edges: Edges, levels: Mapping[int, int], direction: Direction) -> tuple[_Pairs, dict[int, int]]:
    """The edges between nodes, by the place of the near end among them and then the far end; and how many neighbours
    of each node are not among them."""
    import numpy as np

    kept = np.fromiter(levels, np.uint32, len(levels))
    order = np.argsort(kept)
    ascending = kept[order]
    near, far = edges.index.steps(kept, direction.value, as_of=edges.instant)
    at = np.minimum(np.searchsorted(ascending, far), len(kept) - 1)
    is_inside = ascending[at] == far
    beyond, counts = np.unique(near[~is_inside], return_counts=True)
    inside: U32 = near[is_inside]
    by_place = np.argsort(order[np.searchsorted(ascending, inside)], kind="stable")
    pairs = list(zip(inside[by_place].tolist(), far[is_inside][by_place].tolist(), strict=True))
    return pairs, dict(zip(beyond.tolist(), counts.tolist(), strict=True))


def _job_levels(pairs: _Pairs, found: list[EdgePiece], levels: Mapping[int, int]) -> dict[int, int]:
    """The jobs of edges that are not among the nodes, each at the hop of the farther end, in the order they are met."""
    jobs: dict[int, int] = {}
    for (_, far), piece in zip(pairs, found, strict=True):
        hop = levels[far]
        for job, _ in piece.edges:
            if job and job not in levels and jobs.get(job, hop) >= hop:
                jobs[job] = hop
    return jobs


class _Pieces:
    """Pieces of nodes and edges: those that are remembered, and those that have to be made."""

    def __init__(self, store: Store, view: View) -> None:
        self._store = store
        self._view = view

    def nodes(self, keys: Iterable[int]) -> dict[int, NodePiece]:
        """The pieces of these nodes; an unknown one is left out."""
        known, seq = self._view.nodes, self._view.seq
        found = {key: piece for key in keys if (piece := known.get(key)) is not None and piece.seq <= seq}
        missing = [key for key in keys if key not in found]
        if missing:
            made = dict(self._made_nodes(missing))
            self._view.keep(made, ())
            found.update(made)
        return found

    def _made_nodes(self, keys: list[int]) -> Iterator[tuple[int, NodePiece]]:
        rows = self._store.nodes(keys)
        known = details(self._store, rows, None)
        for row in rows:
            name = node_id(row)
            yield row.id, _node_piece(self._view.seq, shown_node(row, name, 0, known[row.id]))

    def edges(self, pairs: _Pairs, *, is_up: bool) -> list[EdgePiece]:
        """The pieces of the edges between these ends, in order."""
        known, seq = self._view.edges, self._view.seq
        found: list[EdgePiece | None] = []
        for near, far in pairs:
            source, target = (far, near) if is_up else (near, far)
            into = known.get(target)
            piece = None if into is None else into.get(source)
            found.append(piece if piece is not None and piece.seq <= seq else None)
        if None not in found:
            return [piece for piece in found if piece is not None]
        missing = [pair for pair, piece in zip(pairs, found, strict=True) if piece is None]
        made = self._made_edges([(far, near) if is_up else (near, far) for near, far in missing])
        self._view.keep({}, [(source, target, piece) for (source, target), piece in made.items()])
        return [
            made[(far, near) if is_up else (near, far)] if piece is None else piece
            for (near, far), piece in zip(pairs, found, strict=True)
        ]

    def _made_edges(self, pairs: _Pairs) -> dict[tuple[int, int], EdgePiece]:
        rows: dict[tuple[int, int], list[EdgeRow]] = {pair: [] for pair in pairs}
        for row in distinct(self._store.edges_between(pairs)):
            rows[row.source_id, row.target_id].append(row)
        return {pair: _edge_piece(self._view.seq, some) for pair, some in rows.items()}


def _node_piece(seq: int, node: Node) -> NodePiece:
    """A node at level 0 as text, cut where the level stands."""
    head = _encode(msgspec.structs.replace(node, properties={}))[:-1]
    return NodePiece(seq=seq, name=_encode(node.id), head=head, tail=_encode(node)[len(head) :])


_ENDS = len(_encode(Edge(source="", target=""))) - 1


def _edge_piece(seq: int, rows: Iterable[EdgeRow]) -> EdgePiece:
    """Edges with the same ends as text, without the names of ends and job."""
    edges = [(row.job_id, _encode(shown_edge(row, {row.source_id: "", row.target_id: ""}))[_ENDS:]) for row in rows]
    return EdgePiece(seq=seq, edges=tuple(edges))


def _nodes_text(levels: Mapping[int, int], names: Mapping[int, NodePiece]) -> Iterator[bytes]:
    for key, level in levels.items():
        piece = names.get(key)
        if piece is not None:
            yield b'%b,"level":%d%b' % (piece.head, level, piece.tail) if level else piece.head + piece.tail


def _edges_text(
    pairs: _Pairs, found: list[EdgePiece], names: Mapping[int, NodePiece], *, is_up: bool
) -> Iterator[bytes]:
    for (near, far), piece in zip(pairs, found, strict=True):
        source, target = (far, near) if is_up else (near, far)
        for job, text in piece.edges:
            ends = b'{"source":%b,"target":%b' % (names[source].name, names[target].name)
            by = names.get(job)
            yield ends + text if by is None else b'%b,"job":%b%b' % (ends, by.name, text)


def _hidden_text(levels: Mapping[int, int], hidden: Mapping[int, int], names: Mapping[int, NodePiece]) -> _Maybe:
    shown = [b"%b:%d" % (names[key].name, hidden[key]) for key in levels if hidden.get(key) and key in names]
    return msgspec.Raw(b"{" + b",".join(shown) + b"}") if shown else msgspec.UNSET


def _array(items: Iterable[bytes]) -> _Maybe:
    text = b",".join(items)
    return msgspec.Raw(b"[" + text + b"]") if text else msgspec.UNSET
