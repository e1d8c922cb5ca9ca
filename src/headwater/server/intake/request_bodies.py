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
"""A body of more bytes is taken apart in a thread, so that the loop goes on; one of fewer takes it some milliseconds,
and threads that compete for the interpreter cost more than that."""
_LINES = ("application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines")
MEDIA_TYPES = ("application/json", _LINES[0])
T = TypeVar("T")


def has_lines(call: Call) -> bool:
    """Whether the body is one document a line."""
    return call.request.headers.get("content-type", "").partition(";")[0].strip().lower() in _LINES


async def read_checked(call: Call, room: Room, kind: str, take_apart: Callable[[bytes], T]) -> T:
    """Read a body and take it apart.

    Raises:
        Refused: it could not be taken apart; it is in quarantine as a ``kind``.
        TooLarge, Unsupported: it could not be read; that is on record in the quarantine.
        Busy: too much of the tenant is waiting.
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
    """Put a body in quarantine; the error to raise."""
    (entry,) = await call.service.intake.keep(call.tenant, [refusal(raw, error, kind)])
    return Refused(error, entry)


async def note_unread(call: Call, error: TooLarge | Unsupported) -> None:
    """Put on record that a body could not be read; none of it is kept, as it can be large and is not understood."""
    size = declared_length(call.request)
    what = InvalidInput(field="body", value=call.request.headers.get("content-encoding", ""), rule=error.message)
    await call.service.intake.keep(call.tenant, [refusal(b"", what, "body", size=size)])
