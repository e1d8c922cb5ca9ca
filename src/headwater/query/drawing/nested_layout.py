"""Layout with groups: members of a group are laid out first, then the group is one box among the others.

So a group's box holds its members and nobody else. Links from outside reach a member through anchors, points on the two
sides of its group that stand at the ends of the inner layout: inside as outside a link never passes through a card.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from headwater.query.drawing.geometry import COLUMN_GAP, Box, Layout, Link, Point, Rect, bounds_of
from headwater.query.drawing.layout import layout
from headwater.query.drawing.routing import add

PADDING = 14.0
HEADER = 42.0
"""The name of a group, and under it the counts at the corners of the first cards."""
_ANCHOR = "\x00"


class _Inner(NamedTuple):
    """The inner layout of a group, and the corner of the group when its members were placed before."""

    layout: Layout
    corner: Point | None


def nested(
    boxes: Iterable[Box],
    links: Iterable[Link],
    group_of: Mapping[str, str],
    *,
    placed: Mapping[str, Rect] | None = None,
) -> Layout:
    """Return the layout of boxes, those with an entry in ``group_of`` inside a box of that key.

    The answer's ``boxes`` hold cards and groups. Placed cards and groups keep their place where there is room for it.
    """
    known = {box.key: box for box in boxes}
    homes = {key: group for key, group in group_of.items() if key in known}
    if not homes:
        return layout(known.values(), links, placed=placed)
    kept = sorted({link for link in links if link.source in known and link.target in known})
    placed = placed or {}
    inners = {group: _inner(group, known, homes, kept, placed) for group in sorted(set(homes.values()))}
    outer_boxes = [box for key, box in known.items() if key not in homes]
    outer_placed = {key: rect for key, rect in placed.items() if key not in homes}
    for group, inner in inners.items():
        box = _group_box(group, inner.layout)
        outer_boxes.append(box)
        outer_placed.pop(group, None)
        if inner.corner is not None:
            left, top = inner.corner
            outer_placed[group] = Rect(left, top, box.width, box.height)
        elif group in placed:
            outer_placed[group] = placed[group]
    outer_link = {link: _outer(link, homes) for link in kept if _is_cross(link, homes)}
    outer = layout(outer_boxes, outer_link.values(), placed=outer_placed)
    return _joined(kept, homes, inners, outer, outer_link)


def _is_cross(link: Link, homes: Mapping[str, str]) -> bool:
    return homes.get(link.source, "") != homes.get(link.target, "") or link.source not in homes


def _way_in(link: Link) -> str:
    return f"{_ANCHOR}in{_ANCHOR}{link.target}{_ANCHOR}{link.target_port}"


def _way_out(link: Link) -> str:
    return f"{_ANCHOR}out{_ANCHOR}{link.source}{_ANCHOR}{link.source_port}"


def _outer(link: Link, homes: Mapping[str, str]) -> Link:
    """Return the link as the outer layout sees it: from box to box, at anchors where the box is a group."""
    source, target = homes.get(link.source), homes.get(link.target)
    return Link(
        source or link.source,
        target or link.target,
        _way_out(link) if source else link.source_port,
        _way_in(link) if target else link.target_port,
    )


def _inner(
    group: str, known: Mapping[str, Box], homes: Mapping[str, str], links: Iterable[Link], placed: Mapping[str, Rect]
) -> _Inner:
    members = [box for key, box in known.items() if homes.get(key) == group]
    entries: dict[str, Link] = {}
    exits: dict[str, Link] = {}
    own: list[Link] = []
    for link in links:
        is_in, is_out = homes.get(link.target) == group, homes.get(link.source) == group
        if is_in and is_out:
            own.append(link)
        elif is_in:
            entries[_way_in(link)] = Link(_way_in(link), link.target, "", link.target_port)
        elif is_out:
            exits[_way_out(link)] = Link(link.source, _way_out(link), link.source_port, "")
    before = {box.key: placed[box.key] for box in members if box.key in placed}
    anchors = [Box(key, 0.0, 0.0) for key in [*entries, *exits]]
    ways = [*own, *entries.values(), *exits.values()]
    if not before:
        return _Inner(layout([*members, *anchors], ways, first=list(entries), last=list(exits)), None)
    alone = layout(members, own, placed=before)
    points = _anchor_rects(alone, members, entries, exits)
    inner = layout([*members, *anchors], ways, placed={**alone.boxes, **points})
    return _Inner(inner, (inner.bounds.x - PADDING, inner.bounds.y - HEADER))


def _anchor_rects(
    inner: Layout, members: Iterable[Box], entries: Mapping[str, Link], exits: Mapping[str, Link]
) -> dict[str, Rect]:
    """Return anchors next to placed members, each at the height of the port that it leads to."""
    ports = {box.key: dict(box.ports) for box in members}

    def level(key: str, port: str) -> float:
        rect = inner.boxes[key]
        return rect.y + ports[key].get(port, rect.height / 2)

    left, right = inner.bounds.x - COLUMN_GAP / 2, inner.bounds.right + COLUMN_GAP / 2
    rects = {key: Rect(left, level(link.target, link.target_port), 0.0, 0.0) for key, link in entries.items()}
    for key, link in exits.items():
        rects[key] = Rect(right, level(link.source, link.source_port), 0.0, 0.0)
    return rects


def _group_box(group: str, inner: Layout) -> Box:
    top = inner.bounds.y
    ports = [(key, rect.y - top + HEADER) for key, rect in inner.boxes.items() if key.startswith(_ANCHOR)]
    return Box(group, inner.bounds.width + 2 * PADDING, inner.bounds.height + HEADER + PADDING, tuple(ports))


def _joined(
    links: Iterable[Link],
    homes: Mapping[str, str],
    inners: Mapping[str, _Inner],
    outer: Layout,
    outer_link: Mapping[Link, Link],
) -> Layout:
    """Return one layout: inner boxes and routes moved to where their group stands, links across joined end to end."""
    boxes = dict(outer.boxes)
    moves: dict[str, Point] = {}
    for group, inner in inners.items():
        at, bounds = outer.boxes[group], inner.layout.bounds
        moves[group] = (at.x + PADDING - bounds.x, at.y + HEADER - bounds.y)
        for key, rect in inner.layout.boxes.items():
            if not key.startswith(_ANCHOR):
                boxes[key] = rect.moved(*moves[group])
    routes: dict[Link, list[Point]] = {}
    backward: set[Link] = set()
    for link in links:
        source, target = homes.get(link.source), homes.get(link.target)
        if link not in outer_link:
            if source is not None and link in inners[source].layout.routes:
                routes[link] = _moved(inners[source].layout.routes[link], moves[source])
                if link in inners[source].layout.backward:
                    backward.add(link)
            continue
        way = outer_link[link]
        if way not in outer.routes:
            continue
        parts: list[list[Point]] = []
        if source is not None:
            inner_way = Link(link.source, _way_out(link), link.source_port, "")
            parts.append(_moved(inners[source].layout.routes[inner_way], moves[source]))
        parts.append(outer.routes[way])
        if target is not None:
            inner_way = Link(_way_in(link), link.target, "", link.target_port)
            parts.append(_moved(inners[target].layout.routes[inner_way], moves[target]))
        routes[link] = _chained(parts)
        if way in outer.backward:
            backward.add(link)
    return Layout(boxes, routes, frozenset(backward), bounds_of(boxes, routes))


def _moved(points: Iterable[Point], move: Point) -> list[Point]:
    return [(round(x + move[0], 1), round(y + move[1], 1)) for x, y in points]


def _chained(parts: list[list[Point]]) -> list[Point]:
    chain = parts[0][:1]
    for part in parts:
        for x, y in part:
            add(chain, x, y)
    return chain
