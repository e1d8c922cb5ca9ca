"""The quarantine: list, inspect, replay, drop."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import anyio.to_thread
import msgspec

from headwater.errors import NotFound
from headwater.formats.times import format_time
from headwater.server.errors import Conflict, Refused
from headwater.server.intake.batch_response import BatchAnswer, Tally, error_of, take_in
from headwater.server.intake.request_bodies import read_checked
from headwater.server.intake.request_documents import Checked, array, checked, one
from headwater.server.permissions import Permission
from headwater.server.request import Call
from headwater.server.routes.records import store_records
from headwater.server.routing import Operation
from headwater.server.settings import Limits
from headwater.storage.row_types import Quarantined, Receipt, ReceiptStatus


class QuarantineQuery(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the quarantine."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100
    before: Annotated[int, msgspec.Meta(ge=1, le=2**62)] | None = None
    """The id below which the page begins: ``next`` of the previous page."""


class EntryView(msgspec.Struct, frozen=True, kw_only=True):
    """One refused event, record or body, and why it was refused."""

    id: int
    kind: str
    """``event``, ``record``, or ``body``: a whole request that could not be parsed."""
    received_at: str
    """When it last arrived."""
    times: int
    """How often it arrived."""
    size_bytes: int
    field: str
    value: str
    rule: str
    hint: str
    is_whole: bool
    """Whether it is stored completely; of long ones only the beginning is."""
    body: str | None = None
    """The content as text; only for a single entry."""


class QuarantinePage(msgspec.Struct, frozen=True, kw_only=True):
    """Entries, the latest first."""

    entries: list[EntryView]
    next: int | None
    """``before`` of the next page; null at the end."""
    total: int
    size_bytes: int
    dropped: int
    """How many old entries were dropped to make room since the store was created."""


def list_entries(call: Call) -> QuarantinePage:
    """The quarantine, latest first."""
    query: QuarantineQuery = call.query
    with call.store() as store:
        found = store.quarantined(limit=query.limit + 1, before=query.before)
        totals = store.quarantine_totals()
    page = found[: query.limit]
    return QuarantinePage(
        entries=[_view(entry) for entry in page],
        next=page[-1].id if len(found) > query.limit else None,
        total=totals.entries,
        size_bytes=totals.size_bytes,
        dropped=totals.dropped,
    )


def get_entry(call: Call) -> EntryView:
    """One entry with its content."""
    entry = find_entry(call)
    return msgspec.structs.replace(_view(entry), body=entry.body.decode("utf-8", "replace"))


async def replay(call: Call) -> BatchAnswer:
    """Send an entry again: unchanged, as after an upgrade, or corrected, with the body of this request."""
    entry = await anyio.to_thread.run_sync(find_entry, call)
    with call.service.intake.rooms.room(call.tenant) as room:
        items = await read_checked(call, room, entry.kind, partial(documents_of, entry, call.service.settings.limits))
        return await send_again(call, entry, items)


def documents_of(entry: Quarantined, limits: Limits, mended: bytes) -> list[Checked]:
    """The documents of an entry, or of its corrected body.

    Raises:
        Conflict: there is no corrected body, and only the beginning of the entry is stored.
        InvalidInput: it cannot be parsed.
    """
    body = mended or entry.body
    if not mended and entry.size_bytes > len(entry.body):
        raise Conflict("only the beginning of it was kept", hint="send the whole corrected body with the request")
    if body.lstrip()[:1] == b"[":
        kind = "record" if entry.kind == "record" else "event"
        return checked(array(body, f"{kind}s"), kind, limits)
    return [one(body, limits)]


async def send_again(call: Call, entry: Quarantined, items: list[Checked]) -> BatchAnswer:
    """Store the documents of an entry, and remove it from the quarantine unless it is refused again.

    Raises:
        Refused: it is a single document, and still invalid.
    """
    receipts = await _again(call, entry, items)
    if len(receipts) == 1 and receipts[0].status is ReceiptStatus.REFUSED:
        raise Refused(error_of(receipts[0], entry.kind), receipts[0].quarantine_id)
    if all(receipt.quarantine_id != entry.id for receipt in receipts):
        await anyio.to_thread.run_sync(release, call, [entry.id])
    tally = Tally()
    tally.add(enumerate(receipts))
    return tally.answer()


async def _again(call: Call, entry: Quarantined, items: list[Checked]) -> list[Receipt]:
    if entry.kind == "record":
        return await store_records(call, items)
    return await take_in(call.service.intake, call.tenant, items)


async def drop_entry(call: Call) -> None:
    """Drop an entry for good."""
    entry = await anyio.to_thread.run_sync(find_entry, call)
    await anyio.to_thread.run_sync(partial(release, call, [entry.id]))


def release(call: Call, ids: list[int]) -> None:
    """Remove entries from quarantine."""
    with call.service.stores.writing(call.tenant) as store:
        store.release(ids)


def find_entry(call: Call) -> Quarantined:
    """The entry in the path. Raises ``NotFound``."""
    given = call.path["id"]
    entry = None
    if given.isascii() and given.isdigit() and len(given) < 19:
        with call.store() as store:
            entry = store.quarantine_entry(int(given))
    if entry is None:
        raise NotFound(given, hint="GET /api/v1/quarantine lists what there is")
    return entry


def _view(entry: Quarantined) -> EntryView:
    return EntryView(
        id=entry.id,
        kind=entry.kind,
        received_at=format_time(entry.received_at),
        times=entry.times,
        size_bytes=entry.size_bytes,
        field=entry.field,
        value=entry.value,
        rule=entry.rule,
        hint=entry.hint,
        is_whole=entry.size_bytes <= len(entry.body),
    )


OPERATIONS = (
    Operation(
        method="GET",
        path="/api/v1/quarantine",
        handler=list_entries,
        permission=Permission.REPORT,
        summary="Rejected entries, latest first.",
        group="Quarantine",
        query=QuarantineQuery,
        answer=QuarantinePage,
    ),
    Operation(
        method="GET",
        path="/api/v1/quarantine/{id}",
        handler=get_entry,
        permission=Permission.REPORT,
        summary="A rejected entry in full, with the reason.",
        group="Quarantine",
        answer=EntryView,
    ),
    Operation(
        method="POST",
        path="/api/v1/quarantine/{id}/replay",
        handler=replay,
        permission=Permission.ADMIN,
        summary="Replay an entry, unchanged or corrected.",
        group="Quarantine",
        media_types=("application/json",),
        answer=BatchAnswer,
    ),
    Operation(
        method="DELETE",
        path="/api/v1/quarantine/{id}",
        handler=drop_entry,
        permission=Permission.ADMIN,
        summary="Drop it.",
        group="Quarantine",
        status=204,
    ),
)
