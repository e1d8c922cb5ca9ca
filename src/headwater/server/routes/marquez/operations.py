"""Shared by the operations of this API, and their query parameters."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from headwater.formats.times import parse_time
from headwater.server.permissions import Permission
from headwater.server.routes.marquez.errors import DIALECT
from headwater.server.routing import Handler, Operation

MOST = 10_000
"""The longest page. Marquez has no bound; a longer page is refused rather than cut."""

Limit = Annotated[int, msgspec.Meta(ge=0, le=MOST)]
Offset = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
Depth = Annotated[int, msgspec.Meta(ge=0, le=2**31)]


class Page(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A stretch of a list."""

    limit: Limit = 100
    offset: Offset = 0


def instant_of(text: str, field: str) -> int:
    """An instant given as a parameter. The plus of an offset, sent as it is, arrives as a space.

    Raises:
        InvalidEvent: it is no instant.
    """
    return parse_time(text.replace(" ", "+") if "T" in text else text, field=field)


def operation(
    method: str,
    path: str,
    handler: Handler,
    summary: str,
    *,
    query: type[msgspec.Struct] | None = None,
    body: Any = None,
    answer: Any = None,
    status: int = 200,
    permission: Permission | None = None,
) -> Operation:
    """An operation of Marquez's API: unknown parameters are ignored, failures are told in its way.

    What reads needs the permission to read, what writes becomes an event and needs the one to ingest.
    """
    return Operation(
        method=method,
        path=path,
        handler=handler,
        permission=permission or (Permission.READ if method == "GET" else Permission.INGEST),
        summary=summary,
        group="Marquez",
        query=query,
        body=body,
        answer=answer,
        status=status,
        is_lenient=True,
        dialect=DIALECT,
    )
