"""``headwater serve``: the service."""

from __future__ import annotations

import click

from headwater.cli.main import Settings as Place
from headwater.cli.opening import target


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=5000, show_default=True, help="0 takes a free one.")
@click.option(
    "--anonymous",
    type=click.Choice(["reader", "writer", "steward", "owner"]),
    help="What may be done without a key, on this machine alone.",
)
@click.option("--oidc-issuer", envvar="HEADWATER_OIDC_ISSUER", metavar="URL", help="The identity provider of people.")
@click.option("--oidc-audience", envvar="HEADWATER_OIDC_AUDIENCE", default="headwater", show_default=True)
@click.pass_context
def serve(
    ctx: click.Context, host: str, port: int, anonymous: str | None, oidc_issuer: str | None, oidc_audience: str
) -> None:
    """Serve the lineage of many tenants: the OpenLineage and Marquez APIs, our own, and the pages."""
    from headwater.server.access.oidc import OIDCSettings
    from headwater.server.permissions import Role
    from headwater.server.serving import serve as serve_forever
    from headwater.server.settings import Settings

    place: Place = ctx.find_root().obj
    settings = Settings(
        store=target(place),
        host=host,
        port=port,
        anonymous=None if anonymous is None else Role(anonymous),
        oidc=OIDCSettings(issuer=oidc_issuer, audience=oidc_audience) if oidc_issuer else None,
    )
    serve_forever(settings, echo=click.echo)
