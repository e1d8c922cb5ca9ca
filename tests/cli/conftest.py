"""A store folder with the sample project, and the command line pointed at it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from headwater.cli.commands import cli
from headwater.storage.open import open_store
from query.histories import BASE, encoded, project, report

Invoke = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder: no store, no settings."""
    monkeypatch.chdir(tmp_path)
    for name in ("HEADWATER_STORE", "HEADWATER_TENANT", "NO_COLOR", "COLUMNS"):
        monkeypatch.setenv(name, "")  # so that what a command sets is taken back, too
        monkeypatch.delenv(name)
    return tmp_path


@pytest.fixture
def filled(folder: Path) -> Path:
    """The working folder with the sample project in its store."""
    with open_store(folder / ".headwater") as store:
        store.append(encoded(project(3) + report(3) + project(4, trees=200)))
    return folder


@pytest.fixture
def invoke() -> Invoke:
    """Run a command in this process; errors of ours are raised for the test to see."""

    def run(*args: str, stdin: bytes | None = None) -> Result:
        return CliRunner().invoke(cli, args, input=stdin, catch_exceptions=False)

    return run


def lines(events: list[dict[str, Any]]) -> str:
    """Return events as NDJSON."""
    return "".join(json.dumps(event) + "\n" for event in events)


__all__ = ["BASE", "Invoke", "lines"]
