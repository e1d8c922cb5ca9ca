"""Hostile requests to every operation: broken paths, parameters, headers and bodies, and what any answer must keep."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin, get_type_hints
from urllib.parse import quote, unquote_to_bytes

import msgspec

from headwater.server.app import App
from headwater.server.routes import operations
from headwater.server.routing import Operation
from server.mutations import ODD, Mutator, encode

PIECES = (
    ";", ";jsessionid=1", "//", "/./", "/../", "%2e%2e%2f", "%2e", "%2f", "%5c", "%00", "%c0%af", "%ed%a0%80", "%ff",
    "%", "%zz", "%u0041", "+", "%0d%0aX-Evil:1", "?", "#", "*", "~",
    "@", "x" * 100_000, "%F0%9F%92%A5", "a/" * 3000,
)  # fmt: skip
"""What is put into paths."""
NUMBERS = (
    "0", "-1", "1", "00", "1e3", "1e400", "NaN", "-Infinity", "18446744073709551616", "9" * 5000, "1.5", "0x1", "", "½",
    "\u0663", "true",
)  # fmt: skip
EXPRESSIONS = (
    "+", "++a", "a+", "+" * 3000, "(" * 3000, "((a))" * 300, "kind:(", "*" * 500 + "b", "a" * 3900 + "*" * 90, "!*",
    "a,b,c", "'", '"', "a OR 1=1", "x' UNION SELECT name FROM sqlite_master --", "NEAR(a b)", "a*", "^a", "-a", '"a',
    'a" OR "b', "col:a", "%", "_", "\\", "$1", "%s", ":x", "?1", "a AND NOT b", "()", "*", "**", "[a-", "{}", "a..b",
    "@", "tag:", "type:*", "name:~(a+)+$",
)  # fmt: skip
INSTANTS = (
    "now", "yesterday", "2h ago", "99999999999999999999 days ago", "-1d ago", "9e99s ago", "2026-02-30", "0000-01-01",
    "10000-01-01", "2026-01-01T00:00:00+99:99", "2026-W01", "1", "-99999999999999999999", "last week", "é ago", "1/1/1",
)  # fmt: skip
HEADERS: dict[str, Sequence[str]] = {
    "content-type": ("", "text/html", "application/json; charset=utf-16", "a" * 9000, "application/x-ndjson", ";;"),
    "content-encoding": ("gzip, gzip", "gzip,zstd", "br", "", "x" * 9000, "identity", "\x80"),
    "content-length": ("-1", "0", "9" * 40, "1, 1", "abc", "\xb2"),
    "transfer-encoding": ("chunked, chunked", "gzip"),
    "if-none-match": ("*", '"' * 9000, "W/", ",,,,", '"a", W/"b"', "\xff"),
    "last-event-id": (
        "0",
        "-1",
        "9" * 4400,
        "a" * 9000,
        "1-1",
        "1.1",
        "9" * 30 + "-" + "9" * 30,
        "9" * 30 + ".1",
        "\xff",
    ),
    "cookie": ("headwater_session=x", "headwater_session=" + "y" * 9000, ";;;=;", 'a="', "\xff=\xff"),
    "accept": ("text/html", "*/*;q=abc", "a" * 9000),
    "accept-encoding": ("zstd;q=0", "gzip;q=x", ",", "*"),
    "host": ("", "[", "[::1", "a" * 9000, "evil.example@x", "x:99999999", "\xff", "a/b?c#d", "exa mple"),
    "origin": ("null", "http://[", "http://x", "http://x:bad"),
    "sec-fetch-site": ("same-origin", "cross-site", "x"),
    "x-http-method-override": ("DELETE",),
    "x-forwarded-for": ("127.0.0.1", "' OR 1"),
    "x-request-id": ("a\tb", "x" * 9000, "\xff"),
    "range": ("bytes=0-", "bytes=9-1"),
    "expect": ("100-continue",),
}
CREDENTIALS = (
    "Bearer", "Bearer ", "Basic YTpi", "Bearer a.b.c", "bearer  x", "Bearer \xff\xfe", "Bearer " + "x" * 20_000,
    "Bearer hw_",
    "Bearer eyJhbGciOiJub25lIn0.e30.", "\x00", "Digest a=b",
)  # fmt: skip


_MOST_REFUSAL_BYTES = 30_000


class Input(NamedTuple):
    """One request, as bytes on the wire would say it."""

    operation: Operation
    method: str
    target: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes


class Hostile(Mutator):
    """Makes hostile requests to all operations.

    ``names`` are words that mean something to the service, by the parameter in which they do.
    """

    def __init__(self, seed: int, names: dict[str, list[str]], key: str) -> None:
        super().__init__(seed)
        self._names = tuple(dict.fromkeys(name for some in names.values() for name in some))
        self._named = names
        self._key = key
        self._operations = operations()
        self._writing = [one for one in self._operations if one.method != "GET"]

    def request(self) -> Input:
        """The next request."""
        pick = self.pick
        operation = pick.choice(self._writing if pick.random() < 0.3 else self._operations)
        target = self._path(operation)
        query = self._query(operation)
        headers = self._headers()
        body = self._body(operation, headers) if operation.method != "GET" or pick.random() < 0.05 else b""
        method = operation.method
        if pick.random() < 0.04:
            method = pick.choice(["HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "PATCH", "POST", "GET", "BREW", "get"])
        if not any(name == "content-length" for name in headers):
            headers["content-length"] = str(len(body))
        wire = [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers.items()]
        return Input(operation, method, f"{target}?{query}".encode() if query else target.encode(), wire, body)

    # -- where --------------------------------------------------------------------------------------------------------
    def _path(self, operation: Operation) -> str:
        pick = self.pick
        folder = operation.path.split("/")[3] if operation.path.startswith("/api/") else ""
        path = re.sub(r"\{(\w+)\}", lambda one: self._segment(folder if one[1] == "id" else one[1]), operation.path)
        if pick.random() < 0.1:
            at = pick.randrange(1, len(path) + 1)
            path = path[:at] + pick.choice(PIECES) + path[at:]
        return path

    def _segment(self, name: str) -> str:
        pick = self.pick
        kind = pick.random()
        if kind < 0.65:
            return quote(pick.choice(self._named.get(name, self._names)), safe="")
        if kind < 0.8:
            return self._quoted(self._word(name))
        return pick.choice(
            [pick.choice(PIECES).partition("?")[0].partition("#")[0] or "x", ".", "..", "svg", "1", "-1"]
        )

    def _quoted(self, text: str) -> str:
        return quote(text.encode("utf-8", "surrogatepass"), safe="")

    def _word(self, name: str) -> str:
        """A value for a parameter of a name, more often bad than good."""
        pick = self.pick
        if name in ("as_of", "against", "at", "before", "after") and pick.random() < 0.6:
            return pick.choice(INSTANTS)
        if name in ("q", "select", "filter") and pick.random() < 0.6:
            return pick.choice(EXPRESSIONS)
        if pick.random() < 0.5:
            return pick.choice(self._named.get(name, self._names))
        odd = pick.choice([*ODD[:40], *NUMBERS, *EXPRESSIONS, *INSTANTS])
        if isinstance(odd, int) and abs(odd) > 2**70:
            return "1" * 401
        return odd if isinstance(odd, str) else json.dumps(odd)

    def _query(self, operation: Operation) -> str:
        pick = self.pick
        if pick.random() < 0.01:
            many = "&".join(f"p{number}=1" for number in range(5000))
            return pick.choice(["&" * 5000, "=&=", "a=" * 3000, "%=%&%00=%00", "x" * 100_000, many])
        parts: list[tuple[str, str]] = []
        if operation.query is not None:
            hints = get_type_hints(operation.query, include_extras=True)
            parts += [
                (field.encode_name, self._value(field.encode_name, hints[field.name]))
                for field in msgspec.structs.fields(operation.query)
                if field.required or pick.random() < 0.3
            ]
        if pick.random() < 0.06:
            parts.append((pick.choice(["tenant", "tenant_id", "\x00", "x" * 300, "", "limit"]), self._word("x")))
        if parts and pick.random() < 0.03:
            parts.append(pick.choice(parts))
        return "&".join(f"{self._quoted(name)}={self._quoted(value)}" for name, value in parts)

    def _value(self, name: str, kind: Any) -> str:
        pick = self.pick
        plain = _unwrapped(kind)
        choices = get_args(plain) if get_origin(plain) is Literal else ()
        if choices and pick.random() < 0.8:
            return str(pick.choice(choices))
        if plain is bool and pick.random() < 0.8:
            return pick.choice(["true", "false"])
        if plain is int:
            return str(pick.randrange(1, 30)) if pick.random() < 0.6 else pick.choice(NUMBERS)
        return self._word(name)

    # -- who and how --------------------------------------------------------------------------------------------------
    def _headers(self) -> dict[str, str]:
        pick = self.pick
        headers = {"host": "localhost", "authorization": f"Bearer {self._key}"}
        if pick.random() < 0.04:
            headers["authorization"] = pick.choice(CREDENTIALS)
        if pick.random() < 0.06:
            del headers["authorization"]
            headers["cookie"] = f"headwater_session={self._key}"
            headers["sec-fetch-site"] = "same-origin"
        if pick.random() < 0.3:
            headers["accept"] = "text/html"
        for _ in range(pick.choice([0, 0, 0, 1, 1, 2])):
            name = pick.choice(list(HEADERS))
            headers[name] = pick.choice(HEADERS[name])
        return headers

    # -- what ---------------------------------------------------------------------------------------------------------
    def _body(self, operation: Operation, headers: dict[str, str]) -> bytes:
        pick = self.pick
        if operation.path in ("/login", "/logout"):
            return pick.choice(
                [b"key=x&next=//evil", b"key=" + b"y" * 9000, b"%", b"&" * 5000, b"key=%ED%A0%80", b"\xff"]
            )
        document = self._good(operation)
        for _ in range(pick.choice([0, 0, 1, 1, 2])):
            if isinstance(document, dict | list) and document:
                self.mutate(document)
            else:
                document = pick.choice(ODD)
        if isinstance(document, dict) and pick.random() < 0.1:
            document[pick.choice(["tenant", "tenant_id", "created_by", "permissions", "id", "__proto__"])] = "default"
        body = encode(document, is_escaped=pick.random() < 0.5)
        if pick.random() < 0.1:
            body = self.broken(body)
        if pick.random() < 0.03 and body.startswith(b"{"):
            body = body[:-1] + b"," + body[1:]  # every key twice
        return self.packed(body, headers) if pick.random() < 0.3 else body

    def _good(self, operation: Operation) -> Any:
        pick = self.pick
        if operation.body is not None:
            return self._made(operation.body)
        document = self.record() if "records" in operation.path else self.event()
        return [document, self.event()] if "batch" in operation.path else pick.choice([document, document, [document]])

    def _made(self, kind: Any, depth: int = 0) -> Any:
        """A value of a type, of words that mean something."""
        pick = self.pick
        plain = _unwrapped(kind)
        if isinstance(plain, type) and issubclass(plain, msgspec.Struct):
            hints = get_type_hints(plain, include_extras=True)
            return {
                field.encode_name: self._made(hints[field.name], depth + 1)
                for field in msgspec.structs.fields(plain)
                if field.required or pick.random() < 0.5
            }
        origin, inner = get_origin(plain), get_args(plain)
        if origin is Literal:
            return pick.choice(inner)
        if origin in (tuple, list, set, frozenset):
            return [self._made(inner[0], depth + 1) for _ in range(pick.choice([0, 1, 2, 4]))]
        if origin is dict:
            return {pick.choice(self._names): self._made(inner[1], depth + 1) for _ in range(pick.choice([0, 1, 3]))}
        if isinstance(plain, type) and issubclass(plain, str) and hasattr(plain, "__members__"):
            return pick.choice(list(plain)).value
        simple = {
            bool: lambda: pick.random() < 0.5,
            int: lambda: pick.randrange(1, 9),
            float: lambda: pick.random() * 9,
        }
        return simple.get(plain, lambda: pick.choice(self._names))()


def _unwrapped(kind: Any) -> Any:
    """A type without what is said around it: its rule, and that it may be left out."""
    while True:
        if get_origin(kind) is Annotated:
            kind = get_args(kind)[0]
            continue
        left = [one for one in get_args(kind) if one is not type(None)]
        if type(None) in get_args(kind):
            kind = left[0]
            continue
        return kind


async def ask(app: App, given: Input, timeout_s: float = 60) -> Answer:
    """Send a request to the application, as a server would hand it over; what it raises, it raises here.

    The client goes away once everything is sent, so a stream without an end ends.
    """
    raw, _, query = given.target.partition(b"?")
    scope = {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1", "scheme": "http",
        "method": given.method, "path": unquote_to_bytes(raw).decode("utf-8", "replace"), "raw_path": raw,
        "query_string": query, "root_path": "", "headers": given.headers,
        "server": ("localhost", 80), "client": ("127.0.0.1", 2),
    }  # fmt: skip
    parts = [given.body[start : start + 65_536] for start in range(0, len(given.body), 65_536)] or [b""]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if not parts:
            await asyncio.sleep(0.005 if given.operation.path.endswith("/stream") else 3600)
            return {"type": "http.disconnect"}
        part = parts.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(parts)}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async with asyncio.timeout(timeout_s):
        await app(scope, receive, send)
    headers: dict[str, str] = {}
    for name, value in sent[0]["headers"]:
        assert not {0, 10, 13} & set(value), (name, value)
        headers[name.decode("latin-1").lower()] = value.decode("latin-1")
    return Answer(sent[0]["status"], headers, b"".join(message.get("body", b"") for message in sent[1:]))


async def check_answer(app: Any, given: Input, answer: Answer) -> None:
    """What every answer keeps, whatever was asked.

    A refusal is short. A page that says beside its form what was wrong there is that much longer than the page.
    """
    is_unready = given.operation.path == "/health/ready" and answer.status == 503
    assert answer.status < 500 or is_unready, answer
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert not [name for name in answer.headers if name.startswith("access-control-")]
    if answer.status < 400:
        return
    most = _MOST_REFUSAL_BYTES
    place = given.target.partition(b"?")[0] if len(answer.body) >= most and given.operation.is_page else b""
    while place:  # the page itself, or the one whose form was sent
        page = await ask(app, given._replace(method="GET", target=place, body=b""))
        if page.status == 200:
            most += len(page.body)
            break
        place = place.rpartition(b"/")[0]
    assert len(answer.body) < most, (len(answer.body), answer.body[:500])
    kind = answer.headers.get("content-type", "")
    if kind.startswith("text/html"):
        assert given.operation.is_page or given.method in ("GET", "HEAD")
        return
    told = msgspec.json.decode(answer.body)
    if kind == "application/problem+json":
        assert told["status"] == answer.status
        assert told["type"].startswith("headwater:")
        assert told["title"]
        assert answer.status != 422 or (told.get("field") and told.get("rule")), told
    else:
        assert kind == "application/json"
        assert told["code"] == answer.status
        assert told["message"]
