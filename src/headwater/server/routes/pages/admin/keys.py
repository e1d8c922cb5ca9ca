"""Keys: create, rotate and revoke. A secret is shown once, in the response to the form that created it."""

from __future__ import annotations

from starlette.responses import Response

from headwater.errors import InvalidInput
from headwater.server.access.administration import NewKey, may_grant
from headwater.server.forms import Form, submitted
from headwater.server.permissions import SCOPES, Permission
from headwater.server.request import Call
from headwater.server.routes.pages.admin.admin_page import admin_page, back_to, operation

_HERE = "/admin/keys"
_FIELDS = {"name": "name", "days": "days", "scope": "scope", "scopes": "scope"}


def show(call: Call) -> Response:
    """The keys of the tenant."""
    return _page(call, None)


def create(call: Call, form: Form) -> Response:
    """Create a key, and show its secret."""
    scopes = frozenset(_scope(text) for text in form.texts("scope"))
    may_grant(call.principal.permissions, scopes)
    made = call.service.administration.issue_key(
        call.tenant, who=call.principal.name, name=form.text("name"), scopes=scopes, days=form.number("days")
    )
    return _page(call, made)


def rotate(call: Call, form: Form) -> Response:
    """Replace a key, and show the new secret."""
    key_id = call.path["id"]
    old = call.service.control.key(call.tenant, key_id)
    if old is not None:
        may_grant(call.principal.permissions, old.permissions)
    hours = form.number("overlap_hours")
    overlap_s = 86_400.0 if hours is None else hours * 3600
    made = call.service.administration.rotate_key(call.tenant, key_id, who=call.principal.name, overlap_s=overlap_s)
    return _page(call, made)


def revoke(call: Call, form: Form) -> Response:
    """Revoke a key at once."""
    del form
    call.service.administration.revoke_key(call.tenant, call.path["id"], who=call.principal.name)
    return back_to(_HERE)


def _scope(text: str) -> Permission:
    if text not in list(Permission):
        raise InvalidInput(field="scope", value=text[:80], rule=f"must be one of {', '.join(SCOPES)}")
    return Permission(text)


def _page(call: Call, made: NewKey | None) -> Response:
    now = call.service.clock()
    keys = call.service.control.keys(call.tenant)[::-1]
    return admin_page(
        call,
        "admin_keys.html",
        _HERE,
        made=made,
        valid=[key for key in keys if key.is_valid(now)],
        ended=[key for key in keys if not key.is_valid(now)],
        scopes=[scope for scope in SCOPES if scope in call.principal.permissions],
    )


OPERATIONS = (
    operation("GET", _HERE, show, Permission.ADMIN, "The keys page."),
    operation("POST", _HERE, submitted(create, show, _FIELDS), Permission.ADMIN, "Make a key."),
    operation("POST", "/admin/keys/{id}/rotate", submitted(rotate, show), Permission.ADMIN, "Rotate a key."),
    operation("POST", "/admin/keys/{id}/revoke", submitted(revoke, show), Permission.ADMIN, "Revoke a key."),
)
