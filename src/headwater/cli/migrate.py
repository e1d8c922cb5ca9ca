"""``headwater migrate``: brings a database to the schema of this version."""

from __future__ import annotations

import click

from headwater.cli.opening import target
from headwater.storage.open import POSTGRES


@click.command()
@click.pass_context
def migrate(ctx: click.Context) -> None:
    """Bring the store to the schema of this version.

    Opening a store does the same, where its role may; run this once as the owner of a PostgreSQL database whose
    service connects as a role with fewer rights.
    """
    where = target(ctx.find_root().obj)
    if not where.startswith(POSTGRES):
        from headwater.cli.opening import opened

        with opened(ctx):
            click.echo(f"{where}: the schema is that of this version")
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
