"""Sessions in which somebody types: what was done counts at once, and is asked for where it was done."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BEGIN = "import headwater as hw, os, pandas as pd\n_ = hw.init(namespace='n')\n"
MADE = "frame = pd.read_csv('in.csv')\nframe.assign(b=frame.a + 1).to_csv('out.csv', index=False)\n"


@pytest.fixture
def typed(tmp_path):
    """Types lines into an interpreter, and returns what it printed."""

    def run(lines: str) -> str:
        command = [sys.executable, "-i", "-q"]  # sets ``sys.ps1``, as IPython and the kernels of notebooks do
        done = subprocess.run(
            command, check=False, input=lines, cwd=tmp_path, capture_output=True, encoding="utf-8", timeout=120
        )
        return done.stdout

    (tmp_path / "in.csv").write_text("a\n1\n2\n")
    (tmp_path / "other.csv").write_text("a\n1\n2\n")
    return run


def test_what_was_typed_is_known_at_once(typed):
    """A file that was written a line before is asked about: where it comes from, column by column, and its version."""
    tree = typed(f"{BEGIN}{MADE}print(hw.lineage().upstream('out.csv', columns=True), hw.lineage().why('out.csv'))\n")
    assert "in.csv" in tree
    assert "b ← a" in tree
    assert "no version" not in tree


def test_what_is_typed_again_is_known_again(typed):
    """A cell that was changed and run again adds what it now reads; what the program has nothing to do with is not
    there, least of all what Headwater reads of its own store to answer."""
    again = MADE.replace("in.csv", "other.csv")
    show = "print(sorted(node.name.rpartition('/')[2] for node in "
    everything, upstream = (
        f"{show}hw.lineage().{question}.datasets()))\n" for question in ("graph('kind:dataset')", "upstream('out.csv')")
    )
    printed = typed(f"{BEGIN}{MADE}{everything}{again}{everything}{upstream}")
    assert printed.splitlines()[-3:] == [
        "['in.csv', 'out.csv']",
        "['in.csv', 'other.csv', 'out.csv']",
        "['in.csv', 'other.csv', 'out.csv']",
    ]


def test_a_session_that_is_killed_has_done_what_it_has_done(typed, tmp_path):
    """A kernel that is killed ends its run as ABORT; the file that it had written still comes from its source."""
    typed(f"{BEGIN}{MADE}_ = hw.flush()\nos.kill(os.getpid(), 9)\n")
    command = [sys.executable, "-m", "headwater", "upstream", "out.csv"]
    tree = subprocess.run(command, check=True, cwd=tmp_path, capture_output=True, encoding="utf-8").stdout
    assert "in.csv" in tree
    assert "1 job upstream" in tree


def test_a_notebook_gives_the_job_its_name(typed, tmp_path, monkeypatch):
    """The server that starts a kernel names the notebook: two notebooks of a project are two jobs."""
    name = "import headwater as hw\nprint(hw.init().name)\n"
    (tmp_path / "pyproject.toml").touch()
    assert typed(name) == "interactive\n"
    monkeypatch.setenv("JPY_SESSION_NAME", str(Path(tmp_path, "work", "model.ipynb")))
    assert typed(name) == "work/model.ipynb\n"
