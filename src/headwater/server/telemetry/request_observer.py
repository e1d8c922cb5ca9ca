"""Observes every request: counts and logs it, and assigns the id in its response."""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Awaitable, Callable

from starlette.types import Message, Receive, Scope, Send

from headwater.server.telemetry.logs import REQUESTS
from headwater.server.telemetry.metrics import Metrics

REQUEST_ID = b"x-request-id"
_LONGEST_ID = 64
_ID_CHARS = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")
Serve = Callable[[Scope, Receive, Send], Awaitable[None]]


class Observer:
    """Wraps the application. They exchange data in the ASGI scope: the application sets ``operation`` and
    ``principal``, and finds ``request_id`` there."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        # Request ids are not secret, and system randomness is slow. Own generators, because the module's would be the
        # same in all forked workers.
        self._names = random.Random(secrets.randbits(128))  # noqa: S311 - as said above

    async def watch(self, serve: Serve, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, and record the result."""
        begun = time.perf_counter()
        request_id = self._request_id(scope)
        scope["request_id"] = request_id.decode()
        status, sent = 500, 0

        async def sending(message: Message) -> None:
            nonlocal status, sent
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message["headers"], (REQUEST_ID, request_id)]}
            elif message["type"] == "http.response.body":
                sent += len(message.get("body", b""))
            await send(message)

        try:
            await serve(scope, receive, sending)
        except Exception:
            self._metrics.internal_error()
            raise
        finally:
            self._log(scope, status, sent, request_id, time.perf_counter() - begun)

    def _log(self, scope: Scope, status: int, sent: int, request_id: bytes, seconds: float) -> None:
        operation = scope.get("operation")
        path = operation.path if operation is not None else "(none)"
        method = scope["method"] if operation is not None else "(any)"
        self._metrics.request(method, path, status, seconds)
        if REQUESTS.isEnabledFor(20):
            principal = scope.get("principal")
            facts = {
                "request_id": request_id.decode(),
                "method": scope["method"],
                "route": path,
                "status": status,
                "ms": round(seconds * 1000, 2),
                "bytes": sent,
                "tenant": getattr(principal, "tenant", ""),
                "who": getattr(principal, "name", ""),
            }
            REQUESTS.info("request", extra={"facts": facts})

    def _request_id(self, scope: Scope) -> bytes:
        """The request id set by a proxy, if it is a plain one, or else a new one."""
        for name, value in scope["headers"]:
            if name == REQUEST_ID and 0 < len(value) <= _LONGEST_ID and _ID_CHARS.issuperset(value):
                return bytes(value)
        return b"%016x" % self._names.getrandbits(64)
