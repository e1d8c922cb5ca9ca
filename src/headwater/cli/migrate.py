"""``headwater migrate``: upgrades stores to the schema of this version."""

from __future__ import annotations

import click

from headwater.cli.open_store import open_patiently, target
from headwater.query.terminal_text import clean, plural
from headwater.storage.open import POSTGRES


def _bring_up(where: str, tenants: list[str]) -> None:
    """Open the store of every tenant once, which upgrades its schema and its views."""
    for tenant in tenants:
        with open_patiently(where, tenant) as store:
            click.echo(f"{clean(tenant)}: up to date; {plural(store.tally().events, 'event')}")


def _tell(where: str, tenants: list[str]) -> bool:
    """Report the pending work without doing it; returns whether there is any."""
    from headwater.storage.open import outdated_store

    found = [one for tenant in tenants if (one := outdated_store(where, tenant)) is not None]
    for one in found:
        begun = f", {one.done:,} of which are done" if one.done else ""
        click.echo(
            f"{one.tenant}: written by an earlier version; its views are to be rebuilt from {one.last:,} events{begun}"
        )
    if not found:
        click.echo("nothing to do: every store is up to date")
    return bool(found)


@click.command()
@click.option("--check", is_flag=True, help="Only report what there is to do; exit with 1 if there is anything.")
@click.pass_context
def migrate(ctx: click.Context, check: bool) -> None:
    """Upgrade the stores of all tenants to the schema of this version, and rebuild their views if needed.

    Opening a store does the same, if its role is allowed to. Views of an earlier version are rebuilt from the event
    log: that takes minutes for millions of events, and can be stopped and resumed. Where the service connects to
    PostgreSQL as a role with few rights, run this once as the owner of the database.
    """
    where = target(ctx.find_root().obj)
    if where.startswith(POSTGRES):
        _migrate_server(ctx, where, is_check=check)
        return
    from headwater.storage.open import folder_of, no_store
    from headwater.storage.sqlite import stored_tenants

    if "://" in where and not where.startswith("sqlite://"):
        raise no_store(where)
    tenants = stored_tenants(folder_of(where))
    if not tenants:
        click.echo("no stores yet: nothing to do")
    elif not check:
        _bring_up(where, tenants)
    elif _tell(where, tenants):
        ctx.exit(1)


def _migrate_server(ctx: click.Context, where: str, *, is_check: bool) -> None:
    from headwater.storage.open import outdated_store, require_postgres

    require_postgres()
    from headwater.storage.postgres.connection import ROLE, SCHEMA
    from headwater.storage.postgres.migrate import migrate as bring_up
    from headwater.storage.postgres.server_facts import facts, stored_tenants

    # Whom row-level security lets see no tenant can still name one.
    tenants = stored_tenants(where) or [ctx.find_root().obj.tenant]
    if is_check:
        found = facts(where)
        click.echo(f"schema step {found.step} of {found.steps}")
        if _tell(where, tenants) or found.step != found.steps:
            ctx.exit(1)
        return
    done = bring_up(where, schema=SCHEMA, role=ROLE)
    found = facts(where)
    click.echo(f"schema step {found.step} of {found.steps}" + (f", {len(done)} applied now" if done else ""))
    click.echo(f"the store works as {found.role} on PostgreSQL {found.server}")
    for name, extension in (("TimescaleDB", found.timescaledb), ("Citus", found.citus)):
        if extension.version:
            click.echo(f"{name} {extension.version}: {'used' if extension.is_used else 'installed, not used'}")
    _bring_up(where, [tenant for tenant in tenants if outdated_store(where, tenant) is not None])
