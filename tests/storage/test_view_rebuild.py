"""Views that an earlier version made are made anew when a store is opened: stretch by stretch, and never half."""

from __future__ import annotations

import json
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from headwater.errors import StoreOutdated
from headwater.formats import times
from headwater.storage import group_commit
from headwater.storage.base import Store
from headwater.storage.memory import MemoryStore
from headwater.storage.open import open_store, outdated_store
from headwater.storage.sqlite import store as sqlite_store
from headwater.storage.view_rebuild import RENEWED, RENEWING_OF, RENEWING_TO
from headwater.testing.events import History, raw, whole_run

STRETCH = 10
"""Events in a commit, for these tests."""


class Place:
    """Where a store is kept, and what its counters say."""

    def __init__(self, target: str, backend: str) -> None:
        self.target = target
        self.backend = backend

    def counters(self, **put: int) -> dict[str, int]:
        """The counters of the store, some of them changed first, behind its back."""
        if self.backend == "sqlite":
            with closing(sqlite3.connect(Path(self.target) / "default.db")) as connection, connection:
                connection.executemany("INSERT OR REPLACE INTO counters VALUES (?, ?)", put.items())
                return dict(connection.execute("SELECT name, value FROM counters"))
        import psycopg

        with psycopg.connect(self.target, autocommit=True) as connection:
            connection.execute("UPDATE headwater.tenants SET counters = counters || %s::jsonb", (json.dumps(put),))
            row = connection.execute("SELECT counters FROM headwater.tenants").fetchone()
        assert row is not None
        return dict(row[0])

    def outdate(self) -> int:
        """Have the store look like one of an earlier version; returns the version of its views before."""
        version = self.counters()["projection"]
        self.counters(projection=1)
        return version


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Where each kind of store is, with stretches of a few events."""
    monkeypatch.setattr(group_commit, "_STRETCH", STRETCH)
    monkeypatch.setattr(group_commit, "_REBUILD_BATCH", 4)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    if request.param == "sqlite":
        return Place(str(tmp_path), "sqlite")
    return Place(request.getfixturevalue("postgres_server").new_database(), "postgres")


@pytest.fixture
def events() -> list[bytes]:
    """A history with joins, renames, drops and late events."""
    found = History(11).events(40)
    random.Random(11).shuffle(found)
    return found


def fill(place: Place, events: list[bytes]) -> None:
    """Store the events, a few in each commit, then have the views look like those of an earlier version."""
    with open_store(place.target) as store:
        for start in range(0, len(events), 7):
            store.append(events[start : start + 7])
    place.outdate()


def in_order(events: list[bytes]) -> Store:
    """The oracle: a store of this version that took the events in."""
    oracle = MemoryStore.open()
    oracle.append(events)
    return oracle


class Stopped(BaseException):
    """Ends a renewal from within, as Ctrl-C does."""


def stop_at(event: int) -> Callable[[int, int], None]:
    """Raises when so many events were read again."""

    def told(done: int, last: int) -> None:
        if done >= event:
            raise Stopped

    return told


def test_it_tells_how_far_it_is_and_the_graph_is_that_of_this_version(place: Place, events: list[bytes]) -> None:
    """From nothing to the last event, a stretch at a time; nothing is told of a store of this version."""
    fill(place, events)
    told: list[tuple[int, int]] = []
    with open_store(place.target, on_progress=lambda *how_far: told.append(how_far)) as store:
        assert store.graph_hash() == in_order(events).graph_hash()
        count = store.statistics().events
    assert told == [*((done, count) for done in range(0, count, STRETCH)), (count, count)]
    with open_store(place.target, on_progress=lambda *how_far: told.append(how_far)):
        assert told[-2:] != [(count, count)] * 2
    assert {place.counters().get(name, 0) for name in (RENEWING_TO, RENEWING_OF, RENEWED)} == {0}


def test_what_is_to_be_done_is_known_before_it_is_done(place: Place, events: list[bytes]) -> None:
    """Asking changes nothing: the store is as old after it, and none is made where there is none."""
    assert outdated_store(place.target, "nobody") is None
    fill(place, events)
    for _ in range(2):
        found = outdated_store(place.target, "default")
        assert found is not None
        assert (found.tenant, found.done, found.left) == ("default", 0, len(set(events)))
    with open_store(place.target):
        assert outdated_store(place.target, "default") is None


def test_one_that_was_stopped_goes_on_behind_its_last_commit(place: Place, events: list[bytes]) -> None:
    """What was done is not done again; until the end the store is of no version, and nobody reads it."""
    fill(place, events)
    with pytest.raises(Stopped):
        open_store(place.target, on_progress=stop_at(3 * STRETCH))
    assert place.counters()["projection"] == 0
    found = outdated_store(place.target, "default")
    assert found is not None
    assert found.done == 3 * STRETCH
    with pytest.raises(StoreOutdated, match="earlier version"):
        open_store(place.target, read_only=True)
    told: list[int] = []
    with open_store(place.target, on_progress=lambda done, last: told.append(done)) as store:
        assert told[:2] == [3 * STRETCH, 4 * STRETCH]
        oracle = in_order(events)
        assert store.graph_hash() == oracle.graph_hash()
        late = raw(whole_run(990, "late", 1, ["a"], ["b"]))
        store.append(late)
        oracle.append(late)
        assert store.graph_hash() == oracle.graph_hash() == store.rebuild()


def test_what_another_version_has_begun_is_begun_again(place: Place, events: list[bytes]) -> None:
    """Its views are not those of this version."""
    fill(place, events)
    with pytest.raises(Stopped):
        open_store(place.target, on_progress=stop_at(STRETCH))
    place.counters(**{RENEWING_TO: place.counters()[RENEWING_TO] - 1})
    told: list[int] = []
    with open_store(place.target, on_progress=lambda done, last: told.append(done)) as store:
        assert told[0] == 0
        assert store.graph_hash() == in_order(events).graph_hash()


def test_an_earlier_version_that_writes_in_the_middle_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It wrote into views that were not whole: they are made from the beginning, and no event is counted twice."""
    monkeypatch.setattr(group_commit, "_STRETCH", STRETCH)
    place, events = Place(str(tmp_path), "sqlite"), raw([e for n in range(60) for e in whole_run(n, "j", n, [], ["a"])])
    fill(place, events)
    with pytest.raises(Stopped):
        open_store(place.target, on_progress=stop_at(2 * STRETCH))
    more = raw(whole_run(900, "j", 5, ["b"], ["a"]))
    with monkeypatch.context() as earlier:
        earlier.setattr(sqlite_store, "_PROJECTION", 0)
        with open_store(place.target) as store:
            store.append(more)
    told: list[int] = []
    with open_store(place.target, on_progress=lambda done, last: told.append(done)) as store:
        assert told[0] == 0
        assert store.graph_hash() == in_order(events + more).graph_hash()


