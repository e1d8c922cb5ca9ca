"""Airflow as it is deployed: a scheduler with its executor, a DAG processor, the API server; a process a task."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from interop.histories import Sent
from interop.programs import HERE, Program, installed

pytestmark = pytest.mark.interop

PARTS = ("api-server", "dag-processor", "scheduler")
DONE_S = 240
STOP_S = 30


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sent]:
    """The DAG, due once, run by a scheduler; everything is ended when the run's end has come in."""
    airflow = installed("airflow")
    home = tmp_path_factory.mktemp("airflow-scheduler")
    with Sent(home / "store") as sent:
        settings = _settings(home, sent)
        airflow.run("airflow", "db", "migrate", folder=home, settings=settings)
        api = int(settings["AIRFLOW__API__PORT"])
        parts: dict[str, subprocess.Popen[bytes]] = {}
        with ExitStack() as stack:
            for part in PARTS:
                parts[part] = stack.enter_context(_running(airflow, part, home, settings))
                # a task asks the API server what to do, and fails where that does not listen yet
                _wait(lambda: _listens(api), parts, home)
            _wait(lambda: sent.states().get("shop", [""])[0] in ("COMPLETED", "FAILED"), parts, home)
        yield sent


def _settings(home: Path, sent: Sent) -> dict[str, str]:
    shutil.copytree(HERE / "projects" / "airflow", home / "dags")
    files = home / "files"
    files.mkdir()
    (files / "orders.csv").write_text("id,customer_id,cents\n10,1,1250\n")
    (files / "customers.csv").write_text("id,name\n1,Ada\n")
    api, logs = _free_port(), _free_port()
    transport = {"type": "http", "url": sent.url, "auth": {"type": "api_key", "apiKey": sent.key}}
    return {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "2",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{api}/execution/",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(api),
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__SECRET_KEY": "of this test alone",
        "AIRFLOW__API_AUTH__JWT_SECRET": "of this test alone, and long enough to sign with: 0123456789abcdef",
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(logs),
        "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(transport),
        "AIRFLOW__OPENLINEAGE__NAMESPACE": "shop_airflow",
        "AIRFLOW_CONN_SHOP_DB": json.dumps({"conn_type": "sqlite", "host": str(home / "shop.db")}),
        "SHOP_FOLDER": str(files),
        "SHOP_SCHEDULE": "@once",
    }


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextmanager
def _running(airflow: Program, part: str, home: Path, settings: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A part of Airflow in a process group of its own, which ends with the block."""
    with (home / f"{part}.log").open("wb") as log:
        process = subprocess.Popen(
            airflow.command("airflow", part),
            cwd=home,
            env=airflow.environment(home, settings),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(STOP_S)
            with suppress(ProcessLookupError):  # what is left of it
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True


def _wait(is_done: Callable[[], bool], parts: dict[str, subprocess.Popen[bytes]], home: Path) -> None:
    """Wait until it is so; what ends or takes too long meanwhile fails the test, with what Airflow wrote."""
    limit = time.monotonic() + DONE_S
    while not is_done():
        for part, process in parts.items():
            assert process.poll() is None, f"{part} ended:\n{_tail(home, part)}"
        assert time.monotonic() < limit, f"not done after {DONE_S} s\n" + "\n".join(_tail(home, part) for part in parts)
        time.sleep(0.5)


def _tail(home: Path, part: str) -> str:
    return f"--- {part}\n" + (home / f"{part}.log").read_text(errors="replace")[-3000:]


@pytest.mark.first
def test_a_scheduled_run_arrives_whole(sent: Sent) -> None:
    """START and end of the DAG from the scheduler, of each task from the process that ran it, below the DAG's run."""
    runs = {run.run_id: run for run in sent.lineage.runs(limit=100)}
    dags = [run for run in runs.values() if run.job_name == "shop"]
    assert [run.state for run in dags] == ["FAILED"]
    assert [event["eventType"] for event in sent.events() if event["job"]["name"] == "shop"] == ["START", "FAIL"]
    tasks = [run for run in runs.values() if run.parent_run == dags[0].run_id]
    assert sorted((run.job_name, run.state) for run in tasks) == [
        ("shop.broken", "FAILED"),
        ("shop.clean", "COMPLETED"),
        ("shop.copy", "COMPLETED"),
        ("shop.copy", "COMPLETED"),
        ("shop.load", "COMPLETED"),
        ("shop.publish", "COMPLETED"),
    ]


def test_a_task_touches_only_its_own_files(sent: Sent) -> None:
    """With a process a task nothing of one is sent as another's: the edges are those of the DAG, and no more."""
    files = {
        (source.rpartition("/")[2], target.rpartition("/")[2], job)
        for source, target, job, _ in sent.edges()
        if job in ("shop.clean", "shop.publish", "shop.copy", "shop.broken")
    }
    assert files == {
        ("customers.csv", "customers.csv", "shop.clean"),
        ("customers.csv", "customers.csv", "shop.publish"),
        ("orders.csv", "copied-orders.csv", "shop.copy"),
        ("customers.csv", "copied-customers.csv", "shop.copy"),
    }


def test_the_path_crosses_the_tasks(sent: Sent) -> None:
    """From the raw file to the mart, over two tasks that ran in processes of their own."""
    path = sent.lineage.path("dataset:file:/data/raw/customers.csv", "dataset:file:data/mart/customers.csv")
    assert {edge.job for edge in path.edges} == {"job:shop_airflow:shop.clean", "job:shop_airflow:shop.publish"}
