"""One request, as its handler sees it."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import zstandard
from starlette.requests import Request

from headwater.query.lineage import Lineage
from headwater.server.access.principals import Principal
from headwater.server.errors import TooLarge, Unsupported
from headwater.server.service import Service
from headwater.storage.base import Store

ROOT = "/"
"""Relative names are taken from here: a server has no working directory that a client could mean."""


class Call:
    """A request that was let through, with everything in it decoded."""

    def __init__(
        self, service: Service, request: Request, principal: Principal, path: Mapping[str, str], query: Any, body: Any
    ) -> None:
        self.service = service
        self.request = request
        self.principal = principal
        #: the decoded values of the path
        self.path = path
        #: the struct that the operation declares as ``query``
        self.query = query
        #: what the operation declares as ``body``
        self.body = body

    @property
    def tenant(self) -> str:
        """Whose lineage this is about."""
        return self.principal.tenant

    @contextmanager
    def store(self) -> Iterator[Store]:
        """The tenant's store, to read. Only in a worker thread: it blocks."""
        with self.service.stores.reading(self.tenant) as store:
            yield store

    @contextmanager
    def lineage(self) -> Iterator[Lineage]:
        """The tenant's lineage, to ask. Only in a worker thread: it blocks."""
        with self.store() as store:
            yield Lineage(store, base=ROOT)

    async def read(self) -> bytes:
        """The body, decompressed. See ``read_body``."""
        limits = self.service.settings.limits
        return await read_body(self.request, limits.body_bytes, limits.plain_bytes)


async def read_body(request: Request, body_bytes: int, plain_bytes: int) -> bytes:
    """The body of a request, decompressed (gzip, deflate, zstd), in bounded memory.

    Raises:
        TooLarge: it is longer than ``body_bytes`` as sent, or than ``plain_bytes`` after decompression.
        Unsupported: the encoding is unknown or the data is not of it.
    """
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > body_bytes:
        raise _too_large(body_bytes)
    expand = _Expander(encoding)
    parts: list[bytes] = []
    sent = plain = 0
    async for chunk in request.stream():
        sent += len(chunk)
        if sent > body_bytes:
            raise _too_large(body_bytes)
        for part in expand(chunk):
            plain += len(part)
            if plain > plain_bytes:
                raise TooLarge(f"the body is larger than {plain_bytes:,} bytes after decompression")
            parts.append(part)
    expand.end()
    return b"".join(parts)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"the body is larger than {limit:,} bytes", hint="send smaller batches")


class _Expander:
    """Decompresses piece by piece, never more at a time than asked for."""

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding
        self._gzip: Any = None
        self._zstd: Any = None
        if encoding in ("gzip", "x-gzip", "deflate"):
            self._gzip = zlib.decompressobj(wbits=47)  # finds out itself whether the header is gzip's or zlib's
        elif encoding == "zstd":
            self._zstd = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()
        elif encoding not in ("identity", ""):
            raise Unsupported(f"Content-Encoding {encoding[:40]!r} is not known")

    def __call__(self, chunk: bytes) -> Iterator[bytes]:
        if not chunk:
            return
        try:
            if self._gzip is not None:
                yield from self._inflate(chunk)
            elif self._zstd is not None:
                yield from self._unzstd(chunk)
            else:
                yield chunk
        except (zlib.error, zstandard.ZstdError) as error:
            raise Unsupported(f"the body is not {self._encoding}: {error}") from None

    def _inflate(self, chunk: bytes) -> Iterator[bytes]:
        piece = 1 << 20
        while chunk:
            yield self._gzip.decompress(chunk, piece)
            chunk = self._gzip.unconsumed_tail
            if self._gzip.eof:
                break

    def _unzstd(self, chunk: bytes) -> Iterator[bytes]:
        # A bomb expands within one call, so it is fed little by little: a block of zstd is at most 128 KiB.
        for start in range(0, len(chunk), 1024):
            yield self._zstd.decompress(chunk[start : start + 1024])

    def end(self) -> None:
        """Check that nothing is missing."""
        if self._gzip is not None and not self._gzip.eof:
            raise Unsupported("the compressed body ends too early")
        if self._zstd is not None and not self._zstd.eof:
            raise Unsupported("the compressed body ends too early")
