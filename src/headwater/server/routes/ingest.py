"""The OpenLineage ingestion API. A 2xx response means that the events are committed and on disk."""

from __future__ import annotations

from functools import partial

from starlette.responses import Response

from headwater.server.errors import Refused, TooLarge, Unsupported, json_response
from headwater.server.intake.batch_response import BatchAnswer, Tally, error_of, take_in
from headwater.server.intake.line_reader import chunks
from headwater.server.intake.request_bodies import MEDIA_TYPES, has_lines, note_unread, read_checked
from headwater.server.intake.request_documents import array, checked, one
from headwater.server.permissions import Permission
from headwater.server.request import Call, plain_parts
from headwater.server.routing import Operation
from headwater.storage.row_types import ReceiptStatus

_CREATED = b"{}"


async def post_event(call: Call) -> Response:
    """Store one event, or a stream of them, one per line."""
    if has_lines(call):
        return json_response(await post_lines(call), status=201)
    intake = call.service.intake
    with intake.rooms.room(call.tenant) as room:
        event = await read_checked(call, room, "event", partial(one, limits=call.service.settings.limits))
        (receipt,) = await intake.append(call.tenant, (event,))
    if receipt.status is ReceiptStatus.REFUSED:
        raise Refused(error_of(receipt), receipt.quarantine_id)
    return Response(_CREATED, status_code=201, media_type="application/json")


async def post_batch(call: Call) -> BatchAnswer:
    """Store the valid events of a batch; the response has the reasons for the others."""
    if has_lines(call):
        return await post_lines(call)
    limits = call.service.settings.limits
    with call.service.intake.rooms.room(call.tenant) as room:
        items = await read_checked(call, room, "body", lambda raw: checked(array(raw, "events"), "event", limits))
        receipts = await take_in(call.service.intake, call.tenant, items)
    tally = Tally()
    tally.add(enumerate(receipts))
    return tally.answer()


async def post_lines(call: Call) -> BatchAnswer:
    """Store a stream of events, one per line, in chunks as they arrive, in bounded memory.

    If the connection or the store fails midway, the chunks before are stored; sending the whole stream again is safe.
    """
    tally = Tally()
    with call.service.intake.rooms.room(call.tenant) as room:
        try:
            async for chunk in chunks(plain_parts(call.request, None), "event", call.service.settings.limits, room):
                receipts = await take_in(call.service.intake, call.tenant, [item for _, item in chunk])
                tally.add(zip([index for index, _ in chunk], receipts, strict=True))
        except (TooLarge, Unsupported) as error:
            await note_unread(call, error)
            raise
    return tally.answer()


def _operations() -> tuple[Operation, ...]:
    """Both operations at every path that clients use."""
    found = []
    for prefix in ("/api/v1", "/api/v1/openlineage", ""):
        found += [
            Operation(
                method="POST",
                path=f"{prefix}/lineage",
                handler=post_event,
                permission=Permission.INGEST,
                summary="Store an OpenLineage event.",
                group="Ingest",
                media_types=MEDIA_TYPES,
                status=201,
            ),
            Operation(
                method="POST",
                path=f"{prefix}/lineage/batch",
                handler=post_batch,
                permission=Permission.INGEST,
                summary="Store a batch of OpenLineage events.",
                group="Ingest",
                media_types=MEDIA_TYPES,
                answer=BatchAnswer,
            ),
        ]
    return tuple(found)


OPERATIONS = _operations()
