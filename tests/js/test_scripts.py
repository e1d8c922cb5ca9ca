"""The scripts of the interface: their own tests under node, their types under TypeScript, their size."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import headwater.server

HERE = Path(__file__).parent
PROJECT = HERE.parent.parent
STATIC = Path(headwater.server.__file__).parent / "static"
SCRIPTS = sorted(STATIC.rglob("*.js"))
TYPESCRIPT = "5.9.3"
NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="node is not installed")


@needs_node
def test_the_tests_of_the_scripts_pass():
    """Every test under tests/js passes."""
    version = tuple(map(int, re.findall(r"\d+", subprocess.check_output([NODE, "--version"], text=True))[:2]))
    if version < (20, 19):
        pytest.skip("node before 20.19 does not know a module without a package file")
    tests = sorted(map(str, HERE.glob("*.test.js")))
    done = subprocess.run([NODE, "--test", *tests], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


def typescript() -> Path:
    """The compiler, installed once beside the project, in a folder that is not committed."""
    folder = PROJECT / ".dev" / f"typescript-{TYPESCRIPT}"
    compiler = folder / "node_modules" / "typescript" / "bin" / "tsc"
    if compiler.exists():
        return compiler
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed")
    folder.mkdir(parents=True, exist_ok=True)
    command = [
        npm,
        "install",
        "--no-audit",
        "--no-fund",
        "--no-save",
        "--prefix",
        str(folder),
        f"typescript@{TYPESCRIPT}",
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip("typescript could not be installed within 90 s")
    if done.returncode != 0 or not compiler.exists():
        pytest.skip("typescript could not be installed: " + done.stderr.strip()[-200:])
    return compiler


@pytest.mark.first
@needs_node
def test_the_types_hold():
    """TypeScript, as strict as it gets, finds nothing in the JSDoc types."""
    command = [NODE, str(typescript()), "-p", str(HERE / "tsconfig.json")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env={**os.environ})
    assert done.returncode == 0, done.stdout[-4000:]


def test_every_key_has_one_command_that_there_is():
    """The list that ``?`` shows names keys once each, and commands that the canvas knows."""
    shown = (STATIC.parent / "pages" / "fragments" / "keys.html").read_text()
    rows = re.findall(r'^  \("([^"]+)", "([^"]+)", "[^"]+", "[^"]+"\),$', shown, re.MULTILINE)
    keys = [key for names, _ in rows for key in names.split()]
    assert len(keys) == len(set(keys)) > 20
    known = (STATIC / "lineage" / "commands.js").read_text()
    assert [name for _, name in rows if not re.search(rf'(?:\b{name}|"{name}"): ', known)] == []


def test_the_scripts_are_small():
    """All scripts of the interface together are at most 60 kB, compressed as they are sent."""
    sizes = {path.relative_to(STATIC).as_posix(): len(gzip.compress(path.read_bytes(), 9)) for path in SCRIPTS}
    assert 5_000 < sum(sizes.values()) <= 60_000, sizes


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.relative_to(STATIC).as_posix())
def test_a_module_is_readable(path):
    """A module has at most 400 lines, says first what it is for, and fetches nothing from another host."""
    lines = path.read_text().splitlines()
    assert len(lines) <= 400
    assert lines[0].startswith("// ")
    assert not re.search(r"https?://|\beval\(|new Function|document\.write", "\n".join(lines))
    assert max(map(len, lines)) <= 160
