"""Declared operations, and routing on the raw path, so that an encoded slash stays inside its segment.

Names of datasets hold every character there is. ``/api/v1/namespaces/s3:%2F%2Flake/datasets/a%2Fb.parquet`` has five
segments; each is decoded on its own after the path has been split.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

import msgspec

from headwater.errors import HeadwaterError, InvalidInput
from headwater.server.permissions import Permission

if TYPE_CHECKING:
    from starlette.responses import Response

    from headwater.server.request import Call

Handler = Callable[["Call"], Any] | Callable[["Call"], Awaitable[Any]]
"""Answers a call: a struct or plain data (sent as JSON), a Starlette response, or None (204). A plain function runs in
a worker thread and may use the store; a coroutine function runs on the loop and must not block it."""


class Dialect(msgspec.Struct, frozen=True, kw_only=True):
    """How the server whose API this is tells a failure."""

    refuse: Callable[[HeadwaterError], Response]
    answer: Any
    """The type of the JSON that it answers with."""
    invalid: int
    """The status of what breaks a rule."""


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One method on one path. ``permission`` has no default: a route that nobody thought about cannot be declared."""

    method: str
    path: str
    """Segments; ``{name}`` takes one segment, whatever it holds."""
    handler: Handler
    permission: Permission
    summary: str
    group: str
    """The heading under which the API documentation shows it."""
    query: type[msgspec.Struct] | None = None
    """The query parameters, all of them: an unknown one is refused."""
    body: Any = None
    """The type of the JSON body; None if the handler reads the body itself, or there is none."""
    media_types: tuple[str, ...] = ()
    """What the body may be where the handler reads it itself, for the API documentation."""
    answer: Any = None
    """The type of the JSON answer, for the API documentation."""
    status: int = 200
    is_page: bool = False
    """A page for people: answers in HTML, and sends those who are not logged in to the login."""
    is_lenient: bool = False
    """Ignore unknown query parameters, as the server whose API this is does."""
    dialect: Dialect | None = None
    """How a failure is told, where that is not a problem document."""


class Match(msgspec.Struct, frozen=True):
    """An operation and the decoded values of its path."""

    operation: Operation
    values: Mapping[str, str]


class NoRoute(HeadwaterError):
    """Nothing is served at this path."""

    hint = "see /api/v1/openapi.json for what there is"


class WrongMethod(HeadwaterError):
    """The path is served, but not for this method."""

    def __init__(self, allowed: Iterable[str]) -> None:
        self.allowed = tuple(sorted(allowed))
        super().__init__(hint=f"allowed: {', '.join(self.allowed)}")


class _Place:
    """A point in the tree of paths."""

    def __init__(self) -> None:
        self.fixed: dict[str, _Place] = {}
        self.open: _Place | None = None
        self.operations: dict[str, tuple[Operation, tuple[str, ...]]] = {}


class Router:
    """Finds the operation of a request. A fixed segment is preferred to an open one."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self.operations = tuple(operations)
        self._root = _Place()
        for operation in self.operations:
            self._add(operation)

    def _add(self, operation: Operation) -> None:
        place, names = self._root, []
        for segment in operation.path.strip("/").split("/"):
            if segment.startswith("{"):
                names.append(segment[1:-1])
                place.open = place.open or _Place()
                place = place.open
            else:
                place = place.fixed.setdefault(segment, _Place())
        if operation.method in place.operations:
            raise ValueError(f"{operation.method} {operation.path} is declared twice")
        place.operations[operation.method] = (operation, tuple(names))

    def find(self, method: str, raw_path: bytes) -> Match:
        """The operation for a method and a raw path, as sent.

        Raises:
            NoRoute: nothing is served there.
            WrongMethod: something is, for other methods.
            InvalidInput: a segment is not UTF-8 or holds NUL.
        """
        segments = [segment.decode("latin-1") for segment in raw_path.lstrip(b"/").split(b"/")]
        if raw_path.startswith(b"//"):
            raise NoRoute
        found = self._descend(self._root, segments, 0, [])
        if found is None:
            raise NoRoute
        place, taken = found
        wanted = "GET" if method == "HEAD" and "HEAD" not in place.operations else method
        if wanted not in place.operations:
            raise WrongMethod(place.operations)
        operation, names = place.operations[wanted]
        return Match(operation, {name: _decoded(name, value) for name, value in zip(names, taken, strict=True)})

    def _descend(
        self, place: _Place, segments: list[str], at: int, taken: list[str]
    ) -> tuple[_Place, list[str]] | None:
        if at == len(segments):
            return (place, taken) if place.operations else None
        segment = segments[at]
        fixed = place.fixed.get(segment)
        if fixed is not None and (found := self._descend(fixed, segments, at + 1, taken)):
            return found
        if place.open is not None and segment:
            return self._descend(place.open, segments, at + 1, [*taken, segment])
        return None


def _decoded(name: str, segment: str) -> str:
    try:
        value = unquote_to_bytes(segment).decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidInput(field=name, value=segment[:80], rule="must be percent-encoded UTF-8") from None
    if "\0" in value:
        raise InvalidInput(field=name, value=segment[:80], rule="must not hold NUL characters")
    return value
