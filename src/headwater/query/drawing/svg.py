"""Renders a picture as a self-contained SVG: no script, no font file, no request; light and dark.

Cards are data (type, name, up to eight columns), pills are jobs with the state of their latest run. A solid line is a
flow of values, a dashed one only decides (filter, join) or was inferred. ``+3`` counts neighbours that
are not shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Literal

from headwater.model.emphasis import MEANINGS, PLAIN, Emphasis, MaybeMark
from headwater.query.drawing.cards import CARD_HEIGHT, CARD_WIDTH, ROW_HEIGHT
from headwater.query.drawing.composition import picture_of
from headwater.query.drawing.legend import SIGNED, Legend, legend_of, state_sign
from headwater.query.drawing.palette import DARK, LIGHT, MARKS, type_colour, variables
from headwater.query.drawing.picture import Card, Group, Link, Picture
from headwater.query.result import LineageGraph
from headwater.query.symbols import link_words, more_words
from headwater.query.terminal_text import elide, plural

_BEFORE, _AFTER = "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}", "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}"
_MARGIN = 16.0
_SIDE_ROOM = 44.0
_NAMES = tuple(LIGHT)
_FONT = '.hw{font:12px system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif'
_RULES = (
    ".hw text{fill:var(--ink)}.hw .dim{fill:var(--dim);font-size:10.5px}.hw .col{font-size:11px}"
    ".hw .type{text-anchor:end}.hw .name{font-weight:600}.hw .card{fill:var(--card);stroke:var(--rim)}"
    ".hw .box{fill:var(--group);stroke:var(--rim)}.hw .stack{fill:var(--card);stroke:var(--rim)}"
    ".hw .is-root{stroke:var(--root);stroke-width:2}.hw .pill{fill:var(--job);stroke:var(--rim)}"
    ".hw .edge{fill:none;stroke:var(--edge);stroke-width:1.4}.hw .dash{stroke-dasharray:5 4}.hw .past{opacity:.45}"
    ".hw .ghost .card,.hw .ghost .pill{stroke-dasharray:3 3}.hw .ghost text{opacity:.75}"
    ".hw .tip{fill:var(--edge)}.hw .bg{fill:var(--bg)}.hw .rule{stroke:var(--rim)}"
    ".hw .more{fill:var(--root);font-size:11px;font-weight:600}"
    ".hw .halo{paint-order:stroke;stroke:var(--bg);stroke-width:3px;stroke-linejoin:round}"
) + "".join(f".hw .c-{name}{{fill:var(--{name})}}" for name in _NAMES)
_MARKED = "".join(
    f".hw .m-{mark}{{stroke:var(--{colour});stroke-width:2.4}}.hw .tip-{mark}{{fill:var(--{colour})}}"
    for mark, colour in MARKS.items()
) + (
    ".hw .card.m-removed,.hw .pill.m-removed,.hw .edge.m-removed{stroke-dasharray:6 4}"
    ".hw .card.m-check,.hw .pill.m-check{stroke-dasharray:2 3}"
)
"""What stands out: by a shape as well as by a colour."""
_FOLLOWING = f"{_FONT};{variables(LIGHT)}}}@media (prefers-color-scheme:dark){{.hw{{{variables(DARK)}}}}}{_RULES}"
Theme = Literal["", "light", "dark"]
"""Empty follows the reader's colour scheme."""


def svg(graph: LineageGraph) -> str:
    """Return the graph as SVG text, jobs as pills."""
    return svg_of(picture_of(graph, jobs="nodes"))


