"""The attack list: what somebody who means harm would try first, each by its name."""

from __future__ import annotations

import re
import socket
import threading
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import msgspec
import pytest
import uvicorn
from joserfc import jwt
from joserfc.jwk import RSAKey

from headwater.server import connection
from headwater.server.access.oidc import OIDCSettings
from headwater.server.app import create_app
from headwater.server.connection import Connection
from headwater.server.permissions import Permission, Role
from headwater.server.routes import operations
from headwater.server.settings import Limits, Settings
from headwater.testing.events import column_lineage, dataset, dataset_event, job_event, run_event, run_id, schema

SCRIPT = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>"
MARKS = (
    SCRIPT,
    'x"]; click n0 "javascript:alert(1)"; n9["y',
    'x\nclick n0 href "javascript:alert(1)"',
    'a"]; evil -> evil2 [label="',
    "]]>&lol;<!--",
    "javascript:alert(1)",
    "=cmd|' /C calc'!A0",
    "%%{init: {}}%%",
)
ENDLESS = "/api/v1/stream"


def event(name: str, number: int = 1, **more: str) -> bytes:
    """A complete run of a job that wrote ``name`` from ``name``-in, with the name in every place there is."""
    columns = column_lineage({name: [(f"{name}-in", name)]})
    out = dataset(name, facets={"schema": schema(name), "columnLineage": columns})
    return msgspec.json.encode(run_event(run_id(number), name, "COMPLETE", number, [f"{name}-in"], [out], **more))


@pytest.fixture
def filled(served_everywhere):
    """A client of a tenant whose every name is an attack."""
    client = served_everywhere.client("marks")
    for number, mark in enumerate(MARKS, 1):
        assert client.post("/api/v1/lineage", content=event(mark, number)).status_code == 201
    return client


@pytest.mark.parametrize("form", ["json", "mermaid", "dot", "graphml", "prov", "svg", "tree"])
def test_no_name_becomes_markup_or_code(filled, form):
    """In every form of a graph a name stays text: no tag, no further statement, no click."""
    for mark in MARKS:
        answer = filled.get(f"/api/v1/nodes/{quote('dataset:db:' + mark, safe='')}/upstream", params={"format": form})
        assert answer.status_code == 200, answer.text
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        kind = answer.headers["content-type"].partition(";")[0]
        assert kind not in ("text/html", "application/xhtml+xml")
        if form in ("graphml", "svg"):
            assert "<!ENTITY" not in answer.text
            for element in ET.fromstring(answer.text).iter():
                assert element.tag.rpartition("}")[2] not in ("script", "img", "foreignObject")
                for name, value in element.attrib.items():
                    assert not name.startswith("on")
                    assert not (name.endswith("href") and value.strip().lower().startswith(("javascript:", "data:")))
        elif form == "mermaid":
            for line in answer.text.splitlines():
                assert re.fullmatch(
                    r'flowchart LR|  n\d+\W{1,2}"[^"]*"\W{1,2}|  n\d+ -\.?->?-?>?(\|"[^"]*"\|)? n\d+'
                    r"|  classDef root stroke-width:3px|  class [n\d,]+ root",
                    line,
                ), line
        elif form == "dot":
            for line in answer.text.splitlines():
                assert re.fullmatch(
                    r'digraph lineage \{|\}|  rankdir=LR;|  node \[fontname="sans-serif"\];'
                    r'|  n\d+ (-> n\d+ ?)?(\[(\w+=("(\\.|[^"\\])*"|\w+)(, )?)*\])?;',
                    line,
                ), line


def test_no_name_becomes_markup_on_a_page(filled):
    """Pages and fragments hold names as text, under a policy that would run nothing."""
    ids = [f"dataset:db:{mark}" for mark in MARKS]
    asked = [("/", {}), ("/lineage", {}), ("/login", {"next": f"/{SCRIPT}"}), ("/nowhere", {"q": SCRIPT})]
    asked += [("/lineage", {"root": one}) for one in ids]
    asked += [("/lineage/node", {"id": one, "root": one}) for one in ids]
    asked += [("/lineage/column", {"node": one, "column": mark}) for one, mark in zip(ids, MARKS, strict=True)]
    asked += [("/lineage", {"root": SCRIPT}), ("/lineage/impact", {"node": ids[0], "change": "drop"})]
    for path, query in asked:
        answer = filled.get(path, params=query, headers={"Accept": "text/html"})
        assert answer.status_code < 500
        if answer.headers["content-type"] == "application/json":  # read by scripts, which make no markup of it
            assert answer.headers["x-content-type-options"] == "nosniff"
            continue
        text = answer.text.lower()
        assert "<script>alert" not in text
        assert "<img src=x" not in text
        assert not re.search(r'(href|src|action)\s*=\s*["\']?\s*javascript:', text)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy


