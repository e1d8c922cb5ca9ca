"""Queries about more than one node."""

from __future__ import annotations

from typing import Annotated

import msgspec
from starlette.responses import Response

from headwater.query.coverage import Coverage
from headwater.query.diff import Diff
from headwater.query.result import LineageGraph
from headwater.server.permissions import Permission
from headwater.server.request import Call
from headwater.server.routes.graph_responses import AsOf, Budget, Form, Text, check_budget, graph_answer
from headwater.server.routing import Operation

_GROUP = "Lineage"


class PathQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The ends of the paths, and how many of the shortest to return at most."""

    source: Text
    target: Text
    as_of: AsOf | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 1
    format: Form = "json"


class GraphQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The selector of the nodes."""

    select: Text
    as_of: AsOf | None = None
    budget: Budget = 1000
    format: Form = "json"


class DiffQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Two runs, versions or instants, or one job or dataset to compare its two latest runs or versions."""

    before: Text
    after: Text | None = None
    of: Annotated[Text, msgspec.Meta(description="Between two instants: only what lies upstream of this.")] | None = (
        None
    )


def path(call: Call) -> LineageGraph | Response:
    """The shortest paths along which data flows from source to target."""
    query: PathQuery = call.query
    with call.lineage() as lineage:
        graph = lineage.path(query.source, query.target, as_of=query.as_of, limit=query.limit)
    return graph_answer(graph, query.format)


def graph(call: Call) -> LineageGraph | Response:
    """The nodes that match a selector, with the edges between them."""
    query: GraphQuery = call.query
    with call.lineage() as lineage:
        found = lineage.graph(query.select, as_of=query.as_of, limit=check_budget(call, query.budget))
    return graph_answer(found, query.format)


def diff(call: Call) -> Diff:
    """The differences of two runs, versions or instants."""
    query: DiffQuery = call.query
    with call.lineage() as lineage:
        return lineage.diff(query.before, query.after, of=query.of)


def coverage(call: Call) -> Coverage:
    """Counts of how complete the lineage is."""
    with call.lineage() as lineage:
        return lineage.coverage()


OPERATIONS = (
    Operation(
        method="GET",
        path="/api/v1/path",
        handler=path,
        permission=Permission.READ,
        summary="How data flows from one node to another.",
        group=_GROUP,
        query=PathQuery,
        answer=LineageGraph,
    ),
    Operation(
        method="GET",
        path="/api/v1/graph",
        handler=graph,
        permission=Permission.READ,
        summary="The nodes that match a selector, with the edges between them.",
        group=_GROUP,
        query=GraphQuery,
        answer=LineageGraph,
    ),
    Operation(
        method="GET",
        path="/api/v1/diff",
        handler=diff,
        permission=Permission.READ,
        summary="How two runs, versions or instants differ.",
        group=_GROUP,
        query=DiffQuery,
        answer=Diff,
    ),
    Operation(
        method="GET",
        path="/api/v1/coverage",
        handler=coverage,
        permission=Permission.READ,
        summary="How much of the lineage is known.",
        group=_GROUP,
        answer=Coverage,
    ),
)
