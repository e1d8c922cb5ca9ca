"""The demo: what the README promises first."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from test_docs import BLOCK, commands_of, run, settled

ROOT = Path(__file__).resolve().parent.parent
DEMO = ROOT / "examples" / "demo.py"
PAGE = ROOT / "docs" / "how-to" / "ask-questions.md"
OF_THE_READER = ("crm.users", "0195c3a2-71")
"""What the page says are not of the demo."""


@pytest.mark.first
def test_the_demo_answers_its_questions(tmp_path):
    """Traced without a changed line; every answer names what the project really did; exit code 0.

    So do the commands of the page on questions: all but those that name things of the reader's own. What the README
    shows is what is printed.
    """
    command = [sys.executable, DEMO, "--headless", "--folder", tmp_path / "demo"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    readme = BLOCK.findall((ROOT / "README.md").read_text())
    (sample,) = [body for _, _, body in readme if body.startswith("$ headwater run train.py\n")]
    for command, shown in commands_of(sample):
        assert f"$ {command}\n{settled(shown.strip())}" in settled(done.stdout)
    asked = [line[2:] for line in PAGE.read_text().splitlines() if line.startswith("$ ")]
    for question in asked:
        if not any(word in question for word in OF_THE_READER):
            run(question, tmp_path / "demo")
