"""The service as a process: a listening socket, the application, a graceful end."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable
from typing import NoReturn

import uvicorn

from headwater.errors import ConfigError
from headwater.server.app import App, create_app
from headwater.server.presence import noted
from headwater.server.settings import Settings


def serve(settings: Settings, *, echo: Callable[[str], None], open_page: Callable[[str], object] | None = None) -> None:
    """Serve until SIGINT or SIGTERM; ``open_page`` is called with a link that logs a browser in.

    Raises:
        ConfigError: the address cannot be listened on, or the settings would do harm.
        StoreError: the store cannot be opened.
    """
    listening = _listen(settings.host, settings.port)
    app = create_app(settings)
    host, port = listening.getsockname()[:2]
    url = f"http://{'[' + host + ']' if ':' in host else host}:{port}"
    link = f"{url}/login?token={app.service.new_link()}"
    echo(f"Headwater is at {url}")
    echo(f"open it once with {link}")
    key = app.service.first_key()
    if key is not None:
        echo(f"your key, shown this once: {key}")
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, timeout_keep_alive=30, backlog=2048
    )
    _end_in_order()
    with noted(settings.folder, url, app.service.links.opener):
        if open_page is not None:
            listening.listen(config.backlog)  # the browser waits in the queue until the application is ready
            open_page(link)
        _Server(config, app).run(sockets=[listening])


class _Server(uvicorn.Server):
    """Ends the streams first: they would never end by themselves, and the end of the service would wait for them."""

    def __init__(self, config: uvicorn.Config, app: App) -> None:
        super().__init__(config)
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, let requests finish, stop."""
        self._app.service.hub.close()
        await super().shutdown(sockets)


def _end_in_order() -> None:
    """uvicorn ends by the signal that stopped it; without a handler SIGTERM would skip what is tidied up after it."""

    def leave(number: int, frame: object) -> NoReturn:
        del frame
        raise SystemExit(128 + number)

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, leave)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise ConfigError(
            f"cannot listen on {host}:{port}: {error.strerror}", hint="choose another with --port, or --port 0"
        ) from None
    return listening
