"""Impact, why, diff and the rest, on the sample project."""

from __future__ import annotations

import json
from collections.abc import Callable

import msgspec
import pytest

from headwater.errors import InvalidInput, NotFound
from headwater.query import Impact, Lineage
from headwater.storage.base import Store
from headwater.storage.memory import MemoryStore
from headwater.testing.events import (
    EPOCH_US,
    SECOND_US,
    column_lineage,
    facet,
    raw,
    run_event,
    run_id,
    schema,
    whole_run,
)
from headwater.testing.events import dataset as given
from headwater.testing.events import lineage as links

from .histories import FILES, RUN, dataset, encoded, run_events


def verdicts(impact: Impact) -> dict[str, tuple[str, str]]:
    """Return severity and certainty by short name."""
    return {item.node.name.rpartition("/")[2]: (item.severity, item.certainty) for item in impact.items}


def test_dropping_a_column_breaks_what_its_values_reach(lineage: Lineage) -> None:
    """Along DIRECT edges everything breaks; behind an edge without columns it is only possible."""
    found = verdicts(lineage.impact("cells.csv:radius"))
    assert found["tumour.pkl"] == ("breaks", "certain")
    assert found["predictions.parquet"] == ("breaks", "certain")
    assert found["clean.py"] == ("breaks", "certain")
    assert found["train.py"] == ("changes", "certain")
    assert found["report.csv"] == ("check", "possible")


def test_a_column_that_only_decides_is_possible(lineage: Lineage) -> None:
    """The age filters features; its value never reaches the model."""
    impact = lineage.impact("patients.age")
    assert verdicts(impact)["tumour.pkl"] == ("check", "possible")
    features = next(item for item in impact.items if item.node.name.endswith("features.parquet"))
    assert features.reason == "it decides here, as a filter, and its value does not flow"
    assert features.fields == ("texture_z",)


def test_a_path_shows_why(lineage: Lineage) -> None:
    """Each affected node carries the way from the changed column to it, column by column."""
    model = lineage.impact("cells.csv:radius").of_type("model")[0]
    steps = [(step.node.rpartition("/")[2], step.field) for step in model.path]
    assert steps == [
        ("cells.csv", "radius"),
        ("clean.parquet", "radius"),
        ("features.parquet", "radius_ratio"),
        ("tumour.pkl", "radius_ratio"),
    ]
    assert [step.job.rpartition(":")[2] for step in model.path] == ["", "clean.py", "features.py", "train.py"]
    assert model.distance == 3


def test_worst_first_and_predictions_before_tables(lineage: Lineage) -> None:
    """Items are ranked by severity, then by what matters most to people, then by distance."""
    impact = lineage.impact("cells.csv:radius")
    order = [item.severity for item in impact.items]
    assert order == sorted(order, key=["breaks", "changes", "check"].index)
    assert impact.items[0].node.type == "PREDICTIONS"
    assert lineage.impact("cells.csv:radius", limit=2).truncated


@pytest.mark.parametrize(("change", "severity"), [("retire", "breaks"), ("delete_rows", "changes"), ("drop", "breaks")])
def test_changes_of_a_whole_dataset(lineage: Lineage, change: str, severity: str) -> None:
    """A dataset's change follows dataset edges; a cross product of one input is as exact as a declared edge."""
    impact = lineage.impact("cells.csv", change=change)  # type: ignore[arg-type]
    assert verdicts(impact)["tumour.pkl"] == (severity, "certain")
    assert verdicts(impact)["report.csv"] == (severity, "certain")


def test_impact_refuses_what_makes_no_sense(lineage: Lineage) -> None:
    """Rows of a column cannot be deleted, and changes have names."""
    with pytest.raises(InvalidInput, match="whole dataset"):
        lineage.impact("cells.csv:radius", change="delete_rows")
    with pytest.raises(InvalidInput, match="one of drop, retype"):
        lineage.impact("cells.csv", change="explode")  # type: ignore[arg-type]


