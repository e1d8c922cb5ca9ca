"""marquez-python from an environment of its own: that its every method passes is shown in ``tests/server/marquez``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from interop.histories import Sent
from interop.programs import HERE, installed

pytestmark = pytest.mark.interop


def test_it_registers_runs_and_reads_back(serve: Callable[..., Sent], tmp_path: Path) -> None:
    """A job with an input and an output is registered and run; the graph and the client's answers show it."""
    sent = serve()
    program = installed("marquez")
    script = (HERE / "projects" / "marquez" / "register.py").read_text()
    settings = {"MARQUEZ_URL": sent.url, "MARQUEZ_API_KEY": sent.key}
    said = program.run("python", "-c", script, folder=tmp_path, settings=settings)
    assert said.splitlines()[-1] == "COMPLETED my/table x"
    assert sent.states() == {"load": ["COMPLETED"]}
