"""``headwater health``, ``backup`` and ``restore``: maintenance of a service."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from headwater.cli.open_store import target
from headwater.cli.output import echo_text, format_options
from headwater.query.terminal_text import plural

if TYPE_CHECKING:
    from headwater.server.settings import Settings

_TIMEOUT_S = 10.0


def _settings(ctx: click.Context) -> Settings:
    from headwater.server.settings import Settings

    return Settings(store=target(ctx.find_root().obj))


@click.command()
@click.argument("url", default="http://127.0.0.1:5000")
@format_options("json")
@click.pass_context
def health(ctx: click.Context, url: str, output: str | None) -> None:
    """Check that the service at URL is ready; exit with 1 if it is not."""
    from headwater.server.health_client import ask_health

    found = ask_health(url, timeout_s=_TIMEOUT_S)
    if output == "json":
        from headwater.query.result import json_text

        echo_text(json_text(found))
    else:
        for check in found.checks:
            click.echo(f"{check.name}: {'good' if check.is_good else check.message}")
        click.echo("ready" if found.is_ready else "not ready", err=not found.is_ready)
    if not found.is_ready:
        ctx.exit(1)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.pass_context
def backup(ctx: click.Context, folder: Path) -> None:
    """Copy every tenant's store, keys and members into the new FOLDER, with checksums.

    The service may go on running meanwhile.
    """
    from headwater.server.backups import back_up

    manifest = back_up(_settings(ctx), folder, tell=click.echo)
    click.echo(f"{folder}: {plural(len(manifest.tenants), 'tenant')}")


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.pass_context
def restore(ctx: click.Context, folder: Path) -> None:
    """Restore the backup in FOLDER to a place where no tenant has a store yet.

    Checksums are compared first, and the graph of each tenant with that which was copied.
    """
    from headwater.server.backups import put_back

    manifest = put_back(_settings(ctx), folder, tell=click.echo)
    click.echo(f"restored {plural(len(manifest.tenants), 'tenant')}")
