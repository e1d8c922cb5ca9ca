"""The demo: what the README promises first."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

DEMO = Path(__file__).resolve().parent.parent / "examples" / "demo.py"


def test_the_demo_answers_its_questions(tmp_path):
    """Traced without a changed line; every answer names what the project really did; exit code 0."""
    command = [sys.executable, DEMO, "--headless", "--folder", tmp_path / "demo"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
