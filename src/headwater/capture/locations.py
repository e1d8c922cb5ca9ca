"""Names datasets by the argument of a reader or writer: a path, a URI, an open file."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from itertools import islice
from typing import Any, Final

from headwater.capture.values import DatasetRef
from headwater.errors import InvalidName
from headwater.model.patterns import lazy_pattern
from headwater.model.uris import from_uri

MOST_FILES: Final = 100
"""Up to this many files read at once are a dataset each; beyond that, the folder or the pattern is one dataset."""
_PATTERN: Final = lazy_pattern(r"[*?\[]")
_CONTENT: Final = ('{"', '[{"', "[[", "<")
"""How text begins that some readers take where they take a path, and that is no path."""
_MOST_LAYERS: Final = 8
"""How many files inside files are unwrapped."""
_LAYERS: Final = ("buffer", "fileobj", "raw")
"""Where files keep the file that they wrap."""
_COMPRESSED: Final = ("bz2", "lzma")
"""Modules whose files do not tell a name before Python 3.13."""
_IN_ARCHIVES: Final = {
    ("zipfile", "ZipExtFile"): "_fileobj",
    ("zipfile", "_ZipWriteFile"): "_fileobj",
    ("tarfile", "_FileInFile"): "fileobj",
}
"""Classes of the open members of archives, and where each keeps the open file of its archive."""


def located(target: Any, type: str = "FILE") -> DatasetRef | None:
    """The dataset at ``target``: a path, a URI, or a file object that knows its name. None for a buffer in memory.

    Only the target itself is examined: no file is opened, and no position changes.
    """
    if isinstance(target, list | tuple):
        return _common(target, type)
    path = path_of(target)
    if path is None:
        return None
    try:
        namespace, name = from_uri(path)
    except InvalidName:
        return None
    return DatasetRef(namespace, name, type)


def located_all(target: Any, type: str = "FILE") -> list[DatasetRef]:
    """The datasets that a reader was given: one for each file of a list or pattern (``data/*.csv``).

    For more than ``MOST_FILES`` files, the folder that holds them all, or the pattern. Empty for a buffer in memory.
    """
    given = target if isinstance(target, list | tuple) else [target]
    paths = [path_of(item) for item in given[: MOST_FILES + 1]]
    if not paths or None in paths:
        return []
    files = [file for path in paths if path is not None for file in matching(path) or [path]]
    if len(files) > MOST_FILES:
        whole = located(target, type)
        return [whole] if whole is not None else []
    refs = [located(file, type) for file in files]
    return list(dict.fromkeys(ref for ref in refs if ref is not None))


def matching(path: str) -> list[str]:
    """The local files that match a pattern now, sorted; empty if it is no pattern, or if none or too many match."""
    if _PATTERN.search(path) is None or "://" in path or os.path.exists(path):  # noqa: PTH110 - may be anything
        return []
    found = list(islice(glob.iglob(os.path.expanduser(path), recursive=True), MOST_FILES + 1))  # noqa: PTH111, PTH207 - text
    return sorted(filter(os.path.isfile, found)) if len(found) <= MOST_FILES else []


def _common(targets: Sequence[Any], type: str) -> DatasetRef | None:
    """A single file as it is; for several, the folder that holds them all."""
    paths = [path_of(target) for target in targets]
    known = [path for path in paths if path is not None]
    if not known or len(known) < len(paths):
        return None
    if len(known) == 1:
        return located(known[0], type)
    shared = []
    for parts in zip(*(path.split("/")[:-1] for path in known), strict=False):
        if len(set(parts)) > 1:
            break
        shared.append(parts[0])
    return located("/".join(shared), type) if any(shared) else None


def path_of(target: Any) -> str | None:
    """The path or URI of ``target``, None if it has none. Wrapped files (gzip, text over bytes) are unwrapped; for a
    member of an archive, whose name is that in the archive, it is the path of the archive."""
    if not is_path(target):
        target = _opened_for(target)
    for _ in range(_MOST_LAYERS):
        if isinstance(target, str):
            return None if "\n" in target or target.startswith(_CONTENT) else target
        if isinstance(target, bytes):
            return os.fsdecode(target)
        if isinstance(target, os.PathLike):
            return os.fsdecode(target)
        # fsspec files have both; the full address is better than the key
        named = getattr(target, "full_name", None) or getattr(target, "name", None)
        if isinstance(named, str | bytes | os.PathLike) and named not in ("", b""):
            path = os.fsdecode(named)
            return None if path.startswith("<") and path.endswith(">") else path  # <stdout> is no file
        layers = ("buffer", "fileobj", "raw", "_fp") if type(target).__module__ in _COMPRESSED else _LAYERS
        target = next((inner for name in layers if (inner := getattr(target, name, None))), None)
        if target is None:
            return None
    return None


def _opened_for(target: Any) -> Any:
    """The open file of the archive that ``target`` is a member of, None if that is closed; otherwise ``target``."""
    layer = target
    for _ in range(_MOST_LAYERS):
        place = _IN_ARCHIVES.get((type(layer).__module__, type(layer).__name__))
        if place is not None:
            shared = getattr(layer, place, None)
            return getattr(shared, "_file", shared)  # members of a zip file share the file
        layer = getattr(layer, "buffer", None) or getattr(layer, "raw", None)
        if layer is None:
            break
    return target


def is_path(target: Any) -> bool:
    """Whether a writer was given a path, so that it writes the file from its beginning, and not an open file."""
    return isinstance(target, str | bytes | os.PathLike)


def table_in_memory(job_namespace: str, job_name: str, database: str, table: str) -> DatasetRef:
    """A table of a database in the memory of one run (``:memory:``), which has the name that ``memory_database`` of its
    recorder gives. Its name is the same in every run."""
    return DatasetRef(f"inmemory://{job_namespace}", f"{job_name}/{database}/{table}", "TABLE")
