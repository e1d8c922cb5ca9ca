"""The caller's identity, and the audit record of its tenant."""

from __future__ import annotations

from typing import Annotated

import msgspec

from headwater.server.access.control_rows import Action
from headwater.server.permissions import Permission
from headwater.server.request import Call
from headwater.server.routing import Operation


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Identify the caller."""

    name: str
    tenant: str
    permissions: tuple[str, ...]


class RecordQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The number of entries of the audit log."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """Entries of the audit log, latest first."""

    actions: list[Action]


async def whoami(call: Call) -> Identity:
    """Identify the caller."""
    who = call.principal
    return Identity(name=who.name, tenant=who.tenant, permissions=tuple(sorted(who.permissions)))


def actions(call: Call) -> Record:
    """Changes of keys, members, shares and quotas, and uses of shares, latest first."""
    return Record(actions=call.service.control.actions(call.tenant, limit=call.query.limit))


OPERATIONS = (
    Operation(
        method="GET",
        path="/api/v1/whoami",
        handler=whoami,
        permission=Permission.READ,
        summary="Identify the caller.",
        group="Access",
        answer=Identity,
    ),
    Operation(
        method="GET",
        path="/api/v1/audit",
        handler=actions,
        permission=Permission.REPORT,
        summary="Changes to keys, members, shares and quotas, latest first.",
        group="Access",
        query=RecordQuery,
        answer=Record,
    ),
)
