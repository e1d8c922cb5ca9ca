"""Feast's own OpenLineage consumer as a process, out of an environment of its own: what ours is compared with."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from pathlib import Path

VERSION = "0.67.0"
_CONFIG = """\
project: peer
provider: local
registry: {folder}/registry.db
online_store:
  type: sqlite
  path: {folder}/online.db
entity_key_serialization_version: 3
openlineage:
  enabled: true
  transport_type: console
  consumer:
    enabled: true
    connection_string: sqlite:///{folder}/lineage.db
"""


def install(environment: Path) -> str:
    """Make the environment, where it is not there yet; returns why that cannot be done, empty when it was."""
    if (environment / "bin" / "feast").exists():
        return ""
    uv = shutil.which("uv")
    make = [uv, "venv", "--quiet", str(environment)] if uv else [sys.executable, "-m", "venv", str(environment)]
    python = str(environment / "bin" / "python")
    # grpcio is imported by Feast and not among its requirements
    wanted = [f"feast=={VERSION}", "grpcio"]
    get = [uv, "pip", "install", "--quiet", "--python", python] if uv else [python, "-m", "pip", "install", "--quiet"]
    for command in (make, [*get, *wanted]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            return f"Feast cannot be installed here: {done.stderr.strip().splitlines()[-1]}"
    return ""


def start(environment: Path, folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    """Serve lineage from an empty SQLite file; the process and its port."""
    (folder / "feature_store.yaml").write_text(_CONFIG.format(folder=folder))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(environment / "bin" / "feast"), "-c", str(folder), "serve_lineage"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port)], stdout=log, stderr=subprocess.STDOUT
        )
    return process, port
