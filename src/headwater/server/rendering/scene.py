"""The picture of a view as the canvas draws it: boxes with their places, lines with their points, what is left out."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable

import msgspec

from headwater.model.graph import Edge, Node, NodeKind
from headwater.query.layout import Rect, layout
from headwater.query.picture import Card, Line, Picture, Pill, picture
from headwater.query.result import LineageGraph
from headwater.query.text import plural
from headwater.server.rendering.views import Shown, View


class SceneCard(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A box. ``node`` is the id of its dataset or job; ``up`` and ``down`` count neighbours that are not shown."""

    key: str
    node: str
    shape: str
    x: float
    y: float
    w: float
    h: float
    name: str
    word: str = ""
    mark: str = ""
    type: str = ""
    state: str = ""
    root: bool = False
    up: int = 0
    down: int = 0
    ports: tuple[tuple[str, float], ...] = ()
    more: int = 0
    change: str = ""


class SceneLink(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line from a box to a box, by their places in ``cards``; ``points`` are x and y in turn."""

    source: int
    target: int
    points: tuple[float, ...]
    source_port: str = ""
    target_port: str = ""
    dashed: bool = False
    past: bool = False
    back: bool = False
    change: str = ""


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """All that is drawn, and in words what is not."""

    cards: tuple[SceneCard, ...]
    links: tuple[SceneLink, ...]
    left_out: tuple[str, ...]
    nodes: int
    edges: int


def scene_of(shown: Shown, view: View) -> Scene:
    """Return the picture of a view."""
    graph = shown.graph if view.jobs == "nodes" else _without_jobs(shown.graph)
    base = common_folder(graph.nodes)
    drawing = picture(graph, base)
    placed = layout(drawing.boxes(), [line.link for line in drawing.lines])
    boxes: list[Card | Pill] = [*drawing.cards.values(), *drawing.pills.values()]
    place = {box.key: at for at, box in enumerate(boxes)}
    cards = []
    for box in boxes:
        rect = placed.boxes[box.key]
        cards.append(_card(box, rect, shown) if isinstance(box, Card) else _pill(box, rect))
    links = [_link(line, drawing, place, placed.routes[line.link], placed.backward) for line in drawing.lines]
    return Scene(
        cards=tuple(cards),
        links=tuple(links),
        left_out=left_out(shown),
        nodes=len(graph.nodes),
        edges=len(graph.edges),
    )


def common_folder(nodes: Iterable[Node]) -> str:
    """The folder that all files of a picture lie in: their names are shown from there on."""
    folders = [posixpath.dirname(node.name) for node in nodes if node.namespace == "file" and node.name[:1] == "/"]
    return posixpath.commonpath(folders) if folders else "/"


def left_out(shown: Shown) -> tuple[str, ...]:
    """What the picture does not show, in words."""
    words = list(shown.graph.gaps)
    if shown.graph.truncated:
        words.insert(0, f"only the nearest {plural(len(shown.graph.nodes), 'node')} are shown")
    return tuple(words)


def _without_jobs(graph: LineageGraph) -> LineageGraph:
    """The graph with jobs folded into its edges, except those that are an end of one."""
    edges: dict[tuple[str, str], Edge] = {}
    for edge in graph.edges:
        edges.setdefault((edge.source, edge.target), msgspec.structs.replace(edge, job=""))
    ends = {end for key in edges for end in key}
    nodes = tuple(
        node for node in graph.nodes if node.kind is not NodeKind.JOB or node.id in ends or node.id in graph.roots
    )
    return msgspec.structs.replace(graph, nodes=nodes, edges=tuple(edges.values()))


def _card(card: Card, rect: Rect, shown: Shown) -> SceneCard:
    return SceneCard(
        key=card.key,
        node=card.key,
        shape="card",
        x=rect.x,
        y=rect.y,
        w=rect.width,
        h=rect.height,
        name=card.name,
        word=card.word,
        mark=card.mark,
        type=card.type,
        root=card.is_root,
        up=shown.hidden_up.get(card.key, 0),
        down=shown.hidden_down.get(card.key, 0),
        ports=tuple((column, card.row_y(column)) for column in card.columns),
        more=card.more_columns,
        change=shown.changes.get(card.key, ""),
    )


def _pill(pill: Pill, rect: Rect) -> SceneCard:
    return SceneCard(
        key=pill.key,
        node=pill.title,
        shape="pill",
        x=rect.x,
        y=rect.y,
        w=rect.width,
        h=rect.height,
        name=pill.name,
        state=pill.state.lower(),
        type="job",
    )


def _link(
    line: Line,
    drawing: Picture,
    place: dict[str, int],
    points: list[tuple[float, float]],
    backward: frozenset[tuple[str, str]],
) -> SceneLink:
    return SceneLink(
        source=place[line.link[0]],
        target=place[line.link[1]],
        points=tuple(value for point in points for value in point),
        source_port=line.source_column,
        target_port=line.target_column,
        dashed=line.is_dashed,
        past=line.is_past,
        back=line.link in backward,
    )
