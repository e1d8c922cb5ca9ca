"""A service in the test's own process, over a store in memory and over one in a folder."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import pytest
import uvicorn
from starlette.testclient import TestClient

from headwater.server.access.control_rows import Tenant
from headwater.server.app import App, create_app
from headwater.server.permissions import SCOPES, Permission
from headwater.server.settings import Settings
from headwater.testing.postgres import PostgresServer

ALL = frozenset({*SCOPES, Permission.OPERATE})


@contextmanager
def listening(app: App) -> Iterator[str]:
    """The application on a real socket, without its lifespan; gives the address."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            time.sleep(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)


class Served:
    """A running service and clients of it."""

    def __init__(self, app: App, stack: ExitStack) -> None:
        self.app = app
        self.service = app.service
        self._client = stack.enter_context(TestClient(app, raise_server_exceptions=True))
        self.portal = self._client.portal

    def client(self, tenant: str = "default", permissions: frozenset[Permission] = ALL) -> TestClient:
        """A client with a key of a tenant; it shares the running application."""
        return self.bare(headers={"Authorization": f"Bearer {self.key(tenant, permissions)}"})

    def key(self, tenant: str = "default", permissions: frozenset[Permission] = ALL) -> str:
        """A key of a tenant, which is made when it is new."""
        self.service.control.add_tenant(Tenant(name=tenant, created_at=0))
        return self.service.administration.issue_key(tenant, who="test", scopes=permissions).secret

    def bare(self, headers: dict[str, str] | None = None) -> TestClient:
        """A client without a key."""
        client = TestClient(self.app, headers=headers, follow_redirects=False)
        client.portal = self._client.portal  # one loop for all
        return client


def place(kind: str, request: pytest.FixtureRequest) -> str:
    """A new place for stores of a kind: ``memory``, ``sqlite`` or ``postgres``."""
    if kind == "memory":
        return "memory://"
    if kind == "sqlite":
        return str(request.getfixturevalue("tmp_path_factory").mktemp("stores") / "of-all")
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.new_store()


@pytest.fixture
def new_service(request: pytest.FixtureRequest) -> Callable[[str, ExitStack], Served]:
    """Start a service over new stores of a kind, for as long as a stack is open."""
    return lambda kind, stack: Served(create_app(Settings(store=place(kind, request))), stack)


@pytest.fixture(params=["memory", "sqlite"])
def served(request: pytest.FixtureRequest) -> Iterator[Served]:
    """A service over each kind of store that costs nothing to make."""
    with ExitStack() as stack:
        yield Served(create_app(Settings(store=place(request.param, request))), stack)


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def served_everywhere(request: pytest.FixtureRequest) -> Iterator[Served]:
    """A service over every kind of store."""
    with ExitStack() as stack:
        yield Served(create_app(Settings(store=place(request.param, request))), stack)


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Start services with settings of the test's own; over a folder unless told otherwise."""
    with ExitStack() as stack:
        yield lambda **settings: Served(create_app(Settings(**{"store": str(tmp_path / "stores"), **settings})), stack)


@pytest.fixture(scope="session")
def listen() -> Callable[[App], AbstractContextManager[str]]:
    """Put an application on a real socket: ``with listen(app) as url``."""
    return listening
