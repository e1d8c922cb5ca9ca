"""``headwater tenant``, ``token`` and ``share``: manage access to the service, directly in its store."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from headwater.cli.commands import Suggesting
from headwater.cli.open_store import target
from headwater.cli.output import echo, echo_text, format_options

if TYPE_CHECKING:
    from headwater.server.access.administration import Administration
    from headwater.server.access.control_rows import Quota

SCOPES = ("ingest", "read", "report", "admin", "operate")


@contextmanager
def administering(ctx: click.Context, *, is_asking: bool = False) -> Iterator[Administration]:
    """Open the administration of the selected store for the duration of a command. Who is only asking makes nothing: no
    service ever ran on a store without a control store, so there is nobody."""
    from headwater.server.access.administration import Administration
    from headwater.server.access.control_database import control_file, open_database
    from headwater.server.access.control_store import Control
    from headwater.server.settings import Settings
    from headwater.storage.ingest import now_us

    settings = Settings(store=target(ctx.find_root().obj))
    is_unused = settings.folder is not None and not control_file(settings.folder).exists()
    store, folder = ("memory:", None) if is_asking and is_unused else (settings.store, settings.folder)
    control = Control(open_database(store, folder))
    try:
        yield Administration(control, now_us, lambda digest: None)
    finally:
        control.close()


def who() -> str:
    """The name under which a change from the command line is recorded."""
    return f"cli:{getpass.getuser()}"


def _tenant(ctx: click.Context) -> str:
    return str(ctx.find_root().obj.tenant)


def _show(rows: list[dict[str, Any]], output: str | None, empty: str) -> None:
    """Print rows as a table, or as JSON."""
    from headwater.query.result import json_text

    if output == "json":
        echo_text(json_text(rows))
    elif not rows:
        click.echo(empty)
    else:
        from headwater.cli.access_text import table

        echo(table(rows))


# -- tenants -----------------------------------------------------------------------------------------------------------
@click.group(cls=Suggesting)
def tenant() -> None:
    """Manage the tenants of a service: each has lineage, keys and quotas of its own."""


@tenant.command("list")
@format_options("json")
@click.pass_context
def list_tenants(ctx: click.Context, output: str | None) -> None:
    """List the tenants."""
    from headwater.cli.access_text import tenant_row

    with administering(ctx, is_asking=True) as administration:
        rows = [tenant_row(one) for one in administration.control.tenants()]
    _show(rows, output, "no tenants yet; 'headwater serve' makes the first one")


def quota_options(command: Any) -> Any:
    """The options that set a quota."""
    for name, text in (
        ("stored-bytes", "Bytes of events that may be stored in all."),
        ("bytes-per-s", "Bytes of events per second."),
        ("events-per-s", "Events per second."),
    ):
        command = click.option(f"--{name}", type=click.IntRange(min=1), metavar="N", help=text)(command)
    return command


@tenant.command("create")
@click.argument("name")
@click.option("--title", default="", help="A display name.")
@quota_options
@click.pass_context
def create_tenant(ctx: click.Context, /, name: str, title: str, **quota: int | None) -> None:
    """Create the tenant NAME."""
    with administering(ctx) as administration:
        administration.create_tenant(name, who=who(), title=title, quota=_quota(None, quota))
    click.echo(f"made {name}; 'headwater --tenant {name} token create' makes a key")


@tenant.command("set")
@click.argument("name")
@click.option("--title", help="A display name.")
@quota_options
@click.pass_context
def change_tenant(ctx: click.Context, /, name: str, title: str | None, **quota: int | None) -> None:
    """Change the title or quotas of the tenant NAME; other quotas stay as they are."""
    with administering(ctx) as administration:
        old = administration.tenant(name).quota
        administration.change_tenant(name, who=who(), title=title, quota=_quota(old, quota))
    click.echo(f"changed {name}")


def _quota(old: Quota | None, given: dict[str, int | None]) -> Quota:
    import msgspec

    from headwater.server.access.control_rows import Quota

    named = {key: value for key, value in given.items() if value is not None}
    return msgspec.structs.replace(old or Quota(), **named)


@tenant.command("drop")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.pass_context
def drop_tenant(ctx: click.Context, name: str, yes: bool) -> None:
    """Delete the tenant NAME with its keys and all its lineage."""
    from headwater.storage.open import drop_store

    with administering(ctx) as administration:
        administration.tenant(name)
        if not yes:
            click.confirm(f"Delete {name} with all its lineage? This cannot be undone.", abort=True)
        administration.drop_tenant(name, who=who())
    drop_store(target(ctx.find_root().obj), name)
    click.echo(f"deleted {name}")


# -- tokens ------------------------------------------------------------------------------------------------------------
@click.group(cls=Suggesting)
def token() -> None:
    """Manage the API keys of a tenant."""


@token.command("list")
@format_options("json")
@click.pass_context
def list_tokens(ctx: click.Context, output: str | None) -> None:
    """List the keys. Only the first characters of each are kept."""
    from headwater.cli.access_text import key_row
    from headwater.query.instants import now

    with administering(ctx, is_asking=True) as administration:
        rows = [key_row(key, now()) for key in administration.control.keys(_tenant(ctx))]
    _show(rows, output, "no keys; 'headwater token create' makes one")


@token.command("create")
@click.option("--name", default="", help="The purpose of the key.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(SCOPES),
    help="A scope of the key; may be repeated. [default: ingest, read]",
)
@click.option("--days", type=click.FloatRange(min=0, min_open=True), help="Days until it expires. [default: no end]")
@click.pass_context
def create_token(ctx: click.Context, name: str, scopes: tuple[str, ...], days: float | None) -> None:
    """Create a key and print it. It is shown only once."""
    from headwater.server.permissions import Permission

    wanted = [Permission(scope) for scope in scopes or ("ingest", "read")]
    with administering(ctx) as administration:
        made = administration.issue_key(_tenant(ctx), who=who(), name=name, scopes=wanted, days=days)
    click.echo(made.secret)


@token.command("rotate")
@click.argument("key_id", metavar="ID")
@click.option("--overlap-s", type=click.IntRange(min=0), default=86_400, show_default=True, metavar="SECONDS")
@click.pass_context
def rotate_token(ctx: click.Context, key_id: str, overlap_s: int) -> None:
    """Replace the key ID with a new one, and print it. The old key stays valid for a while."""
    with administering(ctx) as administration:
        made = administration.rotate_key(_tenant(ctx), key_id, who=who(), overlap_s=overlap_s)
    click.echo(made.secret)


@token.command("revoke")
@click.argument("key_id", metavar="ID")
@click.pass_context
def revoke_token(ctx: click.Context, key_id: str) -> None:
    """Revoke the key ID at once."""
    with administering(ctx) as administration:
        administration.revoke_key(_tenant(ctx), key_id, who=who())
    click.echo(f"revoked {key_id}")


# -- shares ------------------------------------------------------------------------------------------------------------
@click.group(cls=Suggesting)
def share() -> None:
    """Share a part of a tenant's lineage with another tenant, for a limited time."""


