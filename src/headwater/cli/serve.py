"""``headwater serve``: the service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from headwater.cli.open_store import target

if TYPE_CHECKING:
    from headwater.server.settings import Settings

_ROLES = ("reader", "writer", "steward", "owner")


def service_options(command: Any) -> Any:
    """The options of the service. Each has an environment variable, for containers."""
    options = (
        click.option(
            "--host", envvar="HEADWATER_HOST", default="127.0.0.1", show_default=True, help="The address to listen on."
        ),
        click.option(
            "--port",
            envvar="HEADWATER_PORT",
            type=click.IntRange(0, 65535),
            default=5000,
            show_default=True,
            help="The port to listen on; 0 picks a free one.",
        ),
        click.option(
            "--anonymous",
            envvar="HEADWATER_ANONYMOUS",
            type=click.Choice(_ROLES),
            help="Role of requests without a key; only on a local address.",
        ),
        click.option(
            "--workers",
            envvar="HEADWATER_WORKERS",
            type=click.IntRange(min=1),
            default=1,
            show_default=True,
            help="Number of processes; more than one needs PostgreSQL.",
        ),
        click.option(
            "--listen-url",
            envvar="HEADWATER_LISTEN_URL",
            default="",
            metavar="URL",
            help="Direct address of PostgreSQL if --store goes through a pooler.",
        ),
        click.option(
            "--log",
            envvar="HEADWATER_LOG",
            type=click.Choice(["json", "text", "none"]),
            default="none",
            show_default=True,
            help="Format of the request log on standard error.",
        ),
        click.option(
            "--oidc-issuer",
            envvar="HEADWATER_OIDC_ISSUER",
            metavar="URL",
            help="The OpenID Connect provider whose identity tokens are accepted.",
        ),
        click.option(
            "--oidc-audience",
            envvar="HEADWATER_OIDC_AUDIENCE",
            default="headwater",
            show_default=True,
            help="The audience that tokens must have.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def settings_of(
    ctx: click.Context, anonymous: str | None, oidc_issuer: str | None, oidc_audience: str, **given: Any
) -> Settings:
    """The settings given as options of the command."""
    from headwater.server.access.oidc import OIDCSettings
    from headwater.server.permissions import Role
    from headwater.server.settings import Settings

    return Settings(
        store=target(ctx.find_root().obj),
        anonymous=None if anonymous is None else Role(anonymous),
        oidc=OIDCSettings(issuer=oidc_issuer, audience=oidc_audience) if oidc_issuer else None,
        **given,
    )


@click.command()
@service_options
@click.pass_context
def serve(ctx: click.Context, /, **options: Any) -> None:
    """Serve the lineage of many tenants: the OpenLineage and Marquez APIs, our own, and the pages."""
    from headwater.server.server_process import serve as serve_forever

    serve_forever(settings_of(ctx, **options), echo=click.echo)
