"""Several worker processes behind one address, for stores that several processes can write to."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from types import FrameType

from headwater.errors import ConfigError
from headwater.server.settings import Settings
from headwater.server.telemetry.logs import SERVICE

_PAUSE_S = 1.0
"""Seconds before a crashed worker is restarted, so that one that cannot start does not keep the machine busy."""
_SHARED_METRICS = "PROMETHEUS_MULTIPROC_DIR"


def check_workers(settings: Settings) -> None:
    """Refuse several processes if they would only wait for each other.

    Raises:
        ConfigError: the store has a single writer, or the system cannot fork.
    """
    if settings.workers > 1 and not settings.store.startswith(("postgresql://", "postgres://")):
        raise ConfigError(
            "several workers need a store that several processes write at once",
            hint="omit --workers, or use --store postgresql://...",
        )
    if settings.workers > 1 and not hasattr(os, "fork"):
        raise ConfigError("several workers need a system that forks", hint="start several services instead")


def supervise(settings: Settings, listening: socket.socket, work: Callable[[Settings, socket.socket], None]) -> None:
    """Run ``settings.workers`` processes that accept from one socket, restart crashed ones, and end all together.

    SIGTERM and SIGINT are passed on; returns when the last worker has ended.
    """
    shared = tempfile.mkdtemp(prefix="headwater-metrics-")
    os.environ[_SHARED_METRICS] = shared
    supervisor = _Supervisor(settings, listening, work)
    try:
        supervisor.run()
    finally:
        shutil.rmtree(shared, ignore_errors=True)


class _Supervisor:
    def __init__(
        self, settings: Settings, listening: socket.socket, work: Callable[[Settings, socket.socket], None]
    ) -> None:
        self._settings = settings
        self._listening = listening
        self._work = work
        self._workers: set[int] = set()
        self._is_ending = False

    def run(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)
        for _ in range(self._settings.workers):
            self._start()
        while self._workers:
            worker, status = os.wait()
            if worker not in self._workers:
                continue  # an orphan: the first process of a container inherits those
            self._workers.remove(worker)
            if not self._is_ending:
                code = os.waitstatus_to_exitcode(status)
                SERVICE.warning("a worker ended", extra={"facts": {"pid": worker, "code": code}})
                time.sleep(_PAUSE_S)
                if not self._is_ending:
                    self._start()

    def _start(self) -> None:
        worker = os.fork()
        if worker:
            self._workers.add(worker)
            return
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        code = 1
        try:
            self._work(self._settings, self._listening)
            code = 0
        except SystemExit as leaving:
            code = leaving.code if isinstance(leaving.code, int) else 1
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)  # skip the cleanup that belongs to the supervisor

    def _end(self, number: int, frame: FrameType | None) -> None:
        del frame
        self._is_ending = True
        self._listening.close()  # or new clients would wait for an answer that no worker will give
        for worker in list(self._workers):
            os.kill(worker, number)