@contextmanager
def trap() -> Iterator[tuple[str, list[object]]]:
    """An address on this machine, and everybody who came to it."""
    came: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        is_over = threading.Event()

        def wait() -> None:
            while not is_over.is_set():
                try:
                    visitor, place = listener.accept()
                    visitor.close()
                    came.append(place)
                except TimeoutError:
                    continue

        thread = threading.Thread(target=wait)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", came
        finally:
            time.sleep(0.2)
            is_over.set()
            thread.join()


def test_no_url_in_an_event_is_fetched(served):
    """A URL is a name: in any string of an event, a record or a request, nobody is asked for it."""
    with trap() as (url, came):
        client = served.client()
        link = f"{url}/x"
        said = {"_producer": link, "_schemaURL": link}
        facets = {
            "documentation": {**said, "description": link},
            "sourceCodeLocation": {**said, "type": "git", "url": link, "repoUrl": link},
            "dataSource": {**said, "name": link, "uri": link},
            "sql": {**said, "query": f"copy t from '{link}'"},
            "externalQuery": {**said, "externalQueryId": link, "source": link},
            "symlinks": {**said, "identifiers": [{"namespace": url, "name": "x", "type": "LOCATION"}]},
            "schema": {**said, "fields": [{"name": link, "type": link, "description": link}]},
        }
        one = run_event(run_id(1), link, "COMPLETE", 1, [link], [dataset(link, url, facets=facets)], namespace=url)
        one |= {"producer": link, "schemaURL": link}
        one["run"]["facets"] = one["job"]["facets"] = facets
        assert client.post("/api/v1/lineage", content=msgspec.json.encode(one)).status_code == 201
        for event in (dataset_event(link, 2, facets, namespace=url), job_event(link, 3, [link], facets=facets)):
            assert (
                client.post("/api/v1/lineage", content=msgspec.json.encode({**event, "schemaURL": link})).status_code
                == 201
            )
        for path, body in (
            ("/api/v1/sources/s", {"type": "POSTGRESQL", "connectionUrl": link}),
            ("/api/v1/namespaces/n/jobs/j", {"type": "BATCH", "location": link, "inputs": [], "outputs": []}),
        ):
            assert client.put(path, json=body).status_code < 500
        for one_id in (f"dataset:{url}:/x", f"dataset:{url}:x", link):
            for path in ("", "/why", "/upstream?format=svg", "/history", "/impact?change=drop", "/claims"):
                assert client.get(f"/api/v1/nodes/{quote(one_id, safe='')}{path}").status_code < 500
    assert came == []


@pytest.mark.parametrize("header", ["jku", "x5u", "jwk", "kid"])
def test_no_token_says_where_its_key_is(serve, header):
    """The keys of an identity provider are those of its own address: a token that brings or names others is refused."""
    key = RSAKey.generate_key(2048, {"kid": "mine"}, private=True)
    with trap() as (url, came), trap() as (issuer, asked):
        served = serve(oidc=OIDCSettings(issuer=issuer, audience="headwater"))
        value = {"jwk": key.as_dict(private=False), "kid": f"../../{url}"}.get(header, f"{url}/keys")
        claims = {"iss": issuer, "aud": "headwater", "sub": "u", "exp": time.time() + 60, "headwater_role": "owner"}
        token = _signed({"alg": "RS256", "kid": "mine", header: value}, claims, key)
        for forged in (token, token.rpartition(".")[0] + ".", token[:-8] + "AAAAAAAA"):
            answer = served.bare(headers={"Authorization": f"Bearer {forged}"}).get("/api/v1/whoami")
            assert answer.status_code in (401, 503)
    assert came == []
    del asked


def _signed(header: dict[str, object], claims: dict[str, object], key: RSAKey) -> str:
    from joserfc.jws import JWSRegistry

    return jwt.encode(header, claims, key, registry=JWSRegistry(algorithms=["RS256"], strict_check_header=False))


