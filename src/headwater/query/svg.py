"""A lineage graph as one self-contained SVG picture: no script, no font file, no request; light and dark.

Cards are data (type, name, up to eight columns), pills are jobs with the state of their latest run. A solid line is a
flow of values, a dashed one only decides (filter, join) or was inferred. ``+3 ▸`` counts neighbours that are not shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from headwater.query.layout import Layout, Point, Rect, layout
from headwater.query.picture import CARD_HEIGHT, ROW_HEIGHT, Card, Line, Picture, Pill, picture
from headwater.query.result import LineageGraph

_MARGIN = 16.0
_STYLE = """
.hw{font:12px system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;--bg:#fff;--card:#fff;--ink:#1c2733;
--dim:#66727f;--edge:#8795a3;--rim:#cfd7de;--job:#eef2f5;--root:#0b6bcb;--model:#7a3fc4;--pred:#b3541e;--data:#2a7f62;
--mem:#8a94a0;--good:#2a8a4a;--bad:#c62f2f;--warn:#a86a00}
@media (prefers-color-scheme:dark){.hw{--bg:#12181f;--card:#1b232c;--ink:#e6ebf0;--dim:#94a1ae;--edge:#64727f;
--rim:#37434f;--job:#232d37;--root:#5aa9f5;--model:#b48af0;--pred:#f0a06a;--data:#62c29c;--mem:#7d8894;--good:#5cc77f;
--bad:#f07070;--warn:#e0ac4a}}
.hw text{fill:var(--ink)}.hw .dim{fill:var(--dim);font-size:10.5px}.hw .col{font-size:11px}
.hw .name{font-weight:600}.hw .card{fill:var(--card);stroke:var(--rim)}.hw .root{stroke:var(--root);stroke-width:2}
.hw .pill{fill:var(--job);stroke:var(--rim)}.hw .edge{fill:none;stroke:var(--edge);stroke-width:1.4}
.hw .dash{stroke-dasharray:5 4}.hw .past{opacity:.45}.hw .tip{fill:var(--edge)}.hw .bg{fill:var(--bg)}
.hw .strip{fill:var(--data)}.hw .model,.hw .checkpoint{fill:var(--model)}.hw .predictions{fill:var(--pred)}
.hw .in_memory{fill:var(--mem)}.hw .rule{stroke:var(--rim)}.hw .more{fill:var(--root);font-size:11px;font-weight:600}
.hw .completed{fill:var(--good)}.hw .failed{fill:var(--bad)}.hw .aborted,.hw .running,.hw .new{fill:var(--warn)}
""".replace("\n", "")


def svg(graph: LineageGraph, *, base: str | None = None) -> str:
    """Return the picture as SVG text; paths are shown relative to ``base`` (the working directory when None)."""
    drawing = picture(graph, base)
    placed = layout(drawing.boxes(), [line.link for line in drawing.lines])
    room_right = 44.0 if any(card.hidden for card in drawing.cards.values()) else 0.0
    has_loops = any(line.link in placed.backward for line in drawing.lines)
    width = placed.width + 2 * _MARGIN + 2 * room_right
    height = placed.height + 2 * _MARGIN + (36.0 if has_loops else 0.0)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="hw" role="img" width="{_n(width)}" height="{_n(height)}" '
        f'viewBox="{_n(-_MARGIN - room_right)} {_n(-_MARGIN)} {_n(width)} {_n(height)}">',
        f"<title>{_text(_summary(graph))}</title><style>{_STYLE}</style>",
        '<defs><marker id="hw-tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto"><path class="tip" d="M0 .8 7.5 4 0 7.2z"/></marker></defs>',
        f'<rect class="bg" x="{_n(-_MARGIN - room_right)}" y="{_n(-_MARGIN)}" width="{_n(width)}" '
        f'height="{_n(height)}"/>',
    ]
    parts.extend(_edge(line, drawing, placed) for line in drawing.lines if line.link in placed.routes)
    near = {line.link[1 if graph.direction == "upstream" else 0] for line in drawing.lines}
    for key, card in drawing.cards.items():
        parts.append(_card(card, placed.boxes[key]))
        if card.hidden:
            parts.append(_hidden(card.hidden, placed.boxes[key], graph.direction, has_links=key in near))
    parts.extend(_pill(pill, placed.boxes[key]) for key, pill in drawing.pills.items())
    if not drawing.cards:
        parts.append('<text x="0" y="14" class="dim">nothing to show</text>')
    return "\n".join([*parts, "</svg>\n"])


def _summary(graph: LineageGraph) -> str:
    roots = ", ".join(graph.roots)
    count = f"{len(graph.datasets())} datasets, {len(graph.jobs())} jobs"
    return f"{graph.direction or 'lineage'} of {roots}: {count}" if roots else f"lineage: {count}"


def _text(text: str) -> str:
    """Escape text for SVG; characters that XML forbids were made harmless by ``clean``."""
    return escape("".join(char for char in text if char.isprintable()), quote=True)


def _n(number: float) -> str:
    """Write a number short and always the same."""
    return f"{number:.1f}".rstrip("0").rstrip(".")


def _card(card: Card, at: Rect) -> str:
    x, y = at.x, at.y
    root = " root" if card.is_root else ""
    parts = [
        f"<g><title>{_text(card.title)}</title>",
        f'<rect class="card{root}" x="{_n(x)}" y="{_n(y)}" width="{_n(at.width)}" height="{_n(at.height)}" rx="6"/>',
        f'<rect class="strip {_text(_css(card.type))}" x="{_n(x + 5)}" y="{_n(y + 8)}" width="3" '
        f'height="{_n(CARD_HEIGHT - 16)}" rx="1.5"/>',
        f'<text class="name" x="{_n(x + 15)}" y="{_n(y + 20)}">{_text(card.name)}</text>',
        f'<text class="dim" x="{_n(x + 15)}" y="{_n(y + 35)}">{_text(card.word)}</text>',
    ]
    if card.columns:
        line_y = y + CARD_HEIGHT - 1
        parts.append(f'<path class="rule" d="M{_n(x + 8)} {_n(line_y)}h{_n(at.width - 16)}"/>')
        for number, column in enumerate(card.columns):
            row = y + CARD_HEIGHT + (number + 0.5) * ROW_HEIGHT + 4
            parts.append(f'<text class="col" x="{_n(x + 15)}" y="{_n(row)}">{_text(column[:30])}</text>')
        if card.more_columns:
            row = y + CARD_HEIGHT + (len(card.columns) + 0.5) * ROW_HEIGHT + 4
            parts.append(f'<text class="dim" x="{_n(x + 15)}" y="{_n(row)}">{card.more_columns} more columns</text>')
    return "".join([*parts, "</g>"])


def _css(type_name: str) -> str:
    return "".join(char if char.isalnum() or char == "_" else "-" for char in type_name.lower()) or "data"


def _hidden(count: int, at: Rect, direction: str, *, has_links: bool) -> str:
    """The count of neighbours not shown: beside the card, or above its corner where links would cross it."""
    is_up = direction == "upstream"
    words = f"◂ +{count:,}" if is_up else f"+{count:,} ▸"
    side = at.x if is_up else at.x + at.width
    if has_links:
        place, y, anchor = side, at.y - 4, "start" if is_up else "end"
    else:
        place, y, anchor = side + (-6 if is_up else 6), at.y + CARD_HEIGHT / 2 + 4, "end" if is_up else "start"
    return f'<text class="more" x="{_n(place)}" y="{_n(y)}" text-anchor="{anchor}">{words}</text>'


def _pill(pill: Pill, at: Rect) -> str:
    state = pill.state.lower()
    dot_x, dot_y = at.x + 13, at.middle
    if state == "failed":
        mark = (
            f'<path class="failed" d="M{_n(dot_x - 4)} {_n(dot_y - 3)}l1-1 3 3 3-3 1 1-3 3 3 3-1 1-3-3-3 3-1-1 3-3z"/>'
        )
    elif state in {"running", "new", "aborted"}:
        mark = f'<path class="{state}" d="M{_n(dot_x)} {_n(dot_y - 4.5)}l4.5 4.5-4.5 4.5-4.5-4.5z"/>'
    else:
        mark = f'<circle class="{state or "in_memory"}" cx="{_n(dot_x)}" cy="{_n(dot_y)}" r="3.5"/>'
    words = f"{pill.title} ({state})" if state else pill.title
    return (
        f"<g><title>{_text(words)}</title>"
        f'<rect class="pill" x="{_n(at.x)}" y="{_n(at.y)}" width="{_n(at.width)}" height="{_n(at.height)}" rx="12"/>'
        f'{mark}<text class="col" x="{_n(at.x + 22)}" y="{_n(at.middle + 4)}">{_text(pill.name)}</text></g>'
    )


def _edge(line: Line, drawing: Picture, placed: Layout) -> str:
    points = list(placed.routes[line.link])
    source, target = drawing.cards.get(line.link[0]), drawing.cards.get(line.link[1])
    if source is not None and line.source_column:
        points[0] = (points[0][0], placed.boxes[source.key].y + source.row_y(line.source_column))
    if target is not None and line.target_column:
        points[-1] = (points[-1][0], placed.boxes[target.key].y + target.row_y(line.target_column))
    names = "edge" + (" dash" if line.is_dashed else "") + (" past" if line.is_past else "")
    if line.link in placed.backward:
        path = _loop(placed.boxes[line.link[0]], placed.boxes[line.link[1]])
    else:
        path = _curve(points)
    return f'<path class="{names}" marker-end="url(#hw-tip)" d="{path}"/>'


def _curve(points: Sequence[Point]) -> str:
    """A curve through the points that leaves and enters each of them sideways."""
    x, y = points[0]
    path = f"M{_n(x)} {_n(y)}"
    for to_x, to_y in points[1:]:
        if y == to_y:
            path += f"H{_n(to_x)}"
            x = to_x
            continue
        bend = max(18.0, (to_x - x) / 2)
        path += f"C{_n(x + bend)} {_n(y)} {_n(to_x - bend)} {_n(to_y)} {_n(to_x)} {_n(to_y)}"
        x, y = to_x, to_y
    return path


def _loop(source: Rect, target: Rect) -> str:
    """A curve below the boxes, for a link that leads back to the left."""
    x, y = source.x + source.width / 2, source.y + source.height
    to_x, to_y = target.x + target.width / 2, target.y + target.height
    low = max(y, to_y) + 36
    return f"M{_n(x)} {_n(y)}C{_n(x)} {_n(low)} {_n(to_x)} {_n(low)} {_n(to_x)} {_n(to_y)}"
