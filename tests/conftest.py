"""What every test shares: strict capture, and the ``--long`` option."""

from __future__ import annotations

import gc
import os
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import hypothesis
import pytest

# Before anything imports it: the suite's asserts explain themselves as those of a test file do.
pytest.register_assert_rewrite("headwater.testing.suite")

if TYPE_CHECKING:
    from headwater.testing.postgres import PostgresServer

# A fault inside a hook fails the test that met it, instead of being counted and forgotten.
os.environ.setdefault("HEADWATER_STRICT", "1")

# The libraries that multiply matrices and grow trees read these when they are loaded. With a worker of pytest on each
# core their own threads find none free, and turn in circles until one is.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")

# No example has a time limit: on a busy machine any of them can take long.
hypothesis.settings.register_profile("suite", parent=hypothesis.settings(), deadline=None)
hypothesis.settings.load_profile("suite")


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--long`` also runs the proofs that take minutes."""
    parser.addoption("--long", action="store_true", default=False, help="also run the tests marked long")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What is marked ``first`` comes first; what is marked ``long`` is skipped unless asked for.

    One test that takes many seconds would, as the last one, keep its worker busy long after the others are done.
    """
    items.sort(key=lambda item: "first" not in item.keywords)
    if config.getoption("--long"):
        return
    skip = pytest.mark.skip(reason="a long proof: run with --long")
    for item in items:
        if "long" in item.keywords:
            item.add_marker(skip)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """While tests are collected, what is made stays: there is no garbage that would be worth looking for."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_finish() -> None:
    """The libraries and tests that were imported stay until the end: the collector need not look at them again.

    They are half a million objects, and a test that collects garbage, to see what becomes of it, would go through
    all of them each time.
    """
    gc.collect()
    gc.freeze()


def pytest_sessionfinish() -> None:
    """At the end they are looked at as ever: some libraries tell of objects of theirs that are left then."""
    gc.unfreeze()


@pytest.fixture(autouse=True)
def _no_store_for_later_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """``--store`` goes into the environment, for what a command starts; it must not outlive the test."""
    monkeypatch.setenv("HEADWATER_STORE", "")
    monkeypatch.delenv("HEADWATER_STORE")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A server of the session's own; skipped with a reason where there are no programs for one."""
    pytest.importorskip("psycopg")
    from headwater.testing.postgres import NoServer, PostgresServer

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