@share.command("list")
@format_options("json")
@click.pass_context
def list_shares(ctx: click.Context, output: str | None) -> None:
    """List what the tenant shares, and what is shared with it."""
    from headwater.cli.access_text import share_row
    from headwater.query.instants import now

    with administering(ctx, is_asking=True) as administration:
        control, name = administration.control, _tenant(ctx)
        rows = [share_row(one, now()) for one in (*control.shares_given(name), *control.shares_received(name))]
    _show(rows, output, "nothing is shared")


@share.command("create")
@click.argument("to", metavar="TENANT")
@click.argument("selector")
@click.option("--days", type=click.FloatRange(min=0, max=366, min_open=True), default=30, show_default=True)
@click.pass_context
def create_share(ctx: click.Context, to: str, selector: str, days: float) -> None:
    """Let TENANT read the subgraph of SELECTOR ("+model:churn", "tag:public")."""
    from headwater.cli.open_store import opened
    from headwater.query.lineage import Lineage

    with opened(ctx, must_exist=False) as store:  # a tenant may share before its first event
        Lineage(store).select(selector)
    with administering(ctx) as administration:
        made = administration.share(_tenant(ctx), to, selector, who=who(), days=days)
    click.echo(made.id)


@share.command("end")
@click.argument("share_id", metavar="ID")
@click.pass_context
def end_share(ctx: click.Context, share_id: str) -> None:
    """End the share ID at once."""
    with administering(ctx) as administration:
        administration.end_share(_tenant(ctx), share_id, who=who())
    click.echo(f"ended {share_id}")