def svg_of(picture: Picture, *, theme: Theme = "", emphasis: Emphasis | None = None) -> str:
    """Return a picture as SVG text. It has a title and a description for those who cannot see it.

    In one ``theme`` its colours stand in it as they are, for readers that know no CSS variables. With ``emphasis`` what
    stands out is marked, and a legend stands below.
    """
    x, y = picture.x - _MARGIN - _rooms(picture)[0], picture.y - _MARGIN
    width, height = size_of(picture, emphasis=emphasis)
    marked = emphasis or PLAIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="hw" role="img" width="{_n(width)}" height="{_n(height)}" '
        f'viewBox="{_n(x)} {_n(y)} {_n(width)} {_n(height)}">',
        f"<title>{_text(picture.title)}</title><desc>{_text(_description(picture))}</desc>"
        f"<style>{_style(theme, marked)}</style>",
        f"<defs>{_tip()}{''.join(_tip(mark) for mark in marked.used())}</defs>",
        f'<rect class="bg" x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}"/>',
    ]
    parts.extend(_group(group) for group in picture.groups if not group.is_collapsed)
    unmarked: tuple[MaybeMark, ...] = tuple("" for _ in picture.links)
    lines = marked.lines or unmarked
    parts.extend(_edge(link, mark) for link, mark in zip(picture.links, lines, strict=True))
    fed = {link.target for link in picture.links}
    feeding = {link.source for link in picture.links}
    for card in picture.cards:
        mark: MaybeMark = marked.nodes.get(card.node, "")
        parts.append(_pill(card, mark) if card.w != CARD_WIDTH else _card(card, mark))
        if card.hidden_up:
            parts.append(_hidden(card, card.hidden_up, is_up=True, has_links=card.id in fed))
        if card.hidden_down:
            parts.append(_hidden(card, card.hidden_down, is_up=False, has_links=card.id in feeding))
    if not picture.cards:
        parts.append('<text x="0" y="14" class="dim">nothing to show</text>')
    if (legend := _legend(picture, emphasis)).height:
        parts.append(
            f'<g transform="translate({_n(x + _MARGIN)} {_n(y + height - _MARGIN - legend.height)})">{legend.text}</g>'
        )
    return "\n".join([*parts, "</svg>\n"])


def size_of(picture: Picture, *, emphasis: Emphasis | None = None) -> tuple[float, float]:
    """Return width and height of the SVG of a picture, in pixels; with ``emphasis`` those of its legend too."""
    if not picture.cards:
        return 160.0, 48.0
    legend = _legend(picture, emphasis)
    width = max(_width(picture), legend.width)
    return width + 2 * _MARGIN, picture.height + 2 * _MARGIN + (legend.height + _MARGIN if legend.height else 0.0)


def _width(picture: Picture) -> float:
    return picture.width + sum(_rooms(picture))


def _legend(picture: Picture, emphasis: Emphasis | None) -> Legend:
    if emphasis is None or not picture.cards:
        return Legend("", 0.0, 0.0)
    return legend_of(picture, emphasis, _width(picture))


def _rooms(picture: Picture) -> tuple[float, float]:
    """The room at the left and at the right for counts of what is not shown."""
    is_up = any(card.hidden_up for card in picture.cards)
    is_down = any(card.hidden_down for card in picture.cards)
    return _SIDE_ROOM if is_up else 0.0, _SIDE_ROOM if is_down else 0.0


def _style(theme: Theme, emphasis: Emphasis) -> str:
    rules = _MARKED if emphasis.used() else ""
    if not theme:
        return _FOLLOWING + rules
    rules = _RULES + rules
    for name, value in (LIGHT if theme == "light" else DARK).items():
        rules = rules.replace(f"var(--{name})", value)
    return f"{_FONT}}}{rules}"


def _tip(mark: MaybeMark = "") -> str:
    """The tip of a line, in its colour; one that is marked is thicker, and a tip grows with its line."""
    name, colour, size = (f"hw-tip-{mark}", f"tip-{mark}", 4.2) if mark else ("hw-tip", "tip", 7)
    return (
        f'<marker id="{name}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="{size}" markerHeight="{size}" '
        f'orient="auto"><path class="{colour}" d="M0 .8 7.5 4 0 7.2z"/></marker>'
    )


