"""A power cut, a full disk, a store that may not be written: nothing acknowledged is lost, and readers go on."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest

from headwater.errors import StoreFull, StoreLocked, StoreReadOnly
from headwater.formats.openlineage import event_key
from headwater.storage.sqlite import SQLiteStore
from headwater.testing.events import facet, raw, run_event, run_id
from headwater.testing.postgres import NoServer, PostgresServer
from headwater.testing.service_crash import ServiceProcess, service_crash_cycles


def noisy(number: int) -> bytes:
    """An event that does not compress."""
    noise = f"{random.Random(number).getrandbits(400_000):x}"
    facets = {"noise": facet(text=noise)}
    return raw([run_event(run_id(number), "j", "COMPLETE", number, ["a"], ["b"], run_facets=facets)])[0]


@pytest.mark.first
def test_killed_in_mid_ingest_it_has_all_that_it_acknowledged(tmp_path):
    """Four clients, kill -9 at a random moment, a few times over."""
    outcome = service_crash_cycles(tmp_path / "stores", 3, seed=1, rebuild_every=3)
    assert (outcome.cycles, outcome.lost, outcome.unexpected) == (3, 0, [])
    assert outcome.acknowledged >= 3


@pytest.fixture
def durable_server():
    """A PostgreSQL server that forces what it commits to the disk, and that may be killed."""
    pytest.importorskip("psycopg")
    try:
        server = PostgresServer(fsync="on")
    except NoServer as error:
        pytest.skip(str(error))
    with server:
        yield server


def crash_on_postgres(server: PostgresServer, folder: Path, cycles: int, seed: int, every: int):
    """Cycles over a database of a server, which dies too at every so many."""

    def crash() -> None:
        server.kill()
        server.start()

    store = server.new_database()
    return service_crash_cycles(
        folder, cycles, seed, store=store, rebuild_every=10 * every, crash_database=crash, crash_every=every
    )


@pytest.mark.first
def test_killed_over_postgresql_it_has_all_that_it_acknowledged(durable_server, tmp_path):
    """The same over PostgreSQL; at the last time its server dies, too, while the service writes."""
    outcome = crash_on_postgres(durable_server, tmp_path / "service", 2, seed=1, every=2)
    assert (outcome.cycles, outcome.lost, outcome.unexpected) == (2, 0, [])
    assert outcome.acknowledged >= 2


@pytest.mark.long
def test_killed_five_hundred_times(tmp_path):
    """The same, 500 times."""
    outcome = service_crash_cycles(tmp_path / "stores", 500, seed=2, rebuild_every=50)
    assert (outcome.cycles, outcome.lost, outcome.unexpected) == (500, 0, [])


@pytest.mark.long
def test_killed_five_hundred_times_over_postgresql(durable_server, tmp_path):
    """The same, 500 times; at a hundred of them the database dies, too."""
    outcome = crash_on_postgres(durable_server, tmp_path / "service", 500, seed=2, every=5)
    assert (outcome.cycles, outcome.lost, outcome.unexpected) == (500, 0, [])


def test_stopped_in_order_it_answers_what_it_took(tmp_path):
    """SIGTERM: everything acknowledged is there, and the store was closed."""
    import http.client

    service = ServiceProcess(tmp_path / "stores")
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=10)
    body = b"[" + b",".join(noisy(number) for number in range(1, 20)) + b"]"
    headers = {"Authorization": f"Bearer {service.key}", "Content-Type": "application/json"}
    connection.request("POST", "/api/v1/lineage/batch", body, headers)
    answer = connection.getresponse()
    assert (answer.status, answer.read()[:20]) == (200, b'{"status":"success",')
    connection.close()
    service.stop()
    assert not (tmp_path / "stores" / "default.db-wal").exists()
    with SQLiteStore.open(tmp_path / "stores") as store:
        assert store.statistics().events == 19


@pytest.fixture
def small_disk(tmp_path):
    """A file system of six megabytes, with a ballast of two that can be thrown off."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount command to make a small file system with")
    if done.returncode:
        pytest.skip(f"a small file system cannot be mounted here: {done.stderr.decode().strip()}")
    try:
        (folder / "ballast").write_bytes(bytes(2 << 20))
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk_is_told_to_writers_and_readers_go_on(serve, small_disk):
    """503 with Retry-After and the remedy; all that was acknowledged is there; with space again it goes on."""
    served = serve(store=str(small_disk / "stores"))
    client = served.client()
    acknowledged = []
    for number in range(1, 500):
        event = noisy(number)
        answer = client.post("/api/v1/lineage", content=event)
        if answer.status_code != 201:
            break
        acknowledged.append(event_key(event).hex())
    assert len(acknowledged) > 5
    assert (answer.status_code, answer.json()["type"]) == (503, "headwater:store-full")
    assert int(answer.headers["retry-after"]) >= 1
    assert "space" in answer.json()["hint"]
    assert not served.service.intake.ready().is_ready
    assert client.get(f"/api/v1/records/{run_id(1)}").status_code == 200
    assert client.post("/api/v1/lineage", content=b"{").status_code == 422
    with served.service.stores.reading("default") as store:
        assert [one.key for one in store.events()] == acknowledged
    (small_disk / "ballast").unlink()
    assert client.post("/api/v1/lineage", content=event).status_code == 201
    assert served.service.intake.ready().is_ready
    with served.service.stores.writing("default") as store:
        store.verify()
        assert store.rebuild() == store.graph_hash()


@pytest.mark.parametrize("error", [StoreFull, StoreReadOnly, StoreLocked])
def test_a_store_that_cannot_be_written_now_is_503(serve, monkeypatch, error):
    """Every reason is one to come again, with what to do about it; a batch and records are answered alike."""
    served = serve()
    client = served.client()
    client.post("/api/v1/lineage", content=noisy(1))

    def fail(self, batch, *, received_at=None):
        raise error("default.db: cannot be written")

    monkeypatch.setattr(SQLiteStore, "append", fail)
    event = noisy(2)
    for path, body in (("/api/v1/lineage", event), ("/api/v1/lineage/batch", b"[" + event + b"]")):
        answer = client.post(path, content=body)
        assert answer.status_code == 503
        assert answer.headers["retry-after"]
        assert answer.json()["hint"]
    assert client.get(f"/api/v1/records/{run_id(1)}").status_code == 200
