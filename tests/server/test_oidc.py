"""Identity tokens: which are believed, and every way to forge one."""

from __future__ import annotations

import base64
import hmac
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from headwater.errors import ConfigError
from headwater.server.access.control_database import SQLiteDatabase
from headwater.server.access.control_rows import Member, Tenant
from headwater.server.access.control_store import Control
from headwater.server.access.oidc import OIDC, OIDCSettings
from headwater.server.errors import NotAuthenticated, NotPermitted
from headwater.server.permissions import ROLES, Role

NOW_S = 1_800_000_000
AUDIENCE = "headwater"


class Provider:
    """An identity provider on this machine, with keys that can change."""

    def __init__(self) -> None:
        self.keys = [RSAKey.generate_key(2048, {"kid": "one"}, private=True)]
        self.asked: list[str] = []
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.asked.append(self.path)
                documents = {
                    "/.well-known/openid-configuration": {
                        "issuer": provider.issuer,
                        "jwks_uri": f"{provider.issuer}/keys",
                    },
                    "/keys": {"keys": [key.as_dict(private=False) for key in provider.keys]},
                }
                body = json.dumps(documents[self.path]).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                """Say nothing."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def token(self, *, key=None, alg: str = "RS256", kid: str | None = "one", **claims) -> str:
        """A token of this provider for ``u1``, as good as can be but for what is given; None leaves a claim out."""
        found = {
            "iss": self.issuer,
            "aud": AUDIENCE,
            "sub": "u1",
            "exp": NOW_S + 300,
            "iat": NOW_S,
            "headwater_tenant": "team",
            "headwater_role": "steward",
            **claims,
        }
        header = {"alg": alg} if kid is None else {"alg": alg, "kid": kid}
        return jwt.encode(header, {k: v for k, v in found.items() if v is not None}, key or self.keys[0], [alg])

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def provider():
    """One provider for all tests of this file; a test that changes its keys puts them back."""
    found = Provider()
    yield found
    found.close()


@pytest.fixture
def control():
    """A control store with the tenants ``team`` and ``other``."""
    found = Control(SQLiteDatabase(None))
    for name in ("team", "other"):
        found.add_tenant(Tenant(name=name, created_at=0))
    yield found
    found.close()


@pytest.fixture
def oidc(provider, control):
    """The verifier, at a fixed time."""
    settings = OIDCSettings(issuer=provider.issuer, audience=AUDIENCE)
    return OIDC(settings, control, lambda: NOW_S * 1_000_000)


def test_a_good_token_opens_the_tenant_and_role_that_it_names(provider, oidc):
    """Tenant and role are the claims'; the keys are found by discovery and fetched once for many tokens."""
    provider.asked.clear()
    for _ in range(3):
        principal = oidc.principal(provider.token(email="u1@example.com"))
    assert (principal.name, principal.tenant) == ("u1@example.com", "team")
    assert principal.permissions == ROLES[Role.STEWARD]
    assert provider.asked == ["/.well-known/openid-configuration", "/keys"]


def test_without_a_role_the_membership_counts(provider, oidc, control):
    """A person whose token has no role, or no tenant, has those of their one membership."""
    control.put_member(Member(tenant="team", issuer=provider.issuer, subject="u1", role=Role.AUDITOR))
    for claims in ({"headwater_role": None}, {"headwater_role": None, "headwater_tenant": None}):
        assert oidc.principal(provider.token(**claims)).permissions == ROLES[Role.AUDITOR]


@pytest.mark.parametrize(
    "claims",
    [
        {"headwater_role": None},
        {"headwater_role": "emperor"},
        {"headwater_tenant": "elsewhere"},
        {"headwater_tenant": None},
        {"headwater_tenant": ["team"]},
    ],
)
def test_a_stranger_has_no_place(provider, oidc, claims):
    """A good token whose subject is a member of nothing is refused, not given a default."""
    with pytest.raises(NotPermitted, match="member of no tenant"):
        oidc.principal(provider.token(**claims))


def test_a_member_of_two_tenants_has_to_name_one(provider, oidc, control):
    """The service does not choose."""
    for tenant in ("team", "other"):
        control.put_member(Member(tenant=tenant, issuer=provider.issuer, subject="u1", role=Role.READER))
    with pytest.raises(NotPermitted, match="several tenants"):
        oidc.principal(provider.token(headwater_role=None, headwater_tenant=None))
    assert oidc.principal(provider.token(headwater_role=None, headwater_tenant="other")).tenant == "other"


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": NOW_S - 61},
        {"exp": None},
        {"nbf": NOW_S + 61},
        {"iss": "https://evil.example"},
        {"iss": None},
        {"aud": "another service"},
        {"aud": None},
        {"sub": None},
    ],
)
def test_a_token_for_another_time_place_or_service_is_refused(provider, oidc, claims):
    """exp, nbf, iss, aud and sub are all required and checked, with a minute of leeway for clocks."""
    with pytest.raises(NotAuthenticated):
        oidc.principal(provider.token(**claims))


