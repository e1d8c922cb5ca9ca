"""``headwater migrate``: brings a database to the schema of this version."""

from __future__ import annotations

import click

from headwater.cli.opening import target
from headwater.storage.open import POSTGRES


def _migrate_files(where: str) -> None:
    """Open the store of every tenant of a folder once: that brings each to the schema."""
    from headwater.storage.open import folder_of, open_store
    from headwater.storage.sqlite import stored_tenants

    tenants = stored_tenants(folder_of(where))
    for tenant in tenants:
        with open_store(where, tenant=tenant) as store:
            click.echo(f"{tenant}: the schema is that of this version; {store.statistics().events:,} events")
    if not tenants:
        click.echo("no stores yet: nothing to do")


@click.command()
@click.pass_context
def migrate(ctx: click.Context) -> None:
    """Bring the stores of all tenants to the schema of this version.

    Opening a store does the same, where its role may; run this once as the owner of a PostgreSQL database whose
    service connects as a role with fewer rights.
    """
    where = target(ctx.find_root().obj)
    if not where.startswith(POSTGRES):
        _migrate_files(where)
        return
    from headwater.storage.open import require_postgres

    require_postgres()
    from headwater.storage.postgres.connection import ROLE, SCHEMA
    from headwater.storage.postgres.facts import facts
    from headwater.storage.postgres.migrate import migrate as bring_up

    done = bring_up(where, schema=SCHEMA, role=ROLE)
    found = facts(where)
    click.echo(f"schema step {found.step} of {found.steps}" + (f", {len(done)} applied now" if done else ""))
    click.echo(f"the store works as {found.role} on PostgreSQL {found.server}")
    for name, extension in (("TimescaleDB", found.timescaledb), ("Citus", found.citus)):
        if extension.version:
            click.echo(f"{name} {extension.version}: {'used' if extension.is_used else 'installed, not used'}")
