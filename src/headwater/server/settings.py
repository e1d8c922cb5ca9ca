"""The settings of the service."""

from __future__ import annotations

from pathlib import Path

import msgspec

from headwater.errors import ConfigError
from headwater.server.access.oidc import OIDCSettings
from headwater.server.permissions import Role
from headwater.server.telemetry.logs import LogFormat
from headwater.storage.open import folder_of

_POSTGRES = ("postgresql://", "postgres://")


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Limits on requests."""

    body_bytes: int = 32 << 20
    """Size of a body as sent, compressed or not."""
    plain_bytes: int = 128 << 20
    """Size of a body after decompression; a stream of lines may be longer."""
    event_bytes: int = 32 << 20
    """Size of one event or record, in a batch or on a line."""
    json_depth: int = 64
    json_keys: int = 200_000
    """Keys in one event or record, or in the body of any other request."""
    key_bytes: int = 4096
    string_bytes: int = 16 << 20
    answer_nodes: int = 10_000
    """Nodes in one answer; a larger one is marked ``truncated``."""
    waiting_bytes: int = 64 << 20
    """Bytes of events per tenant that may wait for a commit; more is answered with 503."""
    turn_bytes: int = 1 << 20
    """Bytes of events that a tenant may write before another tenant's turn."""
    alone_bytes: int = 4 << 20
    """Bytes of events that a tenant may write in one commit while no other tenant waits or writes."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of ``headwater serve``."""

    store: str = ".headwater"
    """Where the stores of all tenants are: a folder, ``sqlite:///folder``, ``memory://`` or ``postgresql://...``."""
    host: str = "127.0.0.1"
    port: int = 5000
    anonymous: Role | None = None
    """The role of requests without a credential, in tenant ``default``; None refuses them."""
    oidc: OIDCSettings | None = None
    """The identity provider; None to accept only keys."""
    listen_url: str = ""
    """PostgreSQL URL for notifications if ``store`` goes through a pooler; ``store`` itself if empty."""
    workers: int = 1
    """Processes; more than one needs PostgreSQL."""
    log: LogFormat = "none"
    """How requests are logged: ``json``, ``text``, or ``none`` for warnings only."""
    drain_s: int = 30
    """Seconds for running requests to finish when the service ends."""
    threads: int = 8
    """Worker threads for queries."""
    readers: int = 4
    """Read-only stores per tenant."""
    open_tenants: int = 64
    """Tenants whose stores are kept open; the least recently used ones are closed."""
    writers: int = 2
    """Simultaneous commits, each of a different tenant."""
    commit_together: int = 1000
    """Requests that may share a commit."""
    limits: Limits = Limits()

    @property
    def folder(self) -> Path | None:
        """The folder of the stores; None if they are not in a folder."""
        is_folder = "://" not in self.store or self.store.startswith("sqlite://")
        return folder_of(self.store) if is_folder else None


def check(settings: Settings) -> None:
    """Refuse unsafe settings.

    Raises:
        ConfigError: anonymous access on an address that others can reach, or a ``listen_url`` without effect.
    """
    _check_listen_url(settings)
    is_local = settings.host in ("127.0.0.1", "localhost", "::1")
    if settings.anonymous is not None and not is_local:
        raise ConfigError(
            f"anonymous access on {settings.host} would open the lineage to everybody who reaches it",
            hint="omit --anonymous and use keys, or listen on 127.0.0.1",
        )


def _check_listen_url(settings: Settings) -> None:
    """Refuse a ``listen_url`` for a store other than PostgreSQL, where it would be silently ignored."""
    if not settings.listen_url:
        return
    if not settings.store.startswith(_POSTGRES):
        raise ConfigError(
            "--listen-url is for a store on PostgreSQL, and this one is not",
            hint="omit --listen-url (HEADWATER_LISTEN_URL), or use --store postgresql://...",
        )
    if not settings.listen_url.startswith(_POSTGRES):
        raise ConfigError(
            "--listen-url is not the address of a PostgreSQL",
            hint="it starts with postgresql:// and is the address of the server itself, not of a pooler",
        )
