"""Layered layout, left to right: where to put the boxes of a lineage graph and how to lead its links.

The layout is a function of the *set* of boxes and links: their order changes nothing. Boxes never overlap, and a link
always leads to the right, except the few that close a cycle. Layers that are too tall stand as several columns. Up to
``DUMMIES_UP_TO`` boxes, links across layers are given room of their own and crossings are reduced by sweeps.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from headwater.query.layering import break_cycles, layers_of
from headwater.query.ordering import order_layers

DUMMIES_UP_TO = 300
COLUMN_GAP = 56.0
ROW_GAP = 16.0
TALLEST = 1400.0
_DUMMY_HEIGHT = 8.0
_SWEEPS = 6

Point = tuple[float, float]
Link = tuple[str, str]


class Box(NamedTuple):
    """A thing to place: its key, width and height."""

    key: str
    width: float
    height: float


class Rect(NamedTuple):
    """Where a box stands: left, top, width, height."""

    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        """The vertical middle."""
        return self.y + self.height / 2


class Layout(NamedTuple):
    """Boxes by key, the points that each link passes from box to box, the links that lead backwards, the size."""

    boxes: dict[str, Rect]
    routes: dict[Link, list[Point]]
    backward: frozenset[Link]
    width: float
    height: float


class _Cell(NamedTuple):
    """A box, or room for a link that passes a layer (``link`` set)."""

    key: str
    width: float
    height: float
    link: Link | None


def layout(boxes: Iterable[Box], links: Iterable[Link]) -> Layout:
    """Return the layout. Links to unknown boxes and from a box to itself are left out."""
    known = {box.key: box for box in sorted(boxes)}
    kept = sorted({(a, b) for a, b in links if a in known and b in known and a != b})
    if not known:
        return Layout({}, {}, frozenset(), 0.0, 0.0)
    backward = break_cycles(list(known), kept)
    forward = sorted({(b, a) if (a, b) in backward else (a, b) for a, b in kept})
    layer = layers_of(list(known), forward)
    cells, chains = _cells(known, forward, layer)
    columns = _columns(order_layers(_by_layer(cells, layer, chains), _segments(chains)), cells)
    placed = _place(columns, cells, _segments(chains))
    rects = {key: placed[key] for key in known}
    routes = _routes(kept, backward, chains, placed)
    width = max(rect.x + rect.width for rect in placed.values())
    height = max(rect.y + rect.height for rect in placed.values())
    return Layout(rects, routes, frozenset(backward), width, height)


def _cells(
    known: Mapping[str, Box], links: Sequence[Link], layer: dict[str, int]
) -> tuple[dict[str, _Cell], dict[Link, list[str]]]:
    """Return cells by key, and for each link the keys of the cells it passes; fills in the layer of new cells."""
    cells = {key: _Cell(key, box.width, box.height, None) for key, box in known.items()}
    chains: dict[Link, list[str]] = {}
    has_room = len(known) <= DUMMIES_UP_TO
    for number, (source, target) in enumerate(links):
        chain = [source]
        if has_room:
            for at in range(layer[source] + 1, layer[target]):
                key = f"\x00{number}\x00{at}"
                cells[key] = _Cell(key, 0.0, _DUMMY_HEIGHT, (source, target))
                layer[key] = at
                chain.append(key)
        chains[source, target] = [*chain, target]
    return cells, chains


def _by_layer(
    cells: Mapping[str, _Cell], layer: Mapping[str, int], chains: Mapping[Link, list[str]]
) -> list[list[str]]:
    count = max(layer[key] for key in cells) + 1
    layers: list[list[str]] = [[] for _ in range(count)]
    for key in sorted(cells):
        layers[layer[key]].append(key)
    return layers


def _segments(chains: Mapping[Link, list[str]]) -> list[Link]:
    return [pair for chain in chains.values() for pair in pairwise(chain)]


def _columns(layers: Sequence[Sequence[str]], cells: Mapping[str, _Cell]) -> list[list[str]]:
    """Return the layers as columns: a layer taller than ``TALLEST`` becomes several of about equal height."""
    columns: list[list[str]] = []
    for keys in layers:
        total = sum(cells[key].height + ROW_GAP for key in keys)
        parts = max(1, -(-int(total) // int(TALLEST)))
        share = total / parts
        column: list[str] = []
        filled = 0.0
        for key in keys:
            if column and filled >= share:
                columns.append(column)
                column, filled = [], 0.0
            column.append(key)
            filled += cells[key].height + ROW_GAP
        columns.append(column)
    return [column for column in columns if column]


def _place(columns: Sequence[Sequence[str]], cells: Mapping[str, _Cell], segments: Sequence[Link]) -> dict[str, Rect]:
    """Return where every cell stands: columns side by side, each cell near the middle of its neighbours."""
    middles: dict[str, float] = {}
    for column in columns:
        top = 0.0
        for key in column:
            middles[key] = top + cells[key].height / 2
            top += cells[key].height + ROW_GAP
    near: dict[str, list[str]] = {key: [] for key in cells}
    for source, target in segments:
        near[source].append(target)
        near[target].append(source)
    for sweep in range(_SWEEPS):
        for column in columns if sweep % 2 == 0 else reversed(columns):
            wanted = [_mean([middles[other] for other in near[key]], middles[key]) for key in column]
            heights = [cells[key].height for key in column]
            middles.update(zip(column, _spread(wanted, heights), strict=True))
    lowest = min(middles[key] - cells[key].height / 2 for key in cells)
    placed: dict[str, Rect] = {}
    left = 0.0
    for column in columns:
        width = max(cells[key].width for key in column)
        for key in column:
            cell = cells[key]
            top = middles[key] - cell.height / 2 - lowest
            own = cell.width if cell.link is None else width
            placed[key] = Rect(round(left + (width - own) / 2, 1), round(top, 1), own, cell.height)
        left += width + (COLUMN_GAP if width else COLUMN_GAP / 2)
    return placed


def _mean(values: Sequence[float], default: float) -> float:
    return sum(values) / len(values) if values else default


def _spread(wanted: Sequence[float], heights: Sequence[float]) -> list[float]:
    """Return middles in the given order, without overlap, with the least squared distance from the wanted ones.

    Subtracting from each wanted middle the room that must lie above it turns "no overlap" into "never descending";
    pooling neighbours that violate that is the exact answer (isotonic regression).
    """
    offsets: list[float] = []
    room = 0.0
    for at, height in enumerate(heights):
        if at:
            room += heights[at - 1] / 2 + ROW_GAP + height / 2
        offsets.append(room)
    pools: list[tuple[float, int]] = []
    for want, offset in zip(wanted, offsets, strict=True):
        mean, count = want - offset, 1
        while pools and pools[-1][0] > mean:
            last, size = pools.pop()
            mean = (mean * count + last * size) / (count + size)
            count += size
        pools.append((mean, count))
    flat = [mean for mean, count in pools for _ in range(count)]
    return [value + offset for value, offset in zip(flat, offsets, strict=True)]


def _routes(
    links: Sequence[Link],
    backward: set[Link],
    chains: Mapping[Link, list[str]],
    placed: Mapping[str, Rect],
) -> dict[Link, list[Point]]:
    routes: dict[Link, list[Point]] = {}
    for source, target in links:
        is_back = (source, target) in backward
        chain = chains[(target, source) if is_back else (source, target)]
        first, last = placed[chain[0]], placed[chain[-1]]
        points: list[Point] = [(first.x + first.width, first.middle)]
        for key in chain[1:-1]:
            room = placed[key]
            points.extend([(room.x, room.middle), (room.x + room.width, room.middle)])
        points.append((last.x, last.middle))
        routes[source, target] = points[::-1] if is_back else points
    return routes
