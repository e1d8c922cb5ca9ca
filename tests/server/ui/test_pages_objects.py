"""Pages of datasets, models, predictions, jobs and runs, and comparisons, over plain HTTP: the facts stand on them."""

from __future__ import annotations

import re
from urllib.parse import quote

import msgspec
import pytest

from headwater.testing.events import column_lineage, dataset, facet, run_event, run_id, schema

HTML = {"Accept": "text/html"}
HOSTILE = (
    "a/b:c#1",
    "<script>alert(1)</script>",
    "'; DROP TABLE x",
    "{{ 7*7 }}",
    "\u202eevil",
    "x" * 300,
    "50%",
    "?a=1&b=2",
)


def story() -> list[dict]:
    """raw -> t (three versions, a change of columns, metrics) -> m (a model) -> p (predictions); a run that failed."""

    def table(number: int, *columns: str) -> dict:
        metrics = {"id": {"nullCount": number, "distinctCount": 10, "min": 0, "max": 5}}
        return dataset(
            "t",
            facets={
                "schema": schema(*columns),
                "datasetType": facet(datasetType="TABLE"),
                "columnLineage": column_lineage({"id": [("raw", "id")]}),
                "documentation": facet(description="What it is for."),
            },
            outputFacets={"dataQualityMetrics": facet(rowCount=100 * number, columnMetrics=metrics)},
        )

    weights = {"kind": "impurity", "left_out": 2, "columns": {"id": 0.5}, "mixed": 0.125}
    own = facet(
        name="m",
        version="r1",
        features=["light", "id"],
        importances={"light": 0.25, "id": 0.625},
        importance_details=weights,
        hyper_parameters={"depth": 3},
    )
    features = column_lineage({"id": [("t", "id")]})
    model = dataset(
        "m", facets={"datasetType": facet(datasetType="MODEL"), "headwater_model": own, "columnLineage": features}
    )
    seeds = {
        "headwater_seeds": facet(seeds=[{"library": "numpy", "value": 7}]),
        "headwater_parameters": facet(parameters={"lr": 0.5}),
        "headwater_metrics": facet(metrics=[{"name": "auc", "value": 0.75}]),
    }
    failed = {"errorMessage": facet(message="column missing", programmingLanguage="SQL", stackTrace="at line 3")}
    sql = {"sql": facet(query="INSERT INTO t SELECT id FROM raw")}
    return [
        run_event(run_id(1), "load", "COMPLETE", 1, ["raw"], [table(1, "id", "old")], job_facets=sql),
        run_event(run_id(2), "load", "COMPLETE", 2, ["raw"], [table(2, "id", "new")], job_facets=sql),
        run_event(run_id(3), "load", "COMPLETE", 3, ["raw"], [table(3, "id", "new")], job_facets=sql),
        run_event(run_id(4), "load", "FAIL", 4, ["raw"], [table(9, "id")], job_facets=sql, run_facets=failed),
        run_event(run_id(5), "fit", "COMPLETE", 5, ["t"], [model], run_facets=seeds),
        run_event(
            run_id(6),
            "score",
            "COMPLETE",
            6,
            ["m", "t"],
            [dataset("p", facets={"datasetType": facet(datasetType="PREDICTIONS")})],
            run_facets={"parent": facet(run={"runId": run_id(5)}, job={"namespace": "jobs", "name": "fit"})},
        ),
    ]


@pytest.fixture
def client(served):
    """Somebody over the story."""
    found = served.client()
    for event in story():
        assert found.post("/api/v1/lineage", content=msgspec.json.encode(event)).status_code == 201
    found.headers.update(HTML)
    return found


def text_of(client, path: str) -> str:
    """The words of a page, without markup and with single spaces."""
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    main = answer.text[answer.text.index("<main") :]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", main))


def test_a_dataset_says_what_it_is_and_was(client):
    """Columns, versions, charts with a table, changes of the schema, writers and readers."""
    text = text_of(client, "/datasets/dataset:db:t")
    for words in (
        "What it is for.",
        "Version v3 · 300 rows",
        "3 values from 100 to 300; first 100, last 300.",
        "Rows 100 200 300",
        "id : nulls 1 2 3",
        "+ new",
        "\u2212 old",
        "Written by Job",
        "load failed",
        "Read by Job",
        "fit completed",
    ):
        assert words in text


def test_a_row_that_is_not_there_is_said_beside_its_form(client):
    """Of a log whose rows are counted, a row behind the last is refused with how far they run, and the page stands."""
    out = dataset(
        "q",
        facets={"datasetType": facet(datasetType="PREDICTIONS")},
        outputFacets={"outputStatistics": facet(rowCount=3)},
    )
    event = run_event(run_id(77), "score", "COMPLETE", 77, ["t"], [out])
    assert client.post("/api/v1/lineage", content=msgspec.json.encode(event)).status_code == 201
    answer = client.get("/datasets/dataset:db:q?row=3")
    assert answer.status_code == 422
    assert "Row 3 is not in q: its rows are 0 to 2." in answer.text
    assert 'placeholder="0 to 2"' in answer.text
    assert client.get("/datasets/dataset:db:q?row=2").status_code == 200


