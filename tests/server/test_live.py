"""The stream of changes: what is told, in what order, how soon, and how it goes on after a pause."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from http.client import HTTPConnection
from urllib.parse import urlsplit

import msgspec
import pytest

from headwater.server.live.feed import Feed, Position, present, read_on, read_position
from headwater.server.permissions import Permission
from headwater.storage.open import open_store
from headwater.testing.events import History, column_lineage, dataset, dataset_event, raw, run_event, run_id, schema


class Listener:
    """Reads a stream in a thread of its own, message by message."""

    def __init__(self, url: str, key: str, query: str = "", last: str = "") -> None:
        self._connection = HTTPConnection(urlsplit(url).netloc, timeout=20)
        headers = {"Authorization": f"Bearer {key}", **({"Last-Event-ID": last} if last else {})}
        self._connection.request("GET", "/api/v1/stream" + query, headers=headers)
        self.answer = self._connection.getresponse()
        self.messages: list[tuple[str, str, dict]] = []
        self.at: list[float] = []
        self._arrived = threading.Condition()
        self.is_ended = False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        self.wait(lambda: self._is_open)

    _is_open = False

    def _read(self) -> None:
        fields: dict[str, str] = {}
        with contextlib.suppress(OSError, ValueError, AttributeError):
            for line in self.answer:
                text = line.decode().rstrip("\n")
                with self._arrived:
                    if text:
                        name, _, value = text.partition(": ")
                        fields[name] = value
                    elif "data" in fields:
                        self.messages.append((fields["id"], fields["event"], json.loads(fields["data"])))
                        self.at.append(time.monotonic())
                        fields = {}
                    else:
                        self._is_open, fields = True, {}
                    self._arrived.notify_all()
        with self._arrived:
            self.is_ended = True
            self._arrived.notify_all()

    def wait(self, condition) -> None:
        """Wait until a condition holds; a test that waits longer than this has failed."""
        with self._arrived:
            assert self._arrived.wait_for(condition, 15), self.messages

    def of(self, topic: str) -> list[dict]:
        """The data of one topic, in order."""
        return [data for _, name, data in self.messages if name == topic]

    def close(self) -> None:
        """Go away."""
        with contextlib.suppress(OSError):
            self._connection.sock.shutdown(2)
        self._connection.close()
        self._thread.join(5)
        self.answer.close()


@pytest.fixture
def follow(served, listen):
    """Open streams of the served application: ``follow(query, last)``."""
    with listen(served.app) as url:
        opened: list[Listener] = []

        def start(query: str = "", last: str = "", key: str | None = None) -> Listener:
            opened.append(Listener(url, key or served.key(), query, last))
            return opened[-1]

        yield start
        for one in opened:
            one.close()


def send(served, *events: dict) -> None:
    """Store events as a client does."""
    client = served.client()
    for event in events:
        assert client.post("/api/v1/lineage", content=msgspec.json.encode(event)).status_code == 201


def test_a_run_is_told_from_its_start_to_its_end(served, follow):
    """START and COMPLETE each are a message with the state, and how far the run has come."""
    listener = follow("?topics=runs")
    send(
        served,
        run_event(run_id(1), "load", "START", 1, ["a"]),
        run_event(run_id(1), "load", "RUNNING", 2, ["a", "b"]),
        run_event(run_id(1), "load", "COMPLETE", 3, ["a"], ["c"]),
    )
    listener.wait(lambda: len(listener.messages) == 3)
    assert [data["state"] for data in listener.of("runs")][-1] == "COMPLETED"
    assert {data["run"] for data in listener.of("runs")} == {run_id(1)}
    assert listener.of("runs")[-1]["progress"] == {"inputs": 2, "outputs": 1, "rows": None}
    assert listener.answer.headers["content-type"].startswith("text/event-stream")


def test_new_nodes_edges_and_changed_schemas_are_told(served, follow):
    """A first run tells of its nodes and edges; the next tells of what it wrote, the edge that ended, the schema;
    the third of columns on an edge that was there."""
    listener = follow()
    first = dataset("c", facets={"schema": schema("x", "y")})
    second = dataset("c", facets={"schema": schema("x", "z")})
    send(served, run_event(run_id(1), "load", "COMPLETE", 1, ["a"], [first]))
    listener.wait(lambda: listener.of("edges"))
    assert {(data["name"], data["change"]) for data in listener.of("nodes")} == {
        ("load", "new"),
        ("a", "new"),
        ("c", "new"),
    }
    assert listener.of("edges") == [
        {
            "source": "dataset:db:a",
            "target": "dataset:db:c",
            "job": "job:jobs:load",
            "run": run_id(1),
            "how": "product",
            "change": "new",
        }
    ]
    send(served, run_event(run_id(2), "load", "COMPLETE", 2, ["b"], [second]))
    listener.wait(lambda: len(listener.of("edges")) == 3)
    assert {(data["source"][-1], data["change"]) for data in listener.of("edges")[1:]} == {("a", "ended"), ("b", "new")}
    assert {(data["name"], data["change"]) for data in listener.of("nodes")[3:]} == {("b", "new"), ("c", "written")}
    change = listener.of("schema")[-1]
    assert (change["node"], change["added"], change["removed"]) == ("dataset:db:c", ["z"], ["y"])
    mapped = dataset("c", facets={"columnLineage": column_lineage({"x": [("b", "x")]})})
    send(served, run_event(run_id(3), "load", "COMPLETE", 3, ["b"], [mapped]))
    listener.wait(lambda: len(listener.of("edges")) == 4)
    last = listener.of("edges")[-1]
    assert (last["source"][-1], last["how"], last["run"], last["change"]) == ("b", "column", run_id(3), "changed")


def test_a_stream_goes_on_where_it_was_left(served, follow):
    """With the id of any message as Last-Event-ID, exactly the messages after it come, in order, and then new ones."""
    send(served, *[run_event(run_id(n), f"job {n}", "COMPLETE", n, ["a"], [f"t{n}"]) for n in range(1, 6)])
    whole = follow(last="0.0.0")
    whole.wait(lambda: len(whole.of("runs")) == 5 and len(whole.of("edges")) == 5)
    for place in (0, 1, 3, 4, len(whole.messages) - 2):
        rest = follow(last=whole.messages[place][0])
        rest.wait(lambda rest=rest, place=place: len(rest.messages) >= len(whole.messages) - place - 1)
        assert rest.messages == whole.messages[place + 1 :]
    send(served, run_event(run_id(9), "job 9", "COMPLETE", 9, ["a"], ["t9"]))
    whole.wait(lambda: len(whole.of("runs")) == 6)
    assert whole.of("runs")[-1]["run"] == run_id(9)


def test_without_an_id_a_stream_begins_now(served, follow):
    """What was stored before is not told, and neither is it for an id that is none of ours."""
    send(served, run_event(run_id(1), "old", "COMPLETE", 1, ["a"], ["b"]))
    listeners = [follow("?topics=runs"), follow("?topics=runs", last="yesterday")]
    send(served, run_event(run_id(2), "new", "COMPLETE", 2, ["a"], ["b"]))
    for listener in listeners:
        listener.wait(lambda listener=listener: listener.messages)
        assert [data["job_name"] for data in listener.of("runs")] == ["new"]


def test_refusals_are_told_to_those_who_may_know(served, follow):
    """The reason is told, the body is not; a key that only reads is told nothing of it."""
    auditor = follow()
    reader = follow(key=served.key(permissions=frozenset({Permission.READ})))
    assert served.client().post("/api/v1/lineage", content=b'{"secret": "hunter2"}').status_code in (400, 422)
    send(served, run_event(run_id(1), "load", "START", 1))
    auditor.wait(lambda: auditor.of("quarantine"))
    reader.wait(lambda: reader.of("runs"))
    assert auditor.of("quarantine")[0]["rule"]
    assert "hunter2" not in json.dumps(auditor.messages)
    assert not reader.of("quarantine")


def test_another_tenant_is_told_nothing(served, follow):
    """A stream carries one tenant's changes."""
    other = follow(key=served.key("other"))
    send(served, run_event(run_id(1), "mine", "START", 1))
    assert (
        served.client("other")
        .post("/api/v1/lineage", content=msgspec.json.encode(run_event(run_id(2), "theirs", "START", 1)))
        .is_success
    )
    other.wait(lambda: other.of("runs"))
    assert [data["job_name"] for data in other.of("runs")] == ["theirs"]


