"""``headwater quarantine``: list, show, replay, drop."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from headwater.cli.commands import cli
from headwater.storage.row_types import Quarantined
from headwater.storage.sqlite import SQLiteStore
from headwater.testing.events import raw, run_event, run_id

BAD = raw([run_event("no-uuid", "j", "COMPLETE", 1, ["a"], ["b"])])[0]
GOOD = raw([run_event(run_id(1), "j", "COMPLETE", 1, ["a"], ["b"])])[0]


@pytest.fixture
def run(tmp_path: Path):
    """Run a command on a store that refused one event and a whole body."""
    with SQLiteStore.open(tmp_path / "s") as store:
        store.append([BAD])
        store.quarantine([Quarantined(received_at=5, body=b"[{", field="body", value="", rule="is JSON", kind="body")])

    def go(*words: str):
        return CliRunner().invoke(cli, ["--store", str(tmp_path / "s"), "quarantine", *words])

    return go


def test_it_is_listed_with_reasons(run):
    """The latest first, with how many there are; as JSON too."""
    told = run("list").output.splitlines()
    assert "body: is JSON" in told[0]
    assert "run.runId: must be a UUID" in told[1]
    assert told[2].startswith("2 in quarantine")
    rows = msgspec.json.decode(run("list", "--json", "--limit", "1").output)
    assert [(row["id"], row["kind"]) for row in rows] == [(2, "body")]
    assert [row["id"] for row in msgspec.json.decode(run("list", "--json", "--before", "2").output)] == [1]


def test_an_entry_is_shown_to_the_byte(run):
    """Standard output holds what arrived and nothing else."""
    assert run("show", "1").stdout_bytes == BAD
    assert run("show", "9").exit_code != 0


def test_why_it_was_refused_cannot_drive_a_terminal(tmp_path):
    """The reasons hold what somebody sent: what would colour or clear a screen is told, not done."""
    bad = Quarantined(received_at=5, body=b"x", field="a", value="\x1b[2J", rule="is JSON", kind="body")
    with SQLiteStore.open(tmp_path / "s") as store:
        store.quarantine([bad])
    told = CliRunner().invoke(cli, ["--store", str(tmp_path / "s"), "quarantine", "show", "1"])
    assert told.stderr == "a: is JSON, got \\x1b[2J\n"


def test_a_mended_event_is_stored(run, tmp_path):
    """As it was it is refused again; mended it leaves the quarantine."""
    assert run("replay", "1").exit_code != 0
    (tmp_path / "event.json").write_bytes(GOOD)
    done = run("replay", "1", "--body", str(tmp_path / "event.json"))
    assert done.exit_code == 0, done.output
    with SQLiteStore.open(tmp_path / "s") as store:
        assert store.statistics().events == 1
        assert [one.id for one in store.quarantined()] == [2]


def test_entries_are_dropped(run):
    """Those that are there are counted."""
    assert run("drop", "1", "2", "3").output == "2 dropped\n"
    assert run("list").output.startswith("0 in quarantine")
