"""Authenticates requests."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable

from starlette.requests import HTTPConnection

from headwater.server.access.control_rows import Key
from headwater.server.access.control_store import Control
from headwater.server.access.keys import PREFIX, digest_of
from headwater.server.access.oidc import OIDC
from headwater.server.access.principals import NOBODY, Principal, anonymous
from headwater.server.errors import NotAuthenticated, NotPermitted
from headwater.server.permissions import Permission, Role

SESSION_COOKIE = "headwater_session"
_IPV6_HOST = re.compile(r"\[[0-9a-f:.]+\](:\d+)?", re.IGNORECASE)
_SAFE = ("GET", "HEAD", "OPTIONS")
_LONGEST = 16_384
KNOWN_US = 2_000_000
"""Microseconds for which a looked-up key is cached: a key revoked by another process stays valid for that long."""
_MOST_KNOWN = 10_000
_USED_EVERY_US = 60_000_000


class Authentication:
    """Looks up credentials. An invalid credential is refused, never treated as absent."""

    def __init__(
        self, control: Control, clock: Callable[[], int], *, guest: Role | None = None, oidc: OIDC | None = None
    ) -> None:
        self._control = control
        self._clock = clock
        self._guest = anonymous(guest)
        self._oidc = oidc
        self._lock = threading.Lock()
        self._known: dict[str, tuple[int, Key | None]] = {}
        self._used: dict[str, int] = {}

    def remembered(self, request: HTTPConnection) -> Principal | None:
        """The principal of a request, if cached; for the fast path of ingestion.

        Raises:
            NotAuthenticated: the credential is known to be invalid.
        """
        secret = bearer(request.headers.get("authorization", ""))
        if not secret or not secret.startswith(PREFIX):
            return None
        digest = digest_of(secret)
        found = self._known.get(digest)
        now = self._clock()
        if found is None or now - found[0] > KNOWN_US or now - self._used.get(digest, 0) > _USED_EVERY_US:
            return None
        return self._opened(found[1])

    def principal(self, request: HTTPConnection) -> Principal:
        """The principal of a request; ``NOBODY`` if it has no credential. May block on the control store.

        Raises:
            NotAuthenticated: the credential is invalid.
            NotPermitted: a page of another site sent the request with this browser's session.
        """
        header = request.headers.get("authorization", "")
        if header:
            return self.of_secret(bearer(header))
        session = request.cookies.get(SESSION_COOKIE)
        if session:
            if request.scope.get("method", "GET") not in _SAFE:
                refuse_other_sites(request)
            return self.of_secret(session)
        if self._guest is None or not _is_near(request.headers.get("host", "")):
            return NOBODY
        return self._guest

    def of_secret(self, secret: str) -> Principal:
        """The principal of a key or an identity token.

        Raises:
            NotAuthenticated: it is unknown or expired.
            NotPermitted: the token is valid, but its subject is not a member of a tenant.
        """
        if self._oidc is not None and not secret.startswith(PREFIX) and secret.count(".") == 2:
            return self._oidc.principal(secret)
        return self._opened(self._key(digest_of(secret)))

    def forget(self, digest: str) -> None:
        """Drop a key from the cache after it was changed."""
        with self._lock:
            self._known.pop(digest, None)

    def _opened(self, key: Key | None) -> Principal:
        if key is None or not key.is_valid(self._clock()):
            raise NotAuthenticated("this key is not known, has expired or was revoked")
        return Principal(name=key.id, tenant=key.tenant, permissions=key.permissions)

    def _key(self, digest: str) -> Key | None:
        now = self._clock()
        found = self._known.get(digest)
        if found is None or now - found[0] > KNOWN_US:
            key = self._control.key_of(digest)
            with self._lock:
                if len(self._known) >= _MOST_KNOWN:  # guessed keys are cached as well
                    self._known.clear()
                self._known[digest] = (now, key)
        else:
            key = found[1]
        if key is not None and now - self._used.get(digest, key.used_at or 0) > _USED_EVERY_US:
            self._control.key_used(digest, now)
            self._used[digest] = now
        elif key is not None:
            self._used.setdefault(digest, key.used_at or now)
        return key


def bearer(header: str) -> str:
    """The secret of an ``Authorization`` header (RFC 6750 section 2.1).

    Raises:
        NotAuthenticated: the header has another form.
    """
    if not header:
        return ""
    scheme, _, secret = header.partition(" ")
    secret = secret.strip()
    if scheme.lower() != "bearer" or not secret or len(secret) > _LONGEST:
        raise NotAuthenticated("the Authorization header is not of the form 'Bearer <key>'")
    return secret


def authorise(principal: Principal, permission: Permission) -> None:
    """Check a permission: the only place where access is decided.

    Raises:
        NotAuthenticated: the request has no credential.
        NotPermitted: the principal lacks the permission.
    """
    if principal.may(permission):
        return
    if principal is NOBODY:
        raise NotAuthenticated
    raise NotPermitted(
        f"{principal.name} may not do this: it needs the permission {permission.value!r}",
        hint="ask an owner of the tenant for a key with that scope",
    )


def refuse_other_sites(request: HTTPConnection) -> None:
    """Check that a request with a cookie, which browsers send along with any request, comes from our own pages.

    Raises:
        NotPermitted: it comes from a page of another site.
    """
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    is_own = site == "same-origin" if site else _is_of_host(origin or "", request.headers.get("host", ""))
    if not is_own:
        raise NotPermitted("a page of another site sent this", hint="API clients send the key as a bearer token")


def _is_near(host: str) -> bool:
    """Whether a ``Host`` header cannot come from a page of a foreign domain.

    Guests are only admitted on the local machine, but a domain can be made to resolve to it (DNS rebinding), and the
    browser then treats its pages as ours. IP addresses and names without a dot cannot be such a domain.
    """
    name = host.partition(":")[0]
    is_address = name.replace(".", "").isdecimal() or _IPV6_HOST.fullmatch(host) is not None
    return is_address or name.endswith(".localhost") or "." not in host


def _is_of_host(origin: str, host: str) -> bool:
    scheme, _, place = origin.partition("://")
    return scheme in ("http", "https") and bool(host) and place == host