def test_no_body_gives_more_than_asked(served):
    """``tenant``, ``created_by`` and the like in a body change neither whose it is nor who made it."""
    client, other = served.client("mine"), served.client("theirs")
    more = {"tenant": "theirs", "tenant_id": "theirs", "created_by": "root", "permissions": ["operate"], "id": "hw_0"}
    with served.service.stores.reading("theirs") as store:
        before = store.graph_hash()
    keys = len(other.get("/api/v1/keys").json()["keys"])
    asked = 0
    for operation in operations():
        if operation.method == "GET" or operation.path.startswith("/log"):
            continue
        path = re.sub(r"\{\w+\}", "x", operation.path)
        good = {"/api/v1/keys": {"scopes": ["read"]}, "/api/v1/tenants": {"name": "new"}}.get(operation.path, {})
        if "lineage" in path and not operation.body:
            good = msgspec.json.decode(event("x"))
        answer = client.request(operation.method, path, json={**good, **more})
        assert answer.status_code < 500
        if operation.path.startswith(("/api/v1/keys", "/api/v1/tenants", "/api/v1/members", "/api/v1/shares")):
            assert answer.status_code in (404, 409, 422), (operation.path, answer.text)
        asked += 1
    assert asked > 30
    assert len(other.get("/api/v1/keys").json()["keys"]) == keys
    assert "root" not in client.get("/api/v1/audit").text
    with served.service.stores.reading("theirs") as store:
        assert store.graph_hash() == before


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/keys;x", "/api/v1//keys", "//api/v1/keys", "/api/v1/./keys", "/api/v1/x/../keys", "/api/v1/%6beys",
        "/api/v1/%2e%2e/v1/keys", "/api%2fv1/keys", "/API/v1/keys", "/api/v1/keys/", "/api/v1/keys%00",
        "/api/v1/keys%20",
        "/health/live/../../api/v1/keys", "/static/../api/v1/keys", "/login/..;/api/v1/keys", "\\api\\v1\\keys",
    ],
)  # fmt: skip
def test_no_other_spelling_of_a_path_leads_past_the_check(served, path):
    """One spelling is one path: any other is 404 with a key and without, and never the keys."""
    from server.hostile import Input, ask

    operation = next(one for one in operations() if one.path == "/api/v1/keys" and one.method == "GET")
    for headers in ([], [(b"authorization", f"Bearer {served.key()}".encode())]):
        given = Input(operation, "GET", path.encode(), headers, b"")
        answer = served.portal.call(ask, served.app, given)
        assert answer.status in (401, 404), answer
        assert b'"keys"' not in answer.body


@pytest.mark.parametrize(
    "name",
    ["..%2f..%2fapp.py", "%2e%2e", "..", "%2fetc%2fpasswd", "js%2fsite.js%00.css", "..%5c..%5capp.py", "base.html"],
)
def test_no_static_path_leads_out_of_its_folder(served, name):
    """The files are those that were read at the start; a path only chooses among them."""
    for path in (f"/static/v/{name}", f"/static/v/css/{name}", f"/static/{name}/base.css"):
        assert served.bare().get(path).status_code in (404, 422)


SQL = (
    "' OR 1=1 --", "x'; DROP TABLE nodes; --", "%", "_", "a\\", "$$;$$", "') UNION SELECT secret FROM keys --", "NEAR(",
    '"*"', "x AND y", "-x", "^x", "{a b}: c", "::text", "%(x)s", "$1",
)  # fmt: skip


def test_no_name_or_word_becomes_a_statement(served_everywhere):
    """Names, search words and selectors of SQL and of its full-text languages are looked up as they are."""
    client = served_everywhere.client("sql")
    for number, name in enumerate(SQL, 1):
        assert client.post("/api/v1/lineage", content=event(name, number)).status_code == 201
    before = client.get("/api/v1/tenant").json()["stored"]
    for name in SQL:
        found = client.get("/api/v1/nodes", params={"q": name})
        assert found.status_code == 200, found.text
        for path, query in (
            ("/api/v1/nodes", {"select": name}),
            ("/api/v1/nodes", {"namespace": name, "type": name}),
            ("/api/v1/search", {"q": name, "namespace": name}),
            ("/api/v2beta/search/datasets", {"q": name}),
            ("/api/v1/graph", {"select": f'"{name}"'}),
        ):
            assert client.get(path, params=query).status_code in (200, 400, 404, 422)
        shown = client.get(f"/api/v1/nodes/{quote('dataset:db:' + name, safe='')}")
        assert shown.json()["name"] == name
        assert "hw_" not in found.text
    after = client.get("/api/v1/tenant").json()["stored"]
    assert {**after, "size_bytes": 0} == {**before, "size_bytes": 0}


