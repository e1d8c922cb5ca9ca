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
    """What one request may ask of the service."""

    body_bytes: int = 32 << 20
    """As sent, compressed or not."""
    plain_bytes: int = 128 << 20
    """After decompression; a stream of lines may be longer."""
    event_bytes: int = 32 << 20
    """Of one event or record, in a batch or on a line."""
    json_depth: int = 64
    json_keys: int = 200_000
    """In one event or record, or in the body of another request."""
    key_bytes: int = 4096
    string_bytes: int = 16 << 20
    answer_nodes: int = 10_000
    """Nodes in one answer; a longer one says ``truncated``."""
    waiting_bytes: int = 64 << 20
    """Bytes of events that may wait for their commit, a tenant; more is answered 503."""
    turn_bytes: int = 1 << 20
    """Bytes of events that a tenant may write before it is another tenant's turn."""
    alone_bytes: int = 4 << 20
    """Bytes of events that a tenant may write in one commit while nothing of another waits or is written."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that ``headwater serve`` can be told."""

    store: str = ".headwater"
    """A folder, ``sqlite:///folder``, ``memory://`` or ``postgresql://...``: what the stores of all tenants are in."""
    host: str = "127.0.0.1"
    port: int = 5000
    anonymous: Role | None = None
    """What somebody without a credential may do in tenant ``default``; None is nothing."""
    oidc: OIDCSettings | None = None
    """The identity provider of the people; None if only keys are taken."""
    listen_url: str = ""
    """Where to hear of commits on PostgreSQL, when ``store`` leads through a pooler; ``store`` itself when empty."""
    workers: int = 1
    """Processes; more than one needs PostgreSQL."""
    log: LogFormat = "none"
    """How requests are logged: ``json``, ``text``, or ``none`` for warnings alone."""
    drain_s: int = 30
    """How long requests may take to finish when the service ends."""
    threads: int = 8
    """Worker threads for questions."""
    readers: int = 4
    """Read-only stores a tenant."""
    open_tenants: int = 64
    """Stores kept open; the one used least recently is closed."""
    writers: int = 2
    """Commits at the same time, each of another tenant."""
    commit_together: int = 1000
    """Requests that may share a commit."""
    limits: Limits = Limits()

    @property
    def folder(self) -> Path | None:
        """The folder of the stores; None if they are in no folder."""
        is_folder = "://" not in self.store or self.store.startswith("sqlite://")
        return folder_of(self.store) if is_folder else None


def check(settings: Settings) -> None:
    """Refuse settings that would do harm.

    Raises:
        ConfigError: anonymous access was asked for on an address that others reach; an address to listen to is given
            where nothing would be heard.
    """
    _check_listen_url(settings)
    is_local = settings.host in ("127.0.0.1", "localhost", "::1")
    if settings.anonymous is not None and not is_local:
        raise ConfigError(
            f"anonymous access on {settings.host} would open the lineage to everybody who reaches it",
            hint="omit --anonymous and use keys, or listen on 127.0.0.1",
        )


def _check_listen_url(settings: Settings) -> None:
    """Commits of others are heard from PostgreSQL alone: anywhere else the address would be passed over in silence."""
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
