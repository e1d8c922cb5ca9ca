"""``connect(url)``: the questions of ``LineageAPI``, answered by a service over HTTP.

Code that works on an embedded store works on a service after changing one address. Requests are made with the standard
library alone.
"""

from __future__ import annotations

import os
import ssl
import threading
from collections.abc import Iterable
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any, Literal, Self, TypeVar
from urllib.parse import SplitResult, quote, urlencode, urlsplit

import msgspec

from headwater.errors import ConfigError, HeadwaterError, InvalidInput, NotFound, ServiceError
from headwater.model.uris import without_password
from headwater.query.api import AsOf, LineageAPI
from headwater.query.claims import Claims
from headwater.query.coverage import Coverage
from headwater.query.details import Details
from headwater.query.diff import Diff
from headwater.query.history import History, RunSummary, SearchResult
from headwater.query.impact import Change, Impact
from headwater.query.instants import iso_utc
from headwater.query.result import LineageGraph
from headwater.query.why import Why

T = TypeVar("T")
_MOST_NODES = 100_000


class _Problem(msgspec.Struct, frozen=True):
    """The parts of a problem document (RFC 9457) that become an error here."""

    type: str = ""
    title: str = ""
    detail: str = ""
    hint: str = ""
    field: str = ""
    value: str = ""
    rule: str = ""
    near: tuple[str, ...] = ()


def connect(url: str, *, key: str | None = None, timeout_s: float = 30.0, ca_file: str | None = None) -> RemoteLineage:
    """Return the lineage that a service holds. The key defaults to ``HEADWATER_API_KEY``.

    No request is made yet: if the service cannot be reached, the first question raises ``ServiceError``.

    Raises:
        ConfigError: the address is not an http or https URL, the key holds characters that no key has, or ``ca_file``
            cannot be read.
    """
    return RemoteLineage(url, key=key, timeout_s=timeout_s, ca_file=ca_file)


