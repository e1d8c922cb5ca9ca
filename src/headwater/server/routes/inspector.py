"""Contents of the inspector on the lineage page: a node, an edge with its evidence, a change with its impact."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any

import msgspec
from starlette.responses import Response

from headwater.model.graph import Edge, NodeKind
from headwater.query.facet_values import known_columns
from headwater.query.impact import Change
from headwater.query.names import Labels, node_id
from headwater.query.terminal_text import clean, plural
from headwater.server.permissions import Permission
from headwater.server.rendering.comparison import facet_moments
from headwater.server.rendering.inspector import about_words, evidence
from headwater.server.rendering.page import page
from headwater.server.rendering.paths import paths_of
from headwater.server.rendering.views import View, answer
from headwater.server.request import Call
from headwater.server.routing import Operation

_MOST_INSTANTS = 200
_CHANGED = {
    "edge": ("edge", "edges"),
    "schema": ("schema", "schemas"),
    "sql": ("SQL text", "SQL texts"),
    "sourceCode": ("source code", "source codes"),
}


class NodeQuery(msgspec.Struct, frozen=True, kw_only=True):
    """A node, and the root of its picture."""

    id: str
    root: str = ""
    as_of: str = ""


class EdgeQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The two ends of an edge, or one end and the job."""

    source: str = ""
    target: str = ""
    job: str = ""
    as_of: str = ""


class ImpactQuery(msgspec.Struct, frozen=True, kw_only=True):
    """A change of a dataset or one of its columns."""

    node: str
    change: Change = "drop"
    column: str = ""
    as_of: str = ""


class PathQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Two nodes."""

    root: str
    to: Annotated[str, msgspec.Meta(min_length=1)]
    as_of: str = ""


class ColumnQuery(msgspec.Struct, frozen=True, kw_only=True):
    """A column of a dataset."""

    node: str
    column: str
    as_of: str = ""


class ColumnAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The complete lineage of a column: the columns of each node involved, and the edges between them. Columns have the
    names that the picture shows."""

    columns: dict[str, list[str]]
    """Columns by node id."""
    edges: list[tuple[str, str, str, str]]
    """(source, its column, target, its column)."""
    gaps: list[str]
    truncated: bool


class ColumnsQuery(msgspec.Struct, frozen=True, kw_only=True):
    """A dataset."""

    node: str


class Instant(msgspec.Struct, frozen=True, kw_only=True):
    """An instant at which something around a node changed, microseconds since the epoch."""

    at: int
    words: str


def node(call: Call) -> Response:
    """The inspector of a node."""
    query: NodeQuery = call.query
    with call.lineage() as lineage:
        about = lineage.show(query.id, as_of=query.as_of or None)
    labels = Labels(shown=[about, *about.producers, *about.consumers])
    return page(
        call, "fragments/node.html", about=about, about_kind=about_words(about), root_id=query.root, labels=labels
    )


def edge(call: Call) -> Response:
    """The evidence for an edge: run, SQL or code, columns."""
    query: EdgeQuery = call.query
    with call.lineage() as lineage:
        found = evidence(lineage, query.source, query.target, query.job, as_of=query.as_of)
    labels = Labels(shown=[end for one in found for end in (one.source, one.target, one.job) if end is not None])
    return page(call, "fragments/edge.html", edges=found, labels=labels)


def impact(call: Call) -> Response:
    """The impact of a change, worst first."""
    query: ImpactQuery = call.query
    name = f"{query.node}:{query.column}" if query.column else query.node
    with call.lineage() as lineage:
        found = lineage.impact(name, change=query.change, as_of=query.as_of or None)
        columns = lineage.show(found.root.id, as_of=query.as_of or None).columns
    labels = Labels(shown=[found.root, *(item.node for item in found.items)])
    return page(call, "fragments/impact.html", impact=found, labels=labels, columns=columns)


