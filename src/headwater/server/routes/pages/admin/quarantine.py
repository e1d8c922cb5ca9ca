"""The quarantine: rejected documents with the reasons; replay them unchanged or corrected, or drop them."""

from __future__ import annotations

from typing import Annotated

import anyio.to_thread
import msgspec
from starlette.responses import Response

from headwater.errors import InvalidInput
from headwater.server.errors import Conflict
from headwater.server.forms import NOT_REFUSED, Form, read_form, refusal_of, submitted
from headwater.server.permissions import Permission
from headwater.server.request import Call
from headwater.server.routes.pages.admin.admin_page import admin_page, back_to, operation
from headwater.server.routes.quarantine import documents_of, find_entry, release, send_again

_HERE = "/admin/quarantine"
_PAGE = 50
_LONGEST_SHOWN = 100_000


class ListQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The entry below which the page begins."""

    before: Annotated[int, msgspec.Meta(ge=1, le=2**62)] | None = None


def show(call: Call) -> Response:
    """Rejected entries, latest first."""
    with call.store() as store:
        found = store.quarantined(limit=_PAGE + 1, before=call.query.before)
        totals = store.quarantine_totals()
    entries = found[:_PAGE]
    following = entries[-1].id if len(found) > _PAGE else None
    return admin_page(
        call,
        "admin_quarantine.html",
        _HERE,
        entries=entries,
        totals=totals,
        following=following,
        is_first=call.query.before is None,
        may_change=call.principal.may(Permission.ADMIN),
    )


def show_entry(call: Call) -> Response:
    """One entry with its content."""
    entry = find_entry(call)
    kept = entry.body.decode("utf-8", "replace")
    text = (call.refusal or NOT_REFUSED).text(call.request.url.path, "mended") or kept
    is_whole = entry.size_bytes <= len(entry.body)
    return admin_page(
        call,
        "admin_entry.html",
        _HERE,
        entry=entry,
        text=text[:_LONGEST_SHOWN],
        left_out=max(0, entry.size_bytes - len(text[:_LONGEST_SHOWN].encode())),
        is_whole=is_whole,
        can_mend=is_whole and len(text) <= _LONGEST_SHOWN and "\ufffd" not in text,
        may_change=call.principal.may(Permission.ADMIN),
    )


async def replay(call: Call) -> Response:
    """Send an entry again, unchanged or as corrected in the form."""
    limits = call.service.settings.limits
    form = await read_form(call, most_bytes=3 * limits.event_bytes + _LONGEST_SHOWN)
    entry = await anyio.to_thread.run_sync(find_entry, call)
    mended = form.text("mended").encode()
    with call.service.intake.rooms.room(call.tenant) as room:
        room.grow(len(mended))
        try:
            items = await anyio.to_thread.run_sync(documents_of, entry, limits, mended)
            answer = await send_again(call, entry, items)
        except (InvalidInput, Conflict) as error:
            call.refusal = refusal_of(call, form, error, {str(getattr(error, "field", "")).partition(",")[0]: "mended"})
            return await anyio.to_thread.run_sync(show_entry, call)
    return back_to(_HERE if answer.status == "success" else f"{_HERE}/{entry.id}")


def drop(call: Call, form: Form) -> Response:
    """Drop an entry for good."""
    del form
    release(call, [find_entry(call).id])
    return back_to(_HERE)


OPERATIONS = (
    operation("GET", _HERE, show, Permission.REPORT, "The quarantine page.", query=ListQuery),
    operation("GET", _HERE + "/{id}", show_entry, Permission.REPORT, "The page of what was refused."),
    operation("POST", _HERE + "/{id}/replay", replay, Permission.ADMIN, "Send what was refused again."),
    operation("POST", _HERE + "/{id}/drop", submitted(drop, show_entry), Permission.ADMIN, "Drop what was refused."),
)