def _description(picture: Picture) -> str:
    """Return the picture in words: what leads to what, as far as a listener will follow."""
    names = {card.id: card.label for card in picture.cards}
    words = [f"{names[link.source]} to {names[link.target]}" for link in picture.links[:_SPOKEN]]
    more = len(picture.links) - len(words)
    if more > 0:
        words.append(f"and {plural(more, 'more link')}")
    text = "; ".join(words) if words else "no links"
    left_out = picture.left_out
    if left_out.nodes:
        text += f". {plural(left_out.nodes, 'node')} not shown"
    if left_out.neighbours:
        text += f". {plural(left_out.neighbours, 'neighbour')} not shown"
    return text + "."


_SPOKEN = 60


def _text(text: str) -> str:
    """Escape text for SVG; characters that XML forbids were made harmless by ``clean``."""
    return escape("".join(char for char in text if char.isprintable()), quote=True)


def _n(number: float) -> str:
    """Write a number short and always the same."""
    return f"{number:.1f}".rstrip("0").rstrip(".")


def _card(card: Card, mark: MaybeMark) -> str:
    x, y = card.x, card.y
    root = (" is-root" if card.is_root else "") + (f" m-{mark}" if mark else "")
    parts = [f"<g{_ghost(card)}><title>{_text(_spoken(card, mark))}</title>"]
    if card.kind == "group":
        parts.append(
            f'<rect class="stack" x="{_n(x + 4)}" y="{_n(y + 4)}" width="{_n(card.w)}" height="{_n(card.h)}" rx="6"/>'
        )
    parts += [
        f'<rect class="card{root}" x="{_n(x)}" y="{_n(y)}" width="{_n(card.w)}" height="{_n(card.h)}" rx="6"/>',
        f'<rect class="c-{type_colour(_colour_key(card))}" x="{_n(x + 5)}" y="{_n(y + 8)}" width="3" '
        f'height="{_n(CARD_HEIGHT - 16)}" rx="1.5"/>',
        f'<text class="name" x="{_n(x + 15)}" y="{_n(y + 20)}">{_text(card.short)}</text>',
        f'<text class="dim" x="{_n(x + 15)}" y="{_n(y + 35)}">{_text(card.detail)}</text>',
    ]
    if card.state in SIGNED:
        parts.append(state_sign(card.state, x + card.w - 13, y + 31))
    if card.ports or card.more_ports:
        parts.extend(_rows(card))
    return "".join([*parts, "</g>"])


def _rows(card: Card) -> list[str]:
    parts = [f'<path class="rule" d="M{_n(card.x + 8)} {_n(card.y + CARD_HEIGHT - 1)}h{_n(card.w - 16)}"/>']
    for port in card.ports:
        y = _n(card.y + port.y + 4)
        room = 30 - (min(len(port.type), 10) + 2 if port.type else 0)
        parts.append(f'<text class="col" x="{_n(card.x + 15)}" y="{y}">{_text(elide(port.field, room))}</text>')
        if port.type:
            kind = _text(elide(port.type, 10))
            parts.append(f'<text class="dim type" x="{_n(card.x + card.w - 10)}" y="{y}">{kind}</text>')
    if card.more_ports:
        y = _n(card.y + CARD_HEIGHT + (len(card.ports) + 0.5) * ROW_HEIGHT + 4)
        words = plural(card.more_ports, "more column")
        parts.append(f'<text class="dim" x="{_n(card.x + 15)}" y="{y}">{words}</text>')
    return parts


def _ghost(card: Card) -> str:
    return ' class="ghost"' if card.is_ghost else ""


def _colour_key(card: Card) -> str:
    return card.kind if card.kind in {"job", "run", "group"} else card.type


def _spoken(card: Card, mark: MaybeMark) -> str:
    words = [card.name, card.detail, card.place, card.state, MEANINGS[mark] if mark else ""]
    return ", ".join(word for word in dict.fromkeys(words) if word)


def _group(group: Group) -> str:
    words = ", ".join(plural(count, kind.replace("_", " ")) for kind, count in group.counts.items())
    room = max(8, int(group.w / 7.5) - 2)
    return (
        f"<g><title>{_text(group.label)}: {_text(words)}</title>"
        f'<rect class="box" x="{_n(group.x)}" y="{_n(group.y)}" width="{_n(group.w)}" height="{_n(group.h)}" rx="10"/>'
        f'<text class="name" x="{_n(group.x + 14)}" y="{_n(group.y + 20)}">{_text(elide(group.label, room))}</text></g>'
    )