def path(call: Call) -> Response:
    """The shortest paths from one node to another, step by step."""
    query: PathQuery = call.query
    with call.lineage() as lineage:
        shown = answer(lineage, View(root=query.root, to=query.to, as_of=query.as_of))
    labels = Labels(shown=shown.graph.nodes)
    return page(call, "fragments/path.html", paths=paths_of(shown), root_id=shown.root.id, labels=labels)


def column(call: Call) -> ColumnAnswer:
    """The complete upstream and downstream lineage of a column."""
    query: ColumnQuery = call.query
    with call.lineage() as lineage:
        row = lineage.resolver.node(query.node)
        # the picture shows sanitised names, so clicks send these
        name = next((name for name in lineage.store.fields(row.id) if clean(name) == query.column), query.column)
        graph = answer(lineage, View(root=f"{node_id(row)}:{name}", as_of=query.as_of, limit=5000)).graph
    return ColumnAnswer(
        columns={node.id: [clean(name) for name in node.properties.get("fields", ())] for node in graph.datasets()},
        edges=[pair for edge in graph.edges for pair in _pairs(edge)],
        gaps=list(graph.gaps),
        truncated=graph.truncated,
    )


def columns(call: Call) -> list[tuple[str, str]]:
    """All columns of a dataset with their types, with the names shown on its card, for the search on a card."""
    query: ColumnsQuery = call.query
    with call.lineage() as lineage:
        row = lineage.resolver.node(query.node)
        found = known_columns(lineage.store, row.id)
    return list({clean(name): (clean(name), clean(kind)) for name, kind in found}.values())


def _pairs(edge: Edge) -> list[tuple[str, str, str, str]]:
    return [(edge.source, clean(field.source_field), edge.target, clean(field.target_field)) for field in edge.fields]


def instants(call: Call) -> list[Instant]:
    """The instants at which the lineage around a view changed: an edge began or ended, or columns, SQL or code changed.
    Oldest first."""
    view: View = call.body
    found: dict[int, Counter[str]] = {}
    with call.lineage() as lineage:
        store = lineage.store
        for node in answer(lineage, view).graph.nodes:
            for row in lineage.resolver.rows(node.id)[:1]:
                edges = store.edges(target_id=row.id) if row.kind is NodeKind.DATASET else []
                # an edge that continues with other columns ends and begins
                moments = {
                    (at, "edge", edge.source_id, edge.job_id)
                    for edge in edges
                    for at in (edge.valid_from, edge.valid_to)
                    if at is not None
                }
                for at, what in (*(one[:2] for one in moments), *facet_moments(store, row.id)):
                    found.setdefault(at, Counter())[what] += 1
    return [Instant(at=at, words=_moment(found[at])) for at in sorted(found)[-_MOST_INSTANTS:]]


def _moment(changed: Counter[str]) -> str:
    words = (plural(changed[what], one, many) for what, (one, many) in _CHANGED.items() if changed[what])
    return f"{', '.join(words)} changed"


def _operation(method: str, path: str, handler: Any, summary: str, **more: Any) -> Operation:
    return Operation(
        method=method, path=path, handler=handler, permission=Permission.READ, summary=summary, group="Pages", **more
    )


OPERATIONS = (
    _operation("GET", "/lineage/node", node, "A node, for the inspector.", query=NodeQuery),
    _operation("GET", "/lineage/edge", edge, "How an edge is known.", query=EdgeQuery),
    _operation("GET", "/lineage/impact", impact, "What a change does.", query=ImpactQuery),
    _operation("GET", "/lineage/path", path, "The paths between two nodes.", query=PathQuery),
    _operation("GET", "/lineage/column", column, "The whole path of a column.", query=ColumnQuery, answer=ColumnAnswer),
    _operation(
        "GET", "/lineage/columns", columns, "The columns of a node.", query=ColumnsQuery, answer=list[tuple[str, str]]
    ),
    _operation("POST", "/lineage/instants", instants, "When a view changed.", body=View, answer=list[Instant]),
)
