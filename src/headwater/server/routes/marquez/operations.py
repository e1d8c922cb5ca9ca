"""Shared by the operations of this API, and their query parameters."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from headwater.formats.times import parse_time
from headwater.server.permissions import Permission
from headwater.server.routes.marquez.errors import DIALECT
from headwater.server.routing import Handler, Operation

MOST = 10_000
"""The longest page. Marquez has no limit; a longer page is refused rather than truncated."""

Limit = Annotated[int, msgspec.Meta(ge=0, le=MOST)]
Offset = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
Depth = Annotated[int, msgspec.Meta(ge=0, le=2**31)]


class Page(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A page of a list."""

    limit: Limit = 100
    offset: Offset = 0


def instant_of(text: str, field: str) -> int:
    """An instant given as a parameter. An unencoded plus of an offset arrives as a space.

    Raises:
        InvalidEvent: it is not an instant.
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
    """An operation of Marquez's API: unknown parameters are ignored, and errors have its format.

    By default, reading requires the permission ``read``; writing creates events and requires ``ingest``.
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
