"""Passes what this API is sent through the normal intake, as events."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from zlib import crc32

import anyio.from_thread

from headwater.formats.marquez.events import encode
from headwater.server.intake.batch_response import error_of
from headwater.server.request import Call
from headwater.storage.row_types import NodeRow, ReceiptStatus

_TURNS = tuple(threading.Lock() for _ in range(64))


@contextmanager
def turn(call: Call) -> Iterator[None]:
    """One change of a tenant's objects at a time: a change reads what there is, and writes all of it again."""
    with _TURNS[crc32(call.tenant.encode()) % len(_TURNS)]:
        yield


def emit(call: Call, events: Sequence[Mapping[str, Any]]) -> None:
    """Store events through the service's intake; when this returns they are committed, and part of every answer.

    Called in a worker thread: the intake lives on the loop.

    Raises:
        InvalidEvent: one is refused; the others are stored.
        Busy: the tenant's quota is used up.
        StoreError: nothing could be stored.
    """
    encoded = [encode(event) for event in events]
    for receipt in anyio.from_thread.run(call.service.intake.append, call.tenant, encoded):
        if receipt.status is ReceiptStatus.REFUSED:
            raise error_of(receipt)


def instant(call: Call, *known: NodeRow | None) -> int:
    """When a change happens: now, and after everything that was said of the objects, however late that was said to be.

    The last word on an object wins by event time, and a change made here is the last word.
    """
    return max([call.service.clock(), *(row.updated_at + 1 for row in known if row is not None)])
