"""Whatever moment the process dies, what was acknowledged is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from headwater.testing.crash import crash_cycles
from headwater.testing.postgres import PostgresServer


@pytest.mark.first
def test_no_acknowledged_event_is_lost_when_the_writer_is_killed(tmp_path: Path) -> None:
    """Twenty kills: integrity, every acknowledged event, and a rebuild to the same hash."""
    outcome = crash_cycles(tmp_path, 20, seed=1)
    assert outcome.cycles == 20
    assert outcome.acknowledged > 0
    assert outcome.lost == 0


def test_nor_on_postgresql(postgres_server: PostgresServer) -> None:
    """Five kills of the client in mid-transaction: the server rolls back what was not acknowledged."""
    outcome = crash_cycles(postgres_server.new_store(), 5, seed=3, rebuild_every=5)
    assert outcome.cycles == 5
    assert outcome.acknowledged > 0
    assert outcome.lost == 0


@pytest.mark.long
def test_five_hundred_kills_on_postgresql(postgres_server: PostgresServer) -> None:
    """The same, five hundred times."""
    outcome = crash_cycles(postgres_server.new_store(), 500, seed=4)
    assert outcome.cycles == 500
    assert outcome.lost == 0


@pytest.mark.long
def test_five_hundred_kills(tmp_path: Path) -> None:
    """The same, five hundred times."""
    outcome = crash_cycles(tmp_path, 500, seed=2)
    assert outcome.cycles == 500
    assert outcome.lost == 0
