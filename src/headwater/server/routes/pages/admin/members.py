"""Members: people as known to the identity provider, and their roles."""

from __future__ import annotations

from starlette.responses import Response

from headwater.errors import InvalidInput
from headwater.server.forms import Form, submitted
from headwater.server.permissions import ROLES, Permission, Role
from headwater.server.request import Call
from headwater.server.routes.pages.admin.admin_page import admin_page, back_to, operation

_HERE = "/admin/members"
_FIELDS = {name: name for name in ("issuer", "subject", "name", "role")}


def show(call: Call) -> Response:
    """The members of the tenant."""
    members = call.service.control.members(call.tenant)
    roles = {role.value: ", ".join(sorted(permissions)) for role, permissions in ROLES.items()}
    issuer = members[-1].issuer if members else ""
    return admin_page(call, "admin_members.html", _HERE, members=members, roles=roles, issuer=issuer)


def put(call: Call, form: Form) -> Response:
    """Add a member, or change the role of a member."""
    role = form.text("role")
    if role not in list(Role):
        raise InvalidInput(field="role", value=role[:80], rule=f"must be one of {', '.join(Role)}")
    call.service.administration.put_member(
        call.tenant,
        form.needed("issuer"),
        form.needed("subject"),
        Role(role),
        who=call.principal.name,
        name=form.text("name"),
    )
    return back_to(_HERE)


def drop(call: Call, form: Form) -> Response:
    """Remove a member."""
    call.service.administration.drop_member(
        call.tenant, form.needed("issuer"), form.needed("subject"), who=call.principal.name
    )
    return back_to(_HERE)


OPERATIONS = (
    operation("GET", _HERE, show, Permission.ADMIN, "The members page."),
    operation("POST", _HERE, submitted(put, show, _FIELDS), Permission.ADMIN, "Add or change a member."),
    operation("POST", "/admin/members/drop", submitted(drop, show), Permission.ADMIN, "Drop a member."),
)
