"""Layered layout from left to right: positions of the boxes of a lineage graph and routes of its links.

The layout is a function of the *set* of boxes and links: their order changes nothing. Boxes never overlap, a link never
passes through a box, and it always leads to the right, except those that close a cycle. Layers that are too tall stand
as several columns. Up to ``DUMMIES_UP_TO`` boxes, links across columns get room of their own and take part in the
search for few crossings; in larger pictures they pass between the boxes.

The frame is that of Sugiyama, Tagawa and Toda (1981): break cycles, layer, order, place, route.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import pairwise

import numpy as np

from headwater.query.drawing.coordinates import Floats, lefts_of, middles_of, tallest, wrap
from headwater.query.drawing.expansion import expand
from headwater.query.drawing.geometry import ROW_GAP, Box, Layout, Link, Point, Rect, bounds_of
from headwater.query.drawing.layering import Pair, break_cycles, layers_of
from headwater.query.drawing.ordering import Ints, Rows, Segments, reduce_crossings, sweep
from headwater.query.drawing.routing import Band, add, backwards, bands_of, forward, rounded

DUMMIES_UP_TO = 300
_PASS_HEIGHT = 4.0
_PASS_GAP = 10.0
_SHARED_FROM = 12


def layout(
    boxes: Iterable[Box],
    links: Iterable[Link],
    *,
    placed: Mapping[str, Rect] | None = None,
    first: Collection[str] = (),
    last: Collection[str] = (),
) -> Layout:
    """Return the layout. Links to unknown boxes and from a box to itself are left out.

    Boxes that have a place in ``placed`` stay exactly there and the others go where there is room, near their
    neighbours. Boxes in ``first`` and ``last`` get columns of their own at the ends (ignored with ``placed``).
    """
    known = [box for _, box in sorted({box.key: box for box in sorted(boxes)}.items())]
    number = {box.key: at for at, box in enumerate(known)}
    kept = sorted({link for link in links if link.source in number and link.target in number})
    kept = [link for link in kept if link.source != link.target]
    if not known:
        return Layout({}, {}, frozenset(), Rect(0.0, 0.0, 0.0, 0.0))
    pairs = sorted({(number[link.source], number[link.target]) for link in kept})
    turned = break_cycles(len(known), pairs)
    ahead = sorted({(b, a) if (a, b) in turned else (a, b) for a, b in pairs})
    if placed and any(box.key in placed for box in known):
        rects = expand(known, ahead, placed)
        return _finished(dict(zip(number, rects, strict=True)), kept, known, number)
    layers = layers_of(len(known), ahead, [number[key] for key in first], [number[key] for key in last])
    return _Layered(known, kept, number, turned, layers).layout()


class _Layered:
    """One layered layout: cells are the boxes, then the places where long links pass a column."""

    def __init__(
        self,
        known: Sequence[Box],
        links: Sequence[Link],
        number: Mapping[str, int],
        turned: set[Pair],
        layers: list[int],
    ) -> None:
        self.known = known
        self.links = links
        self.number = number
        self.turned = turned
        self.heights: Floats = np.array([box.height for box in known])
        self.widths: Floats = np.array([box.width for box in known])
        #: for each link its two cells in the order of columns, and where it ends on each, -0.5 (top) to 0.5
        self.ends = [self._ends(link) for link in links]
        layer: Ints = np.array(layers, dtype=np.intp)
        rows: Rows = [np.flatnonzero(layer == at) for at in range(max(layers) + 1)]
        direct = Segments(self.ends)
        rows = sweep(rows, direct, layer, 4)
        self.layers = rows
        self.rows = wrap(rows, self.heights, tallest(self.widths, self.heights))
        self.column: Ints = np.zeros(len(known), dtype=np.intp)
        for at, row in enumerate(self.rows):
            self.column[row] = at
        #: the passing cells of each link, by its two cells and ports; empty in large pictures
        self.passes: list[list[int]] = [[] for _ in links]
        self.segments = direct
        if len(known) <= DUMMIES_UP_TO:
            self._add_passes()

    def _ends(self, link: Link) -> tuple[int, int, float, float]:
        source, target = self.number[link.source], self.number[link.target]
        at_source = _share(self.known[source], link.source_port)
        at_target = _share(self.known[target], link.target_port)
        if (source, target) in self.turned:
            return target, source, at_target, at_source
        return source, target, at_source, at_target

    def _add_passes(self) -> None:
        """Give long links cells in the columns they pass, and reorder all cells.

        Links with one end in common share a cell in a column once they are many: one line that fans out reads better
        than a bundle, and never lies, because all of it comes from (or goes to) that one end.
        """
        column: list[int] = self.column.tolist()
        shared = self._owners(column)
        cells: dict[tuple[int, float, int, int], int] = {}
        ends: dict[tuple[int, int, float, float], None] = {}
        for at, (source, target, at_source, at_target) in enumerate(self.ends):
            owner = shared[at]
            chain: list[int] = []
            for passed in range(self.column[source] + 1, self.column[target]):
                key = (*owner, passed)
                cell = cells.get(key, -1)
                if cell < 0:
                    cell = cells[key] = len(column)
                    column.append(passed)
                chain.append(cell)
            self.passes[at] = chain
            way = [source, *chain, target]
            for step, (a, b) in enumerate(pairwise(way)):
                ends[a, b, at_source if step == 0 else 0.0, at_target if step == len(chain) else 0.0] = None
        extra = len(column) - len(self.known)
        self.heights = np.concatenate((self.heights, np.full(extra, _PASS_HEIGHT)))
        self.widths = np.concatenate((self.widths, np.zeros(extra)))
        self.column = np.array(column, dtype=np.intp)
        self.segments = Segments(list(ends))
        compact, planar = (self._with_passes(place) for place in (_places(self.rows), _places(self.layers)))
        self.rows = reduce_crossings((compact, planar), self.segments, self.column)

    def _with_passes(self, places: Floats) -> Rows:
        """Return the rows with each passing cell where its links would pass if they were straight between places."""
        place = np.concatenate((places, np.zeros(self.heights.size - places.size)))
        total, count = np.zeros((2, self.heights.size))
        for (source, target, *_), cells in zip(self.ends, self.passes, strict=True):
            rise = (place[target] - place[source]) / (len(cells) + 1)
            for step, cell in enumerate(cells, start=1):
                total[cell] += place[source] + rise * step
                count[cell] += 1
        first = len(self.known)
        place[first:] = total[first:] / np.maximum(count[first:], 1)
        passing = self.column[first:]
        rows: Rows = []
        for at, row in enumerate(self.rows):
            full = np.concatenate((row, first + np.flatnonzero(passing == at)))
            rows.append(full[np.argsort(place[full], kind="stable")])
        return rows

    def _owners(self, column: Sequence[int]) -> list[tuple[int, float, int]]:
        """Return for each link what its passing cells belong to: an end that it shares with many, or itself."""
        counts: dict[tuple[int, float, int], int] = {}
        for source, target, at_source, at_target in self.ends:
            if column[target] - column[source] > 1:
                for key in ((source, at_source, -1), (target, at_target, -2)):
                    counts[key] = counts.get(key, 0) + 1
        owners: list[tuple[int, float, int]] = []
        for at, (source, target, at_source, at_target) in enumerate(self.ends):
            out, into = (source, at_source, -1), (target, at_target, -2)
            best = out if counts.get(out, 0) >= counts.get(into, 0) else into
            owners.append(best if counts.get(best, 0) >= _SHARED_FROM else (at, 0.0, 0))
        return owners

    def layout(self) -> Layout:
        """Return where everything stands."""
        count = len(self.known)
        gaps: Floats = np.full(self.heights.size, ROW_GAP)
        gaps[count:] = _PASS_GAP
        weights = np.where(
            (self.segments.source >= count) & (self.segments.target >= count),
            8.0,
            np.where((self.segments.source >= count) | (self.segments.target >= count), 2.0, 1.0),
        )
        middles = middles_of(self.rows, self.heights, gaps, self.segments, weights)
        lefts = lefts_of(self.rows, self.widths, middles, self.segments)
        highest = float((middles[:count] - self.heights[:count] / 2).min())
        middles -= highest
        tops: list[float] = (middles - self.heights / 2).round().tolist()
        column: list[int] = self.column.tolist()
        rects = {box.key: Rect(lefts[column[at]], tops[at], box.width, box.height) for at, box in enumerate(self.known)}
        if count > DUMMIES_UP_TO:
            return _finished(rects, self.links, self.known, self.number)
        return self._routed(rects, ((middles - self.heights / 2).round() + self.heights / 2).tolist(), lefts)

    def _routed(self, rects: dict[str, Rect], middles: list[float], lefts: list[float]) -> Layout:
        """Return the layout with links through their passing cells; the few that lead back go between the boxes."""
        rights = [left + float(self.widths[row].max()) for left, row in zip(lefts, self.rows, strict=True)]
        back: list[Link] = []
        routes: dict[Link, list[Point]] = {}
        column: list[int] = self.column.tolist()
        for at, link in enumerate(self.links):
            source, target = self.number[link.source], self.number[link.target]
            if (source, target) in self.turned:
                back.append(link)
                continue
            start, end = _end_points(link, self.known, rects, self.number)
            points = [start]
            add(points, rights[column[source]], start[1])
            for cell in self.passes[at]:
                add(points, lefts[column[cell]], middles[cell])
                add(points, rights[column[cell]], middles[cell])
            add(points, lefts[column[target]], end[1])
            add(points, *end)
            routes[link] = rounded(points)
        if back:
            routes.update(_finished(rects, back, self.known, self.number).routes)
        routes = {link: routes[link] for link in self.links}
        return Layout(rects, routes, frozenset(back), bounds_of(rects, routes))


def _places(rows: Rows) -> Floats:
    """Return how far down its row each box stands, 0 to 1."""
    place: Floats = np.zeros(sum(row.size for row in rows))
    for row in rows:
        place[row] = (np.arange(row.size) + 0.5) / row.size
    return place


def _share(box: Box, port: str) -> float:
    """Return where a port is on a box, from -0.5 (top) to 0.5 (bottom): the middle unless the box says otherwise."""
    if not box.ports:
        return 0.0
    offset = dict(box.ports).get(port)
    return 0.0 if offset is None or not box.height else offset / box.height - 0.5


def _end_points(
    link: Link, known: Sequence[Box], rects: Mapping[str, Rect], number: Mapping[str, int]
) -> tuple[Point, Point]:
    a, b = rects[link.source], rects[link.target]
    source_y = a.middle + _share(known[number[link.source]], link.source_port) * a.height
    target_y = b.middle + _share(known[number[link.target]], link.target_port) * b.height
    return (a.right, round(source_y, 1)), (b.x, round(target_y, 1))


def _finished(rects: dict[str, Rect], links: Sequence[Link], known: Sequence[Box], number: Mapping[str, int]) -> Layout:
    """Return the layout of placed boxes, links led between them; one whose target is not further right leads back."""
    bands = bands_of(rects.values())
    starts = [band.left for band in bands]
    home = {key: _band_at(starts, rect.x) for key, rect in rects.items()}
    routes: dict[Link, list[Point]] = {}
    back: set[Link] = set()
    for link in links:
        start, end = _end_points(link, known, rects, number)
        source, target = home[link.source], home[link.target]
        if source < target:
            passed: Sequence[Band] = bands[source + 1 : target]
            routes[link] = forward(start, end, passed, bands[source], bands[target])
        else:
            back.add(link)
            routes[link] = backwards(start, end, bands[target : source + 1])
    return Layout(rects, routes, frozenset(back), bounds_of(rects, routes))


def _band_at(starts: Sequence[float], x: float) -> int:
    return bisect_right(starts, x) - 1