def test_columns_of_which_nothing_was_measured_are_names_only(client):
    """A table of columns has none that are empty: where no type is known and nothing was measured, only names."""
    page = client.get("/datasets/dataset:db:m").text
    columns = page[page.index('id="columns"') : page.index('id="versions"')]
    assert "Distribution" not in columns
    assert "Distribution" in client.get("/datasets/dataset:db:t").text


def test_a_page_that_finds_nothing_leads_to_the_search(client):
    """The remedy on a page is a link to search, not a command for a terminal."""
    page = client.get("/lineage?root=zzqqxx").text
    assert 'href="/search?q=zzqqxx"' in page
    assert "headwater search" not in page


def test_an_older_version_has_a_page_that_says_so(client):
    """A version is named in the query; the page says that there is a later one."""
    first = re.findall(
        r'href="(/datasets/dataset%3Adb%3At\?version=[^"]+)"', client.get("/datasets/dataset:db:t").text
    )[-1]
    assert "This is version 1, not the latest one." in text_of(client, first)
    assert "not the latest" not in text_of(client, "/datasets/dataset:db:t")
    assert client.get("/datasets/dataset:db:t?version=none").status_code == 422


def test_a_model_says_what_it_learned_from_and_what_it_predicted(client):
    """Features with importance, seeds, metrics, parameters, family, predictions, the way back to raw data."""
    text = text_of(client, "/datasets/dataset:db:m")
    importances = (
        "id 0.625 light 0.25",
        "mean decrease of impurity, the sum is 1.",
        "Not recorded: the importance of 2 features.",
        "Column Importance id 0.5",
        "Features that mix several columns weigh 0.125 together.",
    )
    for words in (*importances, "numpy: 7", "auc 0.75", "depth 3", "this one", "Raw: raw", "Predictions, latest first"):
        assert words in text
    assert 'href="/datasets/dataset%3Adb%3Ap"' in client.get("/datasets/dataset:db:m").text


def test_an_edge_into_a_model_says_how_much_the_feature_matters(client):
    """Beside how the column is known, the importance of the feature that it feeds, and what that number is."""
    answer = client.get("/lineage/edge?source=dataset:db:t&target=dataset:db:m")
    text = " ".join(re.sub(r"<[^>]*>", " ", answer.text).split())
    assert "From To How Importance id id direct 0.625" in text
    assert "Importance: mean decrease of impurity, the sum is 1." in text


def test_predictions_show_the_whole_chain(client):
    """Every version back to raw data with the run that made it; a row that cannot be is refused."""
    text = text_of(client, "/datasets/dataset:db:p?row=3")
    assert "Every version on the way back, nearest first: 4" in text
    assert "the number of rows is not known, so row 3 could not be checked" in text
    for row in ("-1", "seven", "0x1", "9" * 30):
        answer = client.get(f"/datasets/dataset:db:p?row={row}")
        assert answer.status_code == 422
        assert "A row is a number, counted from 0" in answer.text
        assert f'value="{row}"' in answer.text
        assert "Every version on the way back" in answer.text


def test_a_job_says_how_its_runs_went_and_whether_its_sql_agrees(client):
    """Runs as bars and as a table, inputs and outputs, the SQL beside the claims."""
    text = text_of(client, "/jobs/job:jobs:load")
    for words in ("4 runs, oldest first: 3 completed, 1 failed.", "Reads Dataset", "INSERT INTO t SELECT id FROM raw"):
        assert words in text
    assert "100 %" in text
    assert text.count("with the one before") == 3


def test_a_run_says_what_it_was_given_and_how_it_ended(client):
    """Parameters, seeds, metrics, children; of one that failed the error, and that it counts for nothing."""
    text = text_of(client, f"/runs/{run_id(5)}")
    for words in ("lr 0.5", "numpy", "auc", "Runs that it started", "score"):
        assert words in text
    failed = text_of(client, f"/runs/{run_id(4)}")
    for words in ("column missing", "at line 3", "claimed only", "are not part of the graph"):
        assert words in failed
    assert f'href="/runs/{run_id(5)}"' in client.get(f"/runs/{run_id(6)}").text
    assert client.get(f"/runs/{run_id(99)}").status_code == 404


