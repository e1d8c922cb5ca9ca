"""Reads the lines of a stream as they arrive, in chunks of bounded size."""

from __future__ import annotations

from collections.abc import AsyncIterator

from headwater.errors import InvalidInput
from headwater.server.intake.memory_limits import Room
from headwater.server.intake.request_documents import Checked, one, refusal
from headwater.server.settings import Limits

CHUNK_LINES = 500
CHUNK_BYTES = 1 << 20
Numbered = list[tuple[int, Checked]]
"""(index of the line from 0, its document); empty lines are left out."""


class Lines:
    """Splits chunks into lines. A line that is too long is skipped and refused."""

    def __init__(self, kind: str, limits: Limits) -> None:
        self._kind = kind
        self._limits = limits
        self._tail: list[bytes] = []
        self._tail_bytes = 0
        self._index = 0
        #: size of the discarded part of a line that is too long
        self._over = 0

    def feed(self, piece: bytes) -> Numbered:
        """The lines that end in a chunk."""
        found: Numbered = []
        *ended, rest = piece.split(b"\n")
        for text in ended:
            self._hold(text)
            found += self._line()
        self._hold(rest)
        return found

    def end(self) -> Numbered:
        """The last line, if the stream did not end with a line end."""
        return self._line() if self._tail_bytes or self._over else []

    def _hold(self, text: bytes) -> None:
        if self._over or self._tail_bytes + len(text) > self._limits.event_bytes:
            self._over += len(text)
            return
        self._tail.append(text)
        self._tail_bytes += len(text)

    def _line(self) -> Numbered:
        text = b"".join(self._tail).strip()
        index, over = self._index, self._over
        self._index += 1
        self._tail.clear()
        self._tail_bytes = self._over = 0
        if over:
            size = len(text) + over
            rule = f"must have at most {self._limits.event_bytes:,} bytes (event_bytes)"
            error = InvalidInput(field="body", value=f"{size:,} bytes", rule=rule)
            return [(index, refusal(text, error, self._kind, size=size))]
        if not text:
            return []
        try:
            return [(index, one(text, self._limits))]
        except InvalidInput as error:
            return [(index, refusal(text, error, self._kind))]


async def chunks(parts: AsyncIterator[bytes], kind: str, limits: Limits, room: Room) -> AsyncIterator[Numbered]:
    """The lines of a stream in chunks. The room holds one chunk and one line at most.

    Raises:
        Busy: the memory limit of the tenant is reached. Exceptions of ``parts`` are passed on.
    """
    lines = Lines(kind, limits)
    chunk: Numbered = []
    async for part in parts:
        room.grow(len(part))
        chunk += lines.feed(part)
        if len(chunk) >= CHUNK_LINES or (chunk and room.size >= CHUNK_BYTES):
            yield chunk
            chunk = []
            room.shrink(room.size)
    chunk += lines.end()
    if chunk:
        yield chunk