def test_what_another_process_stores_is_told_too(tmp_path, serve, listen):
    """A store of a folder is looked at without being told of a commit."""
    served = serve()
    with listen(served.app) as url, open_store(tmp_path / "stores") as elsewhere:
        listener = Listener(url, served.key(), "?topics=runs")
        elsewhere.append(raw([run_event(run_id(1), "elsewhere", "START", 1)]))
        listener.wait(lambda: listener.messages)
        listener.close()


@pytest.mark.parametrize("topics", ["", "weather", "runs,,nodes", "runs;nodes"])
def test_an_unknown_topic_is_refused(served, topics):
    """422 that names the topics there are."""
    answer = served.client().get(f"/api/v1/stream?topics={topics}")
    assert (answer.status_code, answer.json()["field"]) == (422, "topics")


@pytest.mark.parametrize("text", ["", "1", "1.2", "a.b.c", "1.2.3.4", "-1.0.0", "1.2.3\n4", "9" * 40 + ".0.0"])
def test_an_id_that_is_none_of_ours_is_no_position(text):
    """What browsers or proxies make of an id never raises."""
    assert read_position(text) is None


def test_a_position_is_read_as_it_is_written():
    """The id of a message names the place after it."""
    assert read_position(str(Position(7, 2, 9))) == Position(7, 2, 9)


