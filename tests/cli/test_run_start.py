"""``headwater run`` starts without click where its arguments are plain, and does then what click would have done."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path

import click
import pytest

from headwater.cli import run_start
from headwater.cli.run import run
from headwater.cli.run_start import Asked

PIECES = (
    *("train.py", "-", "--", "a=b", "-v", "-q", "-vq", "-m", "-mjson", "-c", "print(1)", "-h", "--help", "--verbose"),
    *("--quiet", "--quiet=1", "--name", "--name=n", "--name=", "--namespace", "--store", "--store=s=t", "--tag"),
    *("--tag=k=v", "--tags", "--module", "--module=json", "--code", "--code=1", "--operation", "ETL"),
    *("--no-integration", "pandas", "--verb", "", "-x"),
)
"""What arguments are made of: every option, whole and joined to its value, and what is no option."""


def as_click(arguments: tuple[str, ...]) -> Asked | None:
    """What click makes of the arguments; None where it refuses them, or only shows the help."""
    try:
        return Asked(**run.make_context("run", list(arguments)).params)
    except (click.UsageError, click.exceptions.Exit):
        return None


@pytest.mark.filterwarnings("ignore:The parameter")
def test_arguments_are_read_as_click_reads_them(capsys: pytest.CaptureFixture[str]) -> None:
    """Of all sequences of up to three pieces, and of four with the usual options: what is read without click at all is
    read alike, and what click refuses is never read."""
    usual = ("train.py", "-v", "-m", "-c", "--name", "--tag", "--tag=k=v", "--", "-x", "")
    sequences = [
        *itertools.chain.from_iterable(itertools.product(PIECES, repeat=length) for length in range(3)),
        *itertools.product(usual, PIECES, usual),
        *itertools.product(usual[:8], repeat=4),
    ]
    read = {arguments: asked for arguments in sequences if (asked := run_start.read(arguments)) is not None}
    assert {arguments: as_click(arguments) for arguments in read} == read
    assert len(read) > 1000
    capsys.readouterr()


def test_the_usual_forms_are_read_without_click() -> None:
    """A script, a module and a piece of code, with name, store, tags and loudness; the rest is the program's."""
    assert run_start.read(["train.py", "--name", "x", "-v"]) == Asked(("train.py", "--name", "x", "-v"))
    assert run_start.read(["--name", "n", "-q", "--tag", "a=1", "--tag=b", "train.py", "--", "x"]) == Asked(
        ("train.py", "--", "x"), name="n", quiet=True, tags=("a=1", "b")
    )
    assert run_start.read(["--store", "s", "-m", "pack.train", "-c"]) == Asked(("-c",), module="pack.train", store="s")
    assert run_start.read(["-v", "-c", "print(1)", "-m"]) == Asked(("-m",), code="print(1)", verbose=True)


def test_a_captured_program_pays_for_no_command_line(tmp_path: Path) -> None:
    """An empty program finds neither click nor what only questions and services need, at its start or its end; what it
    finds is msgspec, and that no library was imported to be hooked."""
    heavy = ("click", "rich", "sqlglot", "numpy", "pandas", "sklearn", "asyncio", "jinja2", "starlette", "uvicorn")
    heavy += ("headwater.capture.dbapi",)  # what would follow the sqlite3 that the store itself has imported by then
    program = (
        "import atexit, sys\n"
        f"def loaded(): print([name for name in {heavy!r} if name in sys.modules])\n"
        "loaded()\natexit.register(loaded)\n"
        "print('sqlite3' in sys.modules, 'headwater.storage' in sys.modules)\n"
    )
    (tmp_path / "train.py").write_text(program)
    # The handler of the store is asked again from inside its last act: after the program, after its atexit functions.
    watch = (
        "import headwater.embedded as e, sys\n"
        "close = e.EmbeddedTransport.close\n"
        f"e.EmbeddedTransport.close = lambda self: (close(self), print([n for n in {heavy!r} if n in sys.modules]))\n"
        "from headwater.cli.main import main\nmain(['run', 'train.py'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", watch], cwd=tmp_path, check=False, capture_output=True, encoding="utf-8", timeout=120
    )
    assert (done.stdout, done.stderr) == ("[]\nFalse False\n[]\n[]\n", "")


def test_a_wrong_setting_is_told_alike_by_both_ways(tmp_path: Path) -> None:
    """A mistake that shows after the arguments were read (here in a file) is told in the same words, with exit code 1,
    whether click read them or not; the program was not begun."""
    (tmp_path / "headwater.toml").write_text("nmaespace = 'x'\n")
    told = [
        subprocess.run(
            [sys.executable, "-m", "headwater", "run", *more, "-c", "print('begun')"],
            cwd=tmp_path,
            check=False,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
        )
        for more in ((), ("--operation", "ETL"))
    ]
    assert [run_start.read(["-c", "1"]) is None, run_start.read(["--operation", "ETL", "-c", "1"]) is None] == [
        False,
        True,
    ]
    assert told[0].stderr == told[1].stderr
    assert "there is no setting 'nmaespace'" in told[0].stderr
    assert [(one.returncode, one.stdout) for one in told] == [(1, ""), (1, "")]
