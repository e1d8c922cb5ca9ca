"""What child processes have read, told to the run whose process forked or spawned them.

A child has a run of its own, which tells what it read and wrote. What it hands to its parent is an object of the
parent's, behind which is what the child had read by then: the parent's run counts that as read. A child appends to a
file beside the spool, which it does before a worker of a pool returns a result; the parent reads the file before it
takes in what was written.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import msgspec

from headwater.capture.lease import make_folder
from headwater.capture.values import DatasetRef

_SUFFIX = ".reads"
_KEPT_S = 7 * 24 * 3600
_MOST_BYTES = 1 << 20
"""What is listened to in one turn."""


class Told(NamedTuple):
    """A dataset that a child had read by an instant."""

    time_ns: int
    ref: DatasetRef


class ChildReads:
    """What the children of one run have read. ``clean`` takes the secrets out of a name."""

    def __init__(self, folder: Path, run_id: str, clean: Callable[[str], str]) -> None:
        self._path = _path(folder, run_id)
        self._clean = clean
        self._waiting: list[Told] = []
        self._read = 0
        """Bytes of the file that were listened to."""

    def tell(self, refs: Iterable[DatasetRef]) -> None:
        """Tell the parent what this child has read by now.

        Raises:
            OSError: the file cannot be written.
        """
        now_ns = time.time_ns()
        clean = self._clean
        lines = [_encode((now_ns, clean(ref.namespace), clean(ref.name), ref.type)) + b"\n" for ref in refs]
        if not lines:
            return
        make_folder(self._path.parent)
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(descriptor, b"".join(lines))
        finally:
            os.close(descriptor)

    def listen(self) -> None:
        """Look at what children have told since the last time."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._read)
                new = file.read(_MOST_BYTES)
        except FileNotFoundError:
            return
        end = new.rfind(b"\n") + 1
        self._read += end
        for line in new[:end].splitlines():
            with suppress(msgspec.MsgspecError):  # a line that a child which was killed left incomplete
                time_ns, namespace, name, kind = _decode(line)
                self._waiting.append(Told(time_ns, DatasetRef(namespace, name, kind)))

    def until(self, time_ns: int) -> list[Told]:
        """What children had read by an instant and was not returned yet."""
        if not self._waiting:
            return []
        found = [told for told in self._waiting if told.time_ns <= time_ns]
        self._waiting = [told for told in self._waiting if told.time_ns > time_ns]
        return found

    def end(self) -> None:
        """The run has ended: remove what children told it."""
        if self._read:
            self._path.unlink(missing_ok=True)


class Relatives:
    """The runs in other processes that a run hears from and tells: its children, and its parent if it is a child."""

    def __init__(self, children: ChildReads | None = None, parent: ChildReads | None = None) -> None:
        self._children, self._parent = children, parent
        self._told = 0

    def listen(self) -> None:
        """Look at what children have told since the last time."""
        if self._children is not None:
            self._children.listen()

    def until(self, time_ns: int) -> list[Told]:
        """What children had read by an instant and was not returned yet."""
        return self._children.until(time_ns) if self._children is not None else []

    def tell(self, reads: Collection[DatasetRef]) -> None:
        """Tell the parent what was read; of the same collection, which only grows, what was not told yet."""
        if self._parent is not None:
            new, self._told = [*islice(reads, self._told, None)], len(reads)
            self._parent.tell(new)

    def end(self) -> None:
        """The run has ended."""
        if self._children is not None:
            self._children.end()


def remove_unheard(folder: Path) -> None:
    """Remove what was told to runs that are long gone: of processes that were killed, or that ended before a child."""
    oldest_s = time.time() - _KEPT_S
    for path in folder.glob("*" + _SUFFIX):
        with suppress(OSError):
            if path.stat().st_mtime < oldest_s:
                path.unlink()


def _path(folder: Path, run_id: str) -> Path:
    return folder / f"{run_id}{_SUFFIX}"


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(tuple[int, str, str, str]).decode
