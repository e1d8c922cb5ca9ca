"""A failure that nobody foresaw: the answer says so and under which name the log says more, and nothing else."""

from __future__ import annotations

import io
import logging

import msgspec
import pytest

from headwater.server.permissions import Permission
from headwater.server.routing import Operation, Router
from headwater.server.telemetry.logs import JsonFormatter

SECRET = "the payload of somebody"


def _broken(call):
    """Fails as a bug does: one exception on the way of another, each holding what was sent."""
    try:
        raise KeyError(SECRET)
    except KeyError as error:
        raise ZeroDivisionError(f"{SECRET}: {call.request.url}") from error


async def _broken_later(call):
    """The same on the loop."""
    _broken(call)


def _operation(path: str, handler, **more) -> Operation:
    permission = more.pop("permission", Permission.READ)
    return Operation(
        method="GET",
        path=path,
        handler=handler,
        permission=permission,
        summary="",
        group="Test",
        is_lenient=True,
        **more,
    )


@pytest.fixture
def broken(served, monkeypatch):
    """A service with operations that fail, and what it logs."""
    routes = (
        _operation("/broken", _broken),
        _operation("/broken/later", _broken_later),
        _operation("/broken/page", _broken, is_page=True),
        _operation("/broken/open", _broken, is_page=True, permission=Permission.PUBLIC),
    )
    monkeypatch.setattr(served.app, "router", Router([*served.app.router.operations, *routes]))
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    handler.setFormatter(JsonFormatter())
    logger = logging.getLogger("headwater.service")
    logger.addHandler(handler)
    yield served, log
    logger.removeHandler(handler)


@pytest.mark.parametrize("path", ["/broken", "/broken/later"])
def test_a_client_is_told_an_id_and_no_more(broken, path):
    """The answer is a problem document with the id of the request; the log has the traceback under that id; what was
    sent is in neither."""
    served, log = broken
    answer = served.client().get(f"{path}?word={SECRET}")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    request_id = answer.headers["x-request-id"]
    assert answer.json() == {
        "type": "headwater:unforeseen",
        "title": "An internal error of the service.",
        "status": 500,
        "detail": "An internal error of the service.",
        "hint": f"tell the operator of the service: the log has more under {request_id}",
        "request_id": request_id,
    }
    logged = msgspec.json.decode(log.getvalue())
    assert logged["request_id"] == request_id
    assert logged["level"] == "error"
    assert "in _broken" in logged["error"]
    assert logged["error"].index("builtins.KeyError") < logged["error"].index("builtins.ZeroDivisionError")
    assert SECRET not in log.getvalue()


@pytest.mark.parametrize("path", ["/broken/page", "/broken/open"])
def test_a_person_is_shown_our_page(broken, path):
    """A page that fails is answered by our error page, with the same id and without details."""
    served, log = broken
    answer = served.client().get(path, headers={"Accept": "text/html"})
    assert answer.status_code == 500
    assert answer.headers["content-type"].startswith("text/html")
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert answer.headers["x-request-id"] in answer.text
    assert "ZeroDivisionError" not in answer.text
    assert SECRET not in answer.text
    assert msgspec.json.decode(log.getvalue())["request_id"] == answer.headers["x-request-id"]


def test_it_is_counted(broken):
    """The failure is in the metrics, once, and the next request is served."""
    served, _ = broken
    client = served.client()
    client.get("/broken")
    assert "headwater_internal_errors_total 1.0" in client.get("/metrics").text
    assert client.get("/health/live").status_code == 200
