"""``headwater ui``: open the web interface of the running service, or start one."""

from __future__ import annotations

import http.client
import json
import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from headwater.cli.commands import Settings as Place
from headwater.cli.open_store import target

if TYPE_CHECKING:
    from headwater.server.presence_file import Note

_PATIENCE_S = 5.0


@click.command()
@click.option("--no-browser", is_flag=True, help="Print the link without opening a browser.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    show_default="a free one",
    help="The port of a service that is started.",
)
@click.pass_context
def ui(ctx: click.Context, no_browser: bool, port: int) -> None:
    """Open the web interface. If no service is running on this store, one is started until Ctrl-C."""
    from headwater.server.presence_file import read_note
    from headwater.server.server_process import serve
    from headwater.server.settings import Settings

    place: Place = ctx.find_root().obj
    settings = Settings(store=target(place), port=port)
    link = _link_of_running(read_note(settings.folder))
    if link is None:
        serve(settings, echo=click.echo, open_page=None if no_browser else _open)
    else:
        click.echo(f"open it once with {link}")
        if not no_browser:
            _open(link)


def _link_of_running(note: Note | None) -> str | None:
    """A login link of the service described by the presence file; None if it no longer answers."""
    if note is None:
        return None
    place = urlsplit(note.url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=_PATIENCE_S)
    try:
        body = json.dumps({"opener": note.opener})
        connection.request("POST", "/login/links", body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer = response.read()
        # Another service may have taken the port since: then the secret opens nothing there.
        return note.url + str(json.loads(answer)["path"]) if response.status == 200 else None
    except (OSError, http.client.HTTPException, ValueError, KeyError):
        return None
    finally:
        connection.close()


def _open(link: str) -> None:
    """Open the browser without waiting for it. The link has been printed in case there is none."""
    import webbrowser

    opening = threading.Thread(target=webbrowser.open, args=(link,), daemon=True)
    opening.start()
    opening.join(timeout=2.0)
