"""Ingestion, from the bytes of an event to its receipt, shared by all backends."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence

import msgspec

from headwater.errors import InvalidEvent
from headwater.model.events import Event
from headwater.storage.cycles import Cycles
from headwater.storage.event_intake import Delivery
from headwater.storage.reader import EventReader
from headwater.storage.row_types import Quarantined, Receipt, ReceiptStatus, StoredEvent


class Accepted(msgspec.Struct, frozen=True, gc=False):
    """A valid event: decoded, with its identity and the bytes as they arrived."""

    event: Event
    key: bytes
    #: event time
    at: int
    raw: bytes


class Checked(Delivery, frozen=True):
    """A delivery for any store: each event decoded, or the error that makes it invalid."""

    raw: Sequence[bytes]
    read: Sequence[Accepted | InvalidEvent]


class Batch(msgspec.Struct):
    """The deliveries of one commit, sorted: new events with their time of receipt, refused ones, and the receipts of
    each delivery in order."""

    accepted: list[Accepted]
    received: list[int]
    refused: list[Quarantined]
    receipts: list[list[Receipt]]


Seen = Callable[[list[tuple[int, bytes]]], dict[bytes, int]]
"""Returns the sequence numbers, by key, of the given (time, key) events that are stored already."""


class Checker:
    """Decodes and checks deliveries. Thread-safe; handles one delivery at a time."""

    def __init__(self) -> None:
        self._reader = EventReader()
        self._lock = threading.Lock()

    def __call__(self, events: Sequence[bytes], received_at: int | None) -> Checked:
        """Decode and check the events of a delivery; an invalid one is represented by its error."""
        with self._lock:
            read = [self._one(raw) for raw in events]
        return Checked(received_at=now_us() if received_at is None else received_at, raw=events, read=read)

    def _one(self, raw: bytes) -> Accepted | InvalidEvent:
        try:
            event, key, at = self._reader.read(raw)
        except InvalidEvent as error:
            return error
        return Accepted(event, key, at, raw)

    def again(self, stored: StoredEvent) -> Accepted | Quarantined:
        """Decode an event of the log. An earlier version may have accepted what is refused today: then the entry for
        the quarantine."""
        with self._lock:
            found = self._one(stored.body)
        return found if isinstance(found, Accepted) else _refused(stored.body, found, stored.received_at)


def refusals(events: Sequence[bytes]) -> list[Receipt] | None:
    """Receipts if all of these events are invalid, for refusal without quarantine; None if any is valid."""
    found = Checker()(events, None)
    errors = [one for one in found.read if isinstance(one, InvalidEvent)]
    if len(errors) < len(events):
        return None
    batch = Batch([], [], [], [])
    return [_refuse(batch, raw, error, found.received_at) for raw, error in zip(events, errors, strict=True)]


def sort_out(deliveries: Sequence[Checked], seen: Seen, next_seq: int, cycles: Cycles) -> Batch:
    """Separate new events from duplicates and from those that would close a cycle, and number the new ones."""
    batch = Batch([], [], [], [])
    known = seen([(one.at, one.key) for some in deliveries for one in some.read if isinstance(one, Accepted)])
    for delivery in deliveries:
        receipts: list[Receipt] = []
        for raw, one in zip(delivery.raw, delivery.read, strict=True):
            if isinstance(one, InvalidEvent):
                receipts.append(_refuse(batch, raw, one, delivery.received_at))
                continue
            seq = known.get(one.key)
            if seq is None:
                cycle = cycles.check(one.event)
                if cycle is not None:
                    receipts.append(_refuse(batch, raw, cycle, delivery.received_at))
                    continue
                seq = known[one.key] = next_seq + len(batch.accepted)
                batch.accepted.append(one)
                batch.received.append(delivery.received_at)
                status = ReceiptStatus.STORED
            else:
                status = ReceiptStatus.DUPLICATE
            receipts.append(Receipt(status=status, key=one.key.hex(), seq=seq))
        batch.receipts.append(receipts)
    return batch


def _refuse(batch: Batch, raw: bytes, error: InvalidEvent, received_at: int) -> Receipt:
    batch.refused.append(_refused(raw, error, received_at))
    field, value, rule, hint = error.field, error.value, error.rule, error.hint
    return Receipt(status=ReceiptStatus.REFUSED, key="", field=field, value=value, rule=rule, hint=hint)


def _refused(raw: bytes, error: InvalidEvent, received_at: int) -> Quarantined:
    field, value, rule, hint = error.field, error.value, error.rule, error.hint
    return Quarantined(received_at=received_at, body=raw, field=field, value=value, rule=rule, hint=hint)


def with_ids(receipts: list[list[Receipt]], ids: Iterable[int]) -> list[list[Receipt]]:
    """The receipts, with quarantine ids filled in for refused events."""
    left = iter(ids)
    return [
        [
            msgspec.structs.replace(one, quarantine_id=next(left)) if one.status is ReceiptStatus.REFUSED else one
            for one in some
        ]
        for some in receipts
    ]


def now_us() -> int:
    """The current time in microseconds since the epoch."""
    return time.time_ns() // 1000
