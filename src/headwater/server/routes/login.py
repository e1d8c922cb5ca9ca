"""Login and logout: with a pasted key or a link from the terminal; the browser gets a strict cookie."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from headwater.server.access.authentication import SESSION_COOKIE, refuse_other_sites
from headwater.server.errors import NotAuthenticated, NotPermitted
from headwater.server.forms import read_form
from headwater.server.permissions import Permission
from headwater.server.rendering.page import own_path, page
from headwater.server.request import Call
from headwater.server.routing import Operation

_COOKIE_AGE_S = 30 * 24 * 3600


class LoginQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Where to go afterwards, and the token of a link."""

    next: str = "/"
    token: str = ""


class OpenerBody(msgspec.Struct, frozen=True, kw_only=True):
    """The secret of the running process, from the note in the folder of its store."""

    opener: str


class LinkAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A single-use login link."""

    path: str


def show(call: Call) -> Response:
    """The login page; with the token of a link, log in at once."""
    query: LoginQuery = call.query
    target = own_path(query.next)
    if not query.token:
        return page(call, "login.html", target=target, problem="")
    secret = call.service.links.take(query.token)
    if secret is None:
        problem = "This link was used before, or has ended. Ask for another with 'headwater ui', or paste a key."
        return page(call, "login.html", status=403, target=target, problem=problem)
    return _with_session(call, page(call, "again.html", target=target), secret)


async def log_in(call: Call) -> Response:
    """Log in with the pasted key, and store it in a cookie that scripts and other sites cannot use."""
    form = await read_form(call)
    secret, target = form.text("key"), own_path(form.text("next", "/"))
    try:
        await run_in_threadpool(call.service.authentication.of_secret, secret)
    except NotAuthenticated as error:
        return page(call, "login.html", status=403, target=target, problem=error.message)
    return _with_session(call, RedirectResponse(target, status_code=303), secret)


async def log_out(call: Call) -> Response:
    """End the session."""
    refuse_other_sites(call.request)
    response = RedirectResponse("/login", status_code=303)
    response.delete_cookie(SESSION_COOKIE, path="/")
    return response


def new_link(call: Call) -> LinkAnswer:
    """Create a login link for a client with the secret of this process, which proves access to its folder."""
    body: OpenerBody = call.body
    if not call.service.links.may_open(body.opener):
        raise NotPermitted("this is not the secret of this service", hint="start 'headwater ui' again")
    return LinkAnswer(path=f"/login?token={call.service.new_link()}")


def _with_session(call: Call, response: Response, secret: str) -> Response:
    response.set_cookie(
        SESSION_COOKIE,
        secret,
        max_age=_COOKIE_AGE_S,
        path="/",
        httponly=True,
        samesite="strict",
        secure=call.request.url.scheme == "https",
    )
    return response


def _operation(method: str, path: str, handler: Any, summary: str, **more: Any) -> Operation:
    return Operation(
        method=method,
        path=path,
        handler=handler,
        permission=Permission.PUBLIC,
        summary=summary,
        group="Pages",
        **more,
    )


OPERATIONS = (
    _operation("GET", "/login", show, "The login page.", query=LoginQuery, is_page=True),
    _operation("POST", "/login", log_in, "Log in with a key.", is_page=True),
    _operation("POST", "/logout", log_out, "Log out.", is_page=True),
    _operation(
        "POST", "/login/links", new_link, "A link that logs a browser in once.", body=OpenerBody, answer=LinkAnswer
    ),
)