def test_why_walks_from_a_row_to_raw_files(lineage: Lineage) -> None:
    """A row leads to the model version, the run that trained it with code and parameters, and the raw data."""
    why = lineage.why("predictions.parquet#17")
    assert why.row == 17
    assert why.subject.run is not None
    assert why.subject.run.job_name == "predict.py"
    (model,) = why.models
    assert model.parameters == {"n_estimators": 200, "max_depth": 5}
    assert model.features == ("radius_ratio", "texture_z")
    assert model.made.run is not None
    assert model.made.run.parameters["n_estimators"] == 200
    assert model.made.run.code.commit.startswith("3fa2b1c")
    assert model.made.run.code.is_dirty is True
    assert model.made.run.seeds[0].value == 42
    assert model.metrics == {"auc": 0.983}
    assert {source.name for source in why.sources} == {FILES["cells"][1], FILES["patients"][1]}
    assert why.columns == ("probability",)
    raw = {(step.source.rpartition("/")[2].partition("#")[0], step.source_field) for step in why.trail}
    assert {("cells.csv", "radius"), ("cells.csv", "texture")} <= raw


def test_columns_are_followed_through_another_of_the_same_dataset() -> None:
    """A table that is updated in place: what is made of the new column breaks with the one that it is computed from."""
    store = MemoryStore("default")

    def writes(number: int, job: str, target: str, **columns: list[tuple[str, str]]) -> None:
        facets = {"columnLineage": column_lineage(columns)}
        inputs = sorted({name for sources in columns.values() for name, _ in sources})
        store.append(raw(whole_run(number, job, number * 20, inputs, [given(target, facets=facets)])))

    writes(1, "load", "orders", amount=[("raw", "amount")])
    writes(2, "tax", "orders", tax=[("orders", "amount")], amount=[("orders", "amount")])
    writes(3, "report", "out", tax=[("orders", "tax")])
    lineage = Lineage(store)
    impact = lineage.impact("raw:amount")
    assert {item.node.name: item.fields for item in impact.items if item.severity == "breaks"} == {
        "orders": ("amount", "tax"),
        "out": ("tax",),
        "load": ("amount",),
    }
    assert "raw:amount → orders:amount → orders:tax → out:tax" in str(impact)
    for graph, root in (
        (lineage.upstream("out", columns=True), "out"),
        (lineage.downstream("raw", columns=True), "raw"),
    ):
        assert {node.name for node in graph.datasets()} == {"raw", "orders", "out"}, root
        assert "tax ← amount" in str(graph)
        assert str(graph).count("orders") == 1
        assert graph.to_svg()
        derived = json.loads(graph.to_prov())["wasDerivedFrom"].values()
        assert all(one["prov:generatedEntity"] != one["prov:usedEntity"] for one in derived)
    plain = lineage.upstream("out")
    assert all(edge.source != edge.target for edge in plain.edges)


def test_why_counts_the_versions_of_what_is_added_to_every_day() -> None:
    """A log of sixty days is told in a few lines, with the raw data of the latest fifty; the JSON has all of them."""
    store = MemoryStore("default")
    for day in range(1, 61):
        adds = {"lineage": links({"log": [f"day{day}", "log"]})}
        store.append(raw(whole_run(day, "daily", day * 100, [f"day{day}"], ["log"], job_facets=adds)))
    store.append(raw(whole_run(99, "report", 99_000, ["log"], ["report"])))
    text = str(Lineage(store).why("log"))
    assert text.count("run ") == 1
    assert "⋯ 59 earlier versions of log by daily, back to" in text
    assert "day60" in text
    assert "and 10 more sources: use --json" in text
    assert len(Lineage(store).why("log").history) == 120
    text = str(Lineage(store).why("report"))
    assert text.count("run ") == 2
    assert "⋯ 59 earlier versions of log by daily, back to" in text


def test_why_of_an_earlier_version_names_the_earlier_model(lineage: Lineage) -> None:
    """Lineage hangs on versions: the first predictions came from the model with 100 trees."""
    for why in (lineage.why("predictions.parquet#v1"), lineage.why("predictions.parquet#3", as_of="2026-03-03")):
        assert why.models[0].parameters["n_estimators"] == 100


