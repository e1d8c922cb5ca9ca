"""A service on a real port, and short ways to fill and ask it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import uvicorn
from starlette.testclient import TestClient

from headwater.server.app import App, create_app
from headwater.server.permissions import Role
from headwater.server.settings import Settings
from headwater.testing.events import Event


class Api:
    """A client of the API that reads answers as plain data."""

    def __init__(self, client: TestClient) -> None:
        self._client = client

    def __call__(self, method: str, path: str, body: Any = None, *, status: int = 200, **query: Any) -> Any:
        """The answer to a request, which must have that status."""
        answer = self._client.request(method, f"/api/v1{path}", params=query or None, json=body)
        assert answer.status_code == status, (answer.status_code, answer.text)
        return msgspec.json.decode(answer.content) if answer.content else None

    def get(self, path: str, *, status: int = 200, **query: Any) -> Any:
        """What is at a path."""
        return self("GET", path, status=status, **query)

    def fill(self, *events: Event) -> None:
        """Post events one after the other."""
        for event in events:
            self("POST", "/lineage", event, status=201)


@pytest.fixture
def api(served: Any) -> Api:
    """An API over each kind of store, with a key that may do everything."""
    return Api(served.client())


@pytest.fixture(params=["memory", "sqlite"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a service that lets anybody write."""
    store = "memory://" if request.param == "memory" else str(tmp_path / "stores")
    with _serving(create_app(Settings(store=store, anonymous=Role.WRITER))) as url:
        yield url


@pytest.fixture
def serving() -> Callable[[App], AbstractContextManager[str]]:
    """Serves an application on a free port for the length of a block, which gets the address."""
    return _serving


@contextmanager
def _serving(app: App) -> Iterator[str]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="on"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            _wait(lambda: server.started)
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def _wait(is_there: Callable[[], bool]) -> None:
    for _ in range(500):
        if is_there():
            return
        time.sleep(0.02)
    raise AssertionError("the server did not start")