def test_two_sides_are_compared(client):
    """Two runs, two versions, or the latest two; what differs stands side by side, what is the same is counted."""
    text = text_of(client, "/compare?before=dataset:db:t")
    assert "Nothing differs." not in text
    text = text_of(client, f"/compare?before={run_id(1)}&after={run_id(4)}")
    assert "~ state changed COMPLETED FAILED" in text
    assert "column missing" in text
    assert "Nothing differs." in text_of(client, f"/compare?before={run_id(1)}&after={run_id(1)}")
    assert client.get("/compare?before=nobody").status_code == 404
    assert client.get(f"/compare?before={run_id(1)}&after=dataset:db:t").status_code == 422


def test_a_comparison_is_short_and_loses_nothing(served):
    """Digests are shown by as many digits as tell them apart, all of them in the title; runs by the beginning of their
    ids, whole for whoever copies; what is the same on both sides of a changed output is left out; numbers differ by."""
    client = served.client()
    for number, digest, rows in ((1, "ab" * 8 + "1" * 16, 10), (2, "ab" * 8 + "2" * 16, 10)):
        facets = {"headwater_fingerprint": facet(exact=digest, algorithm="x")}
        out = dataset(
            "/data/x/out.csv", namespace="file", facets=facets, outputFacets={"outputStatistics": facet(rowCount=rows)}
        )
        metrics = {"headwater_metrics": facet(metrics=[{"name": "auc", "value": number / 4}])}
        event = run_event(run_id(number), "/data/x/train.py", "COMPLETE", number, ["in"], [out], run_facets=metrics)
        assert client.post("/api/v1/lineage", content=msgspec.json.encode(event)).status_code == 201
    client.headers.update(HTML)
    page = client.get("/compare?before=job:jobs:/data/x/train.py").text
    text = text_of(client, "/compare?before=job:jobs:/data/x/train.py")
    assert "~ auc changed 0.25 0.5 (+0.25)" in text
    assert f"~ out. csv /data/x/out.csv changed {'ab' * 8}1 {'ab' * 8}2" in text
    assert f'title="{"ab" * 8}{"1" * 16}"' in page
    assert "Comparison of train. py" in text
    assert run_id(1) in page
    assert run_id(1) not in text
    assert "The same:" in text


def test_what_cannot_be_compared_is_said_beside_the_form(client):
    """A name that is not known, two sides of different sorts, a date that is none: the page stands, says why, keeps
    what was typed, and offers names that are near and runs to choose from."""
    for before, after, status, words in (
        ("dataset:db:tt", "", 404, "Nothing named"),
        (run_id(1), "dataset:db:t", 422, "db:t"),
        ("2026-99-99", "2026-01-01", 422, "2026-99-99"),
    ):
        answer = client.get(f"/compare?before={quote(before, safe='')}&after={quote(after, safe='')}")
        assert answer.status_code == status, before
        assert 'role="alert"' in answer.text
        assert f'value="{before}"' in answer.text
        assert words in answer.text
        assert "Or choose two of the latest runs" in answer.text


def test_two_runs_can_be_chosen_from_a_list(client):
    """Where nothing is compared yet the latest runs are offered, the latest two of one job chosen already; the two
    sides can be swapped."""
    page = client.get("/compare").text
    assert page.count('name="before" required value="run:') >= 2
    assert page.count(" checked") == 2
    swapped = f"/compare?before={quote('run:' + run_id(4), safe='')}&amp;after={quote('run:' + run_id(1), safe='')}"
    assert swapped in client.get(f"/compare?before={run_id(1)}&after={run_id(4)}").text


def test_the_wrong_page_leads_to_the_right_one(client):
    """An id of a job or run under /datasets, or the reverse, is sent to its own page; a column to its dataset."""
    assert client.get("/datasets/job:jobs:load").headers["location"] == "/jobs/job%3Ajobs%3Aload"
    assert client.get(f"/datasets/run:{run_id(1)}").headers["location"] == f"/runs/{run_id(1)}"
    assert client.get("/jobs/dataset:db:t").headers["location"] == "/datasets/dataset%3Adb%3At"
    assert "Columns" in text_of(client, "/datasets/dataset:db:t:id")


