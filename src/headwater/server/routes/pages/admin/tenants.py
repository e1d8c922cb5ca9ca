"""Tenants and their quotas, for operators of the service."""

from __future__ import annotations

from starlette.responses import Response

from headwater.server.access.control_rows import Quota
from headwater.server.errors import Conflict
from headwater.server.forms import Form, submitted
from headwater.server.permissions import Permission
from headwater.server.request import Call
from headwater.server.routes.pages.admin.admin_page import admin_page, back_to, operation

_HERE = "/admin/tenants"
_FIELDS = {name: name for name in ("name", "title", "events_per_s", "bytes_per_s", "stored_bytes")} | {"tenant": "name"}


def show(call: Call) -> Response:
    """All tenants, with their quotas and what this process received for them."""
    counters = call.service.intake.counters.tenants
    tenants = call.service.control.tenants()
    return admin_page(call, "admin_tenants.html", _HERE, tenants=tenants, counters=counters)


def create(call: Call, form: Form) -> Response:
    """Create a tenant, without keys."""
    call.service.administration.create_tenant(
        form.needed("name"), who=call.principal.name, title=form.text("title"), quota=_quota(form)
    )
    return back_to(_HERE)


def change(call: Call, form: Form) -> Response:
    """Change the title or quota of a tenant."""
    call.service.administration.change_tenant(
        call.path["name"], who=call.principal.name, title=form.text("title"), quota=_quota(form)
    )
    return back_to(_HERE)


def drop(call: Call, form: Form) -> Response:
    """Delete a tenant with its keys and all its lineage, confirmed by its name."""
    name = call.path["name"]
    if form.text("confirm") != name:
        raise Conflict("what was written is not the name of the tenant", hint="nothing was dropped")
    if name == call.tenant:
        raise Conflict("this is the tenant that you are in", hint="log in with a key of another tenant")
    call.service.administration.drop_tenant(name, who=call.principal.name)
    call.service.record_turns.forget(name)
    call.service.stores.drop(name)
    return back_to(_HERE)


def _quota(form: Form) -> Quota:
    return Quota(
        events_per_s=form.count("events_per_s"),
        bytes_per_s=form.count("bytes_per_s"),
        stored_bytes=form.count("stored_bytes"),
    )


OPERATIONS = (
    operation("GET", _HERE, show, Permission.OPERATE, "The tenants page."),
    operation("POST", _HERE, submitted(create, show, {**_FIELDS, "": "name"}), Permission.OPERATE, "Create a tenant."),
    operation(
        "POST", "/admin/tenants/{name}", submitted(change, show, _FIELDS), Permission.OPERATE, "Change a tenant."
    ),
    operation(
        "POST",
        "/admin/tenants/{name}/drop",
        submitted(drop, show, {"": "confirm"}),
        Permission.OPERATE,
        "Drop a tenant.",
    ),
)