BOMBS = (
    "(" * 3999, "((a))" * 700, "+" * 3999, "*" * 3999, "a*" * 1999 + "!", "a" * 3990 + "*b", "+a+b," * 700,
    "a,b " * 900, "!" * 3999, '"' * 3999, "kind:" * 700, "[" * 3999, "#" * 3999, "." * 3999, ":" * 3999, "1+a+" * 900,
)  # fmt: skip


@pytest.mark.parametrize("text", BOMBS, ids=[text[:6] for text in BOMBS])
def test_no_expression_takes_long(serve, text):
    """Nested, repeated and starred expressions over long names are answered or refused within a second of work."""
    client = serve().client("long")
    names = ["a" * 3000 + str(number) for number in range(10)]
    body = b"[" + b",".join(event(name, number) for number, name in enumerate(names, 1)) + b"]"
    assert client.post("/api/v1/lineage/batch", content=body).status_code == 200
    for path, query in (
        ("/api/v1/nodes", {"select": text}),
        ("/api/v1/nodes", {"q": text}),
        ("/api/v1/graph", {"select": text}),
        ("/api/v1/path", {"source": text, "target": text}),
        ("/lineage", {"root": text}),
        (f"/api/v1/nodes/{quote(text, safe='')}/upstream", {}),
        ("/api/v1/search", {"q": text}),
    ):
        begun = time.process_time()
        assert client.get(path, params=query).status_code < 500
        assert time.process_time() - begun < 2, (path, text[:20])


def test_no_answer_is_larger_than_the_service_allows(serve):
    """However many nodes are asked for, an answer has at most so many, and says that there are more."""
    served = serve(limits=Limits(answer_nodes=5))
    client = served.client()
    body = b"[" + b",".join(event(f"n{number}", number) for number in range(1, 30)) + b"]"
    client.post("/api/v1/lineage/batch", content=body)
    chain = [
        msgspec.json.encode(run_event(run_id(99), "all", "COMPLETE", 99, [f"n{n}" for n in range(1, 30)], ["sum"]))
    ]
    client.post("/api/v1/lineage", content=chain[0])
    for path in ("/api/v1/nodes/sum/upstream?budget=100000", "/api/v1/graph?select=kind:dataset&budget=100000"):
        graph = client.get(path).json()
        assert len([node for node in graph["nodes"] if node["kind"] == "dataset"]) <= 5
        assert len(graph["nodes"]) <= 10
        assert graph["truncated"]


ELSEWHERE = (
    "//evil.example", "/\\evil.example", "https://evil.example", "/\t/evil.example", "/a\r\nX-Evil: 1",
    "javascript:alert(1)", "\\\\evil.example", " //evil.example", "/ \x00",
)  # fmt: skip


@pytest.mark.parametrize("target", ELSEWHERE)
def test_no_login_leads_to_another_site(served, target):
    """``next`` is a path of this service or nothing."""
    form = f"key={served.key()}&next={quote(target, safe='')}"
    answer = served.bare(headers={"Sec-Fetch-Site": "same-origin"}).post("/login", content=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "x-evil" not in answer.headers


def test_a_session_is_not_one_that_was_there_before(served):
    """A login replaces whatever cookie somebody planted, by one that scripts and other sites cannot use."""
    planted = {"Cookie": "headwater_session=planted", "Sec-Fetch-Site": "same-origin"}
    key = served.key()
    answer = served.bare(headers=planted).post("/login", content=f"key={key}")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"headwater_session={key};")
    assert {"httponly", "samesite=strict", "path=/"} <= {part.strip().lower() for part in cookie.split(";")}
    assert "domain" not in cookie.lower()
    assert served.bare(headers=planted).get("/api/v1/whoami").status_code == 401


