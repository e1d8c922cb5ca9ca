"""The way in: from the bytes of an event to a receipt, the same for every backend."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import msgspec

from headwater.errors import InvalidEvent
from headwater.formats.openlineage import parse_time, read
from headwater.model.events import Event
from headwater.storage.base import Quarantined, Receipt, ReceiptStatus


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


def take_apart(
    events: Sequence[bytes], received_at: int, seen: Callable[[int, bytes], int | None], next_seq: int
) -> Batch:
    """Check every event and hand out sequence numbers to those that are new.

    ``seen`` gives the sequence number of an event that is stored already, by its time and key.
    """
    batch = Batch([], [], [])
    fresh: dict[bytes, int] = {}
    for raw in events:
        try:
            event, key, _ = read(raw)
        except InvalidEvent as error:
            batch.refused.append(
                Quarantined(
                    received_at=received_at,
                    body=bytes(raw),
                    field=error.field,
                    value=error.value,
                    rule=error.rule,
                )
            )
            batch.receipts.append(
                Receipt(status=ReceiptStatus.REFUSED, key="", field=error.field, value=error.value, rule=error.rule)
            )
            continue
        at = parse_time(event.event_time)
        known = fresh.get(key) or seen(at, key)
        if known is not None:
            batch.receipts.append(Receipt(status=ReceiptStatus.DUPLICATE, key=key.hex(), seq=known))
            continue
        seq = fresh[key] = next_seq + len(batch.accepted)
        batch.accepted.append(Accepted(event, key, at, bytes(raw)))
        batch.receipts.append(Receipt(status=ReceiptStatus.STORED, key=key.hex(), seq=seq))
    return batch


def now_us() -> int:
    """The present instant in microseconds since the epoch."""
    return time.time_ns() // 1000