def test_what_is_not_known_is_not_found(client):
    """A name that nobody told of is a page with near names, not an error of ours."""
    answer = client.get("/datasets/dataset:db:tt")
    assert answer.status_code == 404
    assert "<h1>" in answer.text


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_a_name_is_a_name(served, name):
    """Datasets, jobs and columns of any name have their page, and links to one another that work."""
    client = served.client()
    out = dataset(name, facets={"schema": schema(name), "datasetType": facet(datasetType="MODEL")})
    event = run_event(run_id(1), name, "COMPLETE", 1, ["start"], [out])
    assert client.post("/api/v1/lineage", content=msgspec.json.encode(event)).status_code == 201
    for path in (f"/datasets/{quote(f'dataset:db:{name}', safe='')}", f"/jobs/{quote(f'job:jobs:{name}', safe='')}"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert "<script>alert" not in answer.text
        assert "49" not in re.findall(r"<h1>.*?</h1>", answer.text, re.DOTALL)[0]
        links = set(re.findall(r'href="(/(?:datasets|jobs|runs)/[^"]+)"', answer.text))
        assert links
        assert {client.get(link.replace("&amp;", "&")).status_code for link in links} == {200}


def test_every_page_opens_on_every_kind_of_store(served_everywhere):
    """Each page answers on each backend, with the story and with nothing at all."""
    client = served_everywhere.client()
    client.headers.update(HTML)
    administration = ("/admin", "/admin/quarantine", "/admin/keys", "/admin/members", "/admin/shares")
    whole = ("/", "/feed", "/home/parts", "/runs", "/runs?state=FAILED", "/compare", *administration)
    assert {path: client.get(path).status_code for path in whole} == dict.fromkeys(whole, 200)
    for event in story():
        assert client.post("/api/v1/lineage", content=msgspec.json.encode(event)).status_code == 201
    ids = ("dataset:db:t", "dataset:db:m", "dataset:db:p", "dataset:db:raw")
    paths = (
        *whole,
        "/admin/tenants",
        *(f"/datasets/{one}" for one in ids),
        "/jobs/job:jobs:load",
        f"/runs/{run_id(5)}",
        "/compare?before=job:jobs:load",
        f"/compare?before={run_id(1)}&after={run_id(2)}",
    )
    assert {path: client.get(path).status_code for path in paths} == dict.fromkeys(paths, 200)


def test_a_program_does_not_contradict_the_sql_that_it_runs(served):
    """Of a job in another language only what its SQL is about is compared, by the names that the page uses; of a job
    that is its SQL all is."""
    client = served.client()
    client.headers.update(HTML)
    sql = facet(query="SELECT id FROM patients")
    for number, (name, language) in enumerate((("script", "python"), ("statement", "SQL")), 1):
        source = {"sql": sql, "sourceCode": facet(language=language, sourceCode="x")}
        inputs = ["patients", dataset("/deep/folder/raw.csv", "file")]
        event = run_event(run_id(number), name, "COMPLETE", number, inputs, ["out"], job_facets=source)
        assert client.post("/api/v1/lineage", content=msgspec.json.encode(event)).status_code == 201
    script = text_of(client, "/jobs/job:jobs:script")
    assert "SQL that it runs" in script
    assert "told by the emitter alone, and not listed here: 2 claims" in script
    assert "contradict" not in script
    assert "the emitter only" not in script
    statement = text_of(client, "/jobs/job:jobs:statement")
    assert "SQL, and whether it says what the emitter claims" in statement
    assert "the emitter only" in statement
    claimed = client.get("/jobs/job:jobs:statement").text
    assert '<span aria-hidden="true">folder/<wbr>raw.<wbr>csv</span>' in claimed[claimed.index('id="claims"') :]


def coded(number, text, sha256):
    """A run of one job with the text and digest of its code."""
    source = {"sourceCode": facet(language="python", sourceCode=text, sha256=sha256)} if text else {}
    code = {"headwater_code": facet(path="s.py", sha256=sha256)}
    return run_event(run_id(number), "s.py", "COMPLETE", number, ["in"], ["out"], job_facets=source, run_facets=code)


def test_code_is_compared_line_by_line_and_is_text_only(served):
    """Two runs show the lines that differ, a run its text, folded; tags in the code are shown, not obeyed."""
    client = served.client()
    old, new = "x = 1\nprint('</code><script>alert(1)</script>')\n", "x = 2\nprint('</code><b>')\n"
    for event in (coded(1, old, "a1"), coded(2, new, "b2"), coded(3, "", "b2"), coded(4, "", "c3")):
        assert client.post("/api/v1/lineage", content=msgspec.json.encode(event)).status_code == 201
    client.headers.update(HTML)
    page = client.get(f"/compare?before={run_id(1)}&after={run_id(2)}").text
    assert '<span class="line-removed">-x = 1</span>' in page
    assert '<span class="line-added">+x = 2</span>' in page
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page
    assert "Same code." in text_of(client, f"/compare?before={run_id(2)}&after={run_id(3)}")
    missing = "Unknown: the text of run 00000000-0004 was not kept."
    assert missing in text_of(client, f"/compare?before={run_id(3)}&after={run_id(4)}")
    assert "2 lines, with secrets masked x = 2 print" in text_of(client, f"/runs/{run_id(3)}")
    assert "The text of run 00000000-0004 was not kept." in text_of(client, f"/runs/{run_id(4)}")
    assert "<details><summary>2 lines" in client.get("/jobs/job:jobs:s.py").text
