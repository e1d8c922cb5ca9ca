"""What broke other servers, and what real emitters get wrong, over HTTP."""

from __future__ import annotations

import random
from urllib.parse import quote

import pytest

from headwater.testing.events import (
    column_lineage,
    dataset,
    dataset_event,
    facet,
    job_event,
    lineage,
    raw,
    run_event,
    run_id,
    schema,
    whole_run,
)
from headwater.testing.suite.fixture import holding

PARENT = "https://openlineage.io/spec/facets/1-0-0/ParentRunFacet.json#/$defs/ParentRunFacet"


@pytest.fixture
def client(served):
    """A client with every permission."""
    return served.client()


@pytest.fixture
def edges(served):
    """What the dataset-level edges are now, as (source, target) names."""

    def now():
        with served.service.stores.reading("default") as store:
            return holding(store)

    return now


def send(client, *events):
    """Post events one by one; each must be acknowledged."""
    for event in events:
        answer = client.post("/api/v1/lineage", json=event)
        assert answer.status_code == 201, answer.text


def upstream(client, node):
    """Names of what a node comes from, itself included."""
    answer = client.get(f"/api/v1/nodes/{quote(node, safe='')}/upstream")
    assert answer.status_code == 200, answer.text
    return {one["name"] for one in answer.json()["nodes"]}


@pytest.mark.parametrize("order", range(6))
def test_events_of_a_run_merge_whatever_their_order(client, edges, order):
    """Inputs only on START, outputs and facets only on COMPLETE, delivered shuffled and twice."""
    events = [
        run_event(run_id(1), "j", "START", 0, ["a"]),
        run_event(run_id(1), "j", "RUNNING", 1, ["c"]),
        run_event(run_id(1), "j", "COMPLETE", 2, [], ["b"]),
    ]
    shuffled = events * 2
    random.Random(order).shuffle(shuffled)
    send(client, *shuffled)
    assert edges() == {("a", "b"), ("c", "b")}


def test_lineage_counts_when_the_run_is_complete(client, edges):
    """A START that claims, and a run that fails, neither add nor take away an edge; the claim stays on the run."""
    send(client, *whole_run(1, "j", 0, ["a"], ["t"]))
    send(client, run_event(run_id(2), "j", "START", 20, ["x"], ["t"]))
    assert edges() == {("a", "t")}
    send(client, run_event(run_id(2), "j", "FAIL", 25, ["x"], ["t"]))
    assert edges() == {("a", "t")}
    assert client.get(f"/api/v1/records/{run_id(2)}").json()["source"]["identifier"].endswith("x")


def test_a_streaming_job_counts_while_it_runs(client, edges):
    """Its only lineage is on RUNNING."""
    streaming = {"jobType": facet(processingType="STREAMING", integration="FLINK", jobType="JOB")}
    send(client, run_event(run_id(1), "s", "RUNNING", 0, ["in"], ["out"], job_facets=streaming))
    assert edges() == {("in", "out")}


def test_identifiers_are_normalised(client):
    """Quotes, case where the platform folds it, slashes, schemes and default ports: the two halves are one graph."""
    pairs = [
        (("postgres://db:5432", '"db"."s"."quoted"'), ("postgres://db", "db.s.quoted")),
        (("snowflake://acct", "DB.S.UPPER"), ("snowflake://acct", "db.s.upper")),
        (("s3a://lake", "/raw/x.parquet"), ("s3://lake", "raw/x.parquet")),
        (("file", "/data/raw/c.csv"), ("file", "/data/raw//c.csv")),
    ]
    for number, (written, read) in enumerate(pairs, 1):
        out = dataset(written[1], written[0])
        send(client, *whole_run(number * 2, f"w{number}", number * 40, [f"origin{number}"], [out]))
        back = dataset(read[1], read[0])
        send(client, *whole_run(number * 2 + 1, f"r{number}", number * 40 + 20, [back], [f"end{number}"]))
        assert f"origin{number}" in upstream(client, f"dataset:db:end{number}"), pairs[number - 1]


def test_facets_are_found_by_their_schema(served, client):
    """An emitter that calls the parent facet otherwise still names the schema."""
    parent = {"run": {"runId": run_id(7)}, "job": {"namespace": "jobs", "name": "flow"}, "_schemaURL": PARENT}
    send(client, run_event(run_id(1), "j", "COMPLETE", 1, run_facets={"parentRun": {"_producer": "p", **parent}}))
    with served.service.stores.reading("default") as store:
        assert store.run(run_id(1)).parent_run == run_id(7)


