"""The people of a tenant."""

from __future__ import annotations

import msgspec

from headwater.server.access.control_rows import Line, Member, Named
from headwater.server.permissions import Permission, Role
from headwater.server.request import Call
from headwater.server.routing import Operation


class Members(msgspec.Struct, frozen=True, kw_only=True):
    """The members of a tenant, by issuer and subject."""

    members: list[Member]


class MemberRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A person as identified by their identity provider, and the role to assign."""

    issuer: Named
    subject: Named
    role: Role
    name: Line = ""


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """A person as identified by their identity provider."""

    issuer: Named
    subject: Named


def list_members(call: Call) -> Members:
    """The members of the caller's tenant."""
    return Members(members=call.service.control.members(call.tenant))


def put_member(call: Call) -> Member:
    """Add a member, or change the role of a member."""
    wanted: MemberRequest = call.body
    return call.service.administration.put_member(
        call.tenant, wanted.issuer, wanted.subject, wanted.role, who=call.principal.name, name=wanted.name
    )


def drop_member(call: Call) -> None:
    """Remove a member."""
    person: Person = call.query
    call.service.administration.drop_member(call.tenant, person.issuer, person.subject, who=call.principal.name)


OPERATIONS = (
    Operation(
        method="GET",
        path="/api/v1/members",
        handler=list_members,
        permission=Permission.ADMIN,
        summary="The members of the tenant.",
        group="Access",
        answer=Members,
    ),
    Operation(
        method="PUT",
        path="/api/v1/members",
        handler=put_member,
        permission=Permission.ADMIN,
        summary="Add a member, or change the role of a member.",
        group="Access",
        body=MemberRequest,
        answer=Member,
    ),
    Operation(
        method="DELETE",
        path="/api/v1/members",
        handler=drop_member,
        permission=Permission.ADMIN,
        summary="Remove a member.",
        group="Access",
        query=Person,
        status=204,
    ),
)
