"""Kills a service during ingestion over HTTP, and checks that no acknowledged event is lost or half written."""

from __future__ import annotations

import http.client
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from headwater.formats.openlineage import event_key
from headwater.storage.open import open_store
from headwater.storage.sqlite import SQLiteStore
from headwater.testing.events import dataset, raw, schema, whole_run

_START_S = 60.0
_CLIENTS = 4


class Outcome(msgspec.Struct, kw_only=True):
    """What the cycles came to."""

    cycles: int = 0
    acknowledged: int = 0
    lost: int = 0
    unexpected: list[int] = []
    """Statuses of answers that were neither 2xx nor 503."""


class ServiceProcess:
    """``headwater serve`` over a folder, in a process of its own. The key is shown by the first start only.

    ``store`` is another store than the folder, ``port`` the one to listen on (0: a free one), ``options`` are more
    options of ``serve``.
    """

    def __init__(self, folder: Path, *options: str, store: str = "", port: int = 0) -> None:
        self._log = folder.with_name(f"{folder.name}.log")
        program = "from headwater.cli.main import main; main()"
        serve = ["--store", store or str(folder), "serve", "--port", str(port), *options]
        command = [sys.executable, "-c", program, *serve]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        self.port = 0
        deadline = time.monotonic() + _START_S
        while not (self.port and self._answers()):
            alive = self._process.poll() is None and time.monotonic() < deadline
            if not alive:
                self._process.kill()
                raise AssertionError(f"the service did not start: {self._said()}")
            time.sleep(0.02)
            found = re.search(r"Headwater is at http://[^\s]*:(\d+)\n", self._said())
            self.port = int(found[1]) if found else 0
        shown = re.search(r"key, shown this once: (\S+)", self._said())
        self.key = shown[1] if shown else ""

    def _said(self) -> str:
        return self._log.read_text()

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/health/live")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def kill(self) -> None:
        """End it as a power cut would."""
        self._process.send_signal(signal.SIGKILL)
        self._end()

    def stop(self) -> None:
        """End it as an operator would: what was sent is stored and answered first."""
        self._process.send_signal(signal.SIGTERM)
        self._end()

    def _end(self) -> None:
        self._process.wait(_START_S)


class _Client(threading.Thread):
    """Sends events and batches until it is cut off; ``acknowledged`` holds the keys of what was answered 2xx."""

    def __init__(self, port: int, key: str, first_run: int, seed: int) -> None:
        super().__init__(daemon=True)
        self.acknowledged: set[str] = set()
        self.unexpected: list[int] = []
        self._port, self._key, self._number = port, key, first_run
        self._pick = random.Random(seed)  # noqa: S311 - tests, no secrets

    def run(self) -> None:
        """Send until the service is gone."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        try:
            while True:
                self._send(connection)
        except (OSError, http.client.HTTPException):
            connection.close()

    def _send(self, connection: http.client.HTTPConnection) -> None:
        events = self._events()
        is_batch = len(events) > 2
        path = "/api/v1/lineage/batch" if is_batch else "/api/v1/lineage"
        bodies = [b"[" + b",".join(events) + b"]"] if is_batch else events
        for body in bodies:
            headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            told = answer.read()
            if answer.status not in (200, 201):
                if answer.status != 503:
                    self.unexpected.append(answer.status)
            elif not is_batch:
                self.acknowledged.add(event_key(body).hex())
            elif msgspec.json.decode(told)["status"] == "success":
                self.acknowledged |= {event_key(event).hex() for event in events}

    def _events(self) -> list[bytes]:
        pick, found = self._pick, []
        for _ in range(1 if pick.random() < 0.5 else pick.randrange(2, 12)):
            out = dataset(f"t{pick.randrange(20)}", facets={"schema": schema(f"c{pick.randrange(9)}", "id")})
            source, job = f"t{pick.randrange(20)}", f"j{pick.randrange(9)}"
            found += raw(whole_run(self._number, job, self._number % 10_000, [source], [out]))
            self._number += 1
        return found


def service_crash_cycles(
    folder: Path,
    cycles: int,
    seed: int,
    *,
    store: str = "",
    rebuild_every: int = 5,
    crash_database: Callable[[], None] | None = None,
    crash_every: int = 5,
) -> Outcome:
    """Start a service, send from several clients, kill it at a random moment, check the store; so many times over.

    ``store`` is another store than the folder. ``crash_database`` has its database die and start again; it is called
    before every ``crash_every``-th kill, so that the service meets both. After each kill the store must hold every
    acknowledged event, and a file pass its integrity check; every ``rebuild_every`` cycles, and at the end,
    rebuilding must give the hash that the store has.

    Raises:
        AssertionError: the store is damaged, or its projections are not what its log says.
    """
    pick = random.Random(seed)  # noqa: S311 - tests, no secrets
    outcome = Outcome()
    acknowledged: set[str] = set()
    key = ""
    for cycle in range(cycles):
        service = ServiceProcess(folder, store=store)
        key = service.key or key
        firsts = [(cycle * _CLIENTS + place) * 1_000_000 + 1 for place in range(_CLIENTS)]
        clients = [_Client(service.port, key, first, pick.randrange(10**9)) for first in firsts]
        for client in clients:
            client.start()
        deadline = time.monotonic() + _START_S
        while not any(client.acknowledged for client in clients) and time.monotonic() < deadline:
            time.sleep(0.002)
        time.sleep(pick.uniform(0, 0.3))
        if crash_database is not None and cycle % crash_every == crash_every - 1:
            crash_database()
            time.sleep(pick.uniform(0, 0.3))
        service.kill()
        for client in clients:
            client.join(20)
            acknowledged |= client.acknowledged
            outcome.unexpected += client.unexpected
        outcome.cycles += 1
        outcome.lost += _check(store or folder, acknowledged, rebuild=cycle % rebuild_every == rebuild_every - 1)
    outcome.acknowledged = len(acknowledged)
    _check(store or folder, acknowledged, rebuild=True)
    return outcome


def _check(target: Path | str, acknowledged: set[str], *, rebuild: bool) -> int:
    """How many acknowledged events are missing, of a store that must be sound."""
    with open_store(target) as store:
        if isinstance(store, SQLiteStore):
            store.verify()
        if rebuild:
            expected = store.graph_hash()
            found = store.rebuild()
            assert found == expected, f"rebuilding gives {found}, the store has {expected}"
        return len(acknowledged - {event.key for event in store.events()})
