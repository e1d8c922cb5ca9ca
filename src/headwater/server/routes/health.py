"""Liveness, readiness and metrics."""

from __future__ import annotations

import msgspec
from starlette.responses import Response

from headwater.server.errors import json_response
from headwater.server.health_document import Readiness
from headwater.server.permissions import Permission
from headwater.server.request import Call
from headwater.server.routing import Operation
from headwater.server.telemetry.metrics import CONTENT_TYPE


class Liveness(msgspec.Struct, frozen=True, kw_only=True):
    """The process answers."""

    status: str = "live"


async def live(call: Call) -> Liveness:
    """The process answers."""
    del call
    return Liveness()


def ready(call: Call) -> Readiness | Response:
    """Whether the service is ready; if not, a 503 response with the failed checks."""
    checks = call.service.checks()
    found = Readiness(is_ready=all(check.is_good for check in checks), checks=checks)
    return found if found.is_ready else json_response(found, status=503, headers={"Retry-After": "2"})


def metrics(call: Call) -> Response:
    """Counters and histograms in the Prometheus text format, without names of data."""
    return Response(call.service.metrics.text(), media_type=CONTENT_TYPE)


OPERATIONS = (
    Operation(
        method="GET",
        path="/health/live",
        handler=live,
        permission=Permission.PUBLIC,
        summary="Check that the process responds.",
        group="Operations",
        answer=Liveness,
    ),
    Operation(
        method="GET",
        path="/health/ready",
        handler=ready,
        permission=Permission.PUBLIC,
        summary="Whether the service can do its work.",
        group="Operations",
        answer=Readiness,
    ),
    Operation(
        method="GET",
        path="/metrics",
        handler=metrics,
        permission=Permission.OPERATE,
        summary="Counters and histograms in the Prometheus text format.",
        group="Operations",
    ),
)
