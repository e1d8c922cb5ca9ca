"""Passes changes made through this API to the normal intake, as events."""

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
    """A context for one change of a tenant's objects at a time: a change reads the object and writes it back whole."""
    with _TURNS[crc32(call.tenant.encode()) % len(_TURNS)]:
        yield


def emit(call: Call, events: Sequence[Mapping[str, Any]]) -> None:
    """Store events through the service's intake; when this returns, they are committed and visible.

    Called in a worker thread: the intake lives on the loop.

    Raises:
        InvalidEvent: one is refused; the others are stored.
        Busy: the tenant's quota is exhausted.
        StoreError: nothing could be stored.
    """
    encoded = [encode(event) for event in events]
    for receipt in anyio.from_thread.run(call.service.intake.append, call.tenant, encoded):
        if receipt.status is ReceiptStatus.REFUSED:
            raise error_of(receipt)


def instant(call: Call, *known: NodeRow | None) -> int:
    """The time of a change: now, or just after the latest event of the objects if that is later.

    The statement with the latest event time wins, and a change made here must be the latest.
    """
    return max([call.service.clock(), *(row.updated_at + 1 for row in known if row is not None)])
