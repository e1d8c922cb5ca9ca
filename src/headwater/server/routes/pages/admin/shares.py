"""Shares that the tenant gave and received."""

from __future__ import annotations

from starlette.responses import Response

from headwater.errors import InvalidInput
from headwater.server.forms import Form, submitted
from headwater.server.permissions import Permission
from headwater.server.request import Call
from headwater.server.routes.pages.admin.admin_page import admin_page, back_to, operation

_HERE = "/admin/shares"
_FIELDS = {"select": "select", "selector": "select", "": "select", "to": "to", "days": "days"}


def show(call: Call) -> Response:
    """The shares given and received."""
    control, now = call.service.control, call.service.clock()
    return admin_page(
        call,
        "admin_shares.html",
        _HERE,
        given=[(share, share.is_valid(now)) for share in control.shares_given(call.tenant)[::-1]],
        received=[share for share in control.shares_received(call.tenant)[::-1] if share.is_valid(now)],
    )


def create(call: Call, form: Form) -> Response:
    """Let another tenant read the subgraph of a selector."""
    select, days = form.needed("select"), form.number("days")
    if days is None:
        raise InvalidInput(field="days", value="''", rule="must not be empty: a share ends")
    with call.lineage() as lineage:
        lineage.select(select)  # refuse an invalid selector now, not when it is used
    call.service.administration.share(call.tenant, form.needed("to"), select, who=call.principal.name, days=days)
    return back_to(_HERE)


def end(call: Call, form: Form) -> Response:
    """End a share at once."""
    del form
    call.service.administration.end_share(call.tenant, call.path["id"], who=call.principal.name)
    return back_to(_HERE)


OPERATIONS = (
    operation("GET", _HERE, show, Permission.ADMIN, "The shares page."),
    operation("POST", _HERE, submitted(create, show, _FIELDS), Permission.ADMIN, "Share a part of the lineage."),
    operation("POST", "/admin/shares/{id}/end", submitted(end, show), Permission.ADMIN, "End a share."),
)
