"""The ASGI application: every request passes through it, and only declared, permitted operations are served."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from hashlib import blake2b
from typing import Any, TypeVar

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from headwater.errors import HeadwaterError, StoreError
from headwater.server.access.authentication import authorise
from headwater.server.access.principals import NOBODY, Principal
from headwater.server.decoding import decode_body, decode_query
from headwater.server.errors import NotAuthenticated, Unforeseen, json_response, problem_response
from headwater.server.permissions import Permission
from headwater.server.rendering.page import error_page, to_login, wants_page
from headwater.server.request import Call
from headwater.server.routes import operations
from headwater.server.routing import Match, Operation, Router
from headwater.server.service import Service
from headwater.server.settings import Settings
from headwater.server.telemetry.logs import SERVICE
from headwater.server.telemetry.request_observer import Observer

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
"""Set on every response; a page replaces the policy with its own."""
_SECURITY = [(name.lower().encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]


T = TypeVar("T")

_is_coroutine = cache(inspect.iscoroutinefunction)


def create_app(settings: Settings) -> App:
    """Create the application. It is closed by its ASGI lifespan, or by ``app.service.close()``."""
    return App(Service(settings))


class App:
    """Routes, authenticates, authorises, decodes, calls the handler, and encodes the response."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.router = Router(operations())
        self.observer = Observer(service.metrics)
        self._limiter: anyio.CapacityLimiter | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] == "lifespan":
            await _lifespan(self, receive, send)
        elif scope["type"] == "http":
            await self.observer.watch(self._serve, scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000})

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self.respond(Request(scope, receive))
        given = {name for name, _ in response.raw_headers}
        response.raw_headers.extend(pair for pair in _SECURITY if pair[0] not in given)
        await response(scope, receive, send)

    async def respond(self, request: Request) -> Response:
        """The response to a request; for an internal error, one without any details."""
        try:
            return await self._foreseen(request)
        except Exception:  # noqa: BLE001 - otherwise the HTTP server would answer, with details
            error = Unforeseen(request.scope.get("request_id", ""))
            SERVICE.exception("a request failed", extra={"facts": {"request_id": error.request_id}})
            self.service.metrics.internal_error()
        operation: Operation | None = request.scope.get("operation")
        if operation is not None and operation.is_page:
            return error_page(request, request.scope.get("principal", NOBODY), error)
        dialect = operation.dialect if operation is not None else None
        return problem_response(error) if dialect is None else dialect.refuse(error)

    async def _foreseen(self, request: Request) -> Response:
        try:
            match = self.router.find(request.method, _raw_path(request.scope))
        except HeadwaterError as error:
            return error_page(request, NOBODY, error) if wants_page(request) else problem_response(error)
        request.scope["operation"] = match.operation
        try:
            return await self._answer(request, match)
        except HeadwaterError as error:
            if isinstance(error, StoreError):
                SERVICE.warning("the store cannot do what was asked", extra={"facts": {"reason": error.message}})
            if match.operation.is_page:
                return error_page(request, await self._known(request), error)
            dialect = match.operation.dialect
            return problem_response(error) if dialect is None else dialect.refuse(error)

    async def _answer(self, request: Request, match: Match) -> Response:
        operation = match.operation
        try:
            principal = await self._principal(request, operation.permission)
            request.scope["principal"] = principal
            authorise(principal, operation.permission)
        except NotAuthenticated:
            if operation.is_page:
                return to_login(request)
            raise
        query = decode_query(operation, request.query_params, request.scope["query_string"])
        call = Call(self.service, request, principal, match.values, query, None)
        if operation.body is not None:
            call.body = decode_body(operation, await call.read(), self.service.settings.limits)
        if _is_coroutine(operation.handler):
            return _response(request, operation.status, await operation.handler(call))
        return await self.in_thread(_answered, call, operation)

    async def _known(self, request: Request) -> Principal:
        """The principal if it can be determined, for the header of an error page."""
        try:
            return await self._principal(request, Permission.READ)
        except HeadwaterError:
            return NOBODY

    async def _principal(self, request: Request, permission: Permission) -> Principal:
        if permission is Permission.PUBLIC:
            return NOBODY
        principal = self.service.authentication.remembered(request)
        if principal is None:
            principal = await self.in_thread(self.service.authentication.principal, request)
        return principal

    async def in_thread(self, function: Callable[..., T], *arguments: Any) -> T:
        """Call a blocking function in one of the service's worker threads."""
        if self._limiter is None:
            self._limiter = anyio.CapacityLimiter(self.service.settings.threads)
        return await anyio.to_thread.run_sync(function, *arguments, limiter=self._limiter)


def _answered(call: Call, operation: Operation) -> Response:
    """The response of a blocking handler, encoded in the same thread to keep the event loop free."""
    return _response(call.request, operation.status, operation.handler(call))


def _raw_path(scope: Scope) -> bytes:
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return raw.partition(b"?")[0]


def _response(request: Request, status: int, found: Any) -> Response:
    if isinstance(found, Response):
        return found
    if found is None:
        return Response(status_code=204)
    response = json_response(found, status=status)
    if request.method in ("GET", "HEAD") and status == 200:
        tag = f'"{blake2b(response.body, digest_size=12).hexdigest()}"'
        response.headers["ETag"] = tag
        response.headers.setdefault("Cache-Control", "private, no-cache")
        known = [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]
        if tag in known:
            return Response(status_code=304, headers={"ETag": tag, "Cache-Control": "private, no-cache"})
    return response


async def _lifespan(app: App, receive: Receive, send: Send) -> None:
    await receive()
    try:
        async with app.service.running():
            await send({"type": "lifespan.startup.complete"})
            await receive()
    except HeadwaterError as error:
        await send({"type": "lifespan.startup.failed", "message": str(error)})
        return
    await send({"type": "lifespan.shutdown.complete"})
