"""The suite's asserts explain themselves as those of a test file do."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from headwater.testing.postgres import NoServer, PostgresServer

pytest.register_assert_rewrite("headwater.testing.suite")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A server of the session's own; skipped with a reason where there are no programs for one."""
    pytest.importorskip("psycopg")
    try:
        server = PostgresServer()
    except NoServer as error:
        pytest.skip(str(error))
    with server:
        yield server


@pytest.fixture(scope="session")
def postgres_url(request: pytest.FixtureRequest) -> str:
    """The address of a database to test in: ``HEADWATER_TEST_POSTGRES``, else one on a server of our own."""
    given = os.environ.get("HEADWATER_TEST_POSTGRES")
    if given:
        return given
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.url()
