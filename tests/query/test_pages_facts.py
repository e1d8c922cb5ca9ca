"""What pages of datasets and models need to know: quality over time, who stands beside, the family of a model."""

from __future__ import annotations

from headwater.model.graph import NodeKind
from headwater.query.adjacent_jobs import jobs_beside
from headwater.query.importances import read_importances
from headwater.query.lineage import Lineage
from headwater.query.models import read_model
from headwater.query.object_text import details_lines
from headwater.query.quality import read_quality
from headwater.storage.memory import MemoryStore
from headwater.testing.events import dataset, facet, raw, run_event, run_id, schema, whole_run


def store_of(*events) -> MemoryStore:
    """A store in memory that holds these events."""
    store = MemoryStore.open()
    store.append(raw(events))
    return store


def node(store: MemoryStore, name: str):
    """A dataset by its name."""
    return store.find(NodeKind.DATASET, "db", name)


def written(number: int, columns: dict, rows: object = 10) -> dict:
    """A run that writes ``t`` with these metrics."""
    metrics = facet(rowCount=rows, columnMetrics=columns)
    out = dataset("t", facets={"schema": schema(*columns)}, outputFacets={"dataQualityMetrics": metrics})
    return run_event(run_id(number), "load", "COMPLETE", number, ["raw"], [out])


def test_quality_is_told_version_by_version_oldest_first():
    """Rows, nulls, distinct values and means of each version; None where a column was not there or not measured."""
    store = store_of(
        written(1, {"a": {"nullCount": 1, "distinctCount": 5, "mean": 0.5}}),
        written(2, {"b": {"nullCount": 0}, "a": {"nullCount": 2}}, rows=20),
        written(3, {"b": {"nullCount": 3}}, rows=30),
    )
    found = read_quality(store, node(store, "t"))
    assert [version.run_id for version in found.versions] == [run_id(1), run_id(2), run_id(3)]
    assert found.rows == (10, 20, 30)
    assert [column.name for column in found.columns] == ["b", "a"]
    assert found.columns[1].nulls == (1, 2, None)
    assert found.columns[1].distinct == (5, None, None)
    assert found.columns[1].means == (0.5, None, None)
    assert found.columns[1].latest == {"nullCount": 2}
    assert not found.has_more


def test_quality_reads_the_latest_versions_and_says_that_there_are_more():
    """With a limit, older versions are left out, and that is told."""
    store = store_of(*(written(number, {"a": {"nullCount": number}}) for number in (1, 2, 3)))
    found = read_quality(store, node(store, "t"), limit=2)
    assert (found.columns[0].nulls, found.has_more) == ((2, 3), True)


def test_odd_metrics_are_no_numbers():
    """What an emitter sent in another shape is left out, it fails nothing."""
    store = store_of(
        written(1, {"a": {"nullCount": "many", "mean": True}, "b": {"mean": [1]}}, rows="lots"),
        run_event(
            run_id(2),
            "load",
            "COMPLETE",
            2,
            ["raw"],
            [dataset("t", outputFacets={"dataQualityMetrics": facet(columnMetrics=["a"])})],
        ),
    )
    found = read_quality(store, node(store, "t"))
    assert found.rows == (None, None)
    assert [(column.nulls, column.means) for column in found.columns] == [((None, None), (None, None))] * 2


def test_the_jobs_beside_a_dataset():
    """Writers and readers by name with their last run; with a limit, all are counted."""
    store = store_of(
        *whole_run(1, "load", 0, ["raw"], ["t"]),
        *whole_run(2, "b_report", 20, ["t"], ["r"]),
        *whole_run(3, "a_report", 40, ["t"], ["r"]),
        *whole_run(4, "a_report", 60, ["t"], ["r"], end="FAIL"),
    )
    key = node(store, "t").id
    assert [(job.name, job.state) for job in jobs_beside(store, key, "writers").jobs] == [("load", "COMPLETED")]
    readers = jobs_beside(store, key, "readers")
    assert [(job.name, job.state) for job in readers.jobs] == [("a_report", "FAILED"), ("b_report", "COMPLETED")]
    assert readers.jobs[0].how == ("product",)
    few = jobs_beside(store, key, "readers", limit=1)
    assert (len(few.jobs), few.total) == (1, 2)


def model(name: str, version: str, kind: str = "MODEL", **more: object) -> dict:
    """A model as a dataset."""
    return dataset(
        name,
        facets={
            "datasetType": facet(datasetType=kind),
            "headwater_model": facet(name="churn", version=version, **more),
        },
    )


