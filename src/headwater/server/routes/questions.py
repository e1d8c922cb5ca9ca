"""The verbs of the query layer."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from headwater.query.result import LineageGraph
from headwater.server.call import Call
from headwater.server.permissions import Permission
from headwater.server.routing import Operation


class WalkQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The options of a walk."""

    depth: Annotated[int, msgspec.Meta(ge=0)] | None = None
    as_of: str | None = None
    columns: bool = False
    kinds: str = ""
    level: Literal["dataset", "run"] = "dataset"
    budget: Annotated[int, msgspec.Meta(ge=1)] = 1000


def upstream(call: Call) -> LineageGraph:
    """What a node comes from."""
    query: WalkQuery = call.query
    kinds = query.kinds.split(",") if query.kinds else None
    with call.lineage() as lineage:
        return lineage.upstream(
            call.path["id"],
            depth=query.depth,
            as_of=query.as_of,
            columns=query.columns,
            kinds=kinds,
            level=query.level,
            limit=query.budget,
        )


OPERATIONS = (
    Operation(
        method="GET",
        path="/api/v1/nodes/{id}/upstream",
        handler=upstream,
        permission=Permission.READ,
        summary="What a node comes from.",
        group="Questions",
        query=WalkQuery,
        answer=LineageGraph,
    ),
)