def _unsigned(token: str) -> str:
    header = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    return f"{header}.{token.split('.')[1]}."


def _altered(token: str) -> str:
    header, payload, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    claims["headwater_role"] = "owner"
    changed = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"{header}.{changed}.{signature}"


def _signed_with_the_public_key(provider: Provider) -> str:
    header = base64.urlsafe_b64encode(b'{"alg":"HS256","kid":"one"}').rstrip(b"=").decode()
    signed = f"{header}.{provider.token().split('.')[1]}"
    mac = hmac.digest(provider.keys[0].as_pem(private=False), signed.encode(), "sha256")
    return f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


@pytest.mark.parametrize(
    "forge",
    [
        lambda provider: _unsigned(provider.token()),
        lambda provider: _altered(provider.token()),
        lambda provider: provider.token()[:-4] + "AAAA",
        lambda provider: provider.token(key=RSAKey.generate_key(2048, private=True)),
        lambda provider: provider.token(key=ECKey.generate_key("P-256", private=True), alg="ES256"),
        _signed_with_the_public_key,
        lambda provider: "a.b.c",
        lambda provider: "..",
        lambda provider: "\ud800.é.\0",
        lambda provider: provider.token() + "." + "x" * 100,
    ],
    ids=["none", "altered", "signature", "other key", "other kind", "hs256", "noise", "empty", "bytes", "five parts"],
)
@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
def test_a_forged_token_is_refused(provider, oidc, forge):
    """Unsigned, altered, signed by another key or with the public key as a shared secret: 401, never another error."""
    with pytest.raises(NotAuthenticated):
        oidc.principal(forge(provider))


def test_new_keys_of_the_provider_are_fetched_and_old_ones_forgotten(provider, control):
    """A token with a key id that is not known makes the keys be fetched, at most twice a minute."""
    now = [NOW_S]
    oidc = OIDC(OIDCSettings(issuer=provider.issuer, audience=AUDIENCE), control, lambda: now[0] * 1_000_000)
    oidc.principal(provider.token())
    old, new = provider.keys[0], RSAKey.generate_key(2048, {"kid": "two"}, private=True)
    provider.keys = [new]
    try:
        with pytest.raises(NotAuthenticated):
            oidc.principal(provider.token(kid="two"))  # fetched a moment ago
        now[0] += 31
        assert oidc.principal(provider.token(kid="two")).tenant == "team"
        with pytest.raises(NotAuthenticated):
            oidc.principal(provider.token(key=old))
    finally:
        provider.keys = [old]


def test_a_provider_that_is_away_locks_nobody_out_who_is_known(control):
    """Without keys a token is refused as such; with keys that are known it is verified."""

    def away(url: str) -> object:
        raise OSError(url)

    oidc = OIDC(OIDCSettings(issuer="https://id.example", audience=AUDIENCE), control, lambda: 0, fetch=away)
    with pytest.raises(NotAuthenticated, match="keys cannot be had"):
        oidc.principal("a.b.c")


@pytest.mark.parametrize("url", ["http://id.example", "file:///etc/passwd", "ftp://x", "id.example", ""])
def test_keys_are_fetched_over_https_alone(control, url):
    """An address that is neither https nor on this machine is a mistake of the settings."""
    with pytest.raises(ConfigError, match="issuer"):
        OIDC(OIDCSettings(issuer=url, audience=AUDIENCE), control, lambda: 0)


def test_a_token_opens_the_service(serve, provider):
    """Over HTTP: the person is who the token says, and a key still opens beside it."""
    served = serve(oidc=OIDCSettings(issuer=provider.issuer, audience=AUDIENCE))
    served.client("team")
    good = provider.token(exp=4_000_000_000, iat=1_700_000_000)
    answer = served.bare(headers={"Authorization": f"Bearer {good}"}).get("/api/v1/whoami")
    assert (answer.status_code, answer.json()["tenant"]) == (200, "team")
    bad = served.bare(headers={"Authorization": f"Bearer {_unsigned(good)}"}).get("/api/v1/whoami")
    assert bad.status_code == 401
    assert served.client("team").get("/api/v1/whoami").status_code == 200
