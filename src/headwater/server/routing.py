"""Declared operations, and routing on the raw path, so that an encoded slash stays inside its segment.

Dataset names can contain any character. ``/api/v1/namespaces/s3:%2F%2Flake/datasets/a%2Fb.parquet`` is split first, and
then each segment is decoded.
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
    """The error format of an API that another server defined."""

    refuse: Callable[[HeadwaterError], Response]
    answer: Any
    """The type of the JSON response."""
    invalid: int
    """The status for invalid input."""


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """A method on a path. ``permission`` has no default, so that every route must decide about access."""

    method: str
    path: str
    """Segments; ``{name}`` matches any one segment."""
    handler: Handler
    permission: Permission
    summary: str
    group: str
    """The heading under which the API documentation shows it."""
    query: type[msgspec.Struct] | None = None
    """The query parameters; unknown ones are refused."""
    body: Any = None
    """The type of the JSON body; None if the handler reads the body itself, or there is none."""
    media_types: tuple[str, ...] = ()
    """Media types of a body that the handler reads itself, for the API documentation."""
    answer: Any = None
    """The type of the JSON response, for the API documentation."""
    status: int = 200
    is_page: bool = False
    """An HTML page, which redirects visitors without a session to the login."""
    is_lenient: bool = False
    """Ignore unknown query parameters, for APIs defined by another server."""
    dialect: Dialect | None = None
    """The error format, if not problem documents."""


class Match(msgspec.Struct, frozen=True):
    """An operation and the decoded values of its path."""

    operation: Operation
    values: Mapping[str, str]


class NoRoute(HeadwaterError):
    """Nothing is served at this path."""

    hint = "see /api/v1/openapi.json for what there is"


class WrongMethod(HeadwaterError):
    """The path exists, but not with this method."""

    def __init__(self, allowed: Iterable[str]) -> None:
        self.allowed = tuple(sorted(allowed))
        super().__init__(hint=f"allowed: {', '.join(self.allowed)}")


class _Place:
    """A node in the tree of paths."""

    def __init__(self) -> None:
        self.fixed: dict[str, _Place] = {}
        self.open: _Place | None = None
        self.operations: dict[str, tuple[Operation, tuple[str, ...]]] = {}


class Router:
    """Finds the operation of a request. Fixed segments take precedence over ``{name}``."""

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
