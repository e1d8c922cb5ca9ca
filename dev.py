#!/usr/bin/env python3
"""Set up Headwater and run it, on a machine that has git, python3 and pip.

    python3 dev.py demo [--headless]    trace a real ML project and ask it questions
    python3 dev.py test [ARGS...]       every check and the whole test suite (ARGS go to pytest instead of the checks)
    python3 dev.py setup                make or update .venv, and say where it is

The standard library is all this needs. It uses uv where it finds it, else installs uv into ``.dev``, else falls back
to venv and pip. The environment is made from the hashed files under ``requirements/`` and made again when they change.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
TOOLS = ROOT / ".dev"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
OLDEST = (3, 11)


def main() -> int:
    """Run the command that was asked for; give its exit code."""
    command, *arguments = sys.argv[1:] or ["help"]
    if command == "demo":
        set_up("demo")
        return run([PYTHON, ROOT / "examples" / "demo.py", *arguments])
    if command == "test":
        set_up("dev")
        return test(arguments)
    if command == "setup":
        set_up("dev")
        print(f"ready: {BIN}")
        return 0
    if command in ("help", "-h", "--help"):
        print(__doc__)
        return 0
    print(f"dev.py has no command {command!r}\n{__doc__}", file=sys.stderr)
    return 2


def test(arguments: list[str]) -> int:
    """The checks, then the suite; with arguments only the tests they name."""
    if arguments:
        return run([PYTHON, "-m", "pytest", *arguments])
    quick: list[list[str | Path]] = [
        [BIN / "ruff", "check", "."],
        [BIN / "ruff", "format", "--check", "."],
        [BIN / "lint-imports", "--no-cache"],
    ]
    failed = [Path(check[0]).name for check in quick if run(check) != 0]
    pytest: list[str | Path] = [PYTHON, "-m", "pytest", "-n", str(min(4, os.cpu_count() or 1))]
    # Beside the suite: the check of the types, which is one process, and other people's programs, which mostly wait for
    # one another. What one of them did is looked at by all tests of its file, so a file is not split.
    types = Beside([PYTHON, "-m", "mypy"])
    interop = Beside([*pytest, "tests/interop", "-m", "interop", "--dist", "loadfile", "--no-loadscope-reorder"])
    suite = run([*pytest, "-m", "not interop"])
    if types.end() != 0:
        failed.append("mypy")
    programs = interop.end()
    if failed:
        print("failed checks: " + ", ".join(failed))
    return suite or programs or (1 if failed else 0)


def set_up(kind: str) -> None:
    """Make ``.venv`` hold what ``requirements/<kind>.txt`` lists, and this package."""
    if sys.version_info < OLDEST:
        sys.exit(f"Headwater needs Python {OLDEST[0]}.{OLDEST[1]} or newer; this is {sys.version.split()[0]}")
    stamp = VENV / "headwater.stamp"
    wanted = _fingerprint(kind)
    done = stamp.read_text().split() if stamp.exists() else []
    if wanted in done and PYTHON.exists():
        return
    uv = _find_uv()
    print(f"preparing .venv for {kind} (once; {'uv' if uv else 'pip'}) ...", flush=True)
    if not PYTHON.exists():
        _make_venv(uv)
    _install(uv, ["--require-hashes", "-r", str(ROOT / "requirements" / f"{kind}.txt")])
    _install(uv, ["--no-deps", "--no-build-isolation", "-e", str(ROOT)])
    # The kinds agree on every version they share, so one environment can serve both.
    stamp.write_text(f"{wanted} {_fingerprint('demo')}" if kind == "dev" else wanted)


def _fingerprint(kind: str) -> str:
    """What the environment depends on: the requirements, the package's own declarations, what is compiled."""
    digest = hashlib.sha256(sys.version.encode())
    for path in (
        ROOT / "requirements" / f"{kind}.txt",
        ROOT / "pyproject.toml",
        ROOT / "setup.py",
        *sorted((ROOT / "src").rglob("*.c")),
    ):
        digest.update(path.read_bytes())
    return f"{kind}-{digest.hexdigest()[:16]}"


def _find_uv() -> str | None:
    """The uv of the machine, or one installed beside the project; None where neither can be had."""
    found = shutil.which("uv")
    if found and subprocess.run([found, "--version"], capture_output=True, check=False).returncode == 0:
        return found
    own = TOOLS / "bin" / "uv"
    if not own.exists():
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(TOOLS), "uv"]
        subprocess.run(command, capture_output=True, check=False)
    return str(own) if own.exists() else None


def _make_venv(uv: str | None) -> None:
    if uv:
        check([uv, "venv", "--quiet", "--python", sys.executable, str(VENV)])
    else:
        check([sys.executable, "-m", "venv", "--without-pip", str(VENV)])


def _install(uv: str | None, arguments: list[str]) -> None:
    if uv:
        check([uv, "pip", "install", "--quiet", "--python", str(PYTHON), *arguments])
    else:
        check([sys.executable, "-m", "pip", "--python", str(PYTHON), "install", "--quiet", *arguments])


def check(command: list[str]) -> None:
    """Run a command that must succeed."""
    code = run(command)
    if code != 0:
        sys.exit(code)


def run(command: list[str | Path] | list[str]) -> int:
    """Run a command in the project's folder; give its exit code."""
    return subprocess.run([str(part) for part in command], cwd=ROOT, env=environment(), check=False).returncode


class Beside:
    """A command that runs beside others in the project's folder; what it prints is shown when its end is waited for."""

    def __init__(self, command: list[str | Path]) -> None:
        self._printed = tempfile.TemporaryFile()  # noqa: SIM115 - closed at the end
        self._process = subprocess.Popen(
            [str(part) for part in command], cwd=ROOT, env=environment(), stdout=self._printed, stderr=subprocess.STDOUT
        )

    def end(self) -> int:
        """Wait for it; give its exit code."""
        code = self._process.wait()
        with self._printed:
            self._printed.seek(0)
            print(self._printed.read().decode(errors="replace"), end="", flush=True)
        return code


def environment() -> dict[str, str]:
    """This environment, in which compiled modules are kept, also where those of a container are not.

    The demo and the tests start hundreds of interpreters; without that, each would compile every library anew.
    """
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
