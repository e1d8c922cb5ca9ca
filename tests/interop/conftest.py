"""Services in processes of their own, and what programs sent to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from headwater.testing.postgres import NoServer, PostgresServer
from interop.histories import Sent


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Sent]]:
    """Start services; they end with the test."""
    with ExitStack() as stack:

        def start(name: str = "store", *options: str, store: str = "") -> Sent:
            return stack.enter_context(Sent(tmp_path / name, *options, store=store))

        yield start


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    """A database server of one's own; skipped with a reason where there are no programs for one."""
    pytest.importorskip("psycopg")
    try:
        server = PostgresServer()
    except NoServer as error:
        pytest.skip(str(error))
    with server:
        yield server