class RemoteLineage(LineageAPI):
    """Questions about the lineage of one tenant of a service; see ``LineageAPI`` for their meaning.

    Besides ``NotFound`` and ``InvalidInput``, every method raises ``ServiceError`` if the service cannot be reached or
    refuses the key. Safe to use from several threads.
    """

    def __init__(
        self, url: str, *, key: str | None = None, timeout_s: float = 30.0, ca_file: str | None = None
    ) -> None:
        parts = _address(url)
        self.url = url.rstrip("/")
        self._shown = without_password(self.url)
        self._parts = parts
        self._key = _checked_key(os.environ.get("HEADWATER_API_KEY", "") if key is None else key)
        self._timeout_s = timeout_s
        self._tls = _trusting(ca_file) if parts.scheme == "https" else None
        self._local = threading.local()

    def __repr__(self) -> str:
        return f"RemoteLineage({self._shown!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close this thread's connection. The next question opens a new one."""
        connection = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
            self._local.connection = None

    # -- walks -----------------------------------------------------------------------------------------------------
    def upstream(
        self,
        node: str,
        *,
        depth: int | None = None,
        as_of: AsOf = None,
        columns: bool = False,
        kinds: Iterable[str] | None = None,
        level: Literal["dataset", "run"] = "dataset",
        limit: int | None = None,
    ) -> LineageGraph:
        """Return everything that the node was made from."""
        return self._walk("upstream", node, depth, as_of, columns, kinds, level, limit)

    def downstream(
        self,
        node: str,
        *,
        depth: int | None = None,
        as_of: AsOf = None,
        columns: bool = False,
        kinds: Iterable[str] | None = None,
        level: Literal["dataset", "run"] = "dataset",
        limit: int | None = None,
    ) -> LineageGraph:
        """Return everything that was made from the node."""
        return self._walk("downstream", node, depth, as_of, columns, kinds, level, limit)

    def _walk(
        self,
        verb: str,
        node: str,
        depth: int | None,
        as_of: AsOf,
        columns: bool,
        kinds: Iterable[str] | None,
        level: str,
        limit: int | None,
    ) -> LineageGraph:
        return self._get(
            _node(node, verb),
            LineageGraph,
            depth=depth,
            as_of=as_of,
            columns=columns or None,
            kinds=None if kinds is None else ",".join(kinds),
            level=level,
            budget=_MOST_NODES if limit is None else limit,
        )

    def path(self, source: str, target: str, *, as_of: AsOf = None, limit: int = 1) -> LineageGraph:
        """Return up to ``limit`` shortest paths along which data flows from source to target, as one graph."""
        return self._get("/api/v1/path", LineageGraph, source=source, target=target, as_of=as_of, limit=limit)

    def graph(self, expression: str, *, as_of: AsOf = None, limit: int | None = None) -> LineageGraph:
        """Return the nodes that match a selector, at most ``limit`` of them, and the edges between them."""
        budget = _MOST_NODES if limit is None else limit
        return self._get("/api/v1/graph", LineageGraph, select=expression, as_of=as_of, budget=budget)

    def select(self, expression: str, *, as_of: AsOf = None) -> list[str]:
        """Return the sorted ids of the nodes that match a selector."""
        found: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            page = self._get(
                "/api/v1/nodes", _NodePage, select=expression, as_of=as_of, limit=1000, cursor=cursor or None
            )
            found.extend(node.id for node in page.nodes)
            cursor = page.next
        return sorted(found)

    # -- analysis ---------------------------------------------------------------------------------------------------
    def impact(
        self,
        node: str,
        *,
        change: Change = "drop",
        depth: int | None = None,
        as_of: AsOf = None,
        limit: int | None = None,
    ) -> Impact:
        """Return what a change to a dataset, or to one of its columns, affects downstream."""
        budget = _MOST_NODES if limit is None else limit
        return self._get(_node(node, "impact"), Impact, change=change, depth=depth, as_of=as_of, budget=budget)

    def why(self, prediction: str, *, as_of: AsOf = None) -> Why:
        """Trace a prediction, a version or a dataset back to its model, run and raw data."""
        return self._get(_node(prediction, "why"), Why, as_of=as_of)

    def diff(self, before: str, after: str | None = None, *, of: str | None = None) -> Diff:
        """Return how two runs, two versions or two instants differ."""
        return self._get("/api/v1/diff", Diff, before=before, after=after, of=of)

    # -- objects ---------------------------------------------------------------------------------------------------
    def show(self, node: str, *, as_of: AsOf = None) -> Details:
        """Return everything known about a dataset, version, job or run."""
        return self._get(_node(node), Details, as_of=as_of)

    def claims(self, job: str) -> Claims:
        """Return the lineage that a job's producer claims next to what our parse of its SQL finds."""
        return self._get(_node(job, "claims"), Claims)

    def search(self, text: str, *, kind: str | None = None, limit: int = 20) -> list[SearchResult]:
        """Return nodes whose name, columns, description, tags or owners match the words, best match first."""
        wanted = (kind or "").lower()
        is_kind = wanted in ("dataset", "job")
        page = self._get(
            "/api/v1/nodes",
            _NodePage,
            q=text,
            kind=wanted if is_kind else None,
            type=None if is_kind else wanted or None,
            limit=limit,
        )
        return page.nodes

    def history(self, node: str, *, limit: int = 100) -> History:
        """Return the versions of a dataset, or the runs of a job, and every change of its facets."""
        return self._get(_node(node, "history"), History, limit=limit)

    def runs(self, node: str | None = None, *, state: str | None = None, limit: int = 20) -> list[RunSummary]:
        """Return runs, latest first: those of a job, those that wrote a dataset, or all runs."""
        path = "/api/v1/runs" if node is None else _node(node, "runs")
        return self._get(path, _RunPage, state=state and state.upper(), limit=limit).runs

    def record(self, run: str) -> dict[str, Any]:
        """Return the flat record of a run, however the run was reported."""
        return self._get(f"/api/v1/records/{quote(run, safe='')}", dict[str, Any])

    def coverage(self) -> Coverage:
        """Return how much of the lineage is known."""
        return self._get("/api/v1/coverage", Coverage)

    # -- the wire --------------------------------------------------------------------------------------------------
    def _get(self, path: str, answer: type[T], /, **parameters: Any) -> T:
        instant = parameters.get("as_of")
        if isinstance(instant, int):
            parameters["as_of"] = iso_utc(instant)
        given = {name: _text(value) for name, value in parameters.items() if value is not None}
        target = self._parts.path.rstrip("/") + path + ("?" + urlencode(given) if given else "")
        status, body = self._ask(target)
        if status != 200:
            raise _error(status, body, self._shown)
        try:
            return msgspec.json.decode(body, type=answer)
        except msgspec.MsgspecError as error:
            raise ServiceError(
                f"{self._shown} did not answer as Headwater does: {error}", hint="is it a Headwater service?"
            ) from None

    def _ask(self, target: str) -> tuple[int, bytes]:
        headers = {"Accept": "application/json", "User-Agent": "headwater"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        while True:
            was_kept = getattr(self._local, "connection", None) is not None
            connection = self._connection()
            try:
                connection.request("GET", target, headers=headers)
                answer: HTTPResponse = connection.getresponse()
                return answer.status, answer.read()
            except (OSError, HTTPException) as error:
                self.close()
                # One that was kept may have been closed by the other side; a slow answer is not asked for twice.
                if not was_kept or isinstance(error, TimeoutError):
                    raise self._unreached(error) from error

    def _unreached(self, error: Exception) -> ServiceError:
        if isinstance(error, TimeoutError):
            return ServiceError(
                f"{self._shown} did not answer within {self._timeout_s:g} s",
                hint="ask for less, with a depth or a limit, or connect with a larger timeout_s",
            )
        hint = "does it speak https? try http://" if isinstance(error, ssl.SSLError) else "is the service running?"
        return ServiceError(f"{self._shown} cannot be reached: {error}", hint=hint)

    def _connection(self) -> HTTPConnection:
        connection: HTTPConnection | None = getattr(self._local, "connection", None)
        if connection is None:
            host, port = self._parts.hostname or "", self._parts.port
            if self._tls is not None:
                connection = HTTPSConnection(host, port, timeout=self._timeout_s, context=self._tls)
            else:
                connection = HTTPConnection(host, port, timeout=self._timeout_s)
            self._local.connection = connection
        return connection


class _NodePage(msgspec.Struct):
    nodes: list[SearchResult]
    next: str | None = None


class _RunPage(msgspec.Struct):
    runs: list[RunSummary]


def _address(url: str) -> SplitResult:
    """The parts of the address of a service. Raises ``ConfigError`` if it is none."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise _no_service(url, f": {error}") from None
    is_plain = parts.path.isascii() and url.isprintable() and " " not in url
    if parts.scheme not in ("http", "https") or not parts.hostname or not is_plain:
        raise _no_service(url)
    return parts


def _no_service(url: str, why: str = "") -> ConfigError:
    return ConfigError(
        f"{without_password(url)!r} is not the address of a service{why}",
        hint="for example https://lineage.example:5000",
    )


def _trusting(ca_file: str | None) -> ssl.SSLContext:
    """A TLS context that trusts the certificates in a file, or those of the system."""
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise ConfigError(
            f"the certificates in {ca_file} cannot be read: {error}", hint="ca_file takes a PEM file"
        ) from None


def _checked_key(key: str) -> str:
    """A key without white space around it. Raises ``ConfigError`` if it cannot be sent."""
    key = key.strip()
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise ConfigError(
            "the API key holds characters that no key has", hint="see to HEADWATER_API_KEY: copy the key again"
        )
    return key


def _node(name: str, verb: str = "") -> str:
    if not name.strip():
        raise InvalidInput(field="name", value="''", rule="must not be empty")
    return f"/api/v1/nodes/{quote(name, safe='')}" + (f"/{verb}" if verb else "")


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _error(status: int, body: bytes, url: str) -> HeadwaterError:
    try:
        problem = msgspec.json.decode(body, type=_Problem)
    except msgspec.MsgspecError:
        return ServiceError(f"{url} answered {status}")
    words, hint = problem.detail or problem.title, problem.hint or None
    if problem.type == "headwater:not-found":
        found = NotFound("", near=problem.near, hint=hint)
        found.args = (words,)
        return found
    if status == 422:
        return InvalidInput(words, field=problem.field, value=problem.value, rule=problem.rule, hint=hint)
    return ServiceError(words, hint=hint)
