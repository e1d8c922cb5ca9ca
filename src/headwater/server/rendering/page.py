"""Renders a page as a response: the template with the common frame and the security headers."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from headwater.errors import HeadwaterError, NotFound
from headwater.query.names import Labels
from headwater.server.access.principals import NOBODY, Principal
from headwater.server.errors import problem_of
from headwater.server.permissions import Permission
from headwater.server.rendering.templates import environment
from headwater.server.request import Call
from headwater.storage.ingest import now_us

THEME_COOKIE = "headwater_theme"
THEMES = ("system", "light", "dark")

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types headwater",
    )
)
"""Content security policy: nothing inline, nothing from other origins; only fragments rendered by the server become
markup."""


class Place(msgspec.Struct, frozen=True):
    """An entry of the navigation."""

    path: str
    title: str
    permission: Permission = Permission.READ


_LONGEST_WORDS = 1000
"""Longest text of a search."""

NAVIGATION = (
    Place("/", "Home"),
    Place("/lineage", "Lineage"),
    Place("/runs", "Runs"),
    Place("/compare", "Compare"),
    Place("/admin", "Admin", Permission.REPORT),
)
"""Links in the header of every page, for those who may open them."""


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """The data of the base template about the request and its principal."""

    theme: str
    here: str
    places: tuple[Place, ...]
    is_known: bool
    """Whether the visitor has a key, or is admitted without one."""
    tenant: str
    now: int
    """Microseconds since the epoch, for words like '3 min ago'."""
    words: str
    """The text in the search box."""


def page(call: Call, template: str, *, status: int = 200, **shown: Any) -> Response:
    """The page of a call: ``template`` with ``shown``, in which ``labels`` provides the short names."""
    return render(call.request, call.principal, template, status=status, **shown)


def fragment(template: str, **shown: Any) -> str:
    """A part of a page as escaped markup."""
    return environment().get_template(template).render(**{"labels": Labels(), **shown})


def render(request: Request, principal: Principal, template: str, *, status: int = 200, **shown: Any) -> Response:
    """A page for a principal. Only the principal's browser may cache it."""
    given = {"frame": _frame(request, principal), "labels": Labels(), **shown}
    text = environment().get_template(template).render(given)
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": "private, no-cache", "Vary": "Cookie"}
    return HTMLResponse(text, status_code=status, headers=headers)


def error_page(request: Request, principal: Principal, error: HeadwaterError) -> Response:
    """The page for an error: what is wrong, and what can be done."""
    problem = problem_of(error)
    sought = error.what if isinstance(error, NotFound) and error.hint.startswith("'search") else ""
    return render(
        request, principal, "error.html", status=problem.status, problem=problem, sought=sought[:_LONGEST_WORDS]
    )


def wants_page(request: Request) -> bool:
    """Whether a browser requests a page."""
    return request.method in ("GET", "HEAD") and "text/html" in request.headers.get("accept", "")


def to_login(request: Request) -> Response:
    """Redirect a visitor without a session to the login, and back afterwards.

    The session's cookie is ``SameSite=Strict``, so a link on another site arrives without it. Such a request gets a
    page that repeats the request from our own site, with the cookie if there is one.
    """
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    if request.headers.get("sec-fetch-site") == "cross-site":
        return render(request, NOBODY, "again.html", target=here)
    suffix = "" if here == "/" else f"?next={quote(here, safe='')}"
    return RedirectResponse(f"/login{suffix}", status_code=303)


def own_path(text: str) -> str:
    """A path on this service from untrusted text; the home page if it is not one."""
    is_ours = text.startswith("/") and text[1:2] not in ("/", "\\") and text.isprintable()
    return text if is_ours else "/"


def _frame(request: Request, principal: Principal) -> Frame:
    theme = request.cookies.get(THEME_COOKIE, "")
    return Frame(
        theme=theme if theme in THEMES else "system",
        here=request.url.path,
        places=tuple(place for place in NAVIGATION if principal.may(place.permission)),
        is_known=principal is not NOBODY,
        tenant=principal.tenant,
        now=now_us(),
        words=request.query_params.get("q", "")[:_LONGEST_WORDS],
    )