def test_rows_are_checked_against_the_version(lineage: Lineage) -> None:
    """A row that the version does not have is refused, with the rows it has."""
    lineage.why("predictions.parquet#142")
    with pytest.raises(InvalidInput, match="its rows are 0 to 142"):
        lineage.why("predictions.parquet#143")
    with pytest.raises(InvalidInput, match="must be data, not a job"):
        lineage.why("train.py")
    with pytest.raises(NotFound, match="no version"):
        lineage.why("predictions.parquet", as_of="2026-03-01")


def test_diff_of_runs_is_what_was_changed(lineage: Lineage) -> None:
    """One parameter was changed; its consequences are listed, and nothing else."""
    diff = lineage.diff("train.py")
    assert [(item.what, item.name, item.kind) for item in diff.differences] == [
        ("parameter", "n_estimators", "changed"),
        ("code", "uncommitted changes", "changed"),
        ("environment", "scikit-learn", "changed"),
        ("metric", "auc", "changed"),
        ("output", "dataset:file:/project/models/tumour.pkl", "changed"),
    ]
    runs = lineage.runs("train.py")
    again = lineage.diff(runs[1].run_id, runs[0].run_id)
    assert again == diff
    same = lineage.diff(runs[0].run_id, runs[0].run_id)
    assert not same
    assert same.same


def test_diff_of_versions_finds_the_cause_upstream(lineage: Lineage) -> None:
    """The predictions differ because, two steps back, the number of trees does."""
    diff = lineage.diff("predictions.parquet#v1", "predictions.parquet#v2")
    (cause,) = diff.of_kind("parameter")
    assert (cause.name, cause.before, cause.after) == ("train.py: n_estimators", 100, 200)
    assert [item.name.rpartition("/")[2] for item in diff.of_kind("input")] == ["tumour.pkl"]


def test_diff_of_instants_is_edges_that_came_and_went(lineage: Lineage) -> None:
    """Between the training and the prediction of the first day one job was added to what lies upstream."""
    diff = lineage.diff("2026-03-03T10:03:30Z", "2026-03-03T10:04:30Z", of="predictions.parquet")
    assert {item.kind for item in diff.differences} == {"added"}
    whole = lineage.diff("2026-03-03T10:04:30Z", "2026-03-03T10:05:30Z")
    assert [item.name for item in whole.of_kind("edge")] == [
        "dataset:file:/project/out/predictions.parquet -> dataset:file:/project/out/report.csv by job:project:report.py"
    ]


def test_diff_says_what_it_cannot_compare(lineage: Lineage) -> None:
    """A run is not compared with a dataset, and one run not with nothing."""
    with pytest.raises(InvalidInput, match="two runs, two versions or two instants"):
        lineage.diff(RUN.format(day=3, job=3), "cells.csv")
    with pytest.raises(NotFound, match=r"^report\.py ran only once"):
        lineage.diff("report.py")
    with pytest.raises(NotFound, match=r"^report\.csv has only one version"):
        lineage.diff("report.csv")


def test_show_of_each_kind(lineage: Lineage) -> None:
    """A dataset shows columns, versions and neighbours; a job its latest run; a run what it read and wrote."""
    shown = lineage.show("clean.parquet")
    assert [column.name for column in shown.columns] == ["id", "radius", "texture", "age"]
    assert [version.ordinal for version in shown.versions] == [2, 1]
    assert [found.id for found in shown.producers] == ["job:project:clean.py"]
    assert [found.id for found in shown.consumers] == ["job:project:features.py"]
    assert lineage.show("patients").tags == ("pii",)
    assert lineage.show("cells.csv").owners == ("team:lab",)
    job = lineage.show("train.py")
    assert job.run is not None
    assert job.run.run_id == RUN.format(day=4, job=3)
    run = lineage.show(RUN.format(day=3, job=3))
    assert [version.name for version in run.outputs] == [FILES["model"][1]]
    assert [version.name for version in run.inputs] == [FILES["features"][1]]


