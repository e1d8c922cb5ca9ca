"""The way in: from the bytes of an event to a receipt, the same for every backend."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

import msgspec

from headwater.errors import InvalidEvent
from headwater.model.events import Event
from headwater.storage.base import Quarantined, Receipt, ReceiptStatus
from headwater.storage.reader import EventReader


class Accepted(msgspec.Struct, frozen=True, gc=False):
    """An event that may be stored: decoded, with its identity and the bytes that arrived."""

    event: Event
    key: bytes
    #: event time
    at: int
    raw: bytes


class Batch(msgspec.Struct):
    """A batch taken apart: what is new, what is refused, and the receipts in the order of delivery."""

    accepted: list[Accepted]
    refused: list[Quarantined]
    receipts: list[Receipt]


Seen = Callable[[list[tuple[int, bytes]]], dict[bytes, int]]
"""Gives the sequence number, by key, of those events that are stored already, for (time, key) pairs."""


def take_apart(events: Sequence[bytes], received_at: int, reader: EventReader, seen: Seen, next_seq: int) -> Batch:
    """Check every event and hand out sequence numbers to those that are new."""
    batch = Batch([], [], [])
    read: list[Accepted | InvalidEvent] = []
    for raw in events:
        try:
            event, key, at = reader.read(raw)
            read.append(Accepted(event, key, at, raw))
        except InvalidEvent as error:
            read.append(error)
    known = seen([(one.at, one.key) for one in read if isinstance(one, Accepted)])
    for raw, one in zip(events, read, strict=True):
        if isinstance(one, InvalidEvent):
            _refuse(batch, raw, one, received_at)
            continue
        seq = known.get(one.key)
        if seq is not None:
            batch.receipts.append(Receipt(status=ReceiptStatus.DUPLICATE, key=one.key.hex(), seq=seq))
            continue
        seq = known[one.key] = next_seq + len(batch.accepted)
        batch.accepted.append(one)
        batch.receipts.append(Receipt(status=ReceiptStatus.STORED, key=one.key.hex(), seq=seq))
    return batch


def _refuse(batch: Batch, raw: bytes, error: InvalidEvent, received_at: int) -> None:
    field, value, rule, hint = error.field, error.value, error.rule, error.hint
    batch.refused.append(Quarantined(received_at=received_at, body=raw, field=field, value=value, rule=rule, hint=hint))
    batch.receipts.append(Receipt(status=ReceiptStatus.REFUSED, key="", field=field, value=value, rule=rule, hint=hint))


def with_ids(receipts: list[Receipt], ids: Iterable[int]) -> list[Receipt]:
    """The receipts, those of refused events with the places where these are kept."""
    left = iter(ids)
    return [
        msgspec.structs.replace(one, quarantine_id=next(left)) if one.status is ReceiptStatus.REFUSED else one
        for one in receipts
    ]


def now_us() -> int:
    """The present instant in microseconds since the epoch."""
    return time.time_ns() // 1000