def _hidden(card: Card, count: int, *, is_up: bool, has_links: bool) -> str:
    """The count of neighbours not shown: next to the card, or above its corner if links would cross it."""
    words = f"{_BEFORE} +{count:,}" if is_up else f"+{count:,} {_AFTER}"
    meaning = more_words(count, "upstream" if is_up else "downstream")
    side = card.x if is_up else card.x + card.w
    if has_links:
        place, y, anchor = side, card.y - 4, "start" if is_up else "end"
    else:
        place, y, anchor = side + (-6 if is_up else 6), card.y + CARD_HEIGHT / 2 + 4, "end" if is_up else "start"
    return (
        f'<text class="more halo" x="{_n(place)}" y="{_n(y)}" text-anchor="{anchor}">'
        f"<title>{meaning}</title>{words}</text>"
    )


def _pill(card: Card, mark: MaybeMark) -> str:
    words = f"{card.name} ({card.state})" if card.state else card.name
    words += f", {MEANINGS[mark]}" if mark else ""
    name = f"pill m-{mark}" if mark else "pill"
    middle = card.y + card.h / 2
    return (
        f"<g{_ghost(card)}><title>{_text(words)}</title>"
        f'<rect class="{name}" x="{_n(card.x)}" y="{_n(card.y)}" width="{_n(card.w)}" height="{_n(card.h)}" '
        f'rx="{_n(card.h / 2)}"/>'
        f'{state_sign(card.state, card.x + 13, middle)}<text class="col" x="{_n(card.x + 22)}" y="{_n(middle + 4)}">'
        f"{_text(card.short)}</text></g>"
    )


def _edge(link: Link, mark: MaybeMark) -> str:
    is_dashed = link.is_indirect or link.how == "inferred"
    names = "edge" + (" dash" if is_dashed else "") + (" past" if link.is_past else "") + (f" m-{mark}" if mark else "")
    tip = f"hw-tip-{mark}" if mark else "hw-tip"
    path = _rounded(link.points) if link.is_back else _curve(link.points)
    notes = [link_words(link.how, is_indirect=link.is_indirect, is_past=link.is_past), MEANINGS[mark] if mark else ""]
    title = f"<title>{', '.join(filter(None, notes))}</title>" if any(notes) else ""
    return f'<path class="{names}" marker-end="url(#{tip})" d="{path}"' + (f">{title}</path>" if title else "/>")


def _curve(points: Sequence[tuple[float, float]]) -> str:
    """A line through the points: level where they are level, else a curve that leaves and enters level."""
    x, y = points[0]
    path = f"M{_n(x)} {_n(y)}"
    for to_x, to_y in points[1:]:
        if y == to_y:
            path += f"H{_n(to_x)}"
        else:
            bend = (x + to_x) / 2
            path += f"C{_n(bend)} {_n(y)} {_n(bend)} {_n(to_y)} {_n(to_x)} {_n(to_y)}"
        x, y = to_x, to_y
    return path


_RADIUS = 7.0


def _rounded(points: Sequence[tuple[float, float]]) -> str:
    """A line with rounded corners through the points."""
    path = f"M{_n(points[0][0])} {_n(points[0][1])}"
    for (ax, ay), (bx, by), (cx, cy) in zip(points, points[1:], points[2:], strict=False):
        before, after = abs(bx - ax) + abs(by - ay), abs(cx - bx) + abs(cy - by)
        cut_in, cut_out = min(_RADIUS, before / 2) / before, min(_RADIUS, after / 2) / after
        path += (
            f"L{_n(bx + (ax - bx) * cut_in)} {_n(by + (ay - by) * cut_in)}"
            f"Q{_n(bx)} {_n(by)} {_n(bx + (cx - bx) * cut_out)} {_n(by + (cy - by) * cut_out)}"
        )
    return path + f"L{_n(points[-1][0])} {_n(points[-1][1])}"
