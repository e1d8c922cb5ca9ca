"""The lineage routes: the shape of Marquez with the content that is right."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from headwater.testing.events import (
    at,
    column_lineage,
    dataset,
    facet,
    lineage,
    run_event,
    run_id,
    schema,
    whole_run,
)

CHAIN = [
    event
    for number, (source, target) in enumerate([("a", "b"), ("b", "c"), ("c", "d"), ("d", "e")])
    for event in whole_run(number + 1, f"{source}{target}", number * 100, [source], [target])
]


def graph(api: Any, node: str, **query: Any) -> dict[str, set[str]]:
    """What each node of a graph leads to, by id without its kind and namespace; edges must agree at both ends."""
    nodes = {one["id"]: one for one in api.get("/lineage", nodeId=node, **query)["graph"]}
    out = {(edge["origin"], edge["destination"]) for one in nodes.values() for edge in one["outEdges"]}
    into = {(edge["origin"], edge["destination"]) for one in nodes.values() for edge in one["inEdges"]}
    assert out == into
    assert list(nodes) == sorted(nodes)
    return {_name(key): {_name(end) for start, end in out if start == key} for key in nodes}


def _name(node_id: str) -> str:
    return node_id.rpartition(":")[2]


@pytest.mark.parametrize(
    ("node", "depth", "names"),
    [
        ("dataset:db:c", 0, "b bc c cd d"),
        ("dataset:db:c", 1, "a ab b bc c cd d de e"),
        ("job:jobs:bc", 0, "b bc c"),
        ("job:jobs:bc", 1, "a ab b bc c cd d"),
        ("job:jobs:ab", 20, "a ab b bc c cd d de e"),
    ],
)
def test_depth_counts_jobs_beyond_the_first(api, node, depth, names):
    """0 is the jobs that touch the node with what they read and write; each more is one job further, both ways."""
    api.fill(*CHAIN)
    assert sorted(graph(api, node, depth=depth)) == names.split()


def test_the_walk_has_a_direction(api):
    """What else an upstream job feeds, and what else feeds a downstream one, is no lineage of the node."""
    api.fill(*whole_run(1, "split", 0, ["raw"], ["left", "right"]), *whole_run(2, "join", 50, ["left", "other"], ["z"]))
    assert graph(api, "dataset:db:left") == {
        "raw": {"split"},
        "split": {"left"},
        "left": {"join"},
        "join": {"z"},
        "z": set(),
    }


def test_a_job_with_dynamic_outputs_keeps_them_all_apart(api):
    """Each output keeps the inputs it was made from, though every run writes another one."""
    api.fill(*whole_run(1, "export", 0, ["a"], ["x"]), *whole_run(2, "export", 50, ["b"], ["y"]))
    assert graph(api, "dataset:db:x") == {"a": {"export"}, "export": {"x"}, "x": set()}
    job = api.get("/namespaces/jobs/jobs/export")
    assert [one["name"] for one in job["inputs"]] == ["a", "b"]
    assert [one["name"] for one in job["outputs"]] == ["x", "y"]


def test_a_deleted_job_stops_connecting_its_neighbours(api):
    """Right after the delete each side is alone, and the job is not found."""
    api.fill(*CHAIN)
    api("DELETE", "/namespaces/jobs/jobs/bc")
    assert sorted(graph(api, "dataset:db:c")) == ["c", "cd", "d", "de", "e"]
    assert sorted(graph(api, "dataset:db:b")) == ["a", "ab", "b"]
    api.get("/namespaces/jobs/jobs/bc", status=404)
    api.get("/lineage", nodeId="job:jobs:bc", status=404)


def test_a_deleted_dataset_is_not_shown(api):
    """What was made from it still stands, and it comes back when it is written again."""
    api.fill(*CHAIN)
    assert api("DELETE", "/namespaces/db/datasets/c")["deleted"] is True
    api.get("/namespaces/db/datasets/c", status=404)
    assert "c" not in graph(api, "dataset:db:b")
    assert "d" in graph(api, "dataset:db:b")
    api.fill(run_event(run_id(9), "bc", "COMPLETE", 10**9, ["b"], ["c"]))
    assert api.get("/namespaces/db/datasets/c")["name"] == "c"


def test_a_failed_run_changes_nothing(api):
    """The graph is that of the runs that succeeded; what the failed one claims is on the run."""
    api.fill(*whole_run(1, "j", 0, ["a"], ["b"]), *whole_run(2, "j", 50, ["wrong"], ["b"], end="FAIL"))
    assert graph(api, "job:jobs:j") == {"a": {"j"}, "j": {"b"}, "b": set()}
    run = api.get(f"/jobs/runs/{run_id(2)}")
    assert [one["datasetVersionId"]["name"] for one in run["inputDatasetVersions"]] == ["wrong"]


def test_a_streaming_job_counts_while_it_runs(api):
    """Its only lineage is on RUNNING."""
    kind = {"jobType": facet(processingType="STREAMING", integration="FLINK", jobType="JOB")}
    api.fill(run_event(run_id(1), "s", "RUNNING", 0, ["topic"], ["sink"], job_facets=kind))
    assert graph(api, "job:jobs:s") == {"topic": {"s"}, "s": {"sink"}, "sink": set()}
    assert api.get("/namespaces/jobs/jobs/s")["type"] == "STREAM"


def test_lineage_without_a_job_goes_from_dataset_to_dataset(api):
    """A view says itself what it reads."""
    view = {
        "eventTime": at(0),
        "producer": "p",
        "schemaURL": "s",
        "dataset": dataset(
            "v", facets={"lineage": facet(inputs=[{"type": "DATASET", "namespace": "db", "name": "t"}])}
        ),
    }
    api.fill(view)
    assert graph(api, "dataset:db:v") == {"t": {"v"}, "v": set()}


def test_a_job_that_feeds_a_job(api):
    """An entry of the lineage facet may name jobs at both ends."""
    entries = [
        {
            "type": "JOB",
            "namespace": "jobs",
            "name": "after",
            "inputs": [{"type": "JOB", "namespace": "jobs", "name": "before"}],
        }
    ]
    api.fill(*whole_run(1, "after", 0, job_facets={"lineage": facet(entries=entries)}))
    assert graph(api, "job:jobs:after") == {"after": set(), "before": {"after"}}


@pytest.mark.parametrize(
    ("namespace", "name"),
    [
        ("arn:aws:glue:us-east-1:123", "table/sales/orders"),
        ("spanner://project:instance", "db.schema.t"),
        ("postgres://[2001:db8::1]:5432", "shop.public.orders"),
        ("s3://lake", "raw/2026/a b.parquet"),
        ("kafka://k:9092", "topic:with:colons#1"),
        ("file", "/data/ünï/x.csv"),
        ("bigquery", "p.d.t"),
        ("pubsub", "topic:p:t"),
    ],
)
def test_names_with_everything_in_them_are_found(api, namespace, name):
    """In a path, encoded as one segment, and in a node id, where nothing tells the namespace from the name."""
    columns = {"schema": schema("x"), "columnLineage": column_lineage({"x": [(name, "y")]}, namespace)}
    other = dataset(name + "2", namespace, columns)
    api.fill(*whole_run(1, "j", 0, [dataset(name, namespace, {"schema": schema("y")})], [other]))
    path = f"/namespaces/{quote(namespace, safe='')}/datasets/{quote(name, safe='')}"
    assert api.get(path)["id"] == {"namespace": namespace, "name": name}
    assert api.get(f"{path}/versions")["totalCount"] == 1
    found = api.get("/lineage", nodeId=f"dataset:{namespace}:{name}")["graph"]
    assert {one["id"] for one in found} == {f"dataset:{namespace}:{name}", f"dataset:{namespace}:{name}2", "job:jobs:j"}
    field = api.get("/column-lineage", nodeId=f"datasetField:{namespace}:{name}2:x")["graph"]
    assert {one["data"]["field"] for one in field} == {"x", "y"}
    listed = api.get(f"/namespaces/{quote(namespace, safe='')}/datasets")
    assert [one["name"] for one in listed["datasets"]] == [name, name + "2"]


def test_the_same_table_under_two_names_is_one_node(api):
    """A symlink that arrives after both names joins them, in the graph and in the lists."""
    api.fill(
        *whole_run(1, "w", 0, ["a"], [dataset("t", "s3://lake")]),
        *whole_run(2, "r", 50, [dataset("db.t", "hive://h:9083")], ["z"]),
    )
    assert "z" not in graph(api, "dataset:db:a")
    links = facet(identifiers=[{"namespace": "hive://h:9083", "name": "db.t", "type": "TABLE"}])
    api.fill(
        {
            "eventTime": at(99),
            "producer": "p",
            "schemaURL": "s",
            "dataset": dataset("t", "s3://lake", {"symlinks": links}),
        }
    )
    assert "z" in graph(api, "dataset:db:a")
    assert api.get("/namespaces/hive%3A%2F%2Fh%3A9083/datasets/db.t")["id"] == {"namespace": "s3://lake", "name": "t"}


def test_explicit_lineage_goes_before_the_product(api):
    """Two outputs of one job that come from different inputs."""
    exact = {"lineage": lineage({"x": ["a"], "y": ["b"]})}
    api.fill(*whole_run(1, "j", 0, ["a", "b"], ["x", "y"], job_facets=exact))
    assert graph(api, "dataset:db:x") == {"a": {"j"}, "j": {"x"}, "x": set()}


def test_wide_column_lineage_is_whole(api):
    """A dataset with more column edges than any other server showed."""
    fields = {f"c{number}": [("a", f"c{number}")] for number in range(3600)}
    facets = {"columnLineage": column_lineage(fields), "schema": schema(*fields)}
    api.fill(*whole_run(1, "j", 0, [dataset("a", facets={"schema": schema(*fields)})], [dataset("b", facets=facets)]))
    found = api.get("/column-lineage", nodeId="dataset:db:b")["graph"]
    assert len(found) == 7200
    assert len(api.get("/namespaces/db/datasets/b")["columnLineage"]) == 3600


def columns(api: Any, node: str, **query: Any) -> dict[str, list[str]]:
    """What each column of a graph comes from. The edges of what a column depends on point at it from the column."""
    found = api.get("/column-lineage", nodeId=node, **query)["graph"]
    for one in found:
        assert one["type"] == "DATASET_FIELD"
        assert {edge["origin"] for edge in one["inEdges"] + one["outEdges"]} == {one["id"]}
        inputs = {f"datasetField:{f['namespace']}:{f['dataset']}:{f['field']}" for f in one["data"]["inputFields"]}
        assert inputs == {edge["destination"] for edge in one["inEdges"]}
    names = {one["id"]: one["id"].removeprefix("datasetField:db:") for one in found}
    return {names[one["id"]]: sorted(names[edge["destination"]] for edge in one["inEdges"]) for one in found}


@pytest.fixture
def columned(api: Any) -> Any:
    """a.x -> b.y -> c.z, and a.w -> b.v."""
    step = {"columnLineage": column_lineage({"y": [("a", "x")], "v": [("a", "w")]}), "schema": schema("y", "v")}
    last = {"columnLineage": column_lineage({"z": [("b", "y")]}), "schema": schema("z")}
    api.fill(
        *whole_run(1, "ab", 0, [dataset("a", facets={"schema": schema("x", "w")})], [dataset("b", facets=step)]),
        *whole_run(2, "bc", 50, ["b"], [dataset("c", facets=last)]),
    )
    return api


@pytest.mark.parametrize(
    ("node", "query", "expected"),
    [
        ("datasetField:db:c:z", {}, {"a:x": [], "b:y": ["a:x"], "c:z": ["b:y"]}),
        ("datasetField:db:c:z", {"depth": 1}, {"b:y": [], "c:z": ["b:y"]}),
        ("dataset:db:b", {}, {"a:w": [], "a:x": [], "b:v": ["a:w"], "b:y": ["a:x"]}),
        ("datasetField:db:a:x", {}, {}),
        ("datasetField:db:a:x", {"withDownstream": "True"}, {"a:x": [], "b:y": ["a:x"], "c:z": ["b:y"]}),
        (
            "dataset:db:a",
            {"withDownstream": "true", "depth": 1},
            {"a:w": [], "a:x": [], "b:v": ["a:w"], "b:y": ["a:x"]},
        ),
        ("job:jobs:ab", {}, {"a:w": [], "a:x": [], "b:v": ["a:w"], "b:y": ["a:x"]}),
    ],
)
def test_columns_are_walked_along_columns_alone(columned, node, query, expected):
    """Upstream, and downstream when asked; depth counts hops."""
    assert columns(columned, node, **query) == expected


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("/lineage", {"nodeId": "dataset:db:nothing"}, 404),
        ("/lineage", {"nodeId": "nonsense"}, 400),
        ("/lineage", {}, 400),
        ("/lineage", {"nodeId": "dataset:db:a", "depth": "-1"}, 400),
        ("/column-lineage", {"nodeId": "datasetField:db:a:nothing"}, 404),
        ("/column-lineage", {"nodeId": f"run:{run_id(9)}"}, 404),
        ("/runlineage/upstream", {"runId": run_id(9)}, 404),
    ],
)
def test_what_cannot_be_answered_is_told_as_marquez_does(columned, path, query, status):
    """``code`` and ``message``, and 400 for what is wrong with the request."""
    told = columned.get(path, status=status, **query)
    assert told["code"] == status
    assert told["message"]


def test_unknown_parameters_are_ignored(columned):
    """Clients of Marquez send what it does not know."""
    assert columned.get("/lineage", nodeId="dataset:db:a", withFacets="true")["graph"]


def test_a_run_knows_the_runs_that_it_depends_on(api):
    """Nearest first; each with what it read and which run had written that."""
    api.fill(*CHAIN)
    found = api.get("/runlineage/upstream", runId=run_id(3))["runs"]
    assert [(one["run"]["id"], one["job"]["name"]) for one in found] == [
        (run_id(3), "cd"),
        (run_id(2), "bc"),
        (run_id(1), "ab"),
    ]
    assert [one["inputs"][0]["producedByRunId"] for one in found] == [run_id(2), run_id(1), None]
    assert found[0]["run"]["status"] == "COMPLETED"
    assert len(api.get("/runlineage/upstream", runId=run_id(3), depth=1)["runs"]) == 2
