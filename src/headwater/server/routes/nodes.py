"""Datasets and jobs, and all queries about one of them."""

from __future__ import annotations

from typing import Annotated, Literal, TypedDict

import msgspec
from starlette.responses import Response

from headwater.errors import InvalidInput
from headwater.model.graph import Direction, NodeKind
from headwater.query.details import Details
from headwater.query.history import History, RunSummary
from headwater.query.impact import Change, Impact
from headwater.query.listing import NodeSummary, list_nodes
from headwater.query.result import LineageGraph
from headwater.query.walk_json import walk_json
from headwater.query.why import Why
from headwater.server.permissions import Permission
from headwater.server.request import Call
from headwater.server.routes.graph_responses import (
    AsOf,
    Budget,
    Depth,
    Form,
    Limit,
    State,
    check_budget,
    cursor,
    graph_answer,
    read_cursor,
    words,
)
from headwater.server.routing import Operation

_GROUP = "Lineage"


class NodesQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The nodes to list: by words (``q``), by selector, or all, optionally of one kind."""

    q: Annotated[str, msgspec.Meta(max_length=1000)] = ""
    select: Annotated[str, msgspec.Meta(max_length=4000)] = ""
    kind: Literal["dataset", "job"] | None = None
    type: Annotated[str, msgspec.Meta(max_length=100)] = ""
    namespace: str | None = None
    as_of: AsOf | None = None
    limit: Limit = 100
    cursor: str = ""


class Nodes(msgspec.Struct, frozen=True, kw_only=True):
    """A page of nodes. ``next`` is the start of the next one, or None."""

    nodes: list[NodeSummary]
    next: str | None = None


class WalkQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The options of a walk."""

    depth: Depth | None = None
    as_of: AsOf | None = None
    columns: bool = False
    kinds: Annotated[str, msgspec.Meta(description="Keep nodes of these types, separated by commas.")] = ""
    level: Literal["dataset", "run"] = "dataset"
    budget: Budget = 1000
    format: Form = "json"


class Options(TypedDict):
    """The options of a walk, for the query layer."""

    depth: int | None
    as_of: str | None
    columns: bool
    kinds: list[str] | None
    level: Literal["dataset", "run"]
    limit: int


class ImpactQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The change to assess."""

    change: Change = "drop"
    depth: Depth | None = None
    as_of: AsOf | None = None
    budget: Budget = 1000


class TimeQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The instant."""

    as_of: AsOf | None = None


class PageQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The number of entries."""

    limit: Limit = 100


class NodeRunsQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The runs to list."""

    state: State | None = None
    limit: Limit = 20


class NodeRuns(msgspec.Struct, frozen=True, kw_only=True):
    """Runs, latest first."""

    runs: list[RunSummary]


def nodes(call: Call) -> Nodes:
    """Nodes that match words, best first, or those of a selector, or all, by age."""
    query: NodesQuery = call.query
    if query.q and query.select:
        raise InvalidInput(field="select", value=query.select[:80], rule="must be given instead of q, not with it")
    after = read_cursor(query.cursor, str) if query.cursor else ""
    kind = None if query.kind is None else NodeKind(query.kind)
    with call.lineage() as lineage:
        found, last = list_nodes(
            lineage,
            text=query.q,
            selector=query.select,
            kind=kind,
            type=query.type,
            namespace=query.namespace,
            as_of=query.as_of,
            after=after,
            limit=query.limit,
        )
    return Nodes(nodes=found, next=None if last is None else cursor(last))


def node(call: Call) -> Details:
    """Everything known about a dataset, version, job or run."""
    with call.lineage() as lineage:
        return lineage.show(call.path["id"], as_of=call.query.as_of)


def upstream(call: Call) -> msgspec.Raw | LineageGraph | Response:
    """Everything that a node was made from."""
    return _walk(call, Direction.UPSTREAM)


def downstream(call: Call) -> msgspec.Raw | LineageGraph | Response:
    """Everything made from a node."""
    return _walk(call, Direction.DOWNSTREAM)


def _walk(call: Call, direction: Direction) -> msgspec.Raw | LineageGraph | Response:
    query: WalkQuery = call.query
    options = Options(
        depth=query.depth,
        as_of=query.as_of,
        columns=query.columns,
        kinds=words(query.kinds),
        level=query.level,
        limit=check_budget(call, query.budget),
    )
    with call.lineage() as lineage:
        if query.format == "json":
            return walk_json(lineage, call.path["id"], direction, **options)
        walk = lineage.upstream if direction is Direction.UPSTREAM else lineage.downstream
        graph = walk(call.path["id"], **options)
    return graph_answer(graph, query.format)


def impact(call: Call) -> Impact:
    """What breaks when a dataset or one of its columns changes, worst first."""
    query: ImpactQuery = call.query
    with call.lineage() as lineage:
        return lineage.impact(
            call.path["id"],
            change=query.change,
            depth=query.depth,
            as_of=query.as_of,
            limit=check_budget(call, query.budget),
        )


def why(call: Call) -> Why:
    """Trace a prediction, a version or a dataset back: model, training run, data, raw sources."""
    with call.lineage() as lineage:
        return lineage.why(call.path["id"], as_of=call.query.as_of)


def history(call: Call) -> History:
    """The versions of a dataset or the runs of a job, and every change of schema and other facets, latest first."""
    with call.lineage() as lineage:
        return lineage.history(call.path["id"], limit=call.query.limit)


def runs(call: Call) -> NodeRuns:
    """The runs of a job, or those that wrote a dataset, latest first."""
    query: NodeRunsQuery = call.query
    with call.lineage() as lineage:
        return NodeRuns(runs=lineage.runs(call.path["id"], state=query.state, limit=query.limit))


def _get(path: str, handler: object, summary: str, query: type[msgspec.Struct], answer: object) -> Operation:
    return Operation(
        method="GET",
        path=path,
        handler=handler,  # type: ignore[arg-type]
        permission=Permission.READ,
        summary=summary,
        group=_GROUP,
        query=query,
        answer=answer,
    )


OPERATIONS = (
    _get("/api/v1/nodes", nodes, "Find nodes by words or by selector, or list them.", NodesQuery, Nodes),
    _get("/api/v1/nodes/{id}", node, "Everything known about a dataset, version, job or run.", TimeQuery, Details),
    _get("/api/v1/nodes/{id}/upstream", upstream, "Everything a node was made from.", WalkQuery, LineageGraph),
    _get("/api/v1/nodes/{id}/downstream", downstream, "Everything made from a node.", WalkQuery, LineageGraph),
    _get("/api/v1/nodes/{id}/impact", impact, "What breaks if a node or column changes.", ImpactQuery, Impact),
    _get("/api/v1/nodes/{id}/why", why, "The trace from a prediction back to raw data.", TimeQuery, Why),
    _get("/api/v1/nodes/{id}/history", history, "Versions, runs and changes over time.", PageQuery, History),
    _get("/api/v1/nodes/{id}/runs", runs, "The runs of a job, or those that wrote a dataset.", NodeRunsQuery, NodeRuns),
)
