"""What every test shares: strict capture, and the ``--long`` option."""

from __future__ import annotations

import os

import pytest

# A fault inside a hook fails the test that met it, instead of being counted and forgotten.
os.environ.setdefault("HEADWATER_STRICT", "1")


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--long`` also runs the proofs that take minutes."""
    parser.addoption("--long", action="store_true", default=False, help="also run the tests marked long")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what is marked ``long`` unless asked for."""
    if config.getoption("--long"):
        return
    skip = pytest.mark.skip(reason="a long proof: run with --long")
    for item in items:
        if "long" in item.keywords:
            item.add_marker(skip)
