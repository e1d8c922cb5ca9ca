"""Every operation of the service, one module a resource."""

from __future__ import annotations

from headwater.server.routes import access, health, ingest, questions
from headwater.server.routing import Operation


def operations() -> tuple[Operation, ...]:
    """All of them; two for one method and path are an error when the application is made."""
    return (*health.OPERATIONS, *access.OPERATIONS, *ingest.OPERATIONS, *questions.OPERATIONS)
