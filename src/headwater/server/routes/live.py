"""The stream of changes (server-sent events, HTML standard section 9.2)."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Annotated

import msgspec
from starlette.responses import Response, StreamingResponse
from starlette.types import Send

from headwater.server.live.feed import read_position
from headwater.server.live.messages import TOPICS, Topic
from headwater.server.permissions import Permission
from headwater.server.request import Call
from headwater.server.routing import Operation

Topics = Annotated[
    str,
    msgspec.Meta(
        pattern=f"^({'|'.join(TOPICS)})(,({'|'.join(TOPICS)}))*$",
        description=f"Some of {', '.join(TOPICS)}, separated by commas; all when absent.",
    ),
]
LastId = Annotated[str, msgspec.Meta(description="The id of the last message heard, where no header can be sent.")]


class StreamQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The topics to follow, and the position to start from."""

    topics: Topics | None = None
    last_event_id: LastId | None = None


class EventStream(StreamingResponse):
    """Sends a stream, and closes it when the client disconnects."""

    async def stream_response(self, send: Send) -> None:
        """Send until the end, or until the client disconnects."""
        try:
            await super().stream_response(send)
        finally:
            await self._chunks.aclose()

    def __init__(self, chunks: AsyncGenerator[bytes, None]) -> None:
        self._chunks = chunks
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(chunks, media_type="text/event-stream", headers=headers)


async def stream(call: Call) -> Response:
    """Every change of the tenant's lineage as it is acknowledged. ``Last-Event-ID`` continues after that message."""
    query: StreamQuery = call.query
    topics = _topics(query.topics)
    if not call.principal.may(Permission.REPORT):
        topics -= {"quarantine"}
    last = call.request.headers.get("last-event-id") or query.last_event_id
    after = read_position(last) if last else None
    if call.request.method == "HEAD":  # the stream would never be read
        return Response(media_type="text/event-stream")
    return EventStream(call.service.hub.follow(call.tenant, topics, after))


def _topics(text: str | None) -> frozenset[Topic]:
    if text is None:
        return frozenset(TOPICS)
    wanted = set(text.split(","))
    return frozenset(topic for topic in TOPICS if topic in wanted)


OPERATIONS = (
    Operation(
        method="GET",
        path="/api/v1/stream",
        handler=stream,
        permission=Permission.READ,
        summary="Changes as they happen (server-sent events).",
        group="Live",
        query=StreamQuery,
    ),
)
