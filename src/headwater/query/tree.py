"""A lineage graph as a text tree: the root first, jobs between datasets, every node in full once.

Upstream trees read "root, made by this job, from these datasets"; downstream trees "root, read by this job, which
wrote these". A node that was shown before is named again with a reference and not opened a second time. Branches stand
in the order of the picture, from top to bottom.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from headwater.formats.graph_view import WEAK
from headwater.model.graph import Edge, How, Node, NodeKind
from headwater.query.column_text import column_lines
from headwater.query.instants import Clock, ago, now
from headwater.query.names import Labels
from headwater.query.result import LineageGraph
from headwater.query.symbols import (
    ASCII,
    UNICODE,
    Marks,
    link_words,
    more_words,
    state_mark,
    type_mark,
    type_style,
    type_word,
)
from headwater.query.terminal_text import Line, Span, Style, clean, elide, fit, listing, plural

_SHORTEST_NAME = 16


class TreeStyle(msgspec.Struct, frozen=True, kw_only=True):
    """How a tree is drawn: width in cells, characters, what now is."""

    cells: int | None = None
    ascii_only: bool = False
    clock: Clock = now


class _Item(msgspec.Struct, frozen=True):
    """A line still to be drawn: a node, or the job whose ``edges`` lead to some of its neighbours.

    ``via`` are the edges by which a downstream tree came to a node: their columns stand under it.
    """

    prefix: str
    branch: str
    stem: str
    node: str
    edges: tuple[Edge, ...] = ()
    via: tuple[Edge, ...] = ()


def tree(graph: LineageGraph, style: TreeStyle | None = None) -> list[Line]:
    """Return the lines of the tree, with a last line that counts what is shown and says what is not."""
    return _Drawing(graph, style or TreeStyle()).lines()


def places_of(graph: LineageGraph) -> dict[str | tuple[str, str], float]:
    """Return how far down each node stands in the picture of a graph, the first place of several; and each job beside
    a node, by both: a job stands in a picture once for each set of inputs."""
    from headwater.query.drawing import picture_of

    picture = picture_of(graph, jobs="nodes")
    cards = {card.id: card for card in picture.cards}
    found: dict[str | tuple[str, str], float] = {}

    def note(key: str | tuple[str, str], y: float) -> None:
        found[key] = min(y, found.get(key, y))

    for card in picture.cards:
        note(card.node, card.y)
    for link in picture.links:
        source, target = cards[link.source], cards[link.target]
        note((source.node, target.node), target.y)
        note((target.node, source.node), source.y)
    return found


def _link_words(edges: Sequence[Edge]) -> str:
    """What a picture's line for these edges is, in words."""
    fields = [field for edge in edges for field in edge.fields]
    return link_words(
        "inferred" if all(edge.how is How.INFERRED for edge in edges) else "",
        is_indirect=bool(fields) and all(field.type == "INDIRECT" for field in fields),
        is_past=all(edge.valid_to is not None for edge in edges),
    )


