"""Normalises paths in file systems and keys in object stores, so that they can be compared."""

from __future__ import annotations

import re
from collections.abc import Callable

from headwater.model.patterns import lazy_pattern

_SLASHES = lazy_pattern(r"/{2,}")
_DRIVE = lazy_pattern(r"/*([A-Za-z]):(?=/|$)(.*)", re.DOTALL)
_PARTITION = lazy_pattern(r"[A-Za-z_][\w.-]*=[^/]*").fullmatch
# A file behind the partition must look like one of the table's parts: experiment folders are named ``lr=0.1`` too, and
# the models in them are not parts of one dataset.
_PART_FILE = lazy_pattern(r"part[-.][^/=]*|\d+_\d+(?:_\w+)?|[^/=]+\.(?:parquet|orc|avro)").fullmatch
_WAREHOUSE = lazy_pattern(r"((?:^|.*?/)[^/]+\.db/[^/]+)(?:/.*)?", re.DOTALL)
# Spark's listener puts the folder of the database behind itself for a table that the catalog gives no place.
_TWICE = lazy_pattern(r"(^|/)([^/]+\.db)/\2/(?=[^/])")
_GLOB_BACKWARDS = lazy_pattern(r"(?:\*+/)+").match
_RELATIVE = ("./", "../", "~/")


def normal_key(path: str, *, keep_parts: bool = False) -> str:
    """A key of an object store or a path of a remote file system: no slashes around it, single ones inside.

    What lies inside a table's directory (``/dt=2026-01-01/part-0.parquet``, ``sales.db/orders/...``) is cut off, unless
    ``keep_parts``.
    """
    path = _SLASHES.sub("/", path).strip("/") or "/"
    return path if keep_parts else table_directory(path)


def table_directory(path: str) -> str:
    """The directory of the table that a path lies in, where the path says so; else the path itself."""
    path = _TWICE.sub(r"\1\2/", _without_glob(path) or path)
    if match := _WAREHOUSE.fullmatch(path):
        return match[1]
    folders, slash, file = path.rpartition("/")
    if slash and _PART_FILE(file):
        start = partitions_start(folders)
        return folders[:start] if start < len(folders) else path
    return path[: partitions_start(path)]


def partitions_start(path: str, is_above: Callable[[str], object] = "/".__ne__) -> int:
    """Where the folders of partitions (``/dt=2026-01-01/region=eu``) at the end of a path begin; its length if it has
    none. ``is_above`` decides about the character in front of them.

    Found from the end, segment by segment: a pattern that is searched for from the front looks at all segments behind
    each one, and names come from strangers.
    """
    start = end = len(path)
    while (slash := path.rfind("/", 0, end)) > 0 and _PARTITION(path, slash + 1, end):
        if is_above(path[slash - 1]):
            start = slash
        end = slash
    return start


def _without_glob(path: str) -> str:
    """A path without ``/*`` and ``/**`` at its end; matched backwards, for the same reason."""
    found = _GLOB_BACKWARDS(path[::-1]) if path.endswith("*") else None
    return path if found is None else path[: -found.end()]


def is_doubled(path: str) -> bool:
    """Whether a path names the folder of a database twice, as no path on disk does."""
    return path.count(".db/") > 1 and _TWICE.search(path) is not None


def normal_file(path: str, cwd: str | None = None, *, keep_parts: bool = False) -> str:
    """A path of a local file system: absolute where that can be decided, dots resolved, slashes forward.

    Some emitters drop the leading slash (``data/raw.csv`` for ``/data/raw.csv``), so a path with a directory is taken
    as absolute; one that starts with a dot, or is a bare file name, is relative for certain and stays so unless
    ``cwd`` is given. What lies inside a table's directory is cut off, unless ``keep_parts``.
    """
    path = _resolved(path, cwd)
    return path if keep_parts else table_directory(path)


def _resolved(path: str, cwd: str | None) -> str:
    path = re.sub(r"^file:(?://(?:localhost)?(?=/))?", "", path, flags=re.IGNORECASE)
    if path[1:3] == ":\\" or path.startswith("\\\\"):
        path = path.replace("\\", "/")
    if drive := _DRIVE.fullmatch(path):
        return f"{drive[1].upper()}:{_resolve(_SLASHES.sub('/', drive[2]) or '/')}"
    path = _SLASHES.sub("/", path)
    if cwd is not None and not path.startswith(("/", "~/")):
        path = f"{cwd}/{path}"
    if path.startswith("~/") or (path.startswith((".", "..")) and path.startswith(_RELATIVE)):
        return _relative(path)
    if "/" not in path.rstrip("/"):
        return path.rstrip("/") or "/"
    return _resolve("/" + path.lstrip("/"))


def _resolve(path: str) -> str:
    """An absolute path without ``.``, ``..`` and a slash at its end."""
    kept: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del kept[-1:]
        elif part not in ("", "."):
            kept.append(part)
    return "/" + "/".join(kept)


def _relative(path: str) -> str:
    """A relative path, recognisable as such: it keeps ``./``, ``../`` or ``~/`` in front."""
    if path.startswith("~/"):
        return "~" + _resolve(path[1:])
    kept: list[str] = []
    for part in path.split("/"):
        if part == ".." and kept and kept[-1] != "..":
            kept.pop()
        elif part not in ("", "."):
            kept.append(part)
    joined = "/".join(kept)
    return joined if joined.startswith("../") or joined == ".." else f"./{joined}"
