"""The image and the compose file in Docker itself: built, started, stopped, started again.

They need a Docker daemon with compose and the images that the files name, or a registry to get them from: so they run
where ``HEADWATER_TEST_DOCKER`` is set.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from headwater.testing.events import run_event, run_id

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(
    not os.environ.get("HEADWATER_TEST_DOCKER"),
    reason="HEADWATER_TEST_DOCKER is not set: it builds and runs containers",
)


def docker(*words: str, **variables: str) -> str:
    """What ``docker`` writes; a failure is one of the test."""
    done = subprocess.run(
        ["docker", *words],
        cwd=ROOT,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, f"docker {' '.join(words)}: {done.stdout[-3000:]}"
    return done.stdout


class Project:
    """The services of the compose file, under a name and at a port of the test's own."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.name = f"headwater-test-{os.getpid()}"
        self.url = f"http://127.0.0.1:{port}"
        self._variables = {"POSTGRES_PASSWORD": "ofthetest", "SERVICE_PORT": str(port)}
        self._variables["SERVICE_IMAGE"] = self.name

    def compose(self, *words: str) -> str:
        """What ``docker compose`` writes about the project."""
        return docker("compose", "-p", self.name, "-f", "deploy/compose.yaml", *words, **self._variables)

    def inside(self, command: str) -> str:
        """What a command of the shell writes in the container of the service."""
        return self.compose("exec", "-T", "headwater", "sh", "-c", command)

    def container(self, service: str) -> str:
        """The name of a service's container."""
        return self.compose("ps", "--all", "--quiet", service).strip()

    def key(self) -> str:
        """The key that the first start showed."""
        return re.search(r"shown this once: (\S+)", self.compose("logs", "headwater"))[1]

    def status(self, path: str, headers: dict[str, str], body: bytes | None = None) -> int:
        """The status that the service answers with."""
        try:
            with urllib.request.urlopen(urllib.request.Request(self.url + path, body, headers), timeout=30) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            with error:
                return error.code


@pytest.fixture(scope="module")
def project() -> Iterator[Project]:
    """Built, started, and healthy."""
    made = Project()
    try:
        made.compose("up", "--build", "--detach", "--wait")
        yield made
    finally:
        made.compose("down", "--volumes", "--remove-orphans")
        subprocess.run(["docker", "rmi", made.name], capture_output=True, check=False)


def test_without_a_password_it_says_what_to_set() -> None:
    """Nothing is made: the message names the variable and the file that it may stand in."""
    done = subprocess.run(
        ["docker", "compose", "-f", "deploy/compose.yaml", "--env-file", os.devnull, "config"],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "POSTGRES_PASSWORD"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "set POSTGRES_PASSWORD, in deploy/.env for example" in done.stderr


def test_the_service_has_no_rights_and_room_for_its_index(project: Project) -> None:
    """It is not root, has no capability and gets none, its files are read-only; it may write where its index goes."""
    rights = project.inside("id -u; grep -E 'CapEff|CapBnd|NoNewPrivs' /proc/1/status").split()
    assert rights == ["10001", "CapEff:", "0" * 16, "CapBnd:", "0" * 16, "NoNewPrivs:", "1"]
    assert project.inside("touch /tmp/x /data/x && echo wrote") == "wrote\n"
    refused = project.inside("touch /opt/headwater/x 2>&1 || true")
    assert "Read-only file system" in refused


def test_a_process_that_ends_in_the_container_makes_no_worker(project: Project) -> None:
    """What a command leaves behind becomes the supervisor's child; when it ends, there are two workers as before."""
    before = project.compose("top", "headwater").count("headwater serve")
    project.inside("(sleep 1 &)")
    time.sleep(3)
    assert before == 3
    assert project.compose("top", "headwater").count("headwater serve") == before


def test_what_was_acknowledged_is_there_after_a_stop_and_a_start(project: Project) -> None:
    """The key of the first start goes on; the end is in order, with exit code 0, well within the time for it."""
    headers = {"Authorization": f"Bearer {project.key()}"}
    event = msgspec.json.encode(run_event(run_id(1), "job", "COMPLETE", 1, ["a"], ["b"]))
    assert project.status("/api/v1/lineage", headers, event) == 201
    assert project.status("/login", {}) == 200
    begun = time.monotonic()
    project.compose("stop")
    assert time.monotonic() - begun < 30
    codes = [
        docker("inspect", "--format", "{{.State.ExitCode}}", project.container(service)).strip()
        for service in ("headwater", "postgres")
    ]
    assert codes == ["0", "0"]
    project.compose("up", "--detach", "--wait")
    assert project.status(f"/api/v1/runs/{run_id(1)}", headers) == 200
    assert project.compose("logs", "headwater").count("shown this once") == 1


def test_a_copy_goes_to_a_folder_of_the_host_and_comes_back(project: Project, tmp_path: Path) -> None:
    """As the page tells: written by whoever owns the folder, put back where nothing is yet."""
    headers = {"Authorization": f"Bearer {project.key()}"}
    event = msgspec.json.encode(run_event(run_id(2), "job", "COMPLETE", 2, ["a"], ["c"]))
    assert project.status("/api/v1/lineage", headers, event) == 201
    owner = tmp_path.stat()
    run = ("run", "--rm", "-T", "--user", f"{owner.st_uid}:{owner.st_gid}", "-v", f"{tmp_path}:/backups", "headwater")
    assert "1 tenant" in project.compose(*run, "backup", "/backups/one")
    project.compose("down", "--volumes")
    assert "restored 1 tenant" in project.compose(*run, "restore", "/backups/one")
    project.compose("up", "--detach", "--wait")
    assert project.status(f"/api/v1/runs/{run_id(2)}", headers) == 200
