"""``headwater tenant``, ``token`` and ``share``: what they change, and what they print."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from headwater.cli.commands import cli
from headwater.storage.open import open_store
from headwater.testing.events import History


@pytest.fixture
def run(tmp_path: Path):
    """Run a command on a store of the test's own; gives what it printed, and fails when it failed."""

    def call(*arguments: str) -> str:
        done = CliRunner().invoke(cli, ["--store", str(tmp_path / "stores"), *arguments])
        assert done.exit_code == 0, done.output
        return done.output

    return call


def test_a_tenant_is_made_changed_and_deleted(run, tmp_path):
    """Its quotas are kept where they are not named; deleted, neither it nor its lineage is there."""
    run("tenant", "create", "team", "--events-per-s", "5")
    run("tenant", "set", "team", "--title", "The team", "--stored-bytes", "9")
    (row,) = json.loads(run("tenant", "list", "--json"))
    assert (row["name"], row["title"], row["events/s"], row["stored bytes"]) == ("team", "The team", 5, 9)
    with open_store(tmp_path / "stores", tenant="team") as store:
        store.append(History(1).events(3))
    run("tenant", "drop", "team", "--yes")
    assert json.loads(run("tenant", "list", "--json")) == []
    assert not (tmp_path / "stores" / "team.db").exists()


def test_a_key_is_printed_once_rotated_and_revoked(run):
    """The list has its first characters and its state, never the key."""
    run("tenant", "create", "team")
    secret = run("--tenant", "team", "token", "create", "--name", "ci", "--scope", "read", "--days", "3").strip()
    listed = run("--tenant", "team", "token", "list")
    assert secret not in listed
    assert secret[:10] in listed
    new = run("--tenant", "team", "token", "rotate", secret[:10], "--overlap-s", "0").strip()
    run("--tenant", "team", "token", "revoke", new[:10])
    rows = json.loads(run("--tenant", "team", "token", "list", "--json"))
    assert {row["id"]: row["state"] for row in rows} == {secret[:10]: "ended", new[:10]: "ended"}


def test_a_share_is_made_listed_whole_and_ended(run, tmp_path):
    """A long selector is not cut in the table; an ended share says so."""
    with open_store(tmp_path / "stores", tenant="team") as store:
        store.append(History(1).events(3))
    run("tenant", "create", "team")
    selector = " | ".join(["kind:dataset"] * 8)
    share = run("--tenant", "team", "share", "create", "other", selector, "--days", "2").strip()
    assert selector in run("--tenant", "team", "share", "list")
    run("--tenant", "team", "share", "end", share)
    (row,) = json.loads(run("--tenant", "team", "share", "list", "--json"))
    assert (row["to"], row["state"]) == ("other", "ended")
