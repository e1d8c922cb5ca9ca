"""Sharing a part of the lineage with another tenant: explicit, limited in time, audited."""

from __future__ import annotations

from typing import Annotated

import msgspec

from headwater.query.lineage import Lineage
from headwater.query.result import LineageGraph
from headwater.server.access.control_rows import Named, Share
from headwater.server.permissions import Permission
from headwater.server.request import ROOT, Call
from headwater.server.routes.graph_responses import AsOf, Text
from headwater.server.routing import Operation


class Shares(msgspec.Struct, frozen=True, kw_only=True):
    """The grants that a tenant gave and received, oldest first."""

    given: list[Share]
    received: list[Share]


class ShareRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The grant to create. The selector is evaluated whenever the grant is used."""

    to: Named
    select: Text
    days: Annotated[float, msgspec.Meta(gt=0, le=366)] = 30


class SharedQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The options of the shared graph."""

    as_of: AsOf | None = None


def list_shares(call: Call) -> Shares:
    """The grants that the caller's tenant gave, and the active ones that it received."""
    control, now = call.service.control, call.service.clock()
    received = [share for share in control.shares_received(call.tenant) if share.is_valid(now)]
    return Shares(given=control.shares_given(call.tenant), received=received)


def create_share(call: Call) -> Share:
    """Let another tenant read the subgraph that a selector names."""
    wanted: ShareRequest = call.body
    with call.lineage() as lineage:
        lineage.select(wanted.select)  # refuse an invalid selector now, not when it is used
    return call.service.administration.share(
        call.tenant, wanted.to, wanted.select, who=call.principal.name, days=wanted.days
    )


def end_share(call: Call) -> None:
    """End a grant now."""
    call.service.administration.end_share(call.tenant, call.path["id"], who=call.principal.name)


def shared_graph(call: Call) -> LineageGraph:
    """The subgraph that another tenant shares with the caller's: the selected nodes and the edges between them."""
    query: SharedQuery = call.query
    share = call.service.administration.received(call.tenant, call.path["id"], who=call.principal.name)
    with call.service.stores.reading(share.tenant) as store:
        return Lineage(store, base=ROOT).graph(share.select, as_of=query.as_of)


OPERATIONS = (
    Operation(
        method="GET",
        path="/api/v1/shares",
        handler=list_shares,
        permission=Permission.READ,
        summary="What the tenant shares, and what is shared with it.",
        group="Access",
        answer=Shares,
    ),
    Operation(
        method="POST",
        path="/api/v1/shares",
        handler=create_share,
        permission=Permission.ADMIN,
        summary="Share the subgraph of a selector with another tenant, for a limited time.",
        group="Access",
        body=ShareRequest,
        answer=Share,
        status=201,
    ),
    Operation(
        method="DELETE",
        path="/api/v1/shares/{id}",
        handler=end_share,
        permission=Permission.ADMIN,
        summary="End a share at once.",
        group="Access",
        status=204,
    ),
    Operation(
        method="GET",
        path="/api/v1/shared/{id}",
        handler=shared_graph,
        permission=Permission.READ,
        summary="The subgraph that another tenant shares.",
        group="Access",
        query=SharedQuery,
        answer=LineageGraph,
    ),
)
