"""Scripts run twice, plainly and captured, and what was captured of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest


class Ended(NamedTuple):
    """A process that has ended."""

    code: int
    out: str
    err: str


class Project:
    """A folder with scripts, run as a user runs them. Events go to a file of JSON lines."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment: dict[str, str] = {
            "HEADWATER_TRANSPORT": "file",
            "HEADWATER_TRANSPORT__PATH": str(folder / "events.jsonl"),
        }
        (folder / "headwater.toml").write_text('namespace = "tests"\n')

    def write(self, name: str, text: str) -> Path:
        """Write a script."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def _run(self, command: Sequence[str], environment: Mapping[str, str], **options: Any) -> Ended:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("HEADWATER", "OPENLINEAGE", "PYTEST"))}
        done = subprocess.run(
            command,
            cwd=options.pop("cwd", self.folder),
            env={**kept, **environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            **options,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def plain(self, *arguments: str, **options: Any) -> Ended:
        """``python ARGUMENTS``."""
        return self._run([sys.executable, *arguments], {}, **options)

    def captured(self, *arguments: str, before: Sequence[str] = (), **options: Any) -> Ended:
        """``headwater run ARGUMENTS``, started by the command ``before`` if there is one."""
        command = [*before, sys.executable, "-m", "headwater", "run", *arguments]
        return self._run(command, self.environment, **options)

    def python(self, code: str, **options: Any) -> Ended:
        """``python -c CODE`` with the settings of this project."""
        return self._run([sys.executable, "-c", code], self.environment, **options)

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events that were delivered."""
        path = self.folder / "events.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def states(self, job: str | None = None) -> list[str]:
        """The kinds of the delivered events, of one job or of all."""
        return [e["eventType"] for e in self.events if job is None or e["job"]["name"] == job]

    def facet(self, name: str, job: str | None = None) -> dict[str, Any]:
        """A run facet, as the last event that has it says."""
        found: dict[str, Any] = {}
        for event in self.events:
            if job is None or event["job"]["name"] == job:
                found = event["run"]["facets"].get(name, found)
        return found

    def everything_on_disk(self) -> Iterator[tuple[Path, bytes]]:
        """Every file below, scripts aside."""
        for path in self.folder.rglob("*"):
            if path.is_file() and path.suffix not in (".py", ".ipynb"):
                yield path, path.read_bytes()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """An empty project."""
    return Project(tmp_path)


@pytest.fixture(scope="session")
def new_project(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Project]:
    """Makes an empty project, for a run that several tests look at."""
    return lambda: Project(tmp_path_factory.mktemp("project"))


@pytest.fixture
def in_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """``headwater.init`` in this process with a memory transport; gives the transport. Everything is undone after."""
    import headwater
    from headwater.capture.transports.memory import MemoryTransport

    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith(("HEADWATER_", "OPENLINEAGE")) and name != "HEADWATER_STRICT":
            monkeypatch.delenv(name)

    def begin(**settings: Any) -> tuple[Any, Callable[[], list[dict[str, Any]]]]:
        run = headwater.init("test.job", namespace="tests", transport="memory", **settings)

        def events() -> list[dict[str, Any]]:
            headwater.flush(20)
            transport = MemoryTransport.latest
            return list(transport.events) if transport is not None else []

        return run, events

    yield begin
    headwater.shutdown()
    MemoryTransport.latest = None
