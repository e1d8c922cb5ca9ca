"""Fingerprints of files and folders. A file is read again only if it has changed."""

from __future__ import annotations

import hashlib
import os
import stat
import sys
import threading
import time
from pathlib import Path
from typing import Any

from headwater.errors import InvalidInput, NotFound
from headwater.model.fingerprints import FileFingerprint

_READ_BYTES = 1 << 20
_SETTLED_NS = 2_000_000_000
_LARGEST_CACHE = 100_000


class FileDigests:
    """Digests of files by their state in the file system: device, inode, size, modification and change time.

    A digest is kept only if the file had not been changed for two seconds, because a second write within the clock's
    resolution would go unnoticed. Safe for use by several threads.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[int, int, int, int, int], str] = {}
        self._lock = threading.Lock()

    def digest(self, path: str | os.PathLike[str]) -> tuple[str, os.stat_result]:
        """SHA-256 of the file in hexadecimal, and its state when it was opened."""
        with Path(path).open("rb") as file:
            before = os.fstat(file.fileno())
            key = (before.st_dev, before.st_ino, before.st_size, before.st_mtime_ns, before.st_ctime_ns)
            known = self._known.get(key)
            if known is not None:
                return known, before
            hasher = hashlib.sha256()
            while part := file.read(_READ_BYTES):
                hasher.update(part)
            after = os.fstat(file.fileno())
        found = hasher.hexdigest()
        same = (after.st_size, after.st_mtime_ns, after.st_ctime_ns) == key[2:]
        if same and time.time_ns() - max(before.st_mtime_ns, before.st_ctime_ns) > _SETTLED_NS:
            with self._lock:
                if len(self._known) >= _LARGEST_CACHE:
                    self._known.clear()
                self._known[key] = found
        return found, after


_DIGESTS = FileDigests()


def fingerprint_file(path: str | os.PathLike[str], *, digests: FileDigests | None = None) -> FileFingerprint:
    """Fingerprint of a file (SHA-256 of its bytes) or a folder (a Merkle tree over its sorted entries).

    ``path`` may be a symbolic link; for links inside a folder, only their targets' names are digested.

    Raises:
        NotFound: there is no such file or folder.
        InvalidInput: it is neither a file nor a folder, or cannot be read.
    """
    place = Path(path)
    try:
        state = place.stat()
        if stat.S_ISDIR(state.st_mode):
            return _folder(place, digests or _DIGESTS)
        if not stat.S_ISREG(state.st_mode):
            # Opening a pipe would wait for a writer, and reading a device might never end.
            raise InvalidInput(field="path", value=str(place), rule="must be a regular file or a folder")
        digest, state = (digests or _DIGESTS).digest(place)
    except FileNotFoundError as error:
        raise NotFound(str(place), hint="the file was removed or never written") from error
    except PermissionError as error:
        raise InvalidInput(field="path", value=str(place), rule="must be readable", hint="check its mode") from error
    return FileFingerprint(digest=digest, size_bytes=state.st_size, mtime_ns=state.st_mtime_ns)


def _folder(folder: Path, digests: FileDigests) -> FileFingerprint:
    """Merkle root: the digest of the sorted entries' kinds, names and digests, folder by folder."""
    hasher = hashlib.sha256(b"folder\0")
    size_bytes = mtime_ns = file_count = 0
    with os.scandir(folder) as found:
        entries = sorted(found, key=lambda entry: os.fsencode(entry.name))
    for entry in entries:
        if entry.is_symlink():
            kind, digest = b"link", hashlib.sha256(os.fsencode(Path(entry.path).readlink())).hexdigest()
        elif entry.is_dir():
            inner = _folder(Path(entry.path), digests)
            kind, digest = b"folder", inner.digest
            size_bytes, file_count = size_bytes + inner.size_bytes, file_count + inner.file_count
            mtime_ns = max(mtime_ns, inner.mtime_ns)
        elif entry.is_file():
            kind = b"file"
            digest, state = digests.digest(entry.path)
            size_bytes, file_count = size_bytes + state.st_size, file_count + 1
            mtime_ns = max(mtime_ns, state.st_mtime_ns)
        else:
            continue
        hasher.update(b"%s\0%s\0%s\n" % (kind, os.fsencode(entry.name), digest.encode()))
    return FileFingerprint(
        digest=hasher.hexdigest(), size_bytes=size_bytes, mtime_ns=mtime_ns, file_count=file_count, kind="folder"
    )


def parquet_footer(path: str | os.PathLike[str]) -> dict[str, Any] | None:
    """Row count, fields and null counts from the footer of a Parquet file, read in a fraction of a millisecond.

    Returns ``{"row_count", "size_bytes", "fields": [(name, type)], "null_counts": {name: count}}``; a column has a null
    count only if every row group has one. None if neither ``pyarrow.parquet`` nor polars (which provides no null
    counts) is loaded, or the file is not Parquet.
    """
    parquet, arrow = sys.modules.get("pyarrow.parquet"), sys.modules.get("pyarrow")
    if parquet is None or arrow is None:
        return _footer_by_polars(path)
    from headwater.capture.profiling.arrow import type_name

    try:
        metadata = parquet.read_metadata(os.fspath(path))
    except (OSError, arrow.ArrowException):
        return None
    fields = [(field.name, type_name(field.type)) for field in metadata.schema.to_arrow_schema()]
    return {
        "row_count": metadata.num_rows,
        "size_bytes": Path(path).stat().st_size,
        "fields": fields,
        "null_counts": _null_counts(metadata),
    }


def _footer_by_polars(path: str | os.PathLike[str]) -> dict[str, Any] | None:
    polars = sys.modules.get("polars")
    if polars is None:
        return None
    from headwater.capture.profiling.polars import series_column

    try:
        plan = polars.scan_parquet(os.fspath(path), glob=False)
        schema = plan.collect_schema()
        rows = plan.select(polars.len()).collect().item()
    except (OSError, polars.exceptions.PolarsError):
        return None
    fields = [(name, series_column(name, polars.Series(name, [], dtype)).type) for name, dtype in schema.items()]
    return {"row_count": rows, "size_bytes": Path(path).stat().st_size, "fields": fields, "null_counts": {}}


def _null_counts(metadata: Any) -> dict[str, int]:
    """Null counts of the columns that are not nested, over all row groups."""
    counts: dict[str, int] = {}
    unknown: set[str] = set()
    for group in map(metadata.row_group, range(metadata.num_row_groups)):
        for column in map(group.column, range(group.num_columns)):
            statistics = column.statistics
            if statistics is None or not statistics.has_null_count:
                unknown.add(column.path_in_schema)
            else:
                counts[column.path_in_schema] = counts.get(column.path_in_schema, 0) + statistics.null_count
    return {name: count for name, count in counts.items() if name not in unknown}