def test_table_edges_follow_from_columns_when_inputs_are_empty(client, edges):
    """The table edge exists only inside ``columnLineage``, or only inside the ``lineage`` facet."""
    out = dataset("t", facets={"columnLineage": column_lineage({"x": [("a", "y")]})})
    send(client, *whole_run(1, "j", 0, [], [out]))
    send(client, run_event(run_id(2), "k", "COMPLETE", 50, job_facets={"lineage": lineage({"u": ["b"]})}))
    assert edges() == {("a", "t"), ("b", "u")}


def test_an_explicit_facet_suppresses_the_cross_product(client, edges):
    """Six sources and four views of one job are not twenty-four edges where the emitter says which feeds which."""
    facets = {"lineage": lineage({f"v{n}": [f"s{n}"] for n in range(4)})}
    inputs, outputs = [f"s{n}" for n in range(6)], [f"v{n}" for n in range(4)]
    send(client, run_event(run_id(1), "j", "COMPLETE", 1, inputs, outputs, job_facets=facets))
    assert edges() >= {(f"s{n}", f"v{n}") for n in range(4)}
    assert ("s0", "v1") not in edges()


def test_a_job_with_dynamic_outputs_keeps_the_inputs_of_each(client, edges):
    """Another output in the next run takes nothing from the one before."""
    send(client, *whole_run(1, "j", 0, ["a"], ["day1"]), *whole_run(2, "j", 20, ["b"], ["day2"]))
    assert edges() == {("a", "day1"), ("b", "day2")}


def test_a_changed_job_sheds_its_stale_edge(client, edges):
    """A later successful run that writes the same target without the source ends the edge."""
    send(client, *whole_run(1, "j", 0, ["a", "old"], ["t"]), *whole_run(2, "j", 20, ["a"], ["t"]))
    assert edges() == {("a", "t")}


def test_a_deleted_job_stops_connecting_and_the_next_read_shows_it(client, edges):
    """What it bridged is apart right after the delete is acknowledged, and nothing cached answers."""
    send(client, *whole_run(1, "bridge", 0, ["a"], ["b"]))
    assert "a" in upstream(client, "dataset:db:b")
    send(client, job_event("bridge", 60, facets={"lifecycleStateChange": facet(lifecycleStateChange="DROP")}))
    assert upstream(client, "dataset:db:b") == {"b"}
    assert edges() == set()


def test_a_symlink_that_comes_late_joins_both_names(client):
    """Two names that were known apart are one node once something says so."""
    send(client, *whole_run(1, "w", 0, ["a"], [dataset("lake/t", "s3://bucket")]))
    send(client, *whole_run(2, "r", 20, [dataset("db.t", "hive://meta:9083")], ["end"]))
    assert "a" not in upstream(client, "dataset:db:end")
    link = facet(identifiers=[{"namespace": "s3://bucket", "name": "lake/t", "type": "LOCATION"}])
    send(client, dataset_event("db.t", 40, {"symlinks": link}, namespace="hive://meta:9083"))
    assert "a" in upstream(client, "dataset:db:end")


@pytest.mark.parametrize(
    ("namespace", "name"),
    [
        ("s3://lake/a", "b/c d.parquet"),
        ("arn:aws:glue:eu-west-1:123456789012", "table/db/t"),
        ("spanner://project:instance", "db.t"),
        ("postgres://[2001:db8::1]:5432", "db.s.t"),
        ("kafka://host:9092", "topic:with:colons"),
        ("db", "таблица/顧客 ;,?#&%41"),
        ("db", "a'b\"c<script>"),
    ],
)
def test_nodes_of_odd_names_are_found_by_their_id(client, namespace, name):
    """Slashes, colons, brackets, per cent signs: an id is looked up, never split."""
    send(client, *whole_run(1, "j", 0, ["a"], [dataset(name, namespace)]))
    assert "a" in upstream(client, f"dataset:{namespace}:{name}")


