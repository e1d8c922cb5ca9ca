"""The service starts from the environment that the image gives it."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import pytest

from headwater.errors import ServiceError
from headwater.server.health_client import ask_health
from headwater.server.health_document import Readiness
from headwater.storage.open import index_folder

ROOT = Path(__file__).resolve().parents[2]
START_S = 60.0


def test_the_service_starts_with_the_variables_of_the_image(tmp_path: Path) -> None:
    """Every variable of the Dockerfile, with another store and a free port: it is ready, and ends on SIGTERM."""
    text = re.sub(r"\\\n\s*", "", (ROOT / "deploy/Dockerfile").read_text())
    (line,) = re.findall(r"^ENV (.*)$", text, re.MULTILINE)
    image = dict(part.split("=", 1) for part in shlex.split(line))
    set_by_it = {name: value for name, value in image.items() if name != "PATH"}
    assert {"HEADWATER_STORE", "HEADWATER_HOST", "HEADWATER_PORT", "HEADWATER_LOG"} <= set(set_by_it)
    own = {"HEADWATER_STORE": str(tmp_path / "data"), "HEADWATER_HOST": "127.0.0.1", "HEADWATER_PORT": "0"}
    others = {name: value for name, value in os.environ.items() if not name.startswith("HEADWATER_")}
    log = tmp_path / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "headwater", "serve"],
            cwd=tmp_path,
            env={**others, **set_by_it, **own},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        assert _health(process, log).is_ready
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) in (0, -signal.SIGTERM, 128 + signal.SIGTERM)
    finally:
        process.kill()
        process.wait()
    assert list((tmp_path / "data").iterdir())


def _health(process: subprocess.Popen[bytes], log: Path) -> Readiness:
    """What it answers, as soon as it does."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        found = re.search(r"Headwater is at (http://\S+)\n", log.read_text())
        if found:
            with suppress(ServiceError):  # it has the port, and does not listen yet
                return ask_health(found[1], timeout_s=10)
        time.sleep(0.05)
    raise AssertionError(f"the service did not start:\n{log.read_text()}")


def test_a_user_whom_nothing_knows_has_no_place_for_indexes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service's user without an entry and without HOME: no index is saved, unless ``XDG_CACHE_HOME`` says where."""
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)

    def unknown(uid: int) -> NoReturn:
        raise KeyError(uid)

    monkeypatch.setattr("pwd.getpwuid", unknown)
    assert index_folder("postgresql://db/lineage", "default") is None
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/cache")
    place = index_folder("postgresql://db/lineage", "default")
    assert place is not None
    assert place.parent == Path("/var/cache/headwater/index")