def test_history_tells_which_columns_changed(store: Store, lineage: Lineage) -> None:
    """A schema change is told column by column, latest first."""
    wider = dataset("report", schema={"fields": [{"name": "group", "type": "text"}, {"name": "count", "type": "int"}]})
    store.append(encoded(run_events("report.py", 5, day=5, operation="ETL", inputs=[], outputs=[wider], entries=[])))
    changes = [change for change in lineage.history("report.csv").changes if change.facet == "schema"]
    assert (changes[0].kind, changes[0].added, changes[0].removed) == ("changed", ("count",), ("mean",))
    assert changes[0].retyped == ("group: float64 to text",)
    assert changes[1].kind == "added"


def test_runs_are_filtered_and_latest_first(store: Store, lineage: Lineage) -> None:
    """Runs of a job, of the writers of a dataset, by state; an unknown state is refused."""
    failed = run_events(
        "train.py", 9, day=5, operation="MODEL_TRAINING", inputs=[], outputs=[], entries=[], state="FAIL"
    )
    store.append(encoded(failed))
    assert [run.state for run in lineage.runs("train.py")] == ["FAILED", "COMPLETED", "COMPLETED"]
    assert [run.job_name for run in lineage.runs(state="failed")] == ["train.py"]
    assert [run.run_id for run in lineage.runs("tumour.pkl")] == [RUN.format(day=day, job=3) for day in (4, 3)]
    with pytest.raises(InvalidInput, match="one of new"):
        lineage.runs(state="exploded")


def test_search_finds_columns_and_kinds(lineage: Lineage) -> None:
    """A word finds columns too, and a kind narrows the hits down."""
    assert any(hit.field == "texture_z" for hit in lineage.search("texture"))
    assert [hit.name for hit in lineage.search("tumour", kind="model")] == [FILES["model"][1]]


def test_coverage_counts(lineage: Lineage) -> None:
    """Counts and shares of what is known."""
    found = lineage.coverage()
    assert (found.datasets, found.with_producer, found.with_consumer, found.sources) == (7, 5, 6, 2)
    assert found.with_schema == 7
    assert found.with_fingerprint == 6  # of the two that nobody wrote, one was read under its fingerprint
    assert found.edges["declared"] == 6
    assert found.edges["product"] == 1
    assert found.column_share == pytest.approx(6 / 7)


def test_json_answers_are_json(lineage: Lineage) -> None:
    """Every answer has one JSON form that reads back."""
    answers = [
        lineage.impact("cells.csv:radius").to_json(),
        lineage.why("predictions.parquet#1").to_json(),
        lineage.diff("train.py").to_json(),
        lineage.show("train.py").to_json(),
        lineage.coverage().to_json(),
    ]
    for text in answers:
        assert json.loads(text)
    impact = msgspec.json.decode(answers[0], type=Impact)
    assert impact == lineage.impact("cells.csv:radius")


def test_numbers_out_of_range_name_the_option(lineage: Lineage) -> None:
    """Depth and limit below their range are refused by name."""
    with pytest.raises(InvalidInput) as caught:
        lineage.upstream("tumour.pkl", depth=-1)
    assert caught.value.field == "depth"
    with pytest.raises(InvalidInput) as caught:
        lineage.upstream("tumour.pkl", limit=0)
    assert caught.value.field == "limit"
    with pytest.raises(InvalidInput) as caught:
        lineage.upstream("tumour.pkl", level="rows")  # type: ignore[arg-type]
    assert caught.value.field == "level"


@pytest.mark.parametrize(
    "ask",
    [
        lambda lineage, many: lineage.upstream("tumour.pkl", depth=many),
        lambda lineage, many: lineage.runs(limit=many),
        lambda lineage, many: lineage.runs("tumour.pkl", limit=many),
        lambda lineage, many: lineage.history("tumour.pkl", limit=many),
        lambda lineage, many: lineage.search("tumour", limit=many),
    ],
    ids=["depth", "runs", "writers", "history", "search"],
)
def test_more_than_any_store_holds_is_all_of_it_or_refused(
    lineage: Lineage, ask: Callable[[Lineage, int], object]
) -> None:
    """The largest number that is taken has the answer of none; a larger one is refused with the rule."""
    assert ask(lineage, 10**15)
    with pytest.raises(InvalidInput, match="must be 1,000,000,000,000,000 or less"):
        ask(lineage, 10**20)


