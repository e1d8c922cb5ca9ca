"""A request as passed to its handler."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import zstandard
from starlette.requests import ClientDisconnect, Request

from headwater.query.lineage import Lineage
from headwater.server.access.principals import NOBODY, Principal
from headwater.server.errors import Disconnected, TooLarge, Unsupported
from headwater.server.intake.memory_limits import Room
from headwater.server.service import Service
from headwater.storage.base import Store

if TYPE_CHECKING:
    from headwater.server.forms import Refusal

ROOT = "/"
"""The base of relative names: clients cannot refer to the server's working directory."""
_PIECE = 1 << 20
_FEED = 1024
_MOST_MEMBERS = 1000
_OF_NOBODY = 16 << 10
"""Largest body, in bytes, of a request without a valid key: a form that contains one."""


class Call:
    """An authorised request with decoded parameters and body."""

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
        #: the value of the type that the operation declares as ``body``
        self.body = body
        #: the refused form, while its page is shown again
        self.refusal: Refusal | None = None

    @property
    def tenant(self) -> str:
        """The tenant of the caller."""
        return self.principal.tenant

    @contextmanager
    def store(self) -> Iterator[Store]:
        """The tenant's store for reading, in one consistent state. Blocks: only for worker threads."""
        with self.service.stores.reading(self.tenant) as store, store.view():
            yield store

    @contextmanager
    def lineage(self) -> Iterator[Lineage]:
        """The tenant's lineage for queries. Blocks: only for worker threads."""
        with self.store() as store:
            yield Lineage(store, base=ROOT)

    async def read(self, room: Room | None = None) -> bytes:
        """The body, decompressed. See ``read_body``."""
        limits = self.service.settings.limits
        if self.principal is NOBODY:
            return await read_body(self.request, _OF_NOBODY, _OF_NOBODY, room)
        return await read_body(self.request, limits.body_bytes, limits.plain_bytes, room)


async def read_body(request: Request, body_bytes: int, plain_bytes: int, room: Room | None = None) -> bytes:
    """The body of a request, decompressed (gzip, deflate, zstd), in bounded memory.

    Raises:
        TooLarge: it is longer than ``body_bytes`` as sent, or than ``plain_bytes`` after decompression.
        Unsupported: the encoding is unknown, or the data is not in it.
        Busy: the ``room`` is exhausted.
    """
    declared = declared_length(request)
    if declared > body_bytes:
        raise _too_large(body_bytes)
    if room is not None:  # refuse before reading if there is no room
        room.grow(declared)
        room.shrink(declared)
    parts: list[bytes] = []
    plain = 0
    async for part in plain_parts(request, body_bytes):
        plain += len(part)
        if plain > plain_bytes:
            raise TooLarge(f"the body is larger than {plain_bytes:,} bytes after decompression (plain_bytes)")
        if room is not None:
            room.grow(len(part))
        parts.append(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def declared_length(request: Request) -> int:
    """The declared length of the body; 0 if there is none."""
    declared = request.headers.get("content-length", "")
    return int(declared) if declared.isascii() and declared.isdigit() and len(declared) < 19 else 0


async def plain_parts(request: Request, body_bytes: int | None) -> AsyncIterator[bytes]:
    """The decompressed body of a request in small chunks.

    Raises:
        TooLarge: it is longer than ``body_bytes`` as sent.
        Unsupported: the encoding is unknown, or the data is not in it.
        Disconnected: the client went away.
    """
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    expand = None if encoding in ("identity", "") else _Expander(encoding)
    sent = 0
    async for chunk in _chunks(request):
        sent += len(chunk)
        if body_bytes is not None and sent > body_bytes:
            raise _too_large(body_bytes)
        if expand is None:
            if chunk:
                yield chunk
            continue
        for part in expand(chunk):
            if part:
                yield part
                await asyncio.sleep(0)  # a small body can expand to a large one: yield to other tasks
    if expand is not None:
        expand.end()


async def _chunks(request: Request) -> AsyncIterator[bytes]:
    try:
        async for chunk in request.stream():
            yield chunk
    except ClientDisconnect:
        raise Disconnected from None


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"the body is larger than {limit:,} bytes (body_bytes)", hint="send smaller batches")


class _Expander:
    """Decompresses in bounded chunks; supports several concatenated members or frames."""

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding
        self._is_zstd = encoding == "zstd"
        if not self._is_zstd and encoding not in ("gzip", "x-gzip", "deflate"):
            raise Unsupported(f"Content-Encoding {encoding[:40]!r} is not known")
        self._member: Any = None
        self._members = 0
        self._rest = b""

    def __call__(self, chunk: bytes) -> Iterator[bytes]:
        self._rest = chunk
        try:
            while self._rest:
                if self._member is None or self._member.eof:
                    self._begin()
                yield from self._unzstd(self._rest) if self._is_zstd else self._inflate(self._rest)
        except (zlib.error, zstandard.ZstdError) as error:
            raise Unsupported(f"the body is not {self._encoding}: {error}") from None

    def _begin(self) -> None:
        self._members += 1
        if self._members > _MOST_MEMBERS:
            raise Unsupported(f"the body has more than {_MOST_MEMBERS:,} {self._encoding} members")
        if self._is_zstd:
            self._member = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()
        else:
            self._member = zlib.decompressobj(wbits=47)  # detects gzip and zlib headers

    def _inflate(self, chunk: bytes) -> Iterator[bytes]:
        while chunk and not self._member.eof:
            yield self._member.decompress(chunk, _PIECE)
            chunk = self._member.unconsumed_tail
        self._rest = self._member.unused_data

    def _unzstd(self, chunk: bytes) -> Iterator[bytes]:
        # A bomb expands within a single call, so feed it little by little: a zstd block is at most 128 KiB.
        for start in range(0, len(chunk), _FEED):
            yield self._member.decompress(chunk[start : start + _FEED])
            if self._member.eof:
                self._rest = self._member.unused_data + chunk[start + _FEED :]
                return
        self._rest = b""

    def end(self) -> None:
        """Check that the data is complete."""
        if self._member is None or not self._member.eof:
            raise Unsupported("the compressed body ends too early")