def test_reading_on_in_any_steps_gives_the_same_messages():
    """From any message of a history to the end: the same messages in the same order."""
    with open_store("memory://") as store:
        store.append(History(7).events(30))
        whole, end = read_on(store, Position(0, 0, 0))
        assert whole
        assert end == present(store)
        for place in range(0, len(whole), 7):
            rest, _ = read_on(store, whole[place].position)
            assert [one.wire for one in rest] == [one.wire for one in whole[place + 1 :]]


def test_a_slow_follower_misses_nothing(monkeypatch):
    """Who falls behind what is kept in memory is told the rest from the log, each message once."""
    monkeypatch.setattr("headwater.server.live.feed._KEPT", 5)
    monkeypatch.setattr("headwater.server.live.feed.POLL_S", 0.01)

    async def scene() -> list[bytes]:
        with open_store("memory://") as store:

            async def reading(function):
                return function(store)

            feed = Feed(reading)
            stream = feed.follow(frozenset({"runs"}), None)
            assert await anext(stream) == b"retry: 2000\nid: 0.0.0\n\n"
            for number in range(1, 41):
                store.append(raw([run_event(run_id(number), "job", "START", number)]))
                await asyncio.sleep(0.012)  # the watch goes on, the follower does not read
            found: list[bytes] = []
            while sum(chunk.count(b"event: runs") for chunk in found) < 40:
                found.append(await asyncio.wait_for(anext(stream), 5))
            await stream.aclose()
            return found

    text = b"".join(asyncio.run(scene())).decode()
    assert [line[4:] for line in text.splitlines() if line.startswith("id: ")] == [f"{n}.1.0" for n in range(1, 41)]


def test_a_dataset_event_is_told(served, follow):
    """Events without a run tell of their nodes and schemas."""
    listener = follow()
    send(served, dataset_event("d", 1, {"schema": schema("x")}))
    listener.wait(lambda: listener.of("schema"))
    assert listener.of("nodes")[0]["node"] == "dataset:db:d"
    assert not listener.of("runs")