def test_what_nobody_known_wrote_has_the_rows_and_content_its_reader_saw() -> None:
    """Raw data is described by the run that read it first: in its details, its history and the way back to it."""
    store = MemoryStore.open()
    seen = {
        "headwater_fingerprint": facet(exact="exact:1f2e", file={"sha256": "0a0b"}),
        "dataQualityMetrics": facet(rowCount=569, columnMetrics={}),
    }
    odd = {**seen, "dataQualityMetrics": facet(rowCount=True, columnMetrics={})}
    store.append(raw(whole_run(1, "clean", 0, [given("raw", facets=seen)], ["tidy"])))
    store.append(raw(whole_run(2, "clean", 20, [given("raw", facets=odd)], ["tidy"])))
    lineage = Lineage(store)
    (version,) = lineage.history("raw").versions
    assert (version.row_count, version.fingerprint, version.run_id) == (569, "exact:1f2e", "")
    assert lineage.show("raw").version == version
    assert lineage.show(f"run:{run_id(2)}").inputs == (version,)
    assert lineage.why("tidy").sources == (
        msgspec.structs.replace(version, ordinal=lineage.why("tidy").sources[0].ordinal),
    )
    graphs = [
        lineage.upstream("tidy"),
        lineage.upstream("tidy", as_of="2100-01-01"),
        lineage.downstream("raw"),
        lineage.path("raw", "tidy"),
        lineage.upstream("tidy", level="run"),
    ]
    for graph in graphs:
        (node,) = (node for node in graph.nodes if node.name == "raw")
        assert (node.properties["rows"], node.properties["fingerprint"]) == (569, "exact:1f2e")
        forms = (str(graph), graph.to_svg(), graph._repr_html_())
        assert ["569 rows" in form for form in forms] == [True, True, True]
    assert "569 rows" in str(lineage.why("tidy"))


@pytest.mark.parametrize("count", [0, 1, 2])
def test_an_impact_has_one_count(count: int) -> None:
    """What is listed is what is counted, in text too; tables that only live in memory on the way are told apart, so
    that nothing is left out in silence."""
    from headwater.model.graph import Node, NodeKind
    from headwater.query.impact import Affected, Impact

    def table(name: str, namespace: str, kind: str) -> Node:
        return Node(id=f"dataset:{namespace}:{name}", kind=NodeKind.DATASET, namespace=namespace, name=name, type=kind)

    root, out = table("raw", "db", "TABLE"), table("out", "db", "TABLE")
    memory = [table(f"part{at}", "inmemory://x", "MEMORY") for at in range(count)]
    items = tuple(
        Affected(node=node, severity="breaks", certainty="certain", distance=1, reason="reads it")
        for node in (*memory, out)
    )
    impact = Impact(root=root, field="", change="drop", items=items)
    assert [item.node for item in impact.lasting()] == [out]
    assert [item.node for item in impact.passing()] == memory
    assert impact.counts() == {"breaks": 1, "changes": 0, "check": 0}
    text = impact.to_text()
    assert "1 breaks" in text
    words = {0: "", 1: "and 1 table on the way that lives in memory", 2: "and 2 tables on the way that live in memory"}
    assert words[count] in text
    assert ("in memory" in text) is bool(count)


def test_the_tags_of_a_run_are_shown_with_its_facts() -> None:
    """In the text of ``show``, a tag that only means yes by its key."""
    tags = {"tags": facet(tags=[{"key": "team", "value": "risk"}, {"key": "nightly", "value": "true"}])}
    store = MemoryStore.open()
    store.append(raw(whole_run(1, "train", 0, ["raw"], ["model"], run_facets=tags)))
    assert "tags          team=risk, nightly\n" in str(Lineage(store).show("job:train"))


