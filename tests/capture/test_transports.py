"""The transports against real destinations: a server, a file, a terminal, a list."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from headwater.capture.delivery import Delivery
from headwater.capture.transports import make_transport
from headwater.errors import ConfigError, TransportError

EVENTS = [json.dumps({"n": n, "pad": "x" * 2000}).encode() for n in range(3)]


class Server:
    """An HTTP server that answers as told, and remembers what it was asked."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.connections: set[Any] = set()
        self.answer: Callable[[str, Any, int], tuple[int, Any]] = lambda path, body, count: (201, "")
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                server.requests.append((self.path, dict(self.headers), body))
                server.connections.add(self.client_address)
                status, answer = server.answer(self.path, json.loads(body), len(server.requests))
                data = (answer if isinstance(answer, str) else json.dumps(answer)).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *args: Any) -> None:
                """Silent."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        self.thread = threading.Thread(target=self.http.serve_forever, daemon=True)
        self.thread.start()

    def stop(self) -> None:
        """Stop serving."""
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server on this machine."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    running = Server()
    yield running
    running.stop()


def http(server: Server, tmp_path: Path, **more: Any) -> Any:
    """An HTTP transport to the server."""
    return make_transport({"kind": "http", "url": server.url, **more}, tmp_path)


def test_one_event_is_posted_as_the_standard_client_does(server, tmp_path):
    """Path, content type, authorization and gzip are those that OpenLineage servers expect."""
    transport = http(server, tmp_path, api_key="k", headers={"X-Tenant": "t"})
    assert transport.emit(EVENTS[:1]).taken == 1
    transport.close()
    ((path, headers, body),) = server.requests
    assert path == "/api/v1/lineage"
    assert headers["Authorization"] == "Bearer k"
    assert headers["Content-Type"] == "application/json"
    assert headers["Content-Encoding"] == "gzip"
    assert headers["X-Tenant"] == "t"
    assert body == EVENTS[0]


def test_the_connection_is_kept(server, tmp_path):
    """Several posts use one connection."""
    transport = http(server, tmp_path)
    for event in EVENTS:
        transport.emit([event])
    transport.close()
    assert len(server.connections) == 1


def test_a_batch_goes_as_one_request_and_refusals_come_back_by_index(server, tmp_path):
    """The batch endpoint's partial success names the refused events, with the server's words."""
    answer = {"status": "partial_success", "failed_events": [{"index": 1, "reason": "no run", "retriable": False}]}
    server.answer = lambda path, body, count: (200, answer)
    transport = http(server, tmp_path)
    delivery = transport.emit(EVENTS)
    transport.close()
    assert [path for path, _, _ in server.requests] == ["/api/v1/lineage/batch"]
    assert delivery.taken == 2
    assert [(item.event, item.reason) for item in delivery.refused] == [(EVENTS[1], "no run")]


def test_a_server_without_batches_is_asked_once(server, tmp_path):
    """404 on the batch endpoint means one request an event, from then on."""
    server.answer = lambda path, body, count: (404, "no") if path.endswith("/batch") else (201, "")
    transport = http(server, tmp_path)
    assert transport.emit(EVENTS).taken == 3
    assert transport.emit(EVENTS).taken == 3
    transport.close()
    assert [path for path, _, _ in server.requests].count("/api/v1/lineage/batch") == 1


def test_a_bad_event_is_refused_with_the_servers_words(server, tmp_path):
    """4xx is final: no retry, and the reason is kept."""
    server.answer = lambda path, body, count: (422, "run.runId must be a UUID")
    transport = http(server, tmp_path)
    delivery = transport.emit(EVENTS[:1])
    transport.close()
    assert len(server.requests) == 1
    assert delivery.refused[0].reason == "422 run.runId must be a UUID"


def test_a_busy_server_is_asked_again(server, tmp_path, monkeypatch):
    """503 is tried again; the event arrives."""
    monkeypatch.setattr("headwater.capture.transports.http.FIRST_PAUSE_S", 0.001)
    server.answer = lambda path, body, count: (503, "busy") if count < 3 else (201, "")
    transport = http(server, tmp_path)
    assert transport.emit(EVENTS[:1]).taken == 1
    transport.close()
    assert len(server.requests) == 3


def test_a_server_that_is_down_is_away_and_not_an_error_of_the_event(tmp_path, monkeypatch):
    """A refused connection raises ``TransportError`` after the retries; nothing is refused for good."""
    monkeypatch.setattr("headwater.capture.transports.http.FIRST_PAUSE_S", 0.001)
    transport = make_transport({"kind": "http", "url": "http://127.0.0.1:9", "retries": 2}, tmp_path)
    with pytest.raises(TransportError, match=r"127\.0\.0\.1"):
        transport.emit(EVENTS)


@pytest.mark.parametrize("setting", [{"api_key": "hw_secret\rx"}, {"headers": {"Authorization": "hw_secret\u20ac"}}])
def test_a_key_that_cannot_be_sent_is_told_and_not_shown(server, tmp_path, setting):
    """The name of the header and the setting are in the message, the secret is not; the events stay."""
    with pytest.raises(TransportError, match="'Authorization' holds characters") as told:
        http(server, tmp_path, **setting).emit(EVENTS)
    assert "hw_secret" not in str(told.value)
    assert "HEADWATER_API_KEY" in told.value.hint
    transport = http(server, tmp_path, api_key="hw_key\r\n")
    transport.emit(EVENTS[:1])
    transport.close()
    assert server.requests[-1][1]["Authorization"] == "Bearer hw_key"


def test_a_hurried_transport_does_not_wait_long(server, tmp_path, monkeypatch):
    """At the end of the process a server that is away is asked three times, whatever the number of retries."""
    monkeypatch.setattr("headwater.capture.transports.http.FIRST_PAUSE_S", 0.001)
    server.answer = lambda path, body, count: (503, "busy")
    transport = http(server, tmp_path, retries=1000)
    transport.hurry.set()
    with pytest.raises(TransportError):
        transport.emit(EVENTS[:1])
    assert len(server.requests) == 3
    server.answer = lambda path, body, count: (503, "busy") if count < 6 else (201, "")
    assert transport.emit(EVENTS[:1]).taken == 1
    transport.close()


def test_a_server_that_does_not_answer_is_asked_once_at_the_end(tmp_path, monkeypatch):
    """Where no answer comes in time the end of the process waits for one timeout, not for several."""
    asked = []

    def silent(self: object, *request: object) -> tuple[int, bytes]:
        asked.append(request)
        raise TimeoutError("timed out")

    transport = make_transport({"kind": "http", "url": "http://127.0.0.1:9"}, tmp_path)
    monkeypatch.setattr(type(transport), "_once", silent)
    transport.hurry.set()
    with pytest.raises(TransportError, match="timed out"):
        transport.emit(EVENTS[:1])
    assert len(asked) == 1


def test_a_destination_that_is_made_at_the_end_is_hurried_too(tmp_path):
    """A script that is over before its first event was sent does not wait through the pauses of a server that is away:
    it did, for ten seconds."""
    delivery = Delivery({"kind": "http", "url": "http://127.0.0.1:9"}, tmp_path)
    delivery.hurry()
    assert delivery.transport().hurry.is_set()


def test_a_connection_that_the_server_closed_is_renewed(server, tmp_path):
    """A kept connection that died meanwhile costs no event."""
    transport = http(server, tmp_path, retries=0)
    transport.emit(EVENTS[:1])
    transport._connection.sock.close()
    assert transport.emit(EVENTS[1:2]).taken == 1
    transport.close()


def test_a_base_path_and_another_endpoint(server, tmp_path):
    """The endpoint stands below the path of the address."""
    transport = make_transport({"kind": "http", "url": server.url + "/base/", "endpoint": "/x/y"}, tmp_path)
    transport.emit(EVENTS[:1])
    transport.close()
    assert server.requests[0][0] == "/base/x/y"


def test_a_proxy_is_used_for_http(server, tmp_path, monkeypatch):
    """``http_proxy`` gets the absolute address; ``no_proxy`` is honoured."""
    monkeypatch.setenv("http_proxy", server.url)
    monkeypatch.setenv("no_proxy", "direct.example")
    transport = make_transport({"kind": "http", "url": "http://lineage.invalid:81", "retries": 0}, tmp_path)
    transport.emit(EVENTS[:1])
    transport.close()
    assert server.requests[0][0] == "http://lineage.invalid:81/api/v1/lineage"


@pytest.mark.parametrize("url", ["", "ftp://h", "host:5000", "http://"])
def test_an_address_that_is_none_is_refused(tmp_path, url):
    """The message says what an address looks like."""
    with pytest.raises(ConfigError, match="http"):
        make_transport({"kind": "http", "url": url}, tmp_path)


def test_processes_share_a_file_without_cutting_lines(tmp_path):
    """Batches of several threads, each with its own transport, stay whole lines."""
    path = tmp_path / "deep" / "events.jsonl"

    def write(number: int) -> None:
        transport = make_transport({"kind": "file", "path": str(path)}, tmp_path)
        for _ in range(20):
            transport.emit([json.dumps({"n": number, "pad": "y" * 9000}).encode()] * 3)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = path.read_text().splitlines()
    assert len(lines) == 240
    assert all(json.loads(line)["pad"] == "y" * 9000 for line in lines)


def test_the_console_is_standard_error(tmp_path, capsys):
    """Events are lines on standard error; standard output belongs to the program."""
    make_transport({"kind": "console"}, tmp_path).emit(EVENTS[:2])
    seen = capsys.readouterr()
    assert seen.out == ""
    assert [json.loads(line)["n"] for line in seen.err.splitlines()] == [0, 1]


def test_a_composite_serves_the_others_when_one_is_away(tmp_path):
    """Each transport gets the batch; the failure is reported so that it is sent again."""
    (tmp_path / "blocked").write_text("")
    parts = {
        "bad": {"kind": "file", "path": str(tmp_path / "blocked" / "x")},
        "good": {"kind": "file", "path": str(tmp_path / "good.jsonl")},
    }
    transport = make_transport({"kind": "composite", "transports": parts}, tmp_path)
    with pytest.raises(TransportError, match="file"):
        transport.emit(EVENTS)
    assert len((tmp_path / "good.jsonl").read_text().splitlines()) == 3
    strict = make_transport(
        {"kind": "composite", "transports": list(parts.values()), "continue_on_failure": False}, tmp_path
    )
    with pytest.raises(TransportError):
        strict.emit(EVENTS)
    assert len((tmp_path / "good.jsonl").read_text().splitlines()) == 3


def test_unknown_kinds_and_keys_are_refused(tmp_path):
    """A misspelt transport or setting does not pass."""
    with pytest.raises(ConfigError, match="there is no transport"):
        make_transport({"kind": "kafka"}, tmp_path)
    with pytest.raises(ConfigError, match="pth: must be a field"):
        make_transport({"kind": "file", "path": "x", "pth": "y"}, tmp_path)


def test_the_embedded_transport_stores_and_refuses(tmp_path):
    """Events land in the store of the folder; an invalid one comes back with the rule it breaks."""
    from headwater.embedded import open_store

    good = json.dumps(
        {
            "eventType": "COMPLETE",
            "eventTime": "2026-01-01T00:00:00Z",
            "producer": "https://example.org",
            "run": {"runId": "01a20650-0c2f-71ed-8eb6-91a7e02ff736"},
            "job": {"namespace": "n", "name": "j"},
        }
    ).encode()
    transport = make_transport({"kind": "embedded"}, tmp_path)
    delivery = transport.emit([good, b'{"run": {"runId": "x"}}'])
    transport.close()
    assert delivery.taken == 1
    assert delivery.refused[0].event == b'{"run": {"runId": "x"}}'
    with open_store(tmp_path) as store:
        assert store.run("01a20650-0c2f-71ed-8eb6-91a7e02ff736") is not None


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"kind": "http"}, "transport.url: must be given"),
        ({"kind": "http", "url": "http://h", "timeout_s": "soon"}, "transport.timeout_s: must be a number"),
        ({"kind": "file", "path": 3}, "transport.path: must be a string"),
    ],
)
def test_a_wrong_key_of_a_transport_is_told_as_a_setting(tmp_path, settings, words):
    """With the name that it has in the settings, and the rule in words."""
    with pytest.raises(ConfigError, match=f"^{words}") as told:
        make_transport(settings, tmp_path)
    assert repr(settings["kind"]) in told.value.hint
