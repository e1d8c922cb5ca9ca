"""Apache Flink 2 with OpenLineage's listener, on a cluster of two processes: streams, a query, a failure.

The listener is a jar that is on none of the package indexes that tests may use: ``HEADWATER_TEST_OPENLINEAGE_FLINK``
names it.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from interop.histories import Sent, keep, short
from interop.programs import HERE, Program, installed

pytestmark = pytest.mark.interop

LISTENER = os.environ.get("HEADWATER_TEST_OPENLINEAGE_FLINK", "")
WAIT_S = 120
OPEN = [f"--add-opens=java.base/java.{package}=ALL-UNNAMED" for package in ("util", "lang")]
#: what Flink's own scripts would work out for a worker of this size, in bytes
WORKER = {
    "taskmanager.cpu.cores": "2.0",
    "taskmanager.memory.framework.heap.size": "134217728b",
    "taskmanager.memory.framework.off-heap.size": "134217728b",
    "taskmanager.memory.jvm-metaspace.size": "268435456b",
    "taskmanager.memory.jvm-overhead.max": "201326592b",
    "taskmanager.memory.jvm-overhead.min": "201326592b",
    "taskmanager.memory.managed.size": "134217728b",
    "taskmanager.memory.network.max": "67108864b",
    "taskmanager.memory.network.min": "67108864b",
    "taskmanager.memory.task.heap.size": "268435456b",
    "taskmanager.memory.task.off-heap.size": "0b",
}


def _java(name: str) -> str:
    home = os.environ.get("JAVA_HOME")
    found = str(Path(home) / "bin" / name) if home else shutil.which(name)
    if not found:
        pytest.skip(f"Flink needs {name}")
    return found


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class Flink:
    """A job manager and a worker, and the submission of a program to them."""

    def __init__(self, program: Program, home: Path, sent: Sent) -> None:
        site = Path(program.command("python")[0]).parents[1]
        (jars,) = site.glob("lib/python*/site-packages/pyflink/lib")
        self.home, self._port = home, _free_port()
        self._path = f"{jars}/*{os.pathsep}{LISTENER}"
        (home / "conf").mkdir(parents=True)
        settings = {
            "jobmanager.rpc.address": "localhost",
            "jobmanager.rpc.port": _free_port(),
            "rest.address": "localhost",
            "rest.port": self._port,
            "parallelism.default": 1,
            "taskmanager.numberOfTaskSlots": 2,
            "execution.job-status-changed-listeners": (
                "io.openlineage.flink.listener.OpenLineageJobStatusChangedListenerFactory"
            ),
            "openlineage.transport.type": "http",
            "openlineage.transport.url": sent.url,
            "openlineage.transport.auth.type": "api_key",
            "openlineage.transport.auth.apiKey": sent.key,
            "openlineage.enableDetachedJobTracking": "true",
        }
        (home / "conf" / "config.yaml").write_text("".join(f"{key}: {value}\n" for key, value in settings.items()))

    def command(self, main: str, *words: str) -> list[str]:
        """The command line of one of Flink's programs."""
        return [_java("java"), "-Xmx700m", *OPEN, "-cp", self._path, main, *words]

    @contextmanager
    def process(self, main: str, **settings: str) -> Iterator[None]:
        """One of the cluster's processes."""
        given = [word for key, value in settings.items() for word in ("-D", f"{key}={value}")]
        with (self.home / f"{main.rpartition('.')[2]}.log").open("wb") as log:
            command = self.command(main, "--configDir", "conf", *given)
            process = subprocess.Popen(command, cwd=self.home, stdout=log, stderr=subprocess.STDOUT)
            try:
                yield
            finally:
                process.terminate()
                process.wait()

    def overview(self) -> dict[str, int]:
        """What the cluster says of itself; nothing until it does."""
        try:
            with urllib.request.urlopen(f"http://localhost:{self._port}/overview", timeout=5) as answer:
                return dict(json.load(answer))
        except OSError:
            return {}

    def submit(self, source: Path) -> str:
        """Compile a program and run it on the cluster."""
        classes = self.home / "classes"
        subprocess.run(
            [_java("javac"), "-nowarn", "-d", classes, "-cp", self._path, source], check=True, timeout=WAIT_S
        )
        subprocess.run([_java("jar"), "cf", self.home / "shop.jar", "-C", classes, "."], check=True, timeout=WAIT_S)
        done = subprocess.run(
            self.command("org.apache.flink.client.cli.CliFrontend", "run", "-c", source.stem, "shop.jar"),
            cwd=self.home,
            env={**os.environ, "FLINK_CONF_DIR": str(self.home / "conf")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=WAIT_S,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-6000:]
        return done.stdout


def _until(what: str, done: Callable[[], object]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not done():
        assert time.monotonic() < deadline, what
        time.sleep(0.5)


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sent]:
    """The program of the project, run once."""
    if not LISTENER:
        pytest.skip("HEADWATER_TEST_OPENLINEAGE_FLINK names no jar of openlineage-flink")
    folder = tmp_path_factory.mktemp("flink")
    with Sent(folder / "store") as sent:
        flink = Flink(installed("flink"), folder / "home", sent)
        raw = flink.home / "lake" / "raw"
        raw.mkdir(parents=True)
        (raw / "orders.json").write_text('{"order_id": 1, "customer": 2, "amount": 9.5}\n')
        manager = flink.process("org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint")
        with manager, flink.process("org.apache.flink.runtime.taskexecutor.TaskManagerRunner", **WORKER):
            _until("no worker came", lambda: flink.overview().get("slots-available"))
            said = flink.submit(HERE / "projects" / "flink" / "Shop.java")
            assert "failed as it should" in said
            _until("an end is missing", lambda: sum(event["eventType"] in _ENDS for event in sent.events()) == 3)
        keep("flink", sent.log())
        yield sent


_ENDS = ("COMPLETE", "FAIL")


def test_topics_and_tables_are_connected(sent: Sent) -> None:
    """What START names and what the end tells are one run: topics by their brokers, tables by Flink's catalog."""
    edges = {(short(edge.source), short(edge.target)) for edge in sent.graph().edges}
    assert {
        ("clicks", "sessions"),
        ("clicks", "broken"),
        ("default_catalog.default_database.orders", "default_catalog.default_database.totals"),
    } <= edges
    assert sent.lineage.show("dataset:kafka://broker:9092:clicks").id


def test_how_the_jobs_ended(sent: Sent) -> None:
    """The job manager's listener tells it, of the same run as the START of where it was submitted."""
    assert sent.states() == {
        "sessions": ["COMPLETED"],
        "insert-into_default_catalog.default_database.totals": ["COMPLETED"],
        "broken": ["FAILED"],
    }


def test_nothing_was_refused(sent: Sent) -> None:
    """Tables without a namespace are no reason to."""
    assert any(one["namespace"] == "" for event in sent.events() for one in event.get("outputs", ()))
    assert sent.get("/api/v1/quarantine")["entries"] == []