RENEWING = """
import sys
from headwater.storage import group_commit
from headwater.storage.open import open_store
group_commit._STRETCH, group_commit._REBUILD_BATCH = 2, 1
open_store(sys.argv[1], on_progress=lambda done, last: print(done, flush=True)).close()
"""


@pytest.mark.first
def test_a_process_that_is_killed_in_the_middle(place: Place, events: list[bytes]) -> None:
    """Whatever moment it dies at, the log is whole, the views are those of no version, and the next one ends it."""
    fill(place, events)
    pick = random.Random(5)
    reached = 0
    for _ in range(4):
        command = [sys.executable, "-c", RENEWING, place.target]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            first = int(child.stdout.readline())
            assert first >= reached
            for _ in range(pick.randint(1, 5)):
                reached = int(child.stdout.readline())
            child.send_signal(signal.SIGKILL)
        found = outdated_store(place.target, "default")
        assert found is not None
        assert reached <= found.done < found.last == len(set(events))
    with open_store(place.target) as store:
        assert store.graph_hash() == in_order(events).graph_hash()
        assert {event.body for event in store.events()} == set(events)


@pytest.mark.first
def test_two_processes_do_it_together(place: Place, events: list[bytes]) -> None:
    """Each takes the next stretch, or sees that the other took it; both have the whole at the end."""
    fill(place, events)
    command = [sys.executable, "-c", RENEWING, place.target]
    children = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    told = [[int(line) for line in child.communicate(timeout=120)[0].split()] for child in children]
    assert [child.returncode for child in children] == [0, 0]
    for some in told:
        assert some == sorted(some)
    assert max(told[0][-1:] + told[1][-1:]) == len(set(events))
    with open_store(place.target) as store:
        assert store.graph_hash() == in_order(events).graph_hash()


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_an_event_of_a_year_that_is_none_is_set_aside(place: Place, monkeypatch: pytest.MonkeyPatch, time: str) -> None:
    """An earlier version took times that no calendar has in UTC: a rebuild goes on without such an event, counts it and
    says in the quarantine which field is wrong; what it stands between is as if it had never come."""
    sound = [*whole_run(1, "j", 0, ["a"], ["b"]), *whole_run(2, "k", 20, ["b"], ["c"])]
    odd = {**whole_run(3, "o", 30, ["a"], ["d"])[1], "eventTime": time}
    with monkeypatch.context() as earlier, open_store(place.target) as store:
        earlier.setattr(times, "_FIRST", -(2**62))
        earlier.setattr(times, "_LAST", 2**62)
        assert {one.status.value for one in store.append(raw([*sound[:2], odd, *sound[2:]]))} == {"stored"}
    place.outdate()
    with open_store(place.target) as store, MemoryStore.open() as clean:
        clean.append(raw(sound))
        assert store.graph_hash() == clean.graph_hash()
        tally = store.tally()
        assert (tally.events, tally.set_aside, tally.quarantined) == (5, 1, 1)
        (kept,) = store.quarantined()
        assert (kept.field, kept.rule) == ("eventTime", "must lie between the years 1 and 9999 of UTC")
        assert json.loads(kept.body)["eventTime"] == time
        assert [event.seq for event in store.events()] == [1, 2, 3, 4, 5]
