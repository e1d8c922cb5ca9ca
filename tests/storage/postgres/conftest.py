"""A tenant a test, and servers that a test may kill."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

pytest.importorskip("psycopg")

from postgres_opening import Opener

from headwater.storage.postgres import PostgresStore
from headwater.testing.postgres import NoServer, PostgresServer


@pytest.fixture
def tenant() -> str:
    """A tenant of the test's own."""
    return uuid.uuid4().hex


@pytest.fixture
def opened(postgres_url: str, tenant: str) -> Iterator[Opener]:
    """Opens stores in the session's database."""
    with ExitStack() as stack:

        def open_(tenant: str = tenant, **options: object) -> PostgresStore:
            return stack.enter_context(PostgresStore.open(postgres_url, tenant=tenant, **options))

        yield open_


@pytest.fixture(scope="module")
def own_server() -> Iterator[PostgresServer]:
    """A server that the tests of a module may stop, kill and start."""
    try:
        server = PostgresServer(fsync="on")
    except NoServer as error:
        pytest.skip(str(error))
    with server:
        yield server