@pytest.mark.parametrize(
    ("end", "said"),
    [
        (None, "of load is running: what it reads and writes counts when it has completed"),
        ("FAIL", "of load failed: what it read and wrote does not count"),
        ("ABORT", "of load aborted: what it read and wrote does not count"),
    ],
)
def test_a_run_that_does_not_count_is_told_where_nothing_is_known(empty: Store, end: str | None, said: str) -> None:
    """A file that a run has written which goes on, or has failed, is not shown as if nothing had happened to it."""
    made = given("made", facets={"schema": schema("a")})
    events = whole_run(1, "load", 0, [given("raw", facets={"schema": schema("a")})], [made], end=end or "RUNNING")
    empty.append(raw(events))
    lineage = Lineage(empty)
    for graph in (lineage.upstream("made"), lineage.downstream("raw"), lineage.upstream("made", columns=True)):
        assert graph.gaps == (f"run {run_id(1)[:13]} {said}",)
    assert lineage.impact("raw").gaps == graph.gaps
    for ask in (lineage.why, lambda name: lineage.upstream(name, level="run")):
        with pytest.raises(NotFound, match="no version of made was written") as caught:
            ask("made")
        assert (caught.value.hint,) == graph.gaps
    empty.append(raw(whole_run(2, "load", 50, ["raw"], [made])))
    assert lineage.upstream("made").gaps == lineage.downstream("raw").gaps == ()


def test_a_facet_of_the_details_as_plain_values(lineage: Lineage) -> None:
    """Facets are kept as they came in; one that is asked for is decoded."""
    details = lineage.show("cells.csv")
    assert [owner["name"] for owner in details.facet("ownership")["owners"]] == list(details.owners)
    assert details.facet("no_such_facet") is None


def test_details_say_how_many_neighbours_are_not_listed() -> None:
    """A dataset that sixty jobs read, a job that reads sixty datasets: fifty are listed, and the rest counted."""
    store = MemoryStore.open()
    many = [f"t{number}" for number in range(60)]
    store.append(
        raw(
            [event for at, name in enumerate(many, 1) for event in whole_run(at, f"reads {name}", at, ["hub"], [name])]
            + whole_run(99, "gathers", 200, many, ["all"])
        )
    )
    hub, job = Lineage(store).show("hub"), Lineage(store).show("job:gathers")
    assert (len(hub.consumers), hub.gaps) == (50, ("50 of 60 jobs that read it are listed",))
    assert (len(job.producers), job.gaps) == (50, ("50 of 60 datasets that it reads are listed",))
    assert Lineage(store).show("all").gaps == ()


def test_details_of_a_job_at_an_instant_have_no_later_runs() -> None:
    """What ran after the time asked about is not among the runs."""
    store = MemoryStore.open()
    store.append(raw(whole_run(1, "j", 0, ["a"], ["b"]) + whole_run(2, "j", 100, ["a"], ["b"])))
    details = Lineage(store).show("job:j", as_of=EPOCH_US + 50 * SECOND_US)
    assert [run.run_id for run in details.runs] == [run_id(1)]
    assert details.run is not None
    assert details.run.run_id == run_id(1)


def test_runs_of_a_state_are_found_behind_many_others() -> None:
    """A stream that still runs is among the runs that wrote a table, however many have written it since."""
    stream = {"jobType": facet(processingType="STREAMING", integration="SPARK", jobType="APPLICATION")}
    events = [run_event(run_id(1), "stream", "RUNNING", 1, ["a"], ["t"], job_facets=stream)]
    for number in range(2, 12):
        events += whole_run(number, "j", 20 * number, ["a"], ["t"])
    store = MemoryStore.open()
    store.append(raw(events))
    lineage = Lineage(store)
    assert [run.run_id for run in lineage.runs("t", state="running", limit=1)] == [run_id(1)]
    assert [run.run_id for run in lineage.runs("t", limit=2)] == [run_id(11), run_id(10)]
    assert len(lineage.runs("t")) == 11


def test_the_impact_of_a_job_says_that_jobs_are_not_data(lineage: Lineage) -> None:
    """That nothing is affected would be false: it is what the job writes that can change."""
    (gap,) = lineage.impact("job:train.py").gaps
    assert gap == "train.py is a job, and this is about data: ask about what it writes, its downstream"


def test_one_instant_alone_is_not_taken_for_a_name(lineage: Lineage) -> None:
    """Whoever gives one time is told that there are two, not that nothing has that name."""
    with pytest.raises(InvalidInput, match="must compare two instants, got yesterday \\(give the other one"):
        lineage.diff("yesterday")
