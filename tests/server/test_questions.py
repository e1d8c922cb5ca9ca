"""The questions over HTTP are those of the query layer, and the client gives the same answers as the embedded API."""

from __future__ import annotations

import inspect
import socket
from urllib.parse import quote

import msgspec
import pytest
from click.testing import CliRunner

import headwater as hw
from headwater.cli.commands import cli
from headwater.errors import ConfigError, InvalidInput, NotFound, ServiceError
from headwater.query import Lineage, LineageAPI
from headwater.query.remote import RemoteLineage
from headwater.testing.events import run_event, run_id
from query.histories import NOW_US, encoded, project, report


@pytest.fixture
def filled(served):
    """A service whose default tenant holds the sample project."""
    with served.service.stores.writing("default") as store:
        store.append(encoded(project(3) + report(3) + project(4, trees=200)))
    return served


@pytest.fixture
def address(filled, listen):
    """The address of the filled service on a real socket, and a key."""
    with listen(filled.app) as url:
        yield url, filled.key()


@pytest.fixture
def both(filled, address):
    """The same lineage, embedded and over the wire."""
    url, key = address
    with filled.service.stores.reading("default") as store, hw.connect(url, key=key) as remote:
        yield Lineage(store, base="/", clock=lambda: NOW_US), remote


@pytest.mark.parametrize("kind", [Lineage, RemoteLineage])
def test_both_take_the_parameters_that_the_api_declares(kind):
    """Every question of LineageAPI has the same parameters, defaults and answer in both."""
    for name in LineageAPI.__abstractmethods__:
        assert inspect.signature(getattr(kind, name)) == inspect.signature(getattr(LineageAPI, name)), name


def test_every_question_is_part_of_the_api():
    """Lineage answers nothing that a service could not be asked."""
    public = {name for name, _ in inspect.getmembers(Lineage, inspect.isfunction) if not name.startswith("_")}
    assert public - {"instant"} == LineageAPI.__abstractmethods__


@pytest.mark.parametrize(
    "ask",
    [
        lambda one: one.upstream("predictions.parquet"),
        lambda one: one.upstream("predictions.parquet", depth=1),
        lambda one: one.upstream("predictions.parquet", columns=True),
        lambda one: one.upstream("predictions.parquet", kinds=["model"]),
        lambda one: one.upstream("predictions.parquet", level="run"),
        lambda one: one.upstream("predictions.parquet", limit=2),
        lambda one: one.downstream("cells.csv"),
        lambda one: one.downstream("cells.csv", as_of=NOW_US - 1),
        lambda one: one.graph("kind:model+"),
        lambda one: one.graph("kind:dataset", limit=2),
        lambda one: one.select("kind:dataset"),
        lambda one: one.impact("cells.csv"),
        lambda one: one.why("predictions.parquet"),
        lambda one: one.search("pred", limit=5),
        lambda one: one.search("cells", kind="dataset"),
        lambda one: one.history("predictions.parquet"),
        lambda one: one.runs(limit=3),
        lambda one: one.runs("predictions.parquet"),
        lambda one: one.runs(state="completed"),
        lambda one: one.show("predictions.parquet"),
        lambda one: one.coverage(),
    ],
)
def test_answers_are_those_of_the_embedded_api(both, ask):
    """What comes over the wire is equal to what the store gives in process."""
    here, there = both
    assert msgspec.json.encode(ask(there)) == msgspec.json.encode(ask(here))


def test_paths_and_differences_too(both):
    """path and diff, by names that the walk gives."""
    here, there = both
    roots = [node.name for node in here.upstream("predictions.parquet").datasets()]
    assert there.path(roots[-1], "predictions.parquet") == here.path(roots[-1], "predictions.parquet")
    jobs = [node.id for node in here.upstream("predictions.parquet").jobs()]
    assert msgspec.json.encode(there.diff(jobs[0])) == msgspec.json.encode(here.diff(jobs[0]))


def test_errors_are_those_of_the_embedded_api(both):
    """An unknown name and a wrong option raise the same error, with the same hint."""
    here, there = both
    for ask, kind in (
        (lambda one: one.upstream("predictionz.parquet"), NotFound),
        (lambda one: one.upstream("predictions.parquet", as_of="never"), NotFound),
        (lambda one: one.graph("kind:("), InvalidInput),
    ):
        found = []
        for one in (here, there):
            with pytest.raises(kind) as error:
                ask(one)
            found.append((error.value.message, error.value.hint))
        assert found[0] == found[1]


def test_a_service_that_is_away_is_told_as_such(address):
    """No route to it, no key, another kind of server: a ServiceError that says which."""
    url, _ = address
    with pytest.raises(ServiceError, match="cannot be reached"):
        hw.connect("http://127.0.0.1:1", key="x", timeout_s=1).coverage()
    with hw.connect(url, key="hw_x") as stranger, pytest.raises(ServiceError, match="not known, has expired"):
        stranger.coverage()


@pytest.mark.parametrize(
    "url",
    [
        "localhost:5000", "https://", "http://localhost:99999", "http://host:port", "http://[::1", "http://a b/",
        "http://host/\n", "http://host/grün",
    ],
)  # fmt: skip
def test_an_address_that_is_none_is_refused_before_a_question(url):
    """With what is wrong and an example, not by whatever the library of the protocol raises later."""
    with pytest.raises(ConfigError, match="not the address of a service") as refused:
        hw.connect(url)
    assert "for example https://" in refused.value.hint


