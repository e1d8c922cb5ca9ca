"""Runs the service as a process: a listening socket, the application, graceful shutdown."""

from __future__ import annotations

import gc
import signal
import socket
import threading
from collections.abc import Callable
from contextlib import closing
from typing import NoReturn

import uvicorn

from headwater.errors import ConfigError
from headwater.server.app import App, create_app
from headwater.server.connection import Connection
from headwater.server.presence_file import noted
from headwater.server.service import Service
from headwater.server.settings import Settings, check
from headwater.server.telemetry.logs import set_up
from headwater.server.worker_processes import check_workers, supervise

_BACKLOG = 2048
_HERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - every address, and the one that a browser may be given
_YOUNG = 50_000
"""New objects until the garbage collector runs on the youngest generation."""


def serve(settings: Settings, *, echo: Callable[[str], None], open_page: Callable[[str], object] | None = None) -> None:
    """Serve until SIGINT or SIGTERM; ``open_page`` is called with a login link for a browser.

    Raises:
        ConfigError: the address cannot be bound, or the settings are unsafe.
        StoreError: the store cannot be opened.
    """
    check(settings)
    check_workers(settings)
    set_up(settings.log)
    with _listen(settings.host, settings.port) as listening:
        url = address(*listening.getsockname()[:2])
        if settings.workers > 1:
            _serve_by_workers(settings, listening, url, echo)
        else:
            _serve_here(settings, listening, url, echo, open_page)


def _serve_by_workers(settings: Settings, listening: socket.socket, url: str, echo: Callable[[str], None]) -> None:
    with closing(Service(settings)) as service:
        listening.listen(_BACKLOG)
        echo(f"Headwater is at {url}")
        _show_key(service, echo)
    supervise(settings, listening, _work)


def _serve_here(
    settings: Settings,
    listening: socket.socket,
    url: str,
    echo: Callable[[str], None],
    open_page: Callable[[str], object] | None,
) -> None:
    app = create_app(settings)
    with closing(app.service):
        # Clients may connect as soon as the line below is printed: they queue until the application is ready.
        listening.listen(_BACKLOG)
        echo(f"Headwater is at {url}")
        link = f"{url}/login?token={app.service.new_link()}"
        echo(f"open it once with {link}")
        _show_key(app.service, echo)
        _end_in_order()
        with noted(settings.folder, url, app.service.links.opener):
            if open_page is not None:
                open_page(link)
            _Server(_config(settings, app), app).run(sockets=[listening])


def address(host: str, port: int) -> str:
    """The URL for a browser on this machine, also for a ``host`` that means every address."""
    host = _HERE.get(host, host)
    return f"http://{'[' + host + ']' if ':' in host else host}:{port}"


def _show_key(service: Service, echo: Callable[[str], None]) -> None:
    key = service.first_key()
    if key is not None:
        echo(f"your key, shown this once: {key}")


def calm_collector() -> None:
    """Make the garbage collector run less often, and never on objects that live as long as the process.

    An answer with a thousand nodes creates tens of thousands of small objects that are freed together; at the default
    thresholds they would be searched again and again for cycles they do not have.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, 20, 50)


def _work(settings: Settings, listening: socket.socket) -> None:
    """The main function of a worker process."""
    app = create_app(settings)
    _Server(_config(settings, app), app).run(sockets=[listening])


def _config(settings: Settings, app: App) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=Connection,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=settings.drain_s,
        backlog=_BACKLOG,
    )


class _Server(uvicorn.Server):
    """Ends event streams first at shutdown, which would otherwise wait for them forever."""

    def __init__(self, config: uvicorn.Config, app: App) -> None:
        super().__init__(config)
        self._app = app

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and exempt all objects so far from garbage collection."""
        await super().startup(sockets)
        calm_collector()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, finish running requests, and stop."""
        self._app.service.hub.close()
        await super().shutdown(sockets)


def _end_in_order() -> None:
    """Exit cleanly on the signal that uvicorn raises again: without a handler, SIGTERM would skip the cleanup."""

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
