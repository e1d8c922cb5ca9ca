"""Installs the programs that the tests run, each into an environment of its own.

A program is what ``requirements/<name>.txt`` locks. Its environment lies in ``.dev/interop`` of the project
(``HEADWATER_INTEROP`` is another place), is kept, and is made again when the lock or the interpreter changes.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PLACE = Path(os.environ.get("HEADWATER_INTEROP") or ROOT / ".dev" / "interop")
INSTALL_S = 600
RUN_S = 300
_KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT")


class Program:
    """An installed program; it sees none of the settings of the process that tests it."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self._bin = folder / "bin"

    def command(self, *words: str) -> list[str]:
        """The command line of one of the program's own commands."""
        return [str(self._bin / words[0]), *words[1:]]

    def environment(self, folder: Path, settings: Mapping[str, str]) -> dict[str, str]:
        """The environment it runs in: a home of its own, its settings, no telemetry."""
        home = folder / "home"
        home.mkdir(parents=True, exist_ok=True)
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        kept["PATH"] = f"{self._bin}{os.pathsep}{kept.get('PATH', os.defpath)}"
        return {**kept, "HOME": str(home), "DO_NOT_TRACK": "1", **settings}

    def run(self, *words: str, folder: Path, settings: Mapping[str, str], code: int = 0) -> str:
        """Run a command in a folder; it must end with that exit code. Gives what it printed."""
        done = subprocess.run(
            self.command(*words),
            cwd=folder,
            env=self.environment(folder, settings),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=RUN_S,
            check=False,
        )
        assert done.returncode == code, f"{words} ended with {done.returncode}\n{done.stdout[-6000:]}"
        return done.stdout


def installed(name: str) -> Program:
    """The program of that name, installed if it is not. What prevents that skips the test; in CI it fails it."""
    lock = HERE / "requirements" / f"{name}.txt"
    digest = hashlib.sha256(lock.read_bytes() + sys.version.encode()).hexdigest()[:16]
    folder = PLACE / f"{name}-{digest}"
    with locked(PLACE / f"{name}.lock"):
        if not (folder / "done").exists():
            shutil.rmtree(folder, ignore_errors=True)
            for old in PLACE.glob(f"{name}-*"):
                shutil.rmtree(old, ignore_errors=True)
            _install(folder, lock)
            (folder / "done").touch()
    return Program(name, folder)


def _install(folder: Path, lock: Path) -> None:
    python = folder / "bin" / "python"
    uv = _find_uv()
    if uv:
        make = [uv, "venv", "--quiet", "--python", sys.executable, str(folder)]
        fill = [uv, "pip", "install", "--quiet", "--python", str(python), "--require-hashes", "-r", str(lock)]
    else:
        make = [sys.executable, "-m", "venv", "--without-pip", str(folder)]
        base = getattr(sys, "_base_executable", sys.executable)  # our own environment has no pip
        pip = [base, "-m", "pip", "--python", str(python), "install", "--quiet"]
        fill = [*pip, "--require-hashes", "-r", str(lock)]
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    for command in (make, fill):
        try:
            done = subprocess.run(
                command, env=environment, capture_output=True, text=True, timeout=INSTALL_S, check=False
            )
        except subprocess.TimeoutExpired:
            _refuse(lock, f"not done after {INSTALL_S} s: {' '.join(command)}")
        if done.returncode:
            _refuse(lock, f"{' '.join(command)} ended with {done.returncode}: {done.stderr.strip()[-2000:]}")


def _refuse(lock: Path, reason: str) -> None:
    text = f"{lock.name} cannot be installed: {reason}"
    if os.environ.get("CI"):
        pytest.fail(text)
    pytest.skip(text)


def _find_uv() -> str | None:
    """The uv of the machine, or the one that ``dev.py`` put beside the project."""
    own = ROOT / ".dev" / "bin" / "uv"
    return shutil.which("uv") or (str(own) if own.exists() else None)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """One process at a time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
