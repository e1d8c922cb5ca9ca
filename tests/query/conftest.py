"""Stores with the sample project in them, and golden files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from headwater.query import Lineage
from headwater.storage.base import Store
from headwater.storage.open import open_store

from .histories import BASE, NOW_US, encoded, project, report

GOLDEN = Path(__file__).parent / "golden"


def backends() -> list[str]:
    """Return the stores every test of answers runs on."""
    return ["memory", "sqlite"]


@pytest.fixture(params=backends())
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store of each kind."""
    target = "memory://" if request.param == "memory" else str(tmp_path / "store")
    with open_store(target) as store:
        yield store


@pytest.fixture
def store(empty: Store) -> Store:
    """A store with two passes of the sample project: the second with more trees, and a report only in the first."""
    receipts = empty.append(encoded(project(3) + report(3) + project(4, trees=200)))
    assert {receipt.status.value for receipt in receipts} == {"stored"}
    return empty


@pytest.fixture
def lineage(store: Store) -> Lineage:
    """Questions to the sample project, with a fixed clock and folder."""
    return Lineage(store, base=BASE, clock=lambda: NOW_US)


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    """Compare a text with a committed file; ``HEADWATER_UPDATE_GOLDEN=1`` writes it instead."""

    def check(name: str, text: str) -> None:
        file = GOLDEN / name
        if os.environ.get("HEADWATER_UPDATE_GOLDEN"):
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8")
        assert text == file.read_text(encoding="utf-8")

    return check
