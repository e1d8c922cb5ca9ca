"""``headwater tenant``, ``token`` and ``share``: what they change, and what they print."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from headwater.cli.commands import cli
from headwater.errors import ConfigError, NotFound
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


@pytest.mark.parametrize("command", ["tenant create team", "tenant list", "token create", "ingest x"])
@pytest.mark.parametrize(("address", "told"), [("http://h:1", "is a service"), ("ftp://h", "no store of kind")])
def test_an_address_that_is_no_store_is_refused(tmp_path, monkeypatch, command, address, told):
    """Nothing is said to be made that was made nowhere; a service is told from what is no address at all."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x").write_text("{}")
    with pytest.raises(ConfigError, match=told) as caught:
        CliRunner().invoke(cli, ["--store", address, *command.split()], catch_exceptions=False)
    assert "folder" in caught.value.hint.lower()


def test_a_key_for_nobody_names_the_way(tmp_path):
    """Before a service ever ran there is no tenant: the message says what makes it."""
    for tenant, verb in (("default", "'headwater serve'"), ("team", "'headwater tenant create'")):
        with pytest.raises(NotFound, match=f"there is no tenant '{tenant}'") as caught:
            call = ["--store", str(tmp_path / "stores"), "--tenant", tenant, "token", "create"]
            CliRunner().invoke(cli, call, catch_exceptions=False)
        assert verb in caught.value.hint


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
