"""The parts shared by all requests, wired together once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from headwater.server.access.administration import Administration
from headwater.server.access.authentication import Authentication
from headwater.server.access.control_database import open_database
from headwater.server.access.control_rows import Quota, Tenant
from headwater.server.access.control_store import Control
from headwater.server.access.login_links import Links
from headwater.server.access.oidc import OIDC
from headwater.server.access.tenant_documents import Documents
from headwater.server.health_document import Check
from headwater.server.intake.intake import Intake
from headwater.server.intake.record_cycles import Turns
from headwater.server.live.hub import Hub
from headwater.server.live.other_processes import told_of_others
from headwater.server.permissions import SCOPES, Permission
from headwater.server.settings import Settings, check
from headwater.server.shared_cache import SharedValues
from headwater.server.telemetry.gauges import readings
from headwater.server.telemetry.metrics import Metrics
from headwater.server.telemetry.readiness import control_answers, store_answers, views_are_current
from headwater.server.tenants.stores import TenantStores
from headwater.storage.ingest import now_us

DEFAULT_TENANT = "default"
SESSION_DAYS = 30.0
"""Lifetime of a session opened by a link."""


class Service:
    """The service apart from HTTP: settings, stores, access."""

    def __init__(self, settings: Settings, *, clock: Callable[[], int] = now_us) -> None:
        check(settings)
        self.settings = settings
        self.clock = clock
        database = open_database(settings.store, settings.folder)
        self.control = Control(database)
        self.documents = Documents(database)
        oidc = OIDC(settings.oidc, self.control, clock) if settings.oidc is not None else None
        self.authentication = Authentication(self.control, clock, guest=settings.anonymous, oidc=oidc)
        self.administration = Administration(self.control, clock, self.authentication.forget)
        self.stores = TenantStores(settings.store, readers=settings.readers, most_open=settings.open_tenants)
        self.hub = Hub(self.stores)
        self.stores.on_write = self.hub.poke
        self.links = Links(clock)
        self.intake = Intake(
            self.stores,
            settings.limits,
            self.quota,
            writers=settings.writers,
            most_together=settings.commit_together,
        )
        self.record_turns = Turns()
        self.shared_values = SharedValues()
        self.metrics = Metrics(lambda: readings(self.intake, self.hub, self.stores))
        self.control.add_tenant(Tenant(name=DEFAULT_TENANT, created_at=clock()))

    def first_key(self) -> str | None:
        """A key for the first start of the service, to be shown once; None if keys exist."""
        if self.control.keys(DEFAULT_TENANT):
            return None
        return self._everything("first", days=None)

    def new_link(self) -> str:
        """A single-use login token for the operator; the session ends after ``SESSION_DAYS``."""
        return self.links.new(lambda: self._everything("browser session", days=SESSION_DAYS))

    def _everything(self, name: str, *, days: float | None) -> str:
        scopes = {*SCOPES, Permission.OPERATE}
        made = self.administration.issue_key(DEFAULT_TENANT, who="serve", name=name, scopes=scopes, days=days)
        return made.secret

    def quota(self, tenant: str) -> Quota:
        """The quota of a tenant. Blocks on the control store."""
        found = self.control.tenant(tenant)
        return Quota() if found is None else found.quota

    def checks(self) -> list[Check]:
        """The health checks of the service. Blocks."""
        intake = self.intake.ready()
        return [
            control_answers(self.control),
            store_answers(self.stores, DEFAULT_TENANT),
            views_are_current(self.stores),
            Check(name="intake", is_good=intake.is_ready, message=intake.reason),
        ]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The lifetime of the application: starts and stops everything that needs the event loop."""
        try:
            with told_of_others(self.settings, self.hub):
                yield
                await self.intake.drain()
        finally:
            self.close()

    def close(self) -> None:
        """Close all stores after running commits have ended."""
        self.intake.close()
        self.stores.close()
        self.control.close()
