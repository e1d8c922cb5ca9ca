"""Reads the bodies of ingest requests within limits, and quarantines bodies that are rejected as a whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import anyio.to_thread

from headwater.errors import InvalidInput
from headwater.server.errors import Refused, TooLarge, Unsupported
from headwater.server.intake.memory_limits import Room
from headwater.server.intake.request_documents import refusal
from headwater.server.request import Call, declared_length

_LARGE = 1 << 20
"""A larger body is parsed in a thread, to keep the loop free; a smaller one takes a few milliseconds, less than the
competition of threads for the interpreter."""
_LINES = ("application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines")
MEDIA_TYPES = ("application/json", _LINES[0])
T = TypeVar("T")


def has_lines(call: Call) -> bool:
    """Whether the body has one document per line."""
    return call.request.headers.get("content-type", "").partition(";")[0].strip().lower() in _LINES


async def read_checked(call: Call, room: Room, kind: str, take_apart: Callable[[bytes], T]) -> T:
    """Read a body and split it into documents.

    Raises:
        Refused: it could not be split; it was quarantined as a ``kind``.
        TooLarge, Unsupported: it could not be read, which is recorded in the quarantine.
        Busy: the tenant has too much data waiting.
    """
    try:
        raw = await call.read(room)
    except (TooLarge, Unsupported) as error:
        await note_unread(call, error)
        raise
    try:
        return take_apart(raw) if len(raw) < _LARGE else await anyio.to_thread.run_sync(take_apart, raw)
    except InvalidInput as error:
        raise await refuse(call, raw, error, kind) from None


async def refuse(call: Call, raw: bytes, error: InvalidInput, kind: str) -> Refused:
    """Quarantine a body; returns the error to raise."""
    (entry,) = await call.service.intake.keep(call.tenant, [refusal(raw, error, kind)])
    return Refused(error, entry)


async def note_unread(call: Call, error: TooLarge | Unsupported) -> None:
    """Record in the quarantine that a body could not be read, without its content, which may be large and
    unreadable."""
    size = declared_length(call.request)
    what = InvalidInput(field="body", value=call.request.headers.get("content-encoding", ""), rule=error.message)
    await call.service.intake.keep(call.tenant, [refusal(b"", what, "body", size=size)])