def test_a_key_from_a_file_may_end_in_a_line_end_and_holds_no_other_odd_character(address):
    """White space around it is none of the key; a key that cannot be sent is told, without showing it."""
    url, key = address
    with hw.connect(url, key=f"{key}\r\n") as remote:
        remote.coverage()
    for odd in ("hw_\n_x", "hw_\u20ac"):
        with pytest.raises(ConfigError, match="characters that no key has") as refused:
            hw.connect(url, key=odd)
        assert odd not in str(refused.value)


def test_certificates_that_cannot_be_read_are_told(tmp_path):
    """A file that is missing, and one of something else."""
    (tmp_path / "text.pem").write_text("no certificate")
    for name in ("missing.pem", "text.pem"):
        with pytest.raises(ConfigError, match=f"{name} cannot be read"):
            hw.connect("https://localhost:1", ca_file=str(tmp_path / name))


def test_a_slow_answer_is_not_asked_for_twice():
    """It took longer than was allowed: the service is asked once, and the error says what to do."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(ServiceError, match=r"did not answer within 0\.2 s") as late:
            hw.connect(f"http://127.0.0.1:{port}", key="x", timeout_s=0.2).coverage()
        assert "limit" in late.value.hint
        server.settimeout(0.2)
        server.accept()[0].close()
        with pytest.raises(TimeoutError):
            server.accept()


def test_an_answer_says_what_it_leaves_out(filled):
    """With a budget the nearest nodes are kept, and the answer is marked and counts all of them."""
    client = filled.client()
    whole = client.get("/api/v1/nodes/predictions.parquet/upstream").json()
    cut = client.get("/api/v1/nodes/predictions.parquet/upstream?budget=2").json()
    assert not whole.get("truncated")
    assert cut["truncated"]
    assert cut["total"] == whole["total"]


@pytest.mark.parametrize("form", ["mermaid", "dot", "graphml", "prov", "svg", "tree"])
def test_a_graph_comes_in_every_form(both, filled, form):
    """``format`` gives what the query layer's ``to_`` methods give."""
    here, _ = both
    answer = filled.client().get(f"/api/v1/nodes/predictions.parquet/upstream?format={form}")
    assert answer.text == getattr(here.upstream("predictions.parquet", limit=1000), f"to_{form}")()


def test_pages_of_nodes_follow_each_other(filled):
    """Walking the cursors of a list gives each node once, in one order, whatever the size of a page."""
    client = filled.client()
    for given in ("", "&select=kind:dataset", "&kind=job"):
        whole = [node["id"] for node in client.get(f"/api/v1/nodes?limit=1000{given}").json()["nodes"]]
        for limit in (1, 2, 3):
            found, cursor = [], ""
            while cursor is not None:
                page = client.get(
                    f"/api/v1/nodes?limit={limit}{given}" + (f"&cursor={cursor}" if cursor else "")
                ).json()
                assert len(page["nodes"]) <= limit
                found.extend(node["id"] for node in page["nodes"])
                cursor = page["next"]
            assert found == whole
        assert len(whole) == len(set(whole)) > 3


def test_pages_of_runs_follow_each_other_even_within_one_instant(served):
    """Runs that started in the same microsecond are each on one page."""
    client = served.client()
    for number in range(7):
        event = run_event(run_id(number + 1), f"job {number}", "COMPLETE", number // 4, [], ["x"])
        assert client.post("/api/v1/lineage", content=msgspec.json.encode(event)).status_code == 201
    found, cursor = [], ""
    while cursor is not None:
        page = client.get("/api/v1/runs?limit=2" + (f"&cursor={cursor}" if cursor else "")).json()
        found.extend(run["run_id"] for run in page["runs"])
        cursor = page["next"]
    assert sorted(found) == sorted(run_id(number + 1) for number in range(7))


@pytest.mark.parametrize("cursor", ["x", "!!", "IjEi", "bnVsbA", "eyJ9"])
def test_a_cursor_that_is_none_of_ours_is_refused(filled, cursor):
    """404: there is no such page, and never one from somewhere."""
    for path in ("/api/v1/nodes", "/api/v1/runs"):
        assert filled.client().get(f"{path}?cursor={cursor}").status_code == 404


def test_a_name_with_every_separator_is_found(served):
    """A node id goes into one segment, percent-encoded: slashes, colons, hashes and question marks of the name stay."""
    name = "s3://lake/a b/c#d?e=f:g%2Fh/ä.parquet"
    client = served.client()
    event = run_event(run_id(1), "job/with: all", "COMPLETE", 1, ["raw"], [{"namespace": "s3://lake", "name": name}])
    assert client.post("/api/v1/lineage", content=msgspec.json.encode(event)).status_code == 201
    node = next(
        one for one in client.get("/api/v1/nodes?kind=dataset").json()["nodes"] if one["name"].endswith("parquet")
    )

    details = client.get(f"/api/v1/nodes/{quote(node['id'], safe='')}")
    assert details.json()["id"] == node["id"]


def test_the_command_line_asks_a_service_as_it_asks_a_store(address, monkeypatch):
    """``--store URL`` gives the tree that the store itself gives; without a key it says what is missing."""
    url, key = address
    monkeypatch.setenv("HEADWATER_API_KEY", key)
    done = CliRunner().invoke(cli, ["--store", url, "upstream", "predictions.parquet", "--json"])
    assert done.exit_code == 0, done.output
    assert msgspec.json.decode(done.output)["roots"][0].endswith("predictions.parquet")
    monkeypatch.setenv("HEADWATER_API_KEY", "hw_x")
    with pytest.raises(ServiceError, match="not known"):
        CliRunner().invoke(cli, ["--store", url, "coverage"], catch_exceptions=False, standalone_mode=False)