def test_the_family_and_the_predictions_of_a_model():
    """Checkpoints stand below what they were saved from; a saved copy has the predictions of its original."""
    predictions = dataset("preds", facets={"datasetType": facet(datasetType="PREDICTIONS")})
    store = store_of(
        run_event(run_id(1), "train", "COMPLETE", 1, ["t"], [model("m", "r2")]),
        run_event(run_id(2), "save", "COMPLETE", 2, ["m"], [model("ckpt", "r1", "CHECKPOINT", checkpoint={"step": 4})]),
        run_event(run_id(3), "copy", "COMPLETE", 3, ["m"], [model("m.pkl", "r2")]),
        run_event(run_id(4), "predict", "COMPLETE", 4, ["m", "t"], [predictions]),
    )
    row = node(store, "m.pkl")
    found = read_model(store, row, store.versions(row.id, limit=1)[0])
    assert [one.version.name for one in found.family] == ["m"]
    children = {one.version.name: (one.step, one.is_subject) for one in found.family[0].children}
    assert children == {"ckpt": (4, False), "m.pkl": (None, True)}
    assert [one.name for one in found.predictions] == ["preds"]
    other = node(store, "ckpt")
    assert read_model(store, other, store.versions(other.id, limit=1)[0]).predictions == ()


def test_what_a_model_is_made_of():
    """Features with importance where given, steps within steps, the dataset that it learned from."""
    own = model(
        "m",
        "r",
        framework="lib",
        framework_version="2",
        features=["a", {"name": "b"}],
        importances={"b": 0.75, "a": "high"},
        preprocessing=[{"step": "prep", "class": "P", "parts": [{"name": "scale"}]}, "encode"],
        hyper_parameters={"k": 1},
        training={"namespace": "db", "name": "t"},
    )
    store = store_of(run_event(run_id(1), "train", "COMPLETE", 1, ["t"], [own]))
    row = node(store, "m")
    found = read_model(store, row, store.versions(row.id, limit=1)[0])
    assert [(one.name, one.importance) for one in found.features] == [("a", None), ("b", 0.75)]
    assert [(one.name, one.class_name, [part.name for part in one.parts]) for one in found.steps] == [
        ("prep", "P", ["scale"]),
        ("encode", "", []),
    ]
    assert (found.framework, found.training, found.parameters) == ("lib 2", "dataset:db:t", {"k": 1})


def test_a_model_of_odd_facets_is_still_shown():
    """Facets of another shape leave facts out."""
    odd = model("m", "r", features="all", preprocessing={"a": 1}, hyper_parameters=[1], training="t", checkpoint=3)
    store = store_of(run_event(run_id(1), "train", "COMPLETE", 1, [], [odd]))
    row = node(store, "m")
    found = read_model(store, row, store.versions(row.id, limit=1)[0])
    assert (found.features, found.steps, found.parameters, found.training) == ((), (), {}, "")


def test_importances_of_odd_facets_are_left_out():
    """Numbers are read, heaviest first whatever their sign; anything else is no importance, and none is no answer."""
    own = {"importances": {"a": 0.1, "b": -0.5, "c": "x", "d": True}, "importance_details": {"kind": 7, "columns": []}}
    found = read_importances(own)
    assert found is not None
    assert (list(found.features.items()), found.kind, found.columns) == ([("b", -0.5), ("a", 0.1)], "7", {})
    assert (found.share(["a", "b", "z"]), found.share(["z"])) == (-0.4, None)
    assert read_importances({"importances": {"c": "x"}, "importance_details": []}) is None
    counted = read_importances({"importances": {}, "importance_details": {"kind": "impurity", "left_out": 3}})
    assert counted is not None
    assert (counted.features, counted.left_out) == ({}, 3)


def test_why_a_run_failed_is_read_from_what_spark_says_too():
    """OpenLineage's facet, and the one that Spark's listener sends instead: its message is told, its name is not."""
    for name in ("errorMessage", "spark.exception"):
        failed = facet(message="Task failed\nat line 1", stackTrace="at org.apache.spark")
        event = run_event(run_id(1), "write", "FAIL", 1, ["raw"], ["t"], run_facets={name: failed})
        with store_of(event) as store:
            details = Lineage(store).show(f"run:{run_id(1)}")
            assert details.run is not None
            assert details.run.error == "Task failed\nat line 1"
            said = "\n".join("".join(span.text for span in line) for line in details_lines(details, cells=120))
            assert "Task failed" in said
            assert name not in said


def test_what_capture_did_not_see_is_told():
    """Sentences and counts of the outcome, five of them on the command line; of another shape none, and no fault."""
    told = [f"work {number} was not seen" for number in range(6)]
    outcome = facet(unresolved=[*told, 7, None], dropped_operations=1200, dropped_events=0, capture_errors="many")
    event = run_event(run_id(1), "train", "COMPLETE", 1, ["raw"], ["t"], run_facets={"headwater_outcome": outcome})
    with store_of(event) as store:
        details = Lineage(store).show(f"run:{run_id(1)}")
        assert details.run is not None
        assert details.run.unseen == (*told, "1,200 operations beyond the limit of a run were left out")
        said = ["".join(span.text for span in line) for line in details_lines(details, cells=120)]
        assert [line.split()[0] for line in said if "was not seen" in line] == ["not", *["work"] * 4]
        assert any("and 2 more" in line for line in said)
    odd = facet(unresolved={"a": 1}, dropped_operations=-3)
    event = run_event(run_id(1), "train", "COMPLETE", 1, ["raw"], ["t"], run_facets={"headwater_outcome": odd})
    with store_of(event) as store:
        found = Lineage(store).show(f"run:{run_id(1)}").run
        assert found is not None
        assert found.unseen == ()
