"""Shared by the administration pages: navigation, declaration of operations, redirects."""

from __future__ import annotations

from typing import Any

from starlette.responses import RedirectResponse, Response

from headwater.server.forms import NOT_REFUSED
from headwater.server.permissions import Permission
from headwater.server.rendering.page import Place, page
from headwater.server.request import Call
from headwater.server.routing import Operation

PLACES = (
    Place("/admin", "Overview", Permission.REPORT),
    Place("/admin/quarantine", "Quarantine", Permission.REPORT),
    Place("/admin/keys", "Keys", Permission.ADMIN),
    Place("/admin/members", "Members", Permission.ADMIN),
    Place("/admin/shares", "Shares", Permission.ADMIN),
    Place("/admin/tenants", "Tenants", Permission.OPERATE),
)


def admin_page(call: Call, template: str, here: str, **shown: Any) -> Response:
    """An administration page. It is never cached, because permissions can change."""
    places = [place for place in PLACES if call.principal.may(place.permission)]
    refusal = call.refusal or NOT_REFUSED
    response = page(
        call, template, status=refusal.status, admin_places=places, admin_here=here, refusal=refusal, **shown
    )
    response.headers["Cache-Control"] = "no-store"
    return response


def back_to(path: str) -> Response:
    """Redirect after a form to the page that shows the result."""
    return RedirectResponse(path, status_code=303)


def operation(method: str, path: str, handler: Any, permission: Permission, summary: str, **more: Any) -> Operation:
    """An operation of the administration."""
    return Operation(
        method=method,
        path=path,
        handler=handler,
        permission=permission,
        summary=summary,
        group="Pages",
        is_page=True,
        **more,
    )
