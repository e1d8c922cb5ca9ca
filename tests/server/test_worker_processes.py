"""Several processes on one database: what one acknowledges the others show, and one that dies is replaced."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path

import msgspec
import psycopg
import pytest

from headwater.server.app import create_app
from headwater.server.permissions import SCOPES
from headwater.server.settings import Settings
from headwater.testing.events import run_event, run_id


def event(number: int) -> bytes:
    """A complete run that wrote one dataset of its own."""
    return msgspec.json.encode(run_event(run_id(number), f"job {number}", "COMPLETE", number, ["a"], [f"t{number}"]))


@pytest.fixture(params=["sqlite", "postgres"])
def place(request, tmp_path) -> str:
    """Where two services keep the same stores."""
    if request.param == "sqlite":
        return str(tmp_path / "stores")
    server = request.getfixturevalue("postgres_server")
    return server.new_store()


def test_what_one_service_acknowledges_another_shows(place, listen):
    """Two services on one place: an event acknowledged by one is in the very next answer of the other, and its
    followers are told."""
    with ExitStack() as stack:
        apps = [create_app(Settings(store=place)) for _ in range(2)]
        for app in apps:
            stack.callback(app.service.close)
        urls = [stack.enter_context(listen(app)) for app in apps]
        made = apps[0].service.administration.issue_key("default", who="test", scopes=SCOPES)
        headers = {"Authorization": f"Bearer {made.secret}"}
        stream = stack.enter_context(_open(f"{urls[1]}/api/v1/stream?topics=runs", headers))
        assert stream.readline().startswith(b"retry:")  # from here on it follows
        for number in range(1, 8):
            _open(f"{urls[0]}/api/v1/lineage", headers, event(number)).close()
            assert _is_known(urls[1], number, headers)
            assert _is_known(urls[0], number, headers)
        told = [line for line in _lines(stream) if line.startswith(b"data: ")][:7]
        assert [msgspec.json.decode(line[6:])["job_name"] for line in told] == [f"job {n}" for n in range(1, 8)]


def _open(url: str, headers: dict[str, str], body: bytes | None = None):
    return urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=20)


def _is_known(url: str, number: int, headers: dict[str, str]) -> bool:
    try:
        _open(f"{url}/api/v1/nodes/t{number}/upstream", headers).close()
    except urllib.error.HTTPError as error:
        error.close()
        return False
    return True


def _lines(stream) -> Iterator[bytes]:
    found = 0
    for line in stream:
        found += line.startswith(b"data: ")
        yield line
        if found == 7:
            return


Supervised = tuple[subprocess.Popen[str], str, dict[str, str]]


@pytest.fixture
def supervised(postgres_server) -> Iterator[Supervised]:
    """``headwater serve --workers 2``: the process, its address and a key."""
    with _served(postgres_server.new_store()) as served:
        yield served


@contextmanager
def _served(store: str, *before: str) -> Iterator[Supervised]:
    command = [*before, sys.executable, "-m", "headwater", "--store", store, "serve", "--port", "0", "--workers", "2"]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        printed = ""
        while "shown this once" not in printed:
            line = process.stdout.readline()
            assert line, printed
            printed += line
        url = re.search(r"Headwater is at (\S+)", printed)[1]
        headers = {"Authorization": "Bearer " + re.search(r"shown this once: (\S+)", printed)[1]}
        _wait(lambda: _answers(url))
        yield process, url, headers
    finally:
        process.terminate()  # killed, it would leave its workers behind
        process.wait(40)
        process.stdout.close()


def _answers(url: str) -> bool:
    try:
        _open(f"{url}/health/live", {}).close()
    except OSError:
        return False
    return True


def _workers(process: subprocess.Popen[str]) -> set[int]:
    return {int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()}


def _wait(condition) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="the workers are found through /proc")
def test_a_worker_that_dies_is_replaced_and_all_end_together(supervised):
    """Killed, a worker is started again, and what was acknowledged is there; SIGTERM ends every process."""
    process, url, headers = supervised
    before = _workers(process)
    assert len(before) == 2
    _open(f"{url}/api/v1/lineage", headers, event(1)).close()
    os.kill(min(before), signal.SIGKILL)
    _wait(lambda: len(_workers(process)) == 2 and _workers(process) != before)
    for _ in range(6):  # whichever worker takes it
        assert _is_known(url, 1, headers)
    every = _workers(process)
    process.send_signal(signal.SIGTERM)
    assert process.wait(40) == 0
    for pid in every:
        assert not Path(f"/proc/{pid}").exists()


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="the workers are found through /proc")
def test_a_child_that_is_no_worker_is_not_replaced(postgres_server):
    """The first process of a container inherits the children of others, a health check's for example: when one of
    them ends, there are as many workers as before, and none is said to have ended."""
    with _served(postgres_server.new_store(), "sh", "-c", 'sleep 600 >&- 2>&- & exec "$@"', "sh") as (process, url, _):
        _wait(lambda: len(_workers(process)) == 3)
        strangers = {pid for pid in _workers(process) if Path(f"/proc/{pid}/comm").read_text() == "sleep\n"}
        workers = _workers(process) - strangers
        os.kill(strangers.pop(), signal.SIGKILL)
        _wait(lambda: len(_workers(process)) == 2)
        time.sleep(1.5)  # one that fell is started again after a second
        assert _workers(process) == workers
        assert _answers(url)
        process.send_signal(signal.SIGTERM)
        assert "a worker ended" not in process.stdout.read()
        assert process.wait(40) == 0


def test_who_comes_while_the_service_ends_is_refused_at_once(supervised):
    """And is not left waiting until the last request that was there before is answered; that one is answered."""
    process, url, headers = supervised
    host, port = url.removeprefix("http://").split(":")
    body = event(1)
    with ExitStack() as stack:
        slow = HTTPConnection(host, int(port), timeout=20)
        stack.callback(slow.close)
        slow.putrequest("POST", "/api/v1/lineage")
        for name, value in {**headers, "Content-Length": str(len(body)), "Expect": "100-continue"}.items():
            slow.putheader(name, value)
        slow.endheaders()
        assert slow.sock.recv(100).startswith(b"HTTP/1.1 100")  # a worker waits for the rest
        process.send_signal(signal.SIGTERM)
        _wait(lambda: _is_refused(host, int(port)))
        assert process.poll() is None
        slow.send(body)
        assert slow.getresponse().status == 201
    assert process.wait(40) == 0


def _is_refused(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=5).close()
    except ConnectionRefusedError:
        return True
    return False


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="the workers are found through /proc")
def test_no_two_workers_give_the_same_name_to_a_request(supervised):
    """``X-Request-ID`` names one line of the log, whichever worker answered."""
    process, url, _ = supervised
    named: list[str] = []
    workers = _workers(process)
    for resting in workers:
        os.kill(resting, signal.SIGSTOP)
        for _ in range(3):
            with _open(f"{url}/health/live", {}) as answer:
                named.append(answer.headers["X-Request-ID"])
        os.kill(resting, signal.SIGCONT)
    assert len(workers) == 2
    assert len(set(named)) == 6


def test_a_database_that_cannot_hold_every_name_is_not_served(postgres_server):
    """Of another encoding than UTF8: the service says so and does not start, rather than fail at a request."""
    with psycopg.connect(postgres_server.url(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE unserved ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0")
    command = [sys.executable, "-m", "headwater", "--store", postgres_server.url("unserved"), "serve", "--port", "0"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 1
    assert "error: the database has the encoding SQL_ASCII, not UTF8" in ended.stderr
    assert "your key" not in ended.stdout
