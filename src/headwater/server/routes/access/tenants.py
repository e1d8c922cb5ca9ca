"""The tenants of the service, for operators, and the caller's own."""

from __future__ import annotations

from typing import Annotated

import msgspec

from headwater.server.access.control_rows import Line, Quota, Tenant
from headwater.server.errors import Conflict
from headwater.server.permissions import SCOPES, Permission
from headwater.server.request import Call
from headwater.server.routes.access.keys import MadeKey, made
from headwater.server.routing import Operation
from headwater.storage.row_types import Statistics


class Tenants(msgspec.Struct, frozen=True, kw_only=True):
    """Every tenant, by name."""

    tenants: list[Tenant]


class TenantRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The tenant to create."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
    title: Line = ""
    quota: Quota = Quota()


class TenantChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The changes of a tenant; omitted values stay the same."""

    title: Line | None = None
    quota: Quota | None = None


class TenantKeyRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The first key of a tenant."""

    name: Line = ""
    scopes: Annotated[tuple[Permission, ...], msgspec.Meta(min_length=1)] = SCOPES
    days: Annotated[float, msgspec.Meta(gt=0, le=36_500)] | None = None


class Confirmation(msgspec.Struct, frozen=True, kw_only=True):
    """The name of the tenant again, to confirm its deletion."""

    confirm: str


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """A tenant with its quota and usage."""

    tenant: Tenant
    stored: Statistics


def own_tenant(call: Call) -> Usage:
    """The caller's tenant, its quota and what it stores."""
    tenant = call.service.administration.tenant(call.tenant)
    with call.store() as store:
        return Usage(tenant=tenant, stored=store.statistics())


def list_tenants(call: Call) -> Tenants:
    """Every tenant."""
    return Tenants(tenants=call.service.control.tenants())


def create_tenant(call: Call) -> Tenant:
    """Create a tenant, without keys."""
    wanted: TenantRequest = call.body
    return call.service.administration.create_tenant(
        wanted.name, who=call.principal.name, title=wanted.title, quota=wanted.quota
    )


def show_tenant(call: Call) -> Usage:
    """One tenant, its quota and what it stores."""
    tenant = call.service.administration.tenant(call.path["name"])
    with call.service.stores.reading(tenant.name) as store:
        return Usage(tenant=tenant, stored=store.statistics())


def change_tenant(call: Call) -> Tenant:
    """Change the title or quota of a tenant."""
    wanted: TenantChange = call.body
    return call.service.administration.change_tenant(
        call.path["name"], who=call.principal.name, title=wanted.title, quota=wanted.quota
    )


def drop_tenant(call: Call) -> None:
    """Delete a tenant with its keys and all its lineage."""
    name, confirmation = call.path["name"], call.query
    if confirmation.confirm != name:
        raise Conflict("confirm is not the name of the tenant", hint=f"to delete it, say confirm={name}")
    if name == call.tenant:
        raise Conflict("this is the tenant of the key that asks", hint="use a key of another tenant")
    call.service.administration.drop_tenant(name, who=call.principal.name)
    call.service.record_turns.forget(name)
    call.service.stores.drop(name)


def create_tenant_key(call: Call) -> MadeKey:
    """Create a key for any tenant, such as its first one."""
    wanted: TenantKeyRequest = call.body
    new = call.service.administration.issue_key(
        call.path["name"], who=call.principal.name, name=wanted.name, scopes=wanted.scopes, days=wanted.days
    )
    return made(new)


OPERATIONS = (
    Operation(
        method="GET",
        path="/api/v1/tenant",
        handler=own_tenant,
        permission=Permission.READ,
        summary="The caller's tenant, its quota and what it stores.",
        group="Access",
        answer=Usage,
    ),
    Operation(
        method="GET",
        path="/api/v1/tenants",
        handler=list_tenants,
        permission=Permission.OPERATE,
        summary="Every tenant.",
        group="Tenants",
        answer=Tenants,
    ),
    Operation(
        method="POST",
        path="/api/v1/tenants",
        handler=create_tenant,
        permission=Permission.OPERATE,
        summary="Create a tenant.",
        group="Tenants",
        body=TenantRequest,
        answer=Tenant,
        status=201,
    ),
    Operation(
        method="GET",
        path="/api/v1/tenants/{name}",
        handler=show_tenant,
        permission=Permission.OPERATE,
        summary="A tenant, its quota and what it stores.",
        group="Tenants",
        answer=Usage,
    ),
    Operation(
        method="PATCH",
        path="/api/v1/tenants/{name}",
        handler=change_tenant,
        permission=Permission.OPERATE,
        summary="Change the title or quota of a tenant.",
        group="Tenants",
        body=TenantChange,
        answer=Tenant,
    ),
    Operation(
        method="DELETE",
        path="/api/v1/tenants/{name}",
        handler=drop_tenant,
        permission=Permission.OPERATE,
        summary="Delete a tenant with its keys and all its lineage.",
        group="Tenants",
        query=Confirmation,
        status=204,
    ),
    Operation(
        method="POST",
        path="/api/v1/tenants/{name}/keys",
        handler=create_tenant_key,
        permission=Permission.OPERATE,
        summary="Create a key for a tenant. Its secret is shown only once.",
        group="Tenants",
        body=TenantKeyRequest,
        answer=MadeKey,
        status=201,
    ),
)
