"""A store of an earlier version, from the command line: told beforehand, shown while it is done, and taken up again."""

from __future__ import annotations

import json
import re
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from cli.conftest import Invoke
from headwater.storage import reader
from headwater.storage.open import open_store, outdated_store
from headwater.testing.events import raw, whole_run


@pytest.fixture
def old(folder: Path) -> Path:
    """The working folder with an old store of 60 events."""
    with open_store(folder / ".headwater") as store:
        store.append(raw([event for n in range(30) for event in whole_run(n, "j", 10 * n, ["a"], ["b"])]))
        events = store.statistics().events
    assert events == 60
    with closing(sqlite3.connect(folder / ".headwater" / "default.db")) as connection, connection:
        connection.execute("UPDATE counters SET value = 1 WHERE name = 'projection'")
    return folder


def test_doctor_and_check_tell_it_beforehand(old: Path, invoke: Invoke) -> None:
    """With how many events it will take, and without doing it."""
    for _ in range(2):
        (store,) = [one for one in json.loads(invoke("doctor", "--json").stdout) if one["what"] == "store"]
        assert store["level"] == "note"
        assert "rebuilt from 60 events when it is next opened, or by 'headwater migrate'" in store["message"]
        checked = invoke("migrate", "--check")
        assert checked.exit_code == 1
        assert checked.stdout == "default: written by an earlier version; its views are to be rebuilt from 60 events\n"


def test_migrate_does_it_and_then_has_nothing_to_do(old: Path, invoke: Invoke) -> None:
    """It says when it begins and when it ends, on standard error; after it nothing is said any more."""
    done = invoke("migrate")
    assert done.exit_code == 0
    assert done.stdout == "default: up to date; 60 events\n"
    assert done.stderr == (
        "default: written by an earlier version; rebuilding its views from 60 events\n"
        "default: its views are up to date\n"
    )
    assert invoke("migrate").stderr == ""
    assert invoke("migrate", "--check").stdout == "nothing to do: every store is up to date\n"


def test_any_question_does_it_as_well(old: Path, invoke: Invoke) -> None:
    """What is asked for is on standard output, and nothing else."""
    found = invoke("runs", "--json", "--limit", "2")
    assert len(json.loads(found.stdout)) == 2
    assert "views from 60 events" in found.stderr


def test_events_that_are_refused_today_are_told_and_do_not_stop_it(
    folder: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store of an earlier version has an event that this one would not accept: it opens, the command answers, and
    says how many events are set aside; so do the commands that describe the store."""
    odd = whole_run(9, "j", 90, ["a"], ["b"])
    odd[1]["run"]["facets"] = {"deep": json.loads("[" * 450 + "]" * 450)}
    with monkeypatch.context() as earlier, open_store(folder / ".headwater") as store:
        earlier.setattr(reader, "is_too_deep", lambda *_: False)
        store.append(raw([*whole_run(1, "j", 10, ["a"], ["b"]), *odd]))
    with closing(sqlite3.connect(folder / ".headwater" / "default.db")) as connection, connection:
        connection.execute("UPDATE counters SET value = 1 WHERE name = 'projection'")
    means = "accepted by an earlier version, refused by this one; the graph is without them"
    found = invoke("runs", "--json")
    assert [one["state"] for one in json.loads(found.stdout)] == ["RUNNING", "COMPLETED"]
    told = f"default: 1 event set aside, {means}: 'headwater quarantine list' says why\n"
    assert found.stderr.endswith(f"up to date\n{told}")
    assert invoke("runs").stderr == ""
    assert f"set aside     1: {means}" in invoke("store", "info").stdout
    assert json.loads(invoke("store", "info", "--json").stdout)["set_aside"] == 1
    assert invoke("store", "rebuild").stderr == told
    assert f"1: {means}" in invoke("doctor").stdout.replace("\n", " ").replace("  ", "")
    assert "nested more than 400 levels" in invoke("quarantine", "list").stdout


SLOW = """
import sys, time
from headwater.cli.main import main
from headwater.storage import group_commit
group_commit._STRETCH, group_commit._REBUILD_BATCH = 1, 1
stretch = group_commit.GroupCommitStore._make_stretch
group_commit.GroupCommitStore._make_stretch = lambda *args: (stretch(*args), time.sleep(0.03))
main(["migrate"])
"""


def test_an_interrupt_keeps_what_was_done(old: Path) -> None:
    """Ctrl-C ends it with the exit code of an interrupt, and the next one goes on from there."""
    with subprocess.Popen([sys.executable, "-c", SLOW], cwd=old, stderr=subprocess.PIPE, text=True) as child:
        assert child.stderr is not None
        assert "views from 60 events" in child.stderr.readline()
        while (left := outdated_store(str(old / ".headwater"), "default")) is not None and left.done < 3:
            assert child.poll() is None
        child.send_signal(signal.SIGINT)
        rest = child.stderr.read()
    assert child.returncode == 130
    assert "stopped; what was done is kept" in rest
    left = outdated_store(str(old / ".headwater"), "default")
    assert left is not None
    assert left.done >= 3
    again = subprocess.run(
        [sys.executable, "-m", "headwater", "migrate"], cwd=old, capture_output=True, text=True, check=True
    )
    assert re.search(rf"views from {left.left} of 60 events", again.stderr)
    assert outdated_store(str(old / ".headwater"), "default") is None
