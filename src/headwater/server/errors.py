"""Maps errors to HTTP responses, the one place where status codes are chosen (RFC 9457 problem details)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.responses import Response

from headwater.errors import (
    ConfigError,
    HeadwaterError,
    InvalidInput,
    MissingExtra,
    NotFound,
    StoreError,
    StoreFull,
    StoreLocked,
    StoreReadOnly,
    StoreUnavailable,
)
from headwater.server.routing import NoRoute, WrongMethod


class NotAuthenticated(HeadwaterError):
    """No valid credential came with the request."""

    hint = "send 'Authorization: Bearer <key>'; 'headwater token create' makes a key"


class NotPermitted(HeadwaterError):
    """The credential does not allow this."""


class TooLarge(HeadwaterError):
    """The request is larger than the service takes."""


class Refused(InvalidInput):
    """What was sent breaks a rule and was not stored; it is kept in quarantine."""

    def __init__(self, error: InvalidInput, quarantine_id: int | None) -> None:
        super().__init__(
            error.message, field=error.field or "body", value=error.value, rule=error.rule, hint=error.hint
        )
        self.quarantine_id = quarantine_id


class Disconnected(HeadwaterError):
    """The client went away before its request was whole; nobody reads this."""


class Unsupported(HeadwaterError):
    """The body is encoded in a way that is not understood."""

    hint = "send JSON, plain or with Content-Encoding gzip or zstd"


class Conflict(HeadwaterError):
    """What is asked contradicts what there is."""


class Busy(HeadwaterError):
    """The service has more to do than it can take on."""

    hint = "send it again after the seconds of Retry-After; nothing was stored"

    def __init__(self, message: str | None = None, *, retry_after_s: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Unforeseen(HeadwaterError):
    """An internal error of the service."""

    def __init__(self, request_id: str) -> None:
        self.request_id = request_id
        super().__init__(hint=f"tell the operator of the service: the log has more under {request_id}")


_STATUS: tuple[tuple[type[HeadwaterError], int], ...] = (
    (NotAuthenticated, 401),
    (NotPermitted, 403),
    (NoRoute, 404),
    (NotFound, 404),
    (WrongMethod, 405),
    (Conflict, 409),
    (Disconnected, 400),
    (TooLarge, 413),
    (Unsupported, 415),
    (InvalidInput, 422),
    (Busy, 503),
    (StoreLocked, 503),
    (StoreFull, 503),
    (StoreReadOnly, 503),
    (StoreError, 503),
    (MissingExtra, 501),
    (ConfigError, 500),
)
_RETRY_AFTER_S = 2.0
_MOST_CHARS = 1000
"""Longest text in a problem: names and values come from users and may have any length."""


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a client is told: a problem document of RFC 9457 with the field, the value and the rule where one is."""

    type: str
    """A stable name of the kind of problem: ``headwater:not-found``."""
    title: str
    status: int
    detail: str = ""
    hint: str = ""
    field: str = ""
    value: str = ""
    rule: str = ""
    near: tuple[str, ...] = ()
    request_id: str = ""
    """For an internal error, the id under which the service's log has the details."""
    quarantine_id: int | None = None
    """The id of a refused document in the quarantine: ``GET /api/v1/quarantine/{id}``."""


def status_of(error: HeadwaterError) -> int:
    """The HTTP status of an error."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def problem_of(error: HeadwaterError) -> Problem:
    """The problem document of an error, without messages of database drivers, which can contain hosts and paths."""
    words = "".join(f"-{char.lower()}" if char.isupper() else char for char in type(error).__name__).lstrip("-")
    return Problem(
        type=f"headwater:{words}",
        title=(type(error).__doc__ or "").strip().partition("\n")[0],
        status=status_of(error),
        detail="" if isinstance(error, StoreUnavailable) else _cut(error.message),
        hint=_cut(error.hint),
        field=_cut(getattr(error, "field", "")),
        value=_cut(getattr(error, "value", "")),
        rule=_cut(getattr(error, "rule", "")),
        near=tuple(_cut(name) for name in getattr(error, "near", ())),
        request_id=getattr(error, "request_id", ""),
        quarantine_id=getattr(error, "quarantine_id", None),
    )


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_CHARS else text[: _MOST_CHARS - 1] + "\N{HORIZONTAL ELLIPSIS}"


def problem_response(error: HeadwaterError) -> Response:
    """The response to a failed request."""
    problem = problem_of(error)
    headers: dict[str, str] = {}
    if problem.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="headwater"'
    if problem.status == 503:
        headers["Retry-After"] = str(max(1, round(getattr(error, "retry_after_s", _RETRY_AFTER_S))))
    if isinstance(error, WrongMethod):
        headers["Allow"] = ", ".join(error.allowed)
    return json_response(problem, status=problem.status, media_type="application/problem+json", headers=headers)


def json_response(
    answer: Any, *, status: int = 200, media_type: str = "application/json", headers: Mapping[str, str] | None = None
) -> Response:
    """JSON of a struct or of plain data."""
    return Response(msgspec.json.encode(answer), status_code=status, media_type=media_type, headers=dict(headers or {}))
