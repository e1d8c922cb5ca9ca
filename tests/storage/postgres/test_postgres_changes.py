"""Commits are heard of by others, soon, and none is missed."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from postgres_opening import Opener
from psycopg.conninfo import conninfo_to_dict

from headwater.storage.postgres import PostgresStore
from headwater.storage.postgres.connection import connect
from headwater.storage.postgres.notifications import Listener, listen
from headwater.testing.events import raw, whole_run
from headwater.testing.postgres import PostgresServer

_WRITER = """
import sys, time
from headwater.storage.postgres import PostgresStore
from headwater.testing.events import raw, whole_run
with PostgresStore.open(sys.argv[1], tenant=sys.argv[2]) as store:
    print("ready", flush=True)
    for number in range(1, 6):
        sys.stdin.readline()
        store.append(raw(whole_run(number, "j", number, ["a"], ["b"])))
        print(time.time(), flush=True)
"""


class Heard:
    """What a listener told, with the instants."""

    def __init__(self) -> None:
        self.told: list[tuple[str, int, float]] = []
        self._news = threading.Condition()

    def __call__(self, tenant: str, seq: int) -> None:
        """Take a change in."""
        with self._news:
            self.told.append((tenant, seq, time.time()))
            self._news.notify_all()

    def wait_for(self, tenant: str, seq: int, timeout_s: float = 20) -> float:
        """The instant at which a change was told."""
        with self._news:
            assert self._news.wait_for(lambda: self._at(tenant, seq), timeout_s), (seq, self.told)
            return self._at(tenant, seq)[0]

    def _at(self, tenant: str, seq: int) -> list[float]:
        return [at for one, number, at in self.told if one == tenant and number >= seq]


@pytest.fixture
def heard() -> Heard:
    """Nothing yet."""
    return Heard()


@pytest.fixture
def listener(postgres_url: str, heard: Heard, opened: Opener) -> Iterator[Listener]:
    """A listener on the session's database, which is there."""
    opened()
    found = listen(postgres_url, heard)
    assert found.wait(20)
    yield found
    found.close()


def test_a_commit_of_another_process_is_heard_and_seen_within_200_ms(
    listener: Listener, heard: Heard, opened: Opener, tenant: str, postgres_url: str
) -> None:
    """From its acknowledgement in the writing process until a reader here has asked and got it."""
    assert listener.is_notified
    reader = opened(read_only=False)
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", _WRITER, postgres_url, tenant]
    delays = []
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, bufsize=1) as writer:
        assert writer.stdin is not None
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        for number in range(1, 6):
            writer.stdin.write("go\n")
            acknowledged = float(writer.stdout.readline())
            heard.wait_for(tenant, 2 * number)
            assert reader.statistics().last_seq == 2 * number
            delays.append(time.time() - acknowledged)
    assert sorted(delays)[2] < 0.2, delays


def test_where_notifications_do_not_come_the_listener_looks(
    heard: Heard, opened: Opener, tenant: str, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As behind a pooler in transaction mode; only the tenants that it was told to watch are told."""
    monkeypatch.setattr(Listener, "_prove", lambda self, connection: False)
    store, other = opened(), opened(tenant + "-b")
    store.append(raw(whole_run(1, "j", 0)))
    found = listen(postgres_url, heard)
    try:
        found.watch(tenant, since=2)
        assert found.wait(20)
        other.append(raw(whole_run(1, "j", 0)))
        store.append(raw(whole_run(2, "j", 0)))
        heard.wait_for(tenant, 4)
        found.unwatch(tenant)
        assert {one for one, _, _ in heard.told} == {tenant}
    finally:
        found.close()


_POOLER = """
[databases]
* = host={folder} port=5432 user=headwater
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
"""


@pytest.fixture
def pooled(postgres_server: PostgresServer, tmp_path: Path) -> Iterator[str]:
    """The address of a new database through PgBouncer in transaction mode."""
    program = shutil.which("pgbouncer", path=os.environ["PATH"] + ":/usr/sbin")
    if program is None:
        pytest.skip("no pgbouncer is installed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = Path(tempfile.mkdtemp(prefix="hwpool"))  # one that the pooler's user may enter, who is not root
    folder.chmod(0o755)
    (folder / "ini").write_text(_POOLER.format(folder=postgres_server.folder, port=port))
    user = "nobody" if os.geteuid() == 0 else None
    with subprocess.Popen([program, "-q", folder / "ini"], user=user, stderr=subprocess.DEVNULL) as running:
        database = conninfo_to_dict(postgres_server.new_store())["dbname"]
        url = f"postgresql://headwater@127.0.0.1:{port}/{database}"
        deadline = time.monotonic() + 20
        while True:
            try:
                connect(url).close()
                break
            except psycopg.OperationalError:
                assert time.monotonic() < deadline
                time.sleep(0.05)
        yield url
        running.terminate()
    shutil.rmtree(folder)


def test_a_pooler_is_not_taken_for_the_server(pooled: str, heard: Heard) -> None:
    """PgBouncer in transaction mode lets no notification through but that which comes with an answer: the listener
    notices, and what another process stores is told within a second, not when it looks by the way."""
    for _ in range(3):  # whichever sessions the pooler gives
        with closing(listen(pooled, heard)) as found, PostgresStore.open(pooled, tenant="t") as store:
            found.watch("t", since=store.statistics().last_seq)
            assert found.wait(20)
            assert not found.is_notified
            begun = time.time()
            seq = store.append(raw(whole_run(1, "j", len(heard.told), ["a"], ["b"])))[-1].seq
            assert heard.wait_for("t", seq) - begun < 1


def test_a_listener_survives_the_server_and_misses_nothing(own_server: PostgresServer, heard: Heard) -> None:
    """The server is killed and comes back, and events are stored before the listener is there again."""
    store = PostgresStore.open(own_server.url(), tenant="t")
    found = listen(own_server.url(), heard)
    found.watch("t")
    assert found.wait(20)
    store.append(raw(whole_run(1, "j", 0)))
    heard.wait_for("t", 2)
    own_server.kill()
    deadline = time.monotonic() + 10
    while not found.trouble:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    own_server.start()
    store.append(raw(whole_run(2, "j", 0)))
    heard.wait_for("t", 4)
    found.close()
    store.close()


def test_a_rolled_back_batch_tells_nothing(
    listener: Listener, heard: Heard, opened: Opener, tenant: str, tmp_path: Path
) -> None:
    """What is told was committed."""
    store = opened()
    with pytest.raises(ZeroDivisionError), store._writing():
        store._session.execute("SELECT pg_notify('headwater', %s)", (f"99 {tenant}",))
        raise ZeroDivisionError
    store.append(raw(whole_run(1, "j", 0)))
    heard.wait_for(tenant, 2)
    assert [seq for one, seq, _ in heard.told if one == tenant] == [2]
