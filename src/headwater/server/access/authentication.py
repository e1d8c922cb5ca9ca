"""From a request to the one who sent it."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from headwater.server.access.control import Control
from headwater.server.access.keys import digest_of
from headwater.server.access.principals import NOBODY, Principal, anonymous
from headwater.server.errors import NotAuthenticated, NotPermitted
from headwater.server.permissions import Permission, Role

SESSION_COOKIE = "headwater_session"
_SAFE = ("GET", "HEAD", "OPTIONS")


class Authentication:
    """Looks credentials up. A credential that is sent and wrong is refused, never taken for none."""

    def __init__(self, control: Control, clock: Callable[[], int], guest: Role | None) -> None:
        self._control = control
        self._clock = clock
        self._guest = anonymous(guest)

    def principal(self, request: HTTPConnection) -> Principal:
        """Who sent the request; ``NOBODY`` when no credential came with it.

        Raises:
            NotAuthenticated: a credential came and opens nothing.
            NotPermitted: a page of another site sent the request with this browser's session.
        """
        header = request.headers.get("authorization", "")
        if header:
            scheme, _, secret = header.partition(" ")
            if scheme.lower() != "bearer" or not secret.strip():
                raise NotAuthenticated("the Authorization header is not of the form 'Bearer <key>'")
            return self.of_secret(secret.strip())
        session = request.cookies.get(SESSION_COOKIE)
        if session:
            _refuse_other_sites(request)
            return self.of_secret(session)
        return self._guest or NOBODY

    def of_secret(self, secret: str) -> Principal:
        """Whom a key belongs to.

        Raises:
            NotAuthenticated: nobody, or it has ended.
        """
        key = self._control.key_of(digest_of(secret))
        if key is None or not key.is_valid(self._clock()):
            raise NotAuthenticated("this key is not known, has expired or was revoked")
        return Principal(name=key.id, tenant=key.tenant, permissions=key.permissions)


def authorise(principal: Principal, permission: Permission) -> None:
    """Let through or refuse: the one place where that is decided.

    Raises:
        NotAuthenticated: nobody is asking.
        NotPermitted: somebody is who may not.
    """
    if principal.may(permission):
        return
    if principal is NOBODY:
        raise NotAuthenticated
    raise NotPermitted(
        f"{principal.name} may not do this: it needs the permission {permission.value!r}",
        hint="ask an owner of the tenant for a key with that scope",
    )


def _refuse_other_sites(request: HTTPConnection) -> None:
    """A cookie goes with every request of the browser, so a change must come from one of our own pages."""
    if request.scope.get("method", "GET") in _SAFE:
        return
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    is_own = site == "same-origin" if site else bool(origin) and urlsplit(origin or "").netloc == request.url.netloc
    if not is_own:
        raise NotPermitted("a page of another site sent this", hint="API clients send the key as a bearer token")
