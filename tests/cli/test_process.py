"""The command as a process: exit codes, streams, colours, and what it imports to start."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from file_rights import NO_RIGHTS, needs_rights
from headwater.cli.commands import COMMANDS
from headwater.storage.open import open_store
from headwater.testing.events import raw, run_event, run_id

MAIN = [sys.executable, "-m", "headwater"]


def run(folder: Path, *args: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder, away from the settings of whoever runs the tests."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("HEADWATER", "OPENLINEAGE"))}
    clean |= {"PYTHONIOENCODING": "utf-8", **environ}
    return subprocess.run(
        [*MAIN, *args], check=False, cwd=folder, env=clean, capture_output=True, encoding="utf-8", timeout=120
    )


def test_failures_are_told_without_a_traceback(filled: Path) -> None:
    """Not found is exit 1 and wrong use exit 2, with message and hint on standard error and nothing on output."""
    missing = run(filled, "upstream", "predictoins.parquet")
    assert missing.returncode == 1
    assert missing.stdout == ""
    assert "error: nothing named 'predictoins.parquet' is known" in missing.stderr
    assert "did you mean predictions.parquet" in missing.stderr
    wrong = run(filled, "upstream", "tumour.pkl", "--depth", "many")
    assert wrong.returncode == 2
    assert "Invalid value for '--depth'" in wrong.stderr
    rule = run(filled, "select", "+model:tumour &")
    assert rule.returncode == 2
    assert "must have a name here" in rule.stderr
    assert "Traceback" not in missing.stderr + wrong.stderr + rule.stderr


def test_what_is_known_is_not_called_unknown(filled: Path) -> None:
    """A name that is known, but has not what is asked of it, is told so, with the remedy."""
    early = run(filled, "why", "predictions.parquet", "--as-of", "2001-01-01")
    assert early.returncode == 1
    assert "error: no version of predictions.parquet was written by that time" in early.stderr
    assert "'headwater history' lists versions" in early.stderr
    near = run(filled, "show", "zzzzqqqq")
    assert "'headwater search WORDS' looks in names" in near.stderr
    job = run(filled, "record", "train.py")
    assert job.returncode == 2
    assert "'headwater runs train.py' lists them" in job.stderr
    nothing = run(filled, "select", "tag:nobody-has-it")
    assert (nothing.returncode, nothing.stdout, nothing.stderr) == (0, "", "nothing matches\n")


def test_a_store_that_is_no_folder_is_told(folder: Path) -> None:
    """A text file or a database server in the place of the folder: the message names the rule and the remedy, a script
    is not begun, and nothing is made under that name."""
    (folder / "notes").write_text("hello")
    (folder / "ok.py").write_text("print(1)")
    text = run(folder, "runs", HEADWATER_STORE="notes")
    assert text.returncode == 1
    assert "notes is a file, or lies in one: a store is a folder" in text.stderr
    assert "HEADWATER_STORE" in text.stderr
    server = run(folder, "run", "ok.py", HEADWATER_STORE="postgresql://u:hidden@127.0.0.1:1/db")
    assert (server.returncode, server.stdout) == (1, "")
    assert "HEADWATER_URL" in server.stderr
    shown = run(folder, "config", "show", HEADWATER_STORE="postgresql://u:hidden@127.0.0.1:1/db")
    assert "postgresql://[redacted]@127.0.0.1:1/db" in shown.stdout
    assert "hidden" not in server.stderr + shown.stdout
    assert sorted(path.name for path in folder.iterdir()) == ["notes", "ok.py"]


@needs_rights
def test_a_store_that_may_only_be_read_is_asked(filled: Path) -> None:
    """Questions on a folder that may not be written are answered as before, on the command line and in Python, and
    change nothing in it; what writes is refused with the remedy."""
    before = run(filled, "upstream", "tumour.pkl", "--json").stdout
    runs = len(json.loads(run(filled, "runs", "--json").stdout))
    store = filled / ".headwater"
    held = {path: path.read_bytes() for path in store.rglob("*") if path.is_file()}
    paths = [*store.rglob("*"), store]
    for path in paths:
        path.chmod(0o500 if path.is_dir() else 0o400)
    code = "import headwater as hw; print(len(hw.lineage().runs()))"
    try:
        told = [
            subprocess.run([*NO_RIGHTS, *command], check=False, cwd=filled, capture_output=True, encoding="utf-8")
            for command in (
                [*MAIN, "upstream", "tumour.pkl", "--json"],
                [sys.executable, "-c", code],
                [*MAIN, "store", "rebuild"],
                [*MAIN, "store", "backup", str(store / "copy")],
                [*MAIN, "token", "create"],
            )
        ]
    finally:
        for path in paths:
            path.chmod(0o700)
    assert [done.returncode for done in told] == [0, 0, 1, 1, 1], told
    assert told[0].stdout == before
    assert told[1].stdout == f"{runs}\n"
    assert "make the folder writable" in told[2].stderr
    assert "name a file that may be written" in told[3].stderr
    assert "service cannot be written: Permission denied" in told[4].stderr
    assert not any("Traceback" in done.stderr for done in told)
    assert {path: path.read_bytes() for path in store.rglob("*") if path.is_file()} == held


def test_an_unknown_integration_is_wrong_use(folder: Path) -> None:
    """``--no-integration`` names those that there are; exit code 2, as for every wrong option."""
    wrong = run(folder, "run", "--no-integration", "panda", "-c", "print(1)")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "--no-integration: 'panda' is none of" in wrong.stderr


def test_a_project_is_not_backed_up_as_a_service(filled: Path) -> None:
    """``backup`` where no service ever ran is refused, instead of a backup of nothing; the hint copies a store."""
    refused = run(filled, "backup", "copy")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "headwater store backup FILE" in refused.stderr
    assert not (filled / "copy").exists()


def test_the_way_to_start_is_told(folder: Path) -> None:
    """In a folder without lineage every question says how to begin."""
    result = run(folder, "why", "preds.csv#17")
    assert result.returncode == 1
    assert "no lineage yet" in result.stderr
    assert "try: headwater run train.py" in result.stderr


def test_a_reader_that_leaves_is_no_error(filled: Path) -> None:
    """``headwater export | head -1`` ends quietly."""
    command = f"{sys.executable} -m headwater export --format json | head -1"
    result = subprocess.run(
        ["/bin/sh", "-c", command], check=False, cwd=filled, capture_output=True, encoding="utf-8", timeout=120
    )
    assert result.stdout == "{\n"
    assert result.stderr == ""


def test_plain_where_signs_cannot_be_shown(filled: Path) -> None:
    """A terminal without Unicode gets trees and all other answers in ASCII, not question marks for signs."""
    result = run(filled, "upstream", "tumour.pkl", PYTHONIOENCODING="ascii")
    assert result.returncode == 0
    assert "`- * train.py" in result.stdout
    others = (
        ["runs"],
        ["why", "predictions.parquet"],
        ["impact", "cells.csv"],
        ["search", "cells"],
        ["show", "train.py"],
    )
    for command in others:
        shown = run(filled, *command, PYTHONIOENCODING="latin-1").stdout.replace("? check", "")
        assert "?" not in shown, command
        assert shown.isascii()


def test_the_help_is_in_sections(folder: Path) -> None:
    """The commands stand below what they are for, each once, and the first steps above them."""
    text = run(folder, "--help").stdout
    heads = [line for line in text.splitlines() if line.endswith(":") and not line.startswith(" ")]
    assert heads == ["Options:", "Capture:", "Ask:", "Move lineage:", "Serve:", "Look after:"]
    listed = [line.split()[0] for line in text.partition("Capture:")[2].splitlines() if re.match(r"  [a-z]", line)]
    assert listed == list(COMMANDS)
    assert "headwater why predictions.csv#17" in text


def test_starting_imports_only_click() -> None:
    """Help and version load no numpy, rich, sqlglot or store: the command starts at once."""
    code = (
        "import sys, headwater.cli.main as m\n"
        "try: m.main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'rich', 'sqlglot', 'pandas', 'polars', 'sqlite3', 'msgspec', 'asyncio'} & set(sys.modules)\n"
        "sys.exit(f'loaded {sorted(heavy)}' if heavy else 0)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, encoding="utf-8", timeout=120
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("args", [(), ("--version",), ("upstream", "--help")])
def test_asking_for_help_needs_no_store(folder: Path, args: tuple[str, ...]) -> None:
    """Help and version work anywhere."""
    result = run(folder, *args)
    assert result.returncode in {0, 2}
    assert "headwater" in result.stdout + result.stderr
    assert not (folder / ".headwater").exists()


@pytest.mark.parametrize(
    "command",
    [
        ["--store", "postgresql://me:sesame@127.0.0.1:1/db", "store", "repair"],
        ["--store", "http://me:sesame@127.0.0.1:1", "upstream", "orders"],
        ["--store", "http://me:sesame@127.0.0.1:1", "doctor"],
        ["health", "http://me:sesame@127.0.0.1:1"],
        ["health", "ftp://me:sesame@127.0.0.1"],
    ],
    ids=" ".join,
)
def test_no_message_repeats_the_password_of_an_address(command: list[str], tmp_path: Path) -> None:
    """What is wrong is told with the address, and the password in it is not."""
    told = run(tmp_path, *command)
    assert told.returncode != 0
    assert "me:***@127.0.0.1" in told.stdout + told.stderr
    assert "sesame" not in told.stdout + told.stderr


def test_what_a_program_starts_captures_into_the_store_that_was_named(tmp_path: Path) -> None:
    """``headwater --store lake run`` hands the store on, as a full path: the program may change its folder."""
    shown = "import os; print(os.environ['HEADWATER_STORE'])"
    assert run(tmp_path, "--store", "lake", "run", "-c", shown).stdout.strip() == str(tmp_path / "lake")


@pytest.mark.parametrize("asked", ["runs", "config show", "store export"])
def test_a_reader_that_leaves_ends_the_command_as_it_ends_others(filled: Path, asked: str) -> None:
    """``| head -1``: exit code 141, as of a program that dies of the signal, not that of *not found*; no message."""
    read, write = os.pipe()
    os.close(read)
    process = subprocess.Popen(
        [*MAIN, *asked.split()], cwd=filled, stdout=write, stderr=subprocess.PIPE, encoding="utf-8"
    )
    os.close(write)
    assert (process.communicate(timeout=60)[1], process.returncode) == ("", 141)


def test_a_question_about_a_tenant_that_is_none_makes_none(filled: Path) -> None:
    """A misspelt tenant is told with those that there are; nothing is made under its name."""
    before = sorted(path.name for path in (filled / ".headwater").iterdir())
    for command in (["runs"], ["store", "info"], ["upstream", "tumour.pkl"], ["quarantine", "list"]):
        told = run(filled, "--tenant", "defualt", *command)
        assert (told.returncode, told.stdout) == (1, "")
        assert "there is no store of tenant 'defualt'" in told.stderr
        assert "its tenants are default" in told.stderr
    assert sorted(path.name for path in (filled / ".headwater").iterdir()) == before


def test_names_that_no_folder_has_are_told_without_a_traceback(folder: Path) -> None:
    """Too long for a file system, or no address."""
    long = run(folder, "--store", "a" * 300, "runs")
    assert long.returncode == 1
    assert "there is no store at" in long.stderr
    made = run(folder, "--store", "a" * 300, "ingest", os.devnull)
    assert "File name too long" in made.stderr
    service = run(folder, "--store", "http://localhost:99999", "runs")
    assert "is not the address of a service" in service.stderr
    assert "Traceback" not in long.stderr + made.stderr + service.stderr
    assert "an http address is a service" in run(folder, "--store", "http://localhost:1", "migrate", "--check").stderr


def test_no_name_in_an_error_drives_the_terminal(folder: Path) -> None:
    """Names of data come from anybody: in messages and hints they are as harmless as in answers."""
    title = "\x1b]0;owned\x07"
    with open_store(folder / ".headwater") as store:
        names = [f"{where}/evil{title}.csv" for where in ("one", "two")]
        store.append(raw([run_event(run_id(1), f"job{title}", "COMPLETE", 0, [], names)]))
    for command in (["show", f"evil{title}.csv"], ["show", "evill.csv"], ["diff", f"job{title}"]):
        told = run(folder, *command)
        assert told.returncode in (1, 2)
        assert "\\x07" in told.stderr
        assert all(char.isprintable() or char == "\n" for char in told.stderr), told.stderr


@needs_rights
def test_a_spool_that_may_not_be_read_is_told(filled: Path) -> None:
    """Another user's program left something there: the question is answered, with a note that something is missing."""
    spool = filled / ".headwater" / "spool"
    spool.mkdir(mode=0)
    try:
        told = subprocess.run(
            [*NO_RIGHTS, *MAIN, "runs"], check=False, cwd=filled, capture_output=True, encoding="utf-8"
        )
    finally:
        spool.chmod(0o700)
    assert told.returncode == 0
    assert "train.py" in told.stdout
    assert "spool: Permission denied" in told.stderr
