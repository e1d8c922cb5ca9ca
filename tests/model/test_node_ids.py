"""Node ids: written once, read by lookup."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import InvalidName
from headwater.model.graph import NodeKind
from headwater.model.node_ids import NodeRef, candidate_splits, dataset_id, field_id, job_id, run_id

HARD = [
    ("arn:aws:glue:eu-west-1:123456789012", "table/sales/orders"),
    ("spanner://p:inst", "db.s.t"),
    ("postgres://[2001:db8::7]:5432", "a.b.c"),
    ("postgres://db:5432", "shop.public.orders"),
    ("s3://lake", "raw/a:b/c"),
    ("file", "C:/data/x.csv"),
    ("pubsub", "topic:p:t"),
    ("inmemory://", "train:x"),
    ("bigquery", "p.d.t"),
]


@pytest.mark.parametrize(("namespace", "name"), HARD)
def test_the_likeliest_reading_comes_first(namespace, name):
    """For the names that break splitting by rule, the true reading is among the first two."""
    readings = list(candidate_splits(dataset_id(namespace, name)))
    assert NodeRef(kind=NodeKind.DATASET, namespace=namespace, name=name) in readings[:2]


def written(ref: NodeRef) -> str:
    """The id that a reading stands for."""
    if ref.kind is NodeKind.JOB:
        text = job_id(ref.namespace, ref.name)
    elif ref.kind is NodeKind.FIELD:
        text = field_id(ref.namespace, ref.name, ref.field)
    else:
        return dataset_id(ref.namespace, ref.name, ref.version)
    return f"{text}#{ref.version}" if ref.version else text


TEXT = st.text(alphabet="ab:/#.", min_size=1, max_size=10).filter(lambda text: text.strip(":") == text)


@given(TEXT, TEXT, TEXT, st.sampled_from(["dataset", "job", "field", "version"]))
def test_the_true_reading_is_always_among_the_candidates(namespace, name, extra, kind):
    """Whatever the colons and hashes in names, no reading is lost, and every reading writes the same id again."""
    expected = {
        "dataset": NodeRef(kind=NodeKind.DATASET, namespace=namespace, name=name),
        "job": NodeRef(kind=NodeKind.JOB, namespace=namespace, name=name),
        "field": NodeRef(kind=NodeKind.FIELD, namespace=namespace, name=name, field=extra),
        "version": NodeRef(kind=NodeKind.DATASET_VERSION, namespace=namespace, name=name, version=extra),
    }[kind]
    text = written(expected)
    readings = list(candidate_splits(text))
    assert expected in readings
    assert {written(reading) for reading in readings} == {text}


def test_ids_are_written_as_documented():
    """The four forms, with and without a version."""
    assert dataset_id("n", "d") == "dataset:n:d"
    assert dataset_id("n", "d", "7") == "dataset:n:d#7"
    assert field_id("n", "d", "f") == "datasetField:n:d:f"
    assert job_id("n", "j") == "job:n:j"
    assert run_id("01913e9c-6b9d-7f00-8000-123456789abc") == "run:01913e9c-6b9d-7f00-8000-123456789abc"


def test_a_run_is_read_in_any_spelling_of_its_uuid():
    """Upper case and missing hyphens name the same run."""
    (ref,) = candidate_splits("run:01913E9C6B9D7F008000123456789ABC")
    assert ref == NodeRef(kind=NodeKind.RUN, name="01913e9c-6b9d-7f00-8000-123456789abc")


@pytest.mark.parametrize("text", ["", "dataset", "dataset:", "table:a:b", "run:7", "dataset:a", "datasetField:a:b"])
def test_what_is_no_node_id_is_refused(text):
    """A wrong kind, a missing part and a run that is no UUID are refused by name."""
    with pytest.raises(InvalidName) as refused:
        list(candidate_splits(text))
    assert refused.value.field == "nodeId"