def test_an_event_of_ten_megabytes(served, client):
    """It is taken whole, and so is one with a string of ten million characters."""
    wide = {f"facet{number}": facet(text="x" * 1000) for number in range(10_500)}
    for number, facets in ((1, wide), (2, {"spark.logicalPlan": facet(plan="y" * 10_500_000)})):
        (event,) = raw([run_event(run_id(number), "j", "COMPLETE", number, ["a"], ["t"], run_facets=facets)])
        assert len(event) > 10_000_000
        assert client.post("/api/v1/lineage", content=event).status_code == 201
    with served.service.stores.reading("default") as store:
        assert len(store.run_facets(run_id(1))) == 10_500


def test_thousands_of_column_edges(served, client):
    """3,581 columns of one dataset, each with its source, are all there."""
    columns = column_lineage({f"c{number}": [("wide", f"s{number}")] for number in range(3581)})
    send(client, *whole_run(1, "j", 0, ["wide"], [dataset("t", facets={"columnLineage": columns})]))
    with served.service.stores.reading("default") as store:
        assert store.statistics().column_edges == 3581


@pytest.mark.parametrize(
    "time",
    [
        "2026-01-01T00:00:09.123456789Z",
        "2026-01-01T02:00:09+02:00",
        "2026-01-01T00:00:09",
        "2026-01-01T00:00:09.1-05:00",
    ],
)
def test_times_of_every_form(client, edges, time):
    """Nanoseconds, offsets, no time zone."""
    send(client, {**run_event(run_id(1), "j", "COMPLETE", 0, ["a"], ["t"]), "eventTime": time})
    assert edges() == {("a", "t")}


def test_an_event_without_a_type(client, edges):
    """It is taken, and counts once the run is complete."""
    send(client, run_event(run_id(1), "j", None, 0, ["a"], ["t"]))
    assert edges() == set()
    send(client, run_event(run_id(1), "j", "COMPLETE", 1))
    assert edges() == {("a", "t")}


def test_unknown_facets_survive_and_are_never_a_reason_to_refuse(served, client):
    """Of every object, with every shape."""
    odd = {"spark_properties": facet(p={"a": [1, {"b": None}]}), "gcp_x": {"no": "header"}, "list": [1], "text": "x"}
    event = run_event(run_id(1), "j", "COMPLETE", 0, [dataset("a", facets=odd)], ["t"], run_facets=odd, job_facets=odd)
    send(client, event)
    with served.service.stores.reading("default") as store:
        assert set(store.run_facets(run_id(1))) >= set(odd)


def test_names_in_markup_come_back_as_data(client):
    """What looks like a page is JSON with the type that says so, which no browser guesses otherwise."""
    name = "<img src=x onerror=alert(1)>"
    send(client, *whole_run(1, "j", 0, [name], ["t"]))
    answer = client.get(f"/api/v1/nodes/{quote('dataset:db:t', safe='')}/upstream")
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_assertions_in_either_place_are_kept(served, client):
    """Some emitters put them into ``facets``, some into ``inputFacets``, some into both."""
    checks = facet(assertions=[{"assertion": "not_null", "success": False, "column": "x"}])
    both = dataset("a", facets={"dataQualityAssertions": checks}, inputFacets={"dataQualityAssertions": checks})
    send(client, run_event(run_id(1), "j", "COMPLETE", 0, [both], ["t"]))
    assert "a" in upstream(client, "dataset:db:t")


def test_our_own_parse_stands_beside_the_claim(client):
    """An input that the emitter lists and the SQL does not read is shown as a conflict, and stays a claim."""
    sql = {"sql": facet(query="INSERT INTO s.t (id) SELECT x FROM s.a", dialect="postgres")}
    inputs = [dataset("d.s.a", "postgres://h:5432", {"schema": schema("x")}), dataset("d.s.o", "postgres://h:5432")]
    send(
        client,
        run_event(run_id(1), "j", "COMPLETE", 1, inputs, [dataset("d.s.t", "postgres://h:5432")], job_facets=sql),
    )
    answer = client.get(f"/api/v1/nodes/{quote('job:jobs:j', safe='')}/claims").json()
    assert {(one["name"], one["verdict"]) for one in answer["reads"]} == {("d.s.a", "agreed"), ("d.s.o", "emitter")}
    assert [(one["target_field"], one["verdict"]) for one in answer["columns"]] == [("id", "ours")]
    assert answer["has_conflict"]
    assert upstream(client, "dataset:postgres://h:5432:d.s.t") >= {"d.s.a", "d.s.o"}
