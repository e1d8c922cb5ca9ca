"""The lease: records open runs on disk, so that the next process can close the runs of one that disappeared.

For each run that it opens or closes, a process appends a line to one file, which it keeps locked while it lives. A
lease without a lock belongs to a process that is gone: it was killed, or the machine went down.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from headwater.capture import event_documents
from headwater.capture.file_lock import Lock

_SUFFIX = ".lease"
_ENDS = ("COMPLETE", "FAIL", "ABORT")


class OpenRun(NamedTuple):
    """A run that was opened and not closed."""

    run_id: str
    namespace: str
    name: str
    pid: int
    seen_ns: int
    """When its process was last known to be alive."""
    execs: str = ""
    """The program that took over the process (``os.exec*``), if one did."""
    is_daemon: bool = False
    """Whether it was a daemonic worker, which its parent ends with a signal when there is no work left."""
    state: str = ""
    """How it ended, if it did, and its last events could neither be sent nor written."""
    exit_code: int | None = None


def make_folder(spool: Path) -> None:
    """Create the spool's folder, and a ``.gitignore`` in the store's folder above it: a store that shows up as an
    uncommitted change would make every later run look dirty."""
    spool.mkdir(parents=True, exist_ok=True)
    ignore = spool.parent / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n")


class Lease:
    """The lease of this process in one folder. If the folder cannot be written, there is no lease and no error."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path: Path | None = None
        self._descriptor: int | None = None
        self._open_runs = 0
        self._is_cut = False
        """Whether the last line was cut short, because the disk was full."""

    def opened(self, run_id: str, namespace: str, name: str) -> None:
        """Record that a run began."""
        self._open_runs += 1
        line = {"open": run_id, "namespace": namespace, "name": name, "pid": os.getpid()}
        self._append({**line, "is_daemon": True} if is_daemon() else line)

    def closed(self, run_id: str) -> None:
        """Record that a run has ended and its last event is safe. Without open runs, the lease is removed."""
        self._open_runs -= 1
        if self._open_runs <= 0:
            self.release()
        else:
            self._append({"close": run_id})

    def ended(self, run_id: str, state: str, exit_code: int | None) -> None:
        """Record how a run has ended whose last event may yet be lost: a line has room where an event has none."""
        self._append({"end": run_id, "state": state, "exit_code": exit_code})

    def replaced_by(self, program: str) -> None:
        """Record that another program is about to replace this process (``os.exec*``)."""
        self._append({"exec": program[:200]})

    def touch(self) -> None:
        """Record that the process is still alive."""
        if self._descriptor is not None and os.utime in os.supports_fd:
            with suppress(OSError):
                os.utime(self._descriptor)

    def _append(self, line: dict[str, Any]) -> None:
        try:
            if self._descriptor is None:
                make_folder(self._folder)
                self._path = self._folder / f"{os.getpid()}-{time.time_ns()}{_SUFFIX}"
                self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
                Lock.on(self._descriptor)
            data = (b"\n" if self._is_cut else b"") + json.dumps(line).encode() + b"\n"
            self._is_cut = os.write(self._descriptor, data) < len(data)
        except OSError:
            return

    def release(self) -> None:
        """Remove the lease."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)
        self.forget()

    def forget(self) -> None:
        """Close the lease without removing it, for the child of a fork: it belongs to the parent."""
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor, self._path, self._open_runs, self._is_cut = None, None, 0, False


def is_daemon() -> bool:
    """Whether this process is a daemonic worker of ``multiprocessing``, or a worker of loky, which ends its own in the
    same way."""
    module = sys.modules.get("multiprocessing.process")
    process = getattr(module, "_current_process", None)  # absent while another thread is importing the module
    return bool(getattr(process, "daemon", False)) or type(process).__module__.endswith("loky.backend.process")


def abandoned(folder: Path) -> Iterator[tuple[Path, list[OpenRun]]]:
    """The leases of processes that are gone, with the runs they left open. The caller removes the file."""
    for path in sorted(folder.glob("*" + _SUFFIX)):
        try:
            descriptor = os.open(path, os.O_RDWR)
        except OSError:
            continue
        try:
            if Lock.on(descriptor) and os.fstat(descriptor).st_nlink:
                runs = _open_runs(path.read_bytes(), os.fstat(descriptor).st_mtime_ns)
                yield path, runs
        finally:
            os.close(descriptor)


def _open_runs(data: bytes, seen_ns: int) -> list[OpenRun]:
    runs: dict[str, OpenRun] = {}
    execs = ""
    for text in data.splitlines():
        try:
            line = json.loads(text)
        except ValueError:
            continue  # the last line, cut short when the process was killed
        if "open" in line:
            run_id = str(line["open"])
            pid = int(line.get("pid", 0))
            names = (str(line.get("namespace")), str(line.get("name")))
            runs[run_id] = OpenRun(run_id, *names, pid, seen_ns, is_daemon=bool(line.get("is_daemon")))
        elif "end" in line and str(line["end"]) in runs:
            if line.get("state") in _ENDS:
                run = runs[str(line["end"])]
                runs[run.run_id] = run._replace(state=line["state"], exit_code=line.get("exit_code"))
        elif "close" in line:
            runs.pop(str(line["close"]), None)
        elif "exec" in line:
            execs = str(line["exec"])
    return [run._replace(execs=execs) for run in runs.values()]


def closing_event(run: OpenRun) -> bytes:
    """The final event for a run whose process could not send it: what it told of its end, else COMPLETE if another
    program replaced the process or it was a daemonic worker, else ABORT."""
    outcome: dict[str, Any] = {"ended_by": "process vanished", "pid": run.pid}
    facets = {"headwater_outcome": outcome}
    if run.state:
        outcome["ended_by"] = "itself; what it had recorded could not be kept"
        if run.exit_code is not None:
            outcome["exit_code"] = run.exit_code
    elif run.execs:
        outcome["ended_by"] = f"replaced by {run.execs}"
    elif run.is_daemon:
        outcome["ended_by"] = "ended with its pool"
    else:
        facets["errorMessage"] = {
            "message": "process vanished: it was killed, or the machine went down; what was seen until then is kept",
            "programmingLanguage": "PYTHON",
        }
    return event_documents.run_event(
        run.state or ("COMPLETE" if run.execs or run.is_daemon else "ABORT"),
        run.seen_ns,
        {"runId": run.run_id, "facets": event_documents.facets(facets)},
        {"namespace": run.namespace, "name": run.name, "facets": {}},
        [],
        [],
    )
