"""Objects, their versions and their tags; events; search; statistics."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.testing.events import (
    EPOCH_US,
    SECOND_US,
    at,
    dataset,
    dataset_event,
    facet,
    job_event,
    run_event,
    run_id,
    schema,
    whole_run,
)

CODE = {"sourceCodeLocation": facet(type="git", url="https://git.example/a")}
MOVED = {"sourceCodeLocation": facet(type="git", url="https://git.example/b")}


def test_a_job_has_a_version_for_all_it_read_and_wrote(api):
    """A version ends when inputs, outputs or the place of the code change, and comes back when they do."""
    api.fill(
        *whole_run(1, "j", 0, ["a"], ["z"], job_facets=CODE),
        *whole_run(2, "j", 100, ["a", "b"], ["z"], job_facets=CODE),
        *whole_run(3, "j", 200, ["a", "b"], ["z"], job_facets=MOVED),
        *whole_run(4, "j", 300, ["a"], ["z"], job_facets=CODE),
    )
    found = api.get("/namespaces/jobs/jobs/j/versions")["versions"]
    shown = [([one["name"] for one in version["inputs"]], version["location"]) for version in found]
    assert shown[0] == (["a"], "https://git.example/a")
    assert (["a", "b"], "https://git.example/b") in shown
    assert (["a", "b"], "https://git.example/a") in shown
    assert shown[-1] == ([], "https://git.example/a")
    ran = {version["latestRun"]["id"]: version["version"] for version in found if version["latestRun"]}
    assert set(ran) >= {run_id(2), run_id(3), run_id(4)}
    job = api.get("/namespaces/jobs/jobs/j")
    assert job["currentVersion"] == found[0]["version"]
    for version in found:
        one = api.get(f"/namespaces/jobs/jobs/j/versions/{version['version']}")
        assert (one["inputs"], one["location"]) == (version["inputs"], version["location"])
    runs = {one["id"]: one["jobVersion"]["version"] for one in api.get("/namespaces/jobs/jobs/j/runs")["runs"]}
    assert runs[run_id(1)] == runs[run_id(4)] != runs[run_id(2)] != runs[run_id(3)]
    api.get(f"/namespaces/jobs/jobs/j/versions/{run_id(1)}", status=404)


def test_versions_of_a_dataset_keep_their_ids(api):
    """A version is found by its UUID among many, whatever came after it."""
    for number in range(1, 8):
        api.fill(*whole_run(number, "j", number * 100, [], [dataset("d", facets={"schema": schema(f"c{number}")})]))
    page = api.get("/namespaces/db/datasets/d/versions", limit=3, offset=2)
    assert page["totalCount"] == 7
    assert [one["createdByRun"]["id"] for one in page["versions"]] == [run_id(5), run_id(4), run_id(3)]
    assert [one["fields"][0]["name"] for one in page["versions"]] == ["c5", "c4", "c3"]
    one = api.get(f"/namespaces/db/datasets/d/versions/{page['versions'][2]['version']}")
    assert one == page["versions"][2]
    assert api.get("/namespaces/db/datasets/d")["currentVersion"] not in {v["version"] for v in page["versions"]}


def test_facets_of_all_kinds_are_shown(api):
    """Description, tags, owners, lifecycle, quality: on the dataset or the job, as far as Marquez has a place."""
    facets = {
        "documentation": facet(description="words"),
        "schema": schema("x", "y"),
        "tags": facet(
            tags=[
                {"key": "pii", "value": "true", "source": "x"},
                {"key": "env", "value": "prod", "source": "x"},
                {"key": "secret", "value": "", "source": "x", "field": "y"},
            ]
        ),
        "lifecycleStateChange": facet(lifecycleStateChange="OVERWRITE"),
        "datasetType": facet(datasetType="TOPIC"),
        "never_heard_of": facet(anything=[1]),
    }
    quality = {"dataQualityAssertions": facet(assertions=[{"assertion": "not_null", "success": False, "column": "x"}])}
    parent = {"parent": facet(run={"runId": run_id(9)}, job={"namespace": "jobs", "name": "dag"})}
    about = {"jobType": facet(processingType="BATCH", integration="AIRFLOW", jobType="TASK"), **CODE}
    written = dataset("d", facets=facets, outputFacets=quality)
    api.fill(*whole_run(1, "dag.task", 0, [], [written], job_facets=about, run_facets=parent))
    found = api.get("/namespaces/db/datasets/d")
    assert (found["type"], found["description"], found["tags"]) == ("STREAM", "words", ["env:prod", "pii"])
    assert found["lastLifecycleState"] == "OVERWRITE"
    assert found["fields"][1]["tags"] == ["secret"]
    assert found["facets"]["dataQualityAssertions"]["assertions"][0]["success"] is False
    assert found["facets"]["never_heard_of"]["anything"] == [1]
    job = api.get("/namespaces/jobs/jobs/dag.task")
    assert (job["simpleName"], job["parentJobName"], job["labels"]) == ("task", "dag", ["TASK", "AIRFLOW"])
    assert job["location"] == "https://git.example/a"
    assert api.get(f"/jobs/runs/{run_id(1)}/facets", type="run")["facets"].keys() == {"parent"}
    assert api.get(f"/jobs/runs/{run_id(1)}/facets", type="job")["facets"].keys() == {"jobType", "sourceCodeLocation"}


def test_tags_come_and_go_and_leave_the_others(api):
    """Of a dataset, a column and a job; what an event said stays beside what was said here."""
    tags = {"tags": facet(tags=[{"key": "env", "value": "prod", "source": "x"}]), "schema": schema("x")}
    api.fill(dataset_event("d", 0, tags), job_event("j", 0, facets={"tags": tags["tags"]}))
    path = "/namespaces/db/datasets/d"
    assert api("POST", f"{path}/tags/a%2Fb")["tags"] == ["a/b", "env:prod"]
    assert api("POST", f"{path}/fields/x/tags/PII")["fields"][0]["tags"] == ["PII"]
    assert api("POST", f"{path}/tags/a%2Fb")["tags"] == ["a/b", "env:prod"]
    assert api("DELETE", f"{path}/tags/env%3Aprod")["tags"] == ["a/b"]
    found = api("DELETE", f"{path}/fields/x/tags/PII")
    assert (found["tags"], found["fields"][0]["tags"]) == (["a/b"], [])
    assert api("DELETE", f"{path}/tags/a%2Fb")["tags"] == []
    assert api("POST", "/namespaces/jobs/jobs/j/tags/gold")["tags"] == ["env:prod", "gold"]
    assert api("DELETE", "/namespaces/jobs/jobs/j/tags/gold")["tags"] == ["env:prod"]
    api("POST", f"{path}/fields/nothing/tags/PII", status=404)
    api("POST", "/namespaces/db/datasets/nothing/tags/PII", status=404)


def test_what_is_written_here_becomes_events(served, api):
    """The log holds everything: a store made of it again answers the same."""
    api("PUT", "/namespaces/shop", {"ownerName": "me"})
    api("PUT", "/sources/s", {"type": "POSTGRESQL", "connectionUrl": "postgres://s"})
    body = {"type": "DB_TABLE", "physicalName": "d", "sourceName": "s", "fields": [{"name": "x", "tags": ["PII"]}]}
    api("PUT", "/namespaces/shop/datasets/d", body)
    job = {"type": "BATCH", "inputs": [], "outputs": [{"namespace": "shop", "name": "d"}], "description": "makes d"}
    api("PUT", "/namespaces/shop/jobs/j", job)
    run = api("POST", "/namespaces/shop/jobs/j/runs", {"args": {"k": "v"}}, status=201)["id"]
    api("POST", f"/jobs/runs/{run}/start")
    api("POST", f"/jobs/runs/{run}/complete")
    api("POST", "/namespaces/shop/datasets/d/tags/gold")
    paths = [
        "/namespaces/shop/datasets/d",
        "/namespaces/shop/jobs/j",
        f"/jobs/runs/{run}",
        "/lineage?nodeId=job:shop:j",
    ]
    before = [api.get(path) for path in paths]
    assert before[0]["tags"] == ["gold"]
    assert before[0]["fields"][0]["tags"] == ["PII"]
    assert before[1]["outputs"] == [{"namespace": "shop", "name": "d"}]
    with served.service.stores.writing("default") as store:
        store.rebuild()
    assert [api.get(path) for path in paths] == before


def test_a_dataset_that_is_put_again_is_as_it_was_put(api):
    """What is not given any more goes; tags that are not spoken of stay; a deleted one is there again."""
    api("PUT", "/namespaces/shop", {"ownerName": "me"})
    api("PUT", "/sources/s", {"type": "X", "connectionUrl": "x://y"})
    path = "/namespaces/shop/datasets/d"
    body = {"type": "DB_TABLE", "physicalName": "d", "sourceName": "s"}
    api("PUT", path, {**body, "fields": [{"name": "x"}], "description": "words", "tags": ["gold"]})
    found = api("PUT", path, body)
    assert (found["fields"], found["description"], found["tags"]) == ([], None, ["gold"])
    api("DELETE", path)
    api.get(path, status=404)
    assert api("PUT", path, body)["deleted"] is False
    assert api.get("/namespaces/shop/datasets")["totalCount"] == 1
    api("PUT", "/namespaces/nowhere/datasets/d", body, status=404)
    api("PUT", path, {**body, "sourceName": "nothing"}, status=404)
    api("PUT", path, {**body, "type": "VIEW"}, status=400)


def test_a_namespace_that_is_deleted_is_hidden_until_something_is_in_it(api):
    """Its datasets and jobs are deleted with it."""
    api.fill(*whole_run(1, "j", 0, ["a"], ["b"], namespace="db"))
    assert api("DELETE", "/namespaces/db")["isHidden"] is True
    assert api.get("/namespaces/db/datasets") == {"datasets": [], "totalCount": 0}
    assert api.get("/namespaces/db/jobs") == {"jobs": [], "totalCount": 0}
    api.fill(run_event(run_id(2), "k", "START", 10**9, namespace="db"))
    assert api.get("/namespaces/db")["isHidden"] is False
    api("DELETE", "/namespaces/nowhere", status=404)


def test_a_dataset_that_becomes_one_with_a_deleted_one_is_there(api):
    """The URI of its source says that it is the table that was deleted: who puts it says that there is one."""
    there = "/namespaces/postgres%3A%2F%2Fpg%3A5432/datasets/shop.public.orders"
    api.fill(
        run_event(run_id(1), "load", "COMPLETE", 0, [], [dataset("shop.public.orders", namespace="postgres://pg:5432")])
    )
    api("DELETE", there)
    api.get(there, status=404)
    api("PUT", "/namespaces/warehouse", {"ownerName": "me"})
    api("PUT", "/sources/pg", {"type": "POSTGRESQL", "connectionUrl": "postgres://pg:5432/shop"})
    meta = {"type": "DB_TABLE", "physicalName": "orders", "sourceName": "pg", "fields": []}
    put = api("PUT", "/namespaces/warehouse/datasets/shop.public.orders", meta)
    assert put["name"] == "shop.public.orders"
    assert api.get(there)["deleted"] is False


def test_jobs_are_picked_by_the_state_of_their_last_run(api):
    """Several states, of one namespace or of all; the web pages ask in a way of their own."""
    api.fill(*whole_run(1, "good", 0), *whole_run(2, "bad", 50, end="FAIL"), *whole_run(3, "worse", 70, end="ABORT"))

    def listed(query: str) -> list[str]:
        found = api.get(f"/jobs{query}")
        assert found["totalCount"] == len(found["jobs"])
        return [one["name"] for one in found["jobs"]]

    assert listed("") == ["worse", "bad", "good"]
    assert listed("?lastRunStates=FAILED") == ["bad"]
    assert listed("?lastRunStates=FAILED&lastRunStates=ABORTED") == ["worse", "bad"]
    assert [one["name"] for one in api("POST", "/jobs?runState=COMPLETED")["jobs"]] == ["good"]
    assert api.get("/jobs?lastRunStates=BROKEN", status=400)["code"] == 400
    assert api.get("/jobs", limit=1, offset=1)["jobs"][0]["name"] == "bad"


def test_events_come_as_they_were_sent(api):
    """Bounds, order, pages; job and dataset events are no run events."""
    sent = [run_event(run_id(number), "j", "START", number * 1000) for number in range(1, 6)]
    api.fill(*sent, dataset_event("d", 500, {}), job_event("j", 600))
    found = api.get("/events/lineage")
    assert (found["events"], found["totalCount"]) == (sent[::-1], 5)
    found = api.get("/events/lineage", after=at(2000), before=at(4000), sortDirection="asc", limit=1, offset=1)
    assert (found["events"], found["totalCount"]) == ([sent[2]], 2)
    assert api.get("/events/lineage?before=&after=")["totalCount"] == 5
    assert api.get(f"/events/lineage?after={at(3000)[:-1]}+00:00")["totalCount"] == 3
    api.get("/events/lineage", before="soon", status=400)


def test_events_of_a_namespace_are_paged_and_counted(api, monkeypatch):
    """Those that name a job or a dataset of it, latest first, wherever pages that are looked through end."""
    monkeypatch.setattr("headwater.server.routes.marquez.events._PAGE", 2)
    elsewhere = {**dataset("x"), "namespace": "lake"}
    sent = [
        run_event(run_id(number), "j", "START", number * 1000, outputs=[elsewhere] if number in (1, 3, 4) else [])
        for number in range(1, 6)
    ]
    api.fill(*sent)
    found = api.get("/events/lake")
    assert (found["events"], found["totalCount"]) == ([sent[3], sent[2], sent[0]], 3)
    found = api.get("/events/lake", limit=1, offset=1)
    assert (found["events"], found["totalCount"]) == ([sent[2]], 3)
    assert api.get("/events/jobs", limit=2)["totalCount"] == 5
    assert api.get("/events/nowhere") == {"events": [], "totalCount": 0}


def test_search_finds_names_columns_and_descriptions(api):
    """By name or by time, of one kind or namespace, in a stretch of days."""
    api.fill(dataset_event("orders", 0, {"schema": schema("customer_email")}), job_event("load_orders", 86_400 * 3))
    found = api.get("/search", q="orders")
    assert [(one["type"], one["name"]) for one in found["results"]] == [("JOB", "load_orders"), ("DATASET", "orders")]
    assert found["results"][1]["nodeId"] == "dataset:db:orders"
    assert [one["name"] for one in api.get("/search", q="orders", sort="UPDATE_AT")["results"]] == [
        "load_orders",
        "orders",
    ]
    assert [one["name"] for one in api.get("/search", q="customer_email")["results"]] == ["orders"]
    assert [one["name"] for one in api.get("/search", q="orders", filter="JOB")["results"]] == ["load_orders"]
    assert [one["name"] for one in api.get("/search", q="orders", namespace="db")["results"]] == ["orders"]
    assert [one["name"] for one in api.get("/search", q="orders", before="2026-01-02")["results"]] == ["orders"]
    assert api.get("/search", q="zzzz") == {"totalCount": 0, "results": []}
    api.get("/search", q=" ", status=400)


def test_both_halves_of_the_other_search(served, api):
    """Jobs with the facets of their last run, datasets with theirs."""
    api.fill(*whole_run(1, "load", 0, [], [dataset("orders", facets={"schema": schema("email")})]))
    client = served.client()
    jobs = client.get("/api/v2beta/search/jobs", params={"q": "load"}).json()
    assert (jobs["hits"][0]["name"], jobs["hits"][0]["eventType"]) == ("load", "COMPLETE")
    assert jobs["hits"][0]["run_id"] == run_id(1)
    datasets = client.get("/api/v2beta/search/datasets", params={"q": "email"}).json()
    assert datasets["hits"][0]["facets"]["schema"]["fields"][0]["name"] == "email"
    assert datasets["highlights"] == [{"facets.schema.fields.name": ["<em>email</em>"]}]


@pytest.fixture
def noon(serve: Any) -> Any:
    """An API whose clock stands at noon of 7 January 2026, UTC."""
    from server.marquez.conftest import Api

    served = serve()
    served.service.clock = lambda: EPOCH_US + (6 * 86_400 + 43_200) * SECOND_US
    return Api(served.client())


def test_statistics_count_by_hour_and_by_day(noon):
    """Events in the interval they speak of; objects there were at its end; days begin where the time zone says."""
    api = noon
    day = 86_400
    api.fill(*whole_run(1, "j", 6 * day + 40_000, ["a"], ["b"]), *whole_run(2, "k", 4 * day - 1800, end="FAIL"))
    hours = api.get("/stats/lineage-events", period="DAY")
    assert len(hours) == 24
    assert hours[-1]["startInterval"] == at(6 * day + 43_200)
    busy = [(one["startInterval"], one["start"], one["complete"]) for one in hours if one["start"]]
    assert busy == [(at(6 * day + 39_600), 1, 1)]
    utc = api.get("/stats/lineage-events", period="WEEK", timezone="UTC")
    assert [one["fail"] for one in utc] == [0, 0, 0, 1, 0, 0, 0]
    kolkata = api.get("/stats/lineage-events", period="WEEK", timezone="Asia/Kolkata")
    assert [one["fail"] for one in kolkata] == [0, 0, 0, 0, 1, 0, 0]
    assert kolkata[0]["startInterval"] == at(-19_800)
    assert [one["count"] for one in api.get("/stats/jobs", period="WEEK", timezone="UTC")] == [0, 0, 0, 1, 1, 1, 2]
    assert [one["count"] for one in api.get("/stats/datasets", period="DAY")][-3:] == [0, 2, 2]
    assert [one["count"] for one in api.get("/stats/sources", period="WEEK")] == [0, 0, 0, 0, 0, 0, 1]
    assert len(api.get("/stats/jobs", period="HOUR")) == 4
    api.get("/stats/jobs", period="YEAR", status=400)
    api.get("/stats/jobs", timezone="../../etc/passwd", status=400)


def test_bodies_that_break_a_rule_leave_nothing(api):
    """400 that names the field, and no namespace, job or run is made."""
    told = api("PUT", "/namespaces/x", {"owner": "me"}, status=400)
    assert "ownerName" in told["message"]
    api.get("/namespaces/x", status=404)
    api.fill(job_event("j", 0))
    api("POST", "/namespaces/jobs/jobs/j/runs", {"id": "no uuid"}, status=400)
    assert api.get("/namespaces/jobs/jobs/j/runs") == {"runs": [], "totalCount": 0}
    api.get("/namespaces/jobs/jobs/j/runs", limit=-1, status=400)
    api.get("/namespaces/jobs/jobs/j/runs", limit=1_000_000, status=400)


def test_a_tenant_sees_nothing_of_another(served):
    """Namespaces, sources and tags included, which are no events."""
    from server.marquez.conftest import Api

    one, other = Api(served.client("one")), Api(served.client("other"))
    one("PUT", "/namespaces/x", {"ownerName": "me"})
    one("PUT", "/sources/s", {"type": "X", "connectionUrl": "x://y"})
    one("PUT", "/tags/t", {"description": "d"})
    assert [found["name"] for found in other.get("/namespaces")["namespaces"]] == ["default"]
    other.get("/namespaces/x", status=404)
    other.get("/sources/s", status=404)
    assert other.get("/tags") == {"tags": []}
    served.service.administration.drop_tenant("one", who="test")
    assert served.service.documents.all("one", "marquez.namespace") == []
