"""The index on disk: one folder of arrays per generation, and a manifest that names the current one.

A generation is written completely and flushed before the manifest, replaced in one rename, names it. Readers keep the
files they have mapped even after the folder is deleted. Files that are damaged in any way are treated as absent: the
index can always be rebuilt from the store.

A file with the size, modification time and inode that were recorded at publishing is trusted; any other (as in a copied
or restored folder) is checksummed in full first. ``verify`` always checksums.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import xxhash

from headwater.storage.index.csr import Adjacency, Rows, Snapshot

FORMAT = 2
ATTEMPTS = 5


class FileNote(msgspec.Struct, frozen=True):
    """The manifest's entry for a file; ``changed_ns`` is its modification time in nanoseconds."""

    dtype: str
    length: int
    digest: str
    changed_ns: int
    inode: int


class Manifest(msgspec.Struct, frozen=True):
    """The current generation: its last sequence number, the epoch and mark of the source, and its files."""

    format: int
    byteorder: str
    generation: int
    epoch: int
    seq: int
    mark: int
    node_count: int
    mapping_ids: list[int]
    files: dict[str, FileNote]


def publish(folder: Path, snapshot: Snapshot, mapping_ids: list[int]) -> int | None:
    """Write the base of a snapshot as a new generation; returns its number, or None if another process is publishing.

    Raises OSError when the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _writer_lock(folder) as is_mine:
        if not is_mine:
            return None
        current = read_manifest(folder)
        generation = 1 + max(snapshot.generation, current.generation if current else 0)
        home = folder / f"generation-{generation}"
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir()
        notes = {name: _write(home / f"{name}.bin", array) for name, array in _named_arrays(snapshot).items()}
        _flush_folder(home)
        manifest = Manifest(
            FORMAT,
            sys.byteorder,
            generation,
            snapshot.epoch,
            snapshot.seq,
            snapshot.mark,
            snapshot.node_count,
            mapping_ids,
            notes,
        )
        _write_manifest(folder, manifest)
        for old in folder.glob("generation-*"):
            if old != home:
                shutil.rmtree(old, ignore_errors=True)
    return generation


def load(folder: Path, *, above: int = 0, verify: bool = False) -> tuple[Snapshot, list[int]] | None:
    """The published snapshot, memory-mapped, with its mapping ids; None if there is none, or it is damaged.

    With ``above``, only a generation with a higher number is loaded.
    """
    for _ in range(ATTEMPTS):
        manifest = read_manifest(folder)
        if manifest is None or manifest.generation <= above:
            return None
        try:
            return _open(folder / f"generation-{manifest.generation}", manifest, verify), manifest.mapping_ids
        except FileNotFoundError:
            # A writer may have replaced the generation between the two reads: then the manifest differs.
            if read_manifest(folder) == manifest:
                return None
        except (OSError, ValueError, TypeError, KeyError):
            return None
    return None


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest; None if it is absent, damaged, or of another format or byte order."""
    try:
        body, digest = (folder / "manifest.json").read_bytes().split(b"\n")[:2]
        if xxhash.xxh3_64_hexdigest(body).encode() != digest:
            return None
        manifest = msgspec.json.decode(body, type=Manifest)
    except (OSError, ValueError, msgspec.MsgspecError):
        return None
    return manifest if (manifest.format, manifest.byteorder) == (FORMAT, sys.byteorder) else None


def _named_arrays(snapshot: Snapshot) -> dict[str, npt.NDArray[np.generic]]:
    named: dict[str, npt.NDArray[np.generic]] = {"kinds": snapshot.kinds}
    for side, rows in (("out", snapshot.out.base), ("in", snapshot.into.base)):
        named |= {f"{side}_{name}": array for name, array in rows.arrays().items()}
    return named


def _write(path: Path, array: npt.NDArray[np.generic]) -> FileNote:
    data = np.ascontiguousarray(array).data.cast("B") if array.size else memoryview(b"")
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
        state = os.fstat(file.fileno())
    return FileNote(array.dtype.str, len(array), xxhash.xxh3_64_hexdigest(data), state.st_mtime_ns, state.st_ino)


def _write_manifest(folder: Path, manifest: Manifest) -> None:
    body = msgspec.json.encode(manifest)
    draft = folder / "manifest.draft"
    with draft.open("wb") as file:
        file.write(body + b"\n" + xxhash.xxh3_64_hexdigest(body).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(folder / "manifest.json")
    _flush_folder(folder)


def _flush_folder(folder: Path) -> None:
    """Flush the directory entries of a folder, where the system supports it."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _open(home: Path, manifest: Manifest, verify: bool) -> Snapshot:
    arrays = {name: _map(home / f"{name}.bin", note, verify) for name, note in manifest.files.items()}
    out = Rows(None, **{n.removeprefix("out_"): a for n, a in arrays.items() if n.startswith("out_")})  # type: ignore[arg-type]
    into = Rows(None, **{n.removeprefix("in_"): a for n, a in arrays.items() if n.startswith("in_")})  # type: ignore[arg-type]
    kinds: npt.NDArray[np.uint8] = arrays["kinds"]  # type: ignore[assignment]
    for rows in (out, into):
        fits = len(rows.offsets) == manifest.node_count + 1 and int(rows.offsets[-1]) == len(rows.targets)
        per_edge = [a for n, a in rows.arrays().items() if n not in ("offsets", "targets")]
        if not fits or any(len(array) != len(rows.targets) for array in per_edge):
            raise ValueError("the arrays do not fit together")
    if len(kinds) != manifest.node_count or len(out.targets) != len(into.targets):
        raise ValueError("the arrays do not fit together")
    return Snapshot(
        manifest.node_count,
        kinds,
        Adjacency(out),
        Adjacency(into),
        manifest.seq,
        manifest.epoch,
        manifest.generation,
        manifest.mark,
    )


def _map(path: Path, note: FileNote, verify: bool) -> npt.NDArray[np.generic]:
    dtype = np.dtype(note.dtype)
    with path.open("rb") as file:
        state = os.fstat(file.fileno())
        if state.st_size != note.length * dtype.itemsize:
            raise ValueError(f"{path.name} has another size")
        if not state.st_size:
            return np.empty(0, dtype)
        view = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    is_untouched = (state.st_mtime_ns, state.st_ino) == (note.changed_ns, note.inode)
    if (verify or not is_untouched) and xxhash.xxh3_64_hexdigest(view) != note.digest:
        raise ValueError(f"{path.name} was changed")
    return np.frombuffer(view, dtype)


@contextlib.contextmanager
def _writer_lock(folder: Path) -> Iterator[bool]:
    """Yields whether this process may publish; the lock ends with the process."""
    try:
        import fcntl
    except ImportError:  # no such lock on Windows: the rename still protects readers
        yield True
        return
    with (folder / "lock").open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
