"""The description of the API, for programs and readers."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import Any

from starlette.responses import Response

from headwater.server.openapi import describe
from headwater.server.permissions import Permission
from headwater.server.rendering.page import page
from headwater.server.request import Call
from headwater.server.routing import Operation


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document of this version."""
    from headwater.server.routes import operations

    return describe(operations(), version=version("headwater"))


async def openapi(call: Call) -> dict[str, Any]:
    """The OpenAPI 3.1 document."""
    del call
    return document()


async def documentation(call: Call) -> Response:
    """The API documentation as a page."""
    described = document()
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            groups.setdefault(operation["tags"][0], []).append({"path": path, "method": method.upper(), **operation})
    return page(call, "api.html", groups=groups, version=described["info"]["version"])


OPERATIONS = (
    Operation(
        method="GET",
        path="/api/v1/openapi.json",
        handler=openapi,
        permission=Permission.PUBLIC,
        summary="The description of this API (OpenAPI 3.1).",
        group="Operations",
        answer=dict[str, Any],
    ),
    Operation(
        method="GET",
        path="/api/v1/docs",
        handler=documentation,
        permission=Permission.PUBLIC,
        summary="The description of this API, for people.",
        group="Operations",
        is_page=True,
    ),
)