def test_no_other_site_may_read(served):
    """No answer allows another origin, a preflight is refused, and no header turns one method into another."""
    client = served.client()
    key = client.post("/api/v1/keys", json={"scopes": ["read"]}).json()["key"]["id"]
    evil = {"Origin": "https://evil.example", "Access-Control-Request-Method": "DELETE"}
    assert client.options("/api/v1/keys", headers=evil).status_code == 405
    for override in ("X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method"):
        client.get("/api/v1/keys", headers={override: "DELETE"})
        assert client.post(f"/api/v1/keys/{key}", headers={override: "DELETE"}).status_code == 405
    answer = client.get("/api/v1/keys", headers=evil)
    assert key in answer.text
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_head_answers_like_get_and_ends(served):
    """HEAD of everything that can be asked without an id has the status of GET, the endless stream included."""
    client = served.client()
    for operation in operations():
        if operation.method == "GET" and "{" not in operation.path:
            status = client.head(operation.path).status_code
            assert operation.path == ENDLESS or status == client.get(operation.path).status_code


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "[::1].evil.example"]
)
def test_a_domain_that_leads_here_is_no_guest(serve, host):
    """A page of a domain that was made to lead to this machine does not read what guests may."""
    served = serve(anonymous=Role.READER)
    assert served.bare(headers={"Host": host}).get("/api/v1/whoami").status_code == 401
    for near in ("localhost:5000", "127.0.0.1", "[::1]:80", "headwater"):
        assert served.bare(headers={"Host": near}).get("/api/v1/whoami").status_code == 200


def test_nobody_sends_more_than_a_form(served):
    """What comes without a key is read up to the size of a login form, however it is compressed."""
    import gzip

    large = b'{"opener":"' + b"x" * 20_000 + b'"}'
    assert served.bare().post("/login/links", content=large).status_code == 413
    packed = gzip.compress(large)
    headers = {"Content-Encoding": "gzip", "Sec-Fetch-Site": "same-origin"}
    assert served.bare(headers=headers).post("/login/links", content=packed).status_code == 413
    assert served.bare(headers=headers).post("/login", content=packed).status_code == 413


@pytest.fixture
def wire(monkeypatch):
    """A service on a socket, as ``headwater serve`` makes it, that waits a second for a head."""
    monkeypatch.setattr(connection, "HEAD_S", 1.0)
    app = create_app(Settings(store="memory://"))
    config = uvicorn.Config(app, port=0, log_config=None, lifespan="off", http=Connection, server_header=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield lambda: socket.create_connection(server.servers[0].sockets[0].getsockname()[:2], timeout=10)
    server.should_exit = True
    thread.join(10)
    app.service.close()


def _heard(client: socket.socket) -> bytes:
    found = b""
    try:
        while piece := client.recv(65_536):
            found += piece
    except ConnectionResetError:
        pass
    return found


def test_a_head_without_end_is_refused(wire):
    """A header that never ends costs a connection some hundred kilobytes, then it is closed."""
    with wire() as client:
        client.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\nX-A: ")
        sent = 0
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            while sent < 64 << 20:
                client.sendall(b"a" * 65_536)
                sent += 65_536
        assert sent < 16 << 20


def test_a_head_that_does_not_come_is_not_waited_for(wire):
    """A connection that sends nothing, or a line now and then, is closed after a while; one that asks goes on."""
    with wire() as silent, wire() as slow, wire() as good:
        slow.sendall(b"GET /health/live HTTP/1.1\r\n")
        good.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
        assert good.recv(65_536).startswith(b"HTTP/1.1 200")
        assert (_heard(silent), _heard(slow)) == (b"", b"")
        good.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert _heard(good).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "raw",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
def test_what_is_no_http_is_refused(wire, raw):
    """Requests that two readers could take apart differently are 400, and the connection ends."""
    with wire() as client:
        client.sendall(raw)
        assert _heard(client).startswith(b"HTTP/1.1 400")


def test_only_an_operator_makes_tenants(served):
    """No other scope opens what is beyond one's own tenant."""
    client = served.client(
        permissions=frozenset({Permission.ADMIN, Permission.READ, Permission.REPORT, Permission.INGEST})
    )
    for operation in operations():
        if operation.permission is Permission.OPERATE:
            path = operation.path.replace("{name}", "default")
            assert client.request(operation.method, path, json={}).status_code == 403
