"""Every operation of the service, one module a resource."""

from __future__ import annotations

from headwater.server.routes import (
    access,
    claims,
    description,
    evidence,
    exports,
    graphs,
    health,
    ingest,
    live,
    login,
    marquez,
    nodes,
    pages,
    picture,
    quarantine,
    records,
    runs,
    search,
    static,
)
from headwater.server.routing import Operation

_RESOURCES = (
    health,
    access,
    ingest,
    records,
    quarantine,
    nodes,
    claims,
    runs,
    search,
    graphs,
    marquez,
    live,
    description,
    login,
    pages,
    picture,
    exports,
    evidence,
    static,
)


def operations() -> tuple[Operation, ...]:
    """All of them; two for one method and path are an error when the application is made."""
    return tuple(operation for resource in _RESOURCES for operation in resource.OPERATIONS)
