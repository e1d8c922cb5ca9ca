"""A picture of a lineage graph as data, from which the page, SVG and permalinks are drawn.

``Picture`` serialises to JSON with msgspec unchanged. Lengths are pixels at zoom 1, y grows downwards.
"""

from __future__ import annotations

import msgspec


class Port(msgspec.Struct, frozen=True, kw_only=True):
    """A column shown on a card: its name, the middle of its row from the top of the card, its type ("" unknown)."""

    field: str
    y: float
    type: str = ""


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """A dataset, a job, or a collapsed group.

    ``id`` is unique in the picture and the key of ``placed``; ``node`` is the graph's node behind it, "" for a group.
    (A job whose outputs have different inputs is drawn once for each such set, so several cards can share a node.)
    ``kind`` is the node's kind or ``group``; ``type`` its dataset type or operation in small letters; ``name`` the
    whole name, ``label`` the end of it that tells it from the others (``names.Labels``), ``short`` the same cut in the
    middle to fit the card; ``detail`` the second line in words. ``place`` is
    the namespace where a reader needs it. ``state`` is that of the latest run (of a dataset: of the jobs that make it),
    in small letters. ``hidden_up`` and ``hidden_down`` count neighbours that are not shown. ``ports`` are at most the
    columns asked for, ``more_ports`` how many there are beside them. A ghost is not valid at the instant asked about.
    """

    id: str
    node: str
    kind: str
    type: str
    name: str
    label: str
    short: str
    detail: str
    mark: str
    x: float
    y: float
    w: float
    h: float
    place: str = ""
    state: str = ""
    hidden_up: int = 0
    hidden_down: int = 0
    ports: tuple[Port, ...] = ()
    more_ports: int = 0
    group: str = ""
    level: int = 0
    is_root: bool = False
    is_ghost: bool = False


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A line between two cards: ``points`` lead from source to target and pass no other card.

    Drawn well, two points at different heights are joined by a curve that leaves and enters level, two at the same
    height by a straight line. ``source_port`` and ``target_port`` name columns, ``…`` the row of those not shown, ""
    the card as a whole. ``count`` is how many edges of the graph the line stands for; ``job``, ``run`` and ``how`` are
    of the best known of them and ``jobs`` lists all jobs. ``is_indirect``: it only decides (filter, join, group);
    ``is_back``: it leads to the left, because it closes a cycle; ``is_past``: not valid at the instant asked about.
    """

    source: str
    target: str
    source_port: str
    target_port: str
    job: str
    run: str
    how: str
    is_indirect: bool
    is_back: bool
    is_past: bool
    points: tuple[tuple[float, float], ...]
    count: int = 1
    jobs: tuple[str, ...] = ()


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """A group of nodes: a box around its cards, or one card (``is_collapsed``; its card has the same id).

    ``counts`` says how many nodes of each kind it holds, ``state`` is the worst of their states.
    """

    id: str
    label: str
    x: float
    y: float
    w: float
    h: float
    counts: dict[str, int]
    state: str
    is_collapsed: bool
    members: tuple[str, ...] = ()


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """What the picture does not show: nodes beyond the limit, neighbours of shown nodes, columns, nodes in collapsed
    groups, edges from a card to itself (``loops``); and what is not known (``gaps``, sentences)."""

    nodes: int = 0
    neighbours: int = 0
    columns: int = 0
    grouped: int = 0
    loops: int = 0
    is_truncated: bool = False
    gaps: tuple[str, ...] = ()


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """All that is drawn. ``x`` and ``y`` are 0 unless cards were placed before; the view is ``x, y, width, height``.

    Cards are ordered from left to right and top to bottom: the order in which a keyboard or a screen reader goes.
    """

    x: float
    y: float
    width: float
    height: float
    title: str
    cards: tuple[Card, ...]
    links: tuple[Link, ...]
    groups: tuple[Group, ...] = ()
    left_out: LeftOut = LeftOut()
    roots: tuple[str, ...] = ()
    direction: str = ""
    as_of: int | None = None