class _Drawing:
    def __init__(self, graph: LineageGraph, style: TreeStyle) -> None:
        self.graph = graph
        self.style = style
        self.marks: Marks = ASCII if style.ascii_only else UNICODE
        self.labels = Labels(shown=graph.nodes, every_version=True)
        self.now = style.clock()
        self.nodes = {node.id: node for node in graph.nodes}
        self.is_up = graph.direction != "downstream"
        #: indentation in cells at which a deep tree starts again at the left
        self.deepest = max(30, (style.cells or 240) - 60)
        self.seen: set[str] = set()
        self.shown_ids: set[str] = set()
        self.places = places_of(graph) if graph.edges else {}
        self.by_near: dict[str, dict[str, list[Edge]]] = {}
        for edge in graph.edges:
            near = edge.target if self.is_up else edge.source
            self.by_near.setdefault(near, {}).setdefault(edge.job, []).append(edge)

    def lines(self) -> list[Line]:
        lines: list[Line] = []
        for root in self.graph.roots:
            lines.extend(self._from_root(root))
        lines.extend(self._footer())
        return [fit(line, self.style.cells) for line in lines]

    def _from_root(self, root: str) -> Iterator[Line]:
        stack = [_Item("", "", "", root)]
        while stack:
            item = stack.pop()
            if item.edges:
                yield self._job_line(item)
                children = self._datasets_of(item)
                own = [edge for edge in item.edges if self.is_up or edge.source == edge.target]
                yield from self._column_lines(item, own, has_more=bool(children))
            else:
                is_repeated = item.node in self.seen
                yield self._dataset_line(item, is_repeated=is_repeated)
                has_more = not is_repeated and item.node in self.by_near
                yield from self._column_lines(item, item.via, has_more=has_more)
                if is_repeated:
                    continue
                self.seen.add(item.node)
                yield from self._hidden_line(item)
                children = self._jobs_of(item)
            stack.extend(reversed(children))

    # -- structure -------------------------------------------------------------------------------------------------
    def _jobs_of(self, item: _Item) -> list[_Item]:
        groups = self.by_near.get(item.node, {})
        order = sorted(groups, key=lambda job: self._job_place(item.node, job, groups[job]))
        children: list[_Item] = []
        for job in order:
            edges = tuple(groups[job])
            if job == item.node or not job:
                children.extend(_Item("", "", "", self._far(edge)) for edge in edges)
            else:
                children.append(_Item("", "", "", job, edges))
        return self._branches(item, children)

    def _datasets_of(self, item: _Item) -> list[_Item]:
        by_far: dict[str, list[Edge]] = {}
        for edge in item.edges:
            if edge.source != edge.target:  # columns of one dataset: the lines of the job tell of them
                by_far.setdefault(self._far(edge), []).append(edge)
        by_far.pop(item.node, None)
        for edge in self._passed_on(item):
            by_far.setdefault(self._far(edge), []).append(edge)
        ordered = sorted(by_far, key=lambda node: (self.places.get(node, 0.0), node))
        children = [_Item("", "", "", node, via=() if self.is_up else tuple(by_far[node])) for node in ordered]
        return self._branches(item, children)

    def _passed_on(self, item: _Item) -> list[Edge]:
        """The edges beyond a job that passes on whatever it reads: a cross product too large to be drawn edge by
        edge. They are opened once."""
        if item.node in self.seen or not any(self._is_passed_on(item, edge) for edge in item.edges):
            return []
        self.seen.add(item.node)
        beyond = self.by_near.get(item.node, {}).get(item.node, [])
        return [edge for edge in beyond if edge.how in WEAK]

    def _is_passed_on(self, item: _Item, edge: Edge) -> bool:
        return edge.how in WEAK and self._far(edge) == item.node

    def _branches(self, parent: _Item, children: Sequence[_Item]) -> list[_Item]:
        prefix = parent.prefix + parent.stem
        if len(prefix) > self.deepest:
            prefix = self.marks.deep
        last = len(children) - 1
        return [
            _Item(
                prefix,
                self.marks.last if at == last else self.marks.middle,
                "   " if at == last else self.marks.stem,
                child.node,
                child.edges,
                child.via,
            )
            for at, child in enumerate(children)
        ]

    def _far(self, edge: Edge) -> str:
        return edge.source if self.is_up else edge.target

    def _job_place(self, near: str, job: str, edges: Sequence[Edge]) -> tuple[float, str]:
        """The vertical position of a job next to a node: that of its own pill, or of the first node behind it."""
        pill = self.places.get((near, job))
        behind = min(self.places.get(self._far(edge), 0.0) for edge in edges)
        return (behind if pill is None else pill, job)

    # -- lines -----------------------------------------------------------------------------------------------------
    def _dataset_line(self, item: _Item, *, is_repeated: bool) -> Line:
        node = self.nodes.get(item.node)
        if node is None:
            return [Span(item.prefix + item.branch, "dim"), Span(clean(item.node), "name")]
        if node.kind is NodeKind.JOB:
            return self._job_line(item)
        style: Style = "root" if node.id in self.graph.roots else "name"
        line = [
            Span(item.prefix + item.branch, "dim"),
            Span(type_mark(node, self.marks) + " ", type_style(node)),
            Span(self._name(node, item), style),
        ]
        if fields := node.properties.get("fields"):
            line.append(Span("  " + listing([clean(field) for field in fields], 6), "column"))
        if is_repeated:
            line.append(Span(f"  {self.marks.above} shown above", "dim"))
            return line
        words = [type_word(node)]
        if "rows" in node.properties:
            words.append(plural(node.properties["rows"], "row"))
        if node.properties.get("deleted"):
            words.append("deleted")
        if (place := self.labels.place(node.namespace)) not in words:  # records name their kind as the namespace
            words.append(place)
        line.append(Span("  " + self.marks.dot.join(word for word in words if word), "dim"))
        return line

    def _job_line(self, item: _Item) -> Line:
        node = self.nodes.get(item.node)
        line = [Span(item.prefix + item.branch, "dim"), Span(self.marks.job + " ", "job")]
        if node is None:
            return [*line, Span(clean(item.node), "job")]
        line.append(Span(self._name(node, item), "job"))
        if node.id not in self.shown_ids:
            self.shown_ids.add(node.id)
            line.extend(self._job_facts(node))
        if item.edges and (words := _link_words(item.edges)):
            line.append(Span("  " + words, "warn"))
        if item.node in self.seen and any(self._is_passed_on(item, edge) for edge in item.edges):
            line.append(Span(f"  {self.marks.above} shown above", "dim"))
        return line

    def _job_facts(self, node: Node) -> Line:
        """What a job does and how its latest run went."""
        line: Line = []
        operation = node.type.lower().replace("_", " ")
        if operation and operation not in {"etl", "batch"}:
            line.append(Span("  " + clean(operation), "dim"))
        if node.state:
            mark, style = state_mark(node.state, self.marks)
            line.append(Span(f"  {mark}", style))
            if node.state not in {"COMPLETED", ""}:
                line.append(Span(" " + clean(node.state.lower()), style))
        if ran_at := node.properties.get("ran_at"):
            line.append(Span(" " + ago(ran_at, self.now), "dim"))
        return line

    def _name(self, node: Node, item: _Item) -> str:
        name = self.labels.of(node)
        if self.style.cells is None:
            return name
        return elide(name, max(_SHORTEST_NAME, self.style.cells - len(item.prefix + item.branch) - 30))

    def _column_lines(self, item: _Item, edges: Sequence[Edge], *, has_more: bool) -> Iterator[Line]:
        """How the columns were made, under the job that made them or the data that holds them."""
        rail = item.prefix + item.stem + (self.marks.stem if has_more else "   ")
        fields = [field for edge in edges for field in edge.fields]
        for line in column_lines(fields, self.marks):
            yield [Span(rail, "dim"), *line]

    def _hidden_line(self, item: _Item) -> Iterator[Line]:
        count = self.graph.hidden.get(item.node, 0)
        if not count:
            return
        has_more = item.node in self.by_near
        branch = self.marks.middle if has_more else self.marks.last
        yield [
            Span(item.prefix + item.stem + branch, "dim"),
            Span(f"{self.marks.more} {more_words(count, 'upstream' if self.is_up else 'downstream')}", "warn"),
        ]

    def _footer(self) -> Iterator[Line]:
        nouns = ("version", "run") if self.graph.level == "run" else ("dataset", "job")
        side = "upstream" if self.is_up else "downstream"
        shown = sum(node.id not in self.graph.roots for node in self.graph.datasets())
        jobs = sum(node.id not in self.graph.roots for node in self.graph.jobs())
        yield []
        words = [plural(shown, nouns[0]), plural(jobs, nouns[1])]
        text = f"{self.marks.dot.join(words)} {side}"
        if not self.graph.edges and not self.graph.hidden:
            text = f"no column {side} is known" if self.graph.columns else f"nothing {side} is known"
        line = [Span(text, "dim")]
        if self.graph.truncated:
            total = f" of {self.graph.total:,} nodes" if self.graph.total > len(self.graph.nodes) else ""
            line.append(Span(f"{self.marks.dot}truncated{total}: raise --limit to see more", "warn"))
        yield line
        for gap in self.graph.gaps:
            yield [Span(f"{self.marks.gap} ", "warn"), Span(clean(gap), "dim")]
