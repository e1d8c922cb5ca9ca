"""Flat records in and out."""

from __future__ import annotations

from typing import Any

import anyio.to_thread
import msgspec

from headwater.errors import InvalidInput, InvalidRecord, NotFound
from headwater.formats.decode_errors import not_json
from headwater.formats.record import read_record, to_events
from headwater.model.run_ids import canonical_run_id
from headwater.server.errors import Refused, TooLarge, Unsupported
from headwater.server.intake.batch_response import BatchAnswer, Tally, error_of, take_in
from headwater.server.intake.line_reader import chunks
from headwater.server.intake.record_cycles import RecordCycles
from headwater.server.intake.request_bodies import MEDIA_TYPES, has_lines, note_unread, read_checked
from headwater.server.intake.request_documents import Checked, array, checked, one, refusal
from headwater.server.permissions import Permission
from headwater.server.request import Call, plain_parts
from headwater.server.routing import Operation
from headwater.storage.row_types import Receipt, ReceiptStatus


async def post_records(call: Call) -> BatchAnswer:
    """Store one record (an object), a batch (an array) or a stream (one per line)."""
    tally = Tally()
    limits = call.service.settings.limits
    with call.service.intake.rooms.room(call.tenant) as room:
        if has_lines(call):
            try:
                async for chunk in chunks(plain_parts(call.request, None), "record", limits, room):
                    receipts = await store_records(call, [item for _, item in chunk])
                    tally.add(zip([index for index, _ in chunk], receipts, strict=True))
            except (TooLarge, Unsupported) as error:
                await note_unread(call, error)
                raise
            return tally.answer()

        def take_apart(raw: bytes) -> tuple[bool, list[Checked]]:
            if raw.lstrip()[:1] == b"[":
                return True, checked(array(raw, "records"), "record", limits)
            return False, [one(raw, limits)]

        is_batch, items = await read_checked(call, room, "record", take_apart)
        receipts = await store_records(call, items)
    if not is_batch and receipts[0].status is ReceiptStatus.REFUSED:
        raise Refused(error_of(receipts[0], "record"), receipts[0].quarantine_id)
    tally.add(enumerate(receipts))
    return tally.answer()


async def store_records(call: Call, items: list[Checked]) -> list[Receipt]:
    """Store records as events; returns a receipt for each, in order.

    The records of a tenant are stored one request at a time, so that two concurrent requests cannot close a cycle of
    dependencies.
    """
    async with call.service.record_turns.turn(call.tenant) as turn:
        events = await anyio.to_thread.run_sync(_to_events, call, items, turn.closed)
        return await take_in(call.service.intake, call.tenant, events)


def _to_events(call: Call, items: list[Checked], closed: set[str]) -> list[Checked]:
    with call.store() as store:
        cycles = RecordCycles(store, closed)
        return [_to_event(item, cycles) if isinstance(item, bytes) else item for item in items]


def _to_event(raw: bytes, cycles: RecordCycles) -> Checked:
    try:
        record = read_record(_decoded(raw))
        cycles.add(record)
    except InvalidInput as error:
        return refusal(raw, error, "record")
    return to_events(record)[0]


def _decoded(raw: bytes) -> Any:
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidRecord(field="body", rule=not_json(error)) from None


def get_record(call: Call) -> dict[str, Any]:
    """The flat record of a run, however it was sent."""
    given = call.path["lineage_id"]
    lineage_id = canonical_run_id(given)
    if lineage_id is None:
        raise NotFound(given, hint="a lineage_id is a UUID")
    with call.lineage() as lineage:
        return lineage.record(lineage_id)


OPERATIONS = (
    Operation(
        method="POST",
        path="/api/v1/records",
        handler=post_records,
        permission=Permission.INGEST,
        summary="Store flat records: one, an array, or one per line.",
        group="Ingest",
        media_types=MEDIA_TYPES,
        answer=BatchAnswer,
    ),
    Operation(
        method="GET",
        path="/api/v1/records/{lineage_id}",
        handler=get_record,
        permission=Permission.READ,
        summary="The flat record of a run.",
        group="Questions",
        answer=dict[str, Any],
    ),
)
