"""The HTTP transport: OpenLineage over ``http.client``, with keep-alive, gzip, retries and proxies.

Events that the server refuses (4xx) are returned as refused, with its reason. After connection errors, 429 and 5xx the
request is repeated with growing pauses; if that does not help, ``TransportError`` is raised and the worker spools.
"""

from __future__ import annotations

import gzip
import json
import os
import time
from collections.abc import Sequence
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import msgspec

from headwater.capture.transports import Delivery, Refused, Transport
from headwater.errors import ConfigError, TransportError

_AGAIN: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_NO_BATCH: Final = frozenset({404, 405, 501})
FIRST_PAUSE_S: Final = 0.3
LAST_TRIES: Final = 2
"""Attempts after the first one when the process ends: a server that is briefly busy still gets the events, and one that
is unavailable does not delay the program."""
GZIP_FROM_BYTES: Final = 1024


class HttpTransport(Transport):
    """Posts events to an OpenLineage server."""

    kind: ClassVar[str] = "http"

    class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """The settings, described in ``headwater.capture.settings.TRANSPORT_DOCS``."""

        url: str
        endpoint: str = "api/v1/lineage"
        api_key: str = ""
        compression: str | None = "gzip"
        timeout_s: float = 5.0
        retries: int = 5
        verify: bool = True
        ca_file: str = ""
        headers: dict[str, str] = {}
        batch: bool = True

    def __init__(self, config: Any, folder: Path) -> None:
        super().__init__(config, folder)
        parts = urlsplit(config.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError("transport.url must be an http or https address", hint="for example https://host:5000")
        self._parts = parts
        self._path = "/" + "/".join(p for p in (parts.path.strip("/"), config.endpoint.strip("/")) if p)
        self._connection: HTTPConnection | None = None
        self._has_batch = config.batch
        self._pid = os.getpid()

    def emit(self, batch: Sequence[bytes]) -> Delivery:
        """Post the batch as one request if the server has the batch endpoint, otherwise one request per event."""
        if len(batch) > 1 and self._has_batch:
            delivery = self._emit_together(batch)
            if delivery is not None:
                return delivery
            self._has_batch = False
        refused: list[Refused] = []
        for event in batch:
            status, body = self._post(self._path, event)
            if status >= 400:
                refused.append(Refused(event, _words(status, body)))
        return Delivery(len(batch) - len(refused), refused)

    def _emit_together(self, batch: Sequence[bytes]) -> Delivery | None:
        """Post the batch as one request. None if the server has no batch endpoint, or refuses the batch as a whole."""
        status, body = self._post(self._path + "/batch", b"[" + b",".join(batch) + b"]")
        if status >= 400:
            if status in _NO_BATCH or status in (400, 413, 422):
                return None
            return Delivery(0, [Refused(event, _words(status, body)) for event in batch])
        refused = []
        for item in _failed_events(body):
            index = item.get("index")
            if isinstance(index, int) and 0 <= index < len(batch):
                if item.get("retriable"):
                    raise TransportError(f"the server asks to send an event again: {item.get('reason')}")
                refused.append(Refused(batch[index], str(item.get("reason", "refused"))))
        return Delivery(len(batch) - len(refused), refused)

    def _post(self, path: str, data: bytes) -> tuple[int, bytes]:
        headers = self._headers()
        if self.config.compression == "gzip" and len(data) >= GZIP_FROM_BYTES:
            data = gzip.compress(data, 3)
            headers["Content-Encoding"] = "gzip"
        why = ""
        for attempt in range(self.config.retries + 1):
            if attempt and not self._may_try_again(attempt):
                break
            try:
                status, body = self._once(path, data, headers)
            except (OSError, HTTPException) as error:
                why = f"{type(error).__name__}: {error}"
                self.close()
                if isinstance(error, TimeoutError) and self.hurry.is_set():
                    break
                continue
            if status not in _AGAIN:
                return status, body
            why = _words(status, body)
        raise TransportError(
            f"{self._parts.hostname} cannot be reached: {why}", hint="events are spooled and sent later"
        )

    def _headers(self) -> dict[str, str]:
        """The headers of every request.

        Raises:
            TransportError: one cannot be sent. Its value is not in the message: it may be a secret.
        """
        headers = {"Content-Type": "application/json", "User-Agent": "headwater", **self.config.headers}
        if key := self.config.api_key.strip():
            headers["Authorization"] = f"Bearer {key}"
        for name, value in headers.items():
            if max(name + value, default="") > "\xff" or not (name + value).isprintable():
                raise TransportError(
                    f"the header {name!r} holds characters that cannot be sent",
                    hint="see to the API key (HEADWATER_API_KEY) and the setting transport.headers",
                )
        return headers

    def _may_try_again(self, attempt: int) -> bool:
        """Wait before another attempt, longer each time, and return whether to make it. When the process ends, waits
        are short and attempts few."""
        is_last = self.hurry.is_set() or self.hurry.wait(FIRST_PAUSE_S * 2 ** (attempt - 1))
        if is_last and attempt <= LAST_TRIES:
            time.sleep(FIRST_PAUSE_S)
        return not is_last or attempt <= LAST_TRIES

    def _once(self, path: str, data: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        """Send one request on the open connection, or on a new one if the server has closed that in the meantime."""
        if self._pid != os.getpid():
            self._connection, self._pid = None, os.getpid()
        is_kept = self._connection is not None
        connection = self._connection or self._connect()
        target = self.config.url.rstrip("/") + path if self._is_plain_proxy(connection) else path
        try:
            connection.request("POST", target, data, headers)
            response = connection.getresponse()
        except (OSError, HTTPException):
            self.close()
            if not is_kept:
                raise
            connection = self._connect()
            connection.request("POST", target, data, headers)
            response = connection.getresponse()
        return self._read(connection, response)

    def _read(self, connection: HTTPConnection, response: HTTPResponse) -> tuple[int, bytes]:
        body = response.read()
        if response.will_close:
            connection.close()
            self._connection = None
        return response.status, body

    def _connect(self) -> HTTPConnection:
        parts, timeout_s = self._parts, self.config.timeout_s
        host = str(parts.hostname)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        proxy = None if proxy_bypass(f"{host}:{port}") else getproxies().get(parts.scheme)
        at = urlsplit(proxy) if proxy else None
        first_host, first_port = (str(at.hostname), at.port or 3128) if at else (host, port)
        if parts.scheme == "https":
            connection: HTTPConnection = HTTPSConnection(
                first_host, first_port, timeout=timeout_s, context=self._tls_context()
            )
            if at:
                connection.set_tunnel(host, port)
        else:
            connection = HTTPConnection(first_host, first_port, timeout=timeout_s)
        self._connection = connection
        return connection

    def _is_plain_proxy(self, connection: HTTPConnection) -> bool:
        return self._parts.scheme == "http" and bool(connection.host != self._parts.hostname)

    def _tls_context(self) -> Any:
        import ssl

        context = ssl.create_default_context(cafile=self.config.ca_file or None)
        if not self.config.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def close(self) -> None:
        """Close the open connection."""
        if self._connection is not None:
            if self._pid == os.getpid():
                self._connection.close()
            self._connection = None


def _words(status: int, body: bytes) -> str:
    text = body[:500].decode("utf-8", "replace").strip()
    return f"{status} {text}".strip()


def _failed_events(body: bytes) -> list[dict[str, Any]]:
    try:
        document = json.loads(body)
    except ValueError:
        return []
    failed = document.get("failed_events") if isinstance(document, dict) else None
    return [item for item in failed if isinstance(item, dict)] if isinstance(failed, list) else []
