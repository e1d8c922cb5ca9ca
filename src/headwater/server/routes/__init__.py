"""Every operation of the service, one module per resource."""

from __future__ import annotations

from headwater.server.routes import (
    access,
    api_description,
    claims,
    exports,
    graphs,
    health,
    ingest,
    inspector,
    lineage_page,
    live,
    login,
    marquez,
    nodes,
    pages,
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
    api_description,
    login,
    pages,
    lineage_page,
    exports,
    inspector,
    static,
)


def operations() -> tuple[Operation, ...]:
    """All operations. Two with the same method and path are an error when the application is created."""
    return tuple(operation for resource in _RESOURCES for operation in resource.OPERATIONS)
