"""Verifies bearer tokens of an OpenID Connect provider (OpenID Connect Core 1.0 section 3.1.3.7, RFC 9068).

A token is valid if it is signed with a key that the provider publishes, names the provider and this service, and has
not expired. Keys are only fetched from the configured provider, never from an address in a token.
"""

from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import urlsplit

import msgspec

from headwater.errors import ConfigError, MissingExtra
from headwater.server.access.control_store import Control
from headwater.server.access.principals import Principal
from headwater.server.errors import NotAuthenticated, NotPermitted
from headwater.server.permissions import ROLES, Role

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
"""Public-key signatures only: neither ``none`` nor shared secrets."""
_ROLE_NAMES = frozenset(role.value for role in Role)
_LEEWAY_S = 60
_FETCH_AGAIN_US = 30_000_000
_KEYS_LIVE_US = 3_600_000_000
_MOST_BYTES = 1 << 20
_SECOND_US = 1_000_000


class OIDCSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The provider whose tokens are accepted."""

    issuer: str
    audience: str
    jwks_url: str = ""
    """URL of the provider's keys; found by discovery if empty."""
    tenant_claim: str = "headwater_tenant"
    role_claim: str = "headwater_role"
    """The claim with the role; without it, the role of the membership applies."""


class Fetch(Protocol):
    """Fetches a JSON document over HTTP."""

    def __call__(self, url: str) -> Any:
        """The document.

        Raises:
            OSError, ValueError: it cannot be fetched, or is not JSON.
        """


def fetch_json(url: str) -> Any:
    """Fetch a JSON document of at most 1 MiB over https (plain http for the local machine only)."""
    request = urllib.request.Request(url, headers={"Accept": "application/json", "User-Agent": "headwater"})  # noqa: S310 - checked
    with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 - the scheme is checked by check_url
        return json.loads(answer.read(_MOST_BYTES))


def check_url(name: str, url: str) -> None:
    """Raise ``ConfigError`` for a URL from which keys must not be fetched."""
    parts = urlsplit(url)
    is_local = parts.hostname in ("127.0.0.1", "localhost", "::1")
    if not parts.hostname or parts.scheme not in ("https", "http") or (parts.scheme == "http" and not is_local):
        raise ConfigError(f"{name} is {url!r}", hint="give an https address")


class OIDC:
    """Verifies tokens. Thread-safe."""

    def __init__(
        self, settings: OIDCSettings, control: Control, clock: Callable[[], int], *, fetch: Fetch = fetch_json
    ) -> None:
        try:
            import joserfc  # noqa: F401 - imported early, so that the service does not start without it
        except ImportError:
            raise MissingExtra("OIDC needs joserfc", hint="pip install 'headwater[oidc]'") from None
        check_url("the OIDC issuer", settings.issuer)
        if settings.jwks_url:
            check_url("the OIDC jwks_url", settings.jwks_url)
        self._settings = settings
        self._control = control
        self._clock = clock
        self._fetch = fetch
        self._lock = threading.Lock()
        self._keys: Any = None
        self._fetched_at = -_KEYS_LIVE_US

    def principal(self, token: str) -> Principal:
        """The principal of a token.

        Raises:
            NotAuthenticated: the token is invalid.
            NotPermitted: it is valid, but its subject is not a member of a tenant.
        """
        claims = self._claims(token)
        subject = str(claims["sub"])
        name = str(claims.get("email") or subject)[:200]
        tenant, role = self._place(claims, subject, name)
        return Principal(name=name, tenant=tenant, permissions=ROLES[role])

    def _place(self, claims: dict[str, Any], subject: str, name: str) -> tuple[str, Role]:
        """The tenant and role: from the token if it has them, else from the membership."""
        claimed, role = claims.get(self._settings.tenant_claim), claims.get(self._settings.role_claim)
        memberships = self._control.memberships(self._settings.issuer, subject)
        if claimed is not None:
            memberships = [one for one in memberships if one.tenant == claimed]
            if isinstance(role, str) and role in _ROLE_NAMES and self._control.tenant(str(claimed)) is not None:
                return str(claimed), Role(role)
        if len(memberships) == 1:
            return memberships[0].tenant, memberships[0].role
        if memberships:
            hint = f"ask for a token with the claim {self._settings.tenant_claim!r}"
            raise NotPermitted(f"{name} is a member of several tenants, and the token names none", hint=hint)
        raise NotPermitted(f"{name} is a member of no tenant", hint="an owner can add them: PUT /api/v1/members")

    # -- the token -------------------------------------------------------------------------------------------------
    def _claims(self, token: str) -> dict[str, Any]:
        from joserfc import jwt
        from joserfc.errors import JoseError

        last: Exception | None = None
        for may_fetch in (False, True):
            keys = self._key_set(again=may_fetch)
            if keys is None:
                continue
            try:
                decoded = jwt.decode(token, keys, algorithms=list(ALGORITHMS))
                self._registry().validate(decoded.claims)
                return dict(decoded.claims)
            except (JoseError, ValueError) as error:
                last = error
                if not _may_be_new_key(error):
                    break
        raise NotAuthenticated(f"the token cannot be trusted: {_reason(last)}")

    def _registry(self) -> Any:
        from joserfc import jwt

        return jwt.JWTClaimsRegistry(
            now=self._clock() // _SECOND_US,
            leeway=_LEEWAY_S,
            iss={"essential": True, "value": self._settings.issuer},
            aud={"essential": True, "value": self._settings.audience},
            exp={"essential": True},
            sub={"essential": True},
        )

    def _key_set(self, *, again: bool) -> Any:
        """The provider's keys; fetched if there are none, if they are old, and for a token with an unknown key."""
        with self._lock:
            age = self._clock() - self._fetched_at
            wanted = _FETCH_AGAIN_US if again or self._keys is None else _KEYS_LIVE_US
            if age >= wanted:
                self._fetched_at = self._clock()
                self._keys = self._fetched() or self._keys
            return self._keys

    def _fetched(self) -> Any:
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        try:
            url = self._settings.jwks_url or self._discovered()
            return KeySet.import_key_set(self._fetch(url))
        except (OSError, ValueError, KeyError, TypeError, JoseError):
            return None  # the provider is unreachable: tokens signed with known keys keep working

    def _discovered(self) -> str:
        document = self._fetch(self._settings.issuer.rstrip("/") + "/.well-known/openid-configuration")
        url = str(document["jwks_uri"])
        if document.get("issuer") != self._settings.issuer:
            raise ValueError("the provider calls itself otherwise")
        check_url("the provider's jwks_uri", url)
        return url


def _may_be_new_key(error: Exception) -> bool:
    """Whether the keys may have changed since they were fetched."""
    from joserfc.errors import BadSignatureError, InvalidKeyIdError

    return isinstance(error, BadSignatureError | InvalidKeyIdError)


def _reason(error: Exception | None) -> str:
    return "the provider's keys cannot be had" if error is None else str(error)[:200]
