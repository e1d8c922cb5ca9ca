"""Static assets: read once, compressed once, and versioned by a digest of all of them.

The version in the path is a digest of all files, so that ES modules can import each other by relative paths: a page
never mixes two versions, and everything can be cached forever.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from functools import cache
from hashlib import blake2b
from importlib.resources import files
from importlib.resources.abc import Traversable
from posixpath import dirname, join, normpath

import msgspec
import zstandard

_TYPES = {
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
}
_IMPORT = re.compile(r"""^\s*(?:import|export)\s(?:[^"';]*?\sfrom\s)?\s*["'](\.[^"']+)["']""", re.MULTILINE)


class Asset(msgspec.Struct, frozen=True, kw_only=True):
    """A file in the forms in which it is sent."""

    media_type: str
    plain: bytes
    gzip: bytes
    zstd: bytes
    tag: str
    """The ETag of the uncompressed form."""


class Assets:
    """All files under a folder, by path within it (``js/site.js``)."""

    def __init__(self, folder: Traversable) -> None:
        self._files = {path: _asset(path, data) for path, data in sorted(_walk(folder, ""))}
        digest = blake2b(digest_size=9)
        for path, asset in self._files.items():
            digest.update(f"{path}\0{asset.tag}\0".encode())
        #: a digest of every path and content
        self.version = digest.hexdigest()

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def find(self, path: str) -> Asset | None:
        """The file at a path, or None."""
        return self._files.get(path)

    def url(self, path: str) -> str:
        """The URL of a file.

        Raises:
            KeyError: there is no such file, so that a template with a wrong name fails in tests.
        """
        if path not in self._files:
            raise KeyError(path)
        return f"/static/{self.version}/{path}"

    def modules(self, *entries: str) -> list[str]:
        """The URLs of ES modules and all of their imports, so that a page can preload them."""
        found: dict[str, None] = {}
        waiting = list(entries)
        while waiting:
            path = waiting.pop(0)
            if path not in found:
                found[path] = None
                waiting.extend(self._imports(path))
        return [self.url(path) for path in found]

    def _imports(self, path: str) -> list[str]:
        text = self._files[path].plain.decode()
        return [normpath(join(dirname(path), target)) for target in _IMPORT.findall(text)]


@cache
def assets() -> Assets:
    """The files of this package."""
    return Assets(files("headwater.server") / "static")


def _walk(folder: Traversable, prefix: str) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for entry in folder.iterdir():
        path = prefix + entry.name
        if entry.is_dir():
            found.extend(_walk(entry, path + "/"))
        elif path.rpartition(".")[2] in _TYPES:
            found.append((path, entry.read_bytes()))
    return found


def _asset(path: str, data: bytes) -> Asset:
    return Asset(
        media_type=_TYPES[path.rpartition(".")[2]],
        plain=data,
        gzip=gzip.compress(data, 9, mtime=0),
        zstd=zstandard.ZstdCompressor(level=19).compress(data),
        tag=f'"{blake2b(data, digest_size=12).hexdigest()}"',
    )
