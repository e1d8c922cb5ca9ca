"""Events in: the OpenLineage API."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from headwater.errors import InvalidEvent
from headwater.server.call import Call
from headwater.server.errors import json_response
from headwater.server.permissions import Permission
from headwater.server.routing import Operation
from headwater.storage.base import Receipt, ReceiptStatus


async def post_event(call: Call) -> Response:
    """Store one event; the answer means that it is committed and on disk."""
    raw = await call.read()

    def store() -> list[Receipt]:
        with call.service.stores.writing(call.tenant) as store:
            return store.append([raw])

    receipt = (await run_in_threadpool(store))[0]
    if receipt.status is ReceiptStatus.REFUSED:
        raise InvalidEvent(field=receipt.field, value=receipt.value, rule=receipt.rule)
    return json_response({}, status=201)


OPERATIONS = (
    Operation(
        method="POST",
        path="/api/v1/lineage",
        handler=post_event,
        permission=Permission.INGEST,
        summary="Store an OpenLineage event.",
        group="Ingest",
        status=201,
    ),
)
