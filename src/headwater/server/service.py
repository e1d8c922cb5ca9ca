"""The parts that every request shares, wired together once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from headwater.server.access.authentication import Authentication
from headwater.server.access.control import Control, Tenant
from headwater.server.access.control_sqlite import SQLiteControl
from headwater.server.access.keys import Key, digest_of, id_of, new_secret
from headwater.server.permissions import SCOPES, Permission
from headwater.server.settings import Settings, check
from headwater.server.tenants.stores import TenantStores
from headwater.storage.ingest import now_us

DEFAULT_TENANT = "default"


class Service:
    """The service without its HTTP: settings, stores, keys."""

    def __init__(self, settings: Settings, *, clock: Callable[[], int] = now_us) -> None:
        check(settings)
        self.settings = settings
        self.clock = clock
        self.control: Control = _control(settings)
        self.stores = TenantStores(settings.store, readers=settings.readers, most_open=settings.open_tenants)
        self.authentication = Authentication(self.control, clock, settings.anonymous)
        self.control.add_tenant(Tenant(name=DEFAULT_TENANT, created_at=clock()))

    def first_key(self) -> str | None:
        """A key for the one who starts the service for the first time, to be shown once; None when keys exist."""
        if self.control.keys(DEFAULT_TENANT):
            return None
        return self.issue_key(DEFAULT_TENANT, "first", frozenset({*SCOPES, Permission.OPERATE}))

    def issue_key(
        self, tenant: str, name: str, permissions: frozenset[Permission], *, expires_at: int | None = None
    ) -> str:
        """A new key of a tenant: the secret, which is not kept."""
        secret = new_secret()
        self.control.add_key(
            Key(
                id=id_of(secret),
                digest=digest_of(secret),
                tenant=tenant,
                name=name,
                permissions=permissions,
                created_at=self.clock(),
                expires_at=expires_at,
            )
        )
        return secret

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The time between start and end: what needs the loop is started and stopped here."""
        try:
            yield
        finally:
            self.close()

    def close(self) -> None:
        """Close every store."""
        self.stores.close()
        self.control.close()


def _control(settings: Settings) -> Control:
    folder = settings.folder
    return SQLiteControl(None if folder is None else folder / "control.db")
