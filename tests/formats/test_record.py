"""The flat record: every field checked by name, and the same record comes back."""

import json
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.errors import InvalidRecord
from headwater.formats.dataset_facets import DatasetType, try_facet
from headwater.formats.edges import extract_lineage
from headwater.formats.openlineage import decode, parse_time
from headwater.formats.record import (
    Endpoint,
    dataset_name,
    from_run,
    read_record,
    to_document,
    to_event,
    to_events,
)
from headwater.formats.record_rules import DESTINATION_TYPES, SOURCE_TYPES, Operation
from headwater.formats.run_facets import JobType

ID = "7f1c1d1e-3a64-4b3f-9d0e-2f5f6c1b8a10"
OTHER = "0b9d6a0e-57f2-4c54-8a43-6f9a4ad3b6a1"


def document(**changes):
    """A valid record; ``changes`` replace members, ``...`` leaves one out, a dotted key goes inside."""
    body = {
        "lineage_id": ID,
        "operation_type": "MODEL_TRAINING",
        "source": {"type": "file", "identifier": "/data/train.csv"},
        "destination": {"type": "model", "identifier": "churn"},
        "transformation": {"code_hash": "ab" * 32, "parameters": {"depth": 3}, "timestamp": "2026-03-01T12:00:00Z"},
        "data_quality": {"null_count": 3, "unique_values": {"age": 70}, "statistics": {"mean": 1.5}},
        "dependencies": [OTHER],
    }
    for key, value in changes.items():
        place, _, member = key.partition("__")
        target = body[place] if member else body
        if value is ...:
            del target[member or place]
        else:
            target[member or place] = value
    return body


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"lineage_id": ...}, "lineage_id"),
        ({"lineage_id": "seven"}, "lineage_id"),
        ({"lineage_id": 7}, "lineage_id"),
        ({"operation_type": ...}, "operation_type"),
        ({"operation_type": "etl"}, "operation_type"),
        ({"source": ...}, "source"),
        ({"source": None}, "source"),
        ({"source": []}, "source"),
        ({"source": "x"}, "source"),
        ({"source": {"type": "model", "identifier": "x"}}, "source.type"),
        ({"source": [{"type": "file", "identifier": "x"}, {"type": "file"}]}, "source[1].identifier"),
        ({"source": {"type": "file", "identifier": " "}}, "source.identifier"),
        ({"source": {"type": "file", "identifier": "a\0b"}}, "source.identifier"),
        ({"source": {"type": "file", "identifier": "\ud800"}}, "source.identifier"),
        ({"destination": {"type": "file", "identifier": "x"}}, "destination.type"),
        ({"source": ({"type": "file", "identifier": "a\0b"},)}, "source[0].identifier"),
        ({"source": MappingProxyType({"type": "file", "identifier": "a\0b"})}, "source.identifier"),
        ({"transformation": ...}, "transformation"),
        ({"transformation__code_hash": ...}, "transformation.code_hash"),
        ({"transformation__code_hash": "ab" * 31}, "transformation.code_hash"),
        ({"transformation__code_hash": "zz" * 32}, "transformation.code_hash"),
        ({"transformation__parameters": [1]}, "transformation.parameters"),
        ({"transformation__parameters": {"a": object()}}, "transformation.parameters"),
        ({"transformation__timestamp": "2026-03-01"}, "transformation.timestamp"),
        ({"transformation__timestamp": "2026-03-01T12:00:00"}, "transformation.timestamp"),
        ({"transformation__timestamp": "2026-02-30T12:00:00Z"}, "transformation.timestamp"),
        ({"data_quality": 3}, "data_quality"),
        ({"data_quality__null_count": -1}, "data_quality.null_count"),
        ({"data_quality__null_count": True}, "data_quality.null_count"),
        ({"data_quality__null_count": {"\ud800": 1}}, "data_quality.null_count"),
        ({"data_quality__null_count": 1.0}, "data_quality.null_count"),
        ({"data_quality__unique_values": {"age": "many"}}, "data_quality.unique_values.age"),
        ({"data_quality__statistics": 7}, "data_quality.statistics"),
        ({"dependencies": ID}, "dependencies"),
        ({"dependencies": [OTHER, "x"]}, "dependencies[1]"),
        ({"dependencies": [ID]}, "dependencies"),
        ({"dependancies": []}, "dependancies"),
        ({"transformation__codehash": "x"}, "transformation.codehash"),
    ],
)
def test_a_broken_rule_names_its_field(changes, field):
    """Every rule of every field, with the dotted field, the rule, and what stood there."""
    with pytest.raises(InvalidRecord) as refused:
        read_record(document(**changes))
    assert refused.value.field == field
    assert refused.value.rule
    assert str(refused.value).startswith(field)


def test_an_address_that_names_nothing_is_refused_with_its_field():
    """It cannot be known from the record alone; what makes the event of it says so, as for any other rule."""
    for source, field in (
        ({"type": "file", "identifier": "s3://"}, "source.identifier"),
        (
            [{"type": "api", "identifier": "x"}, {"type": "database", "identifier": "postgres://"}],
            "source[1].identifier",
        ),
    ):
        with pytest.raises(InvalidRecord, match="must name a") as refused:
            to_event(read_record(document(source=source)))
        assert refused.value.field == field


def test_a_misspelt_field_gets_its_neighbour():
    """An unknown field is refused with the field that was probably meant."""
    with pytest.raises(InvalidRecord, match="did you mean dependencies"):
        read_record(document(dependancies=[]))
    with pytest.raises(InvalidRecord, match="did you mean ETL"):
        read_record(document(operation_type="etl"))


def test_what_python_puts_together_is_read_as_json_has_it():
    """Tuples, numbers of numpy and keys that are numbers, as JSON writes them."""
    source = ({"type": "file", "identifier": "a"}, {"type": "file", "identifier": "b"})
    record = read_record(
        document(source=source, transformation__parameters={1: (2, 3)}, data_quality__null_count=np.int64(3))
    )
    assert [end.identifier for end in record.source] == ["a", "b"]
    assert record.transformation.parameters == {"1": [2, 3]}
    assert type(record.data_quality.null_count) is int


@pytest.mark.parametrize("value", [None, [], 7, "record"])
def test_what_is_no_object_is_refused(value):
    """A record is a JSON object."""
    with pytest.raises(InvalidRecord):
        read_record(value)


def test_what_may_be_left_out_may_be_left_out():
    """Parameters, data quality and dependencies are optional; null means absent."""
    bare = read_record(document(data_quality=..., dependencies=None, transformation__parameters=...))
    assert bare.dependencies == ()
    assert bare.transformation.parameters == {}
    assert bare.data_quality.null_count is None


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1).filter(str.strip)
SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | TEXT
)
OBJECTS = st.dictionaries(TEXT, SCALARS | st.lists(SCALARS, max_size=2), max_size=3)
COUNTS = st.none() | st.integers(0, 2**40) | st.dictionaries(TEXT, st.integers(0, 9), max_size=2)


def endpoints(types):
    """One endpoint or several."""
    one = st.fixed_dictionaries({"type": st.sampled_from(types), "identifier": TEXT})
    return one | st.lists(one, min_size=2, max_size=3)


RECORDS = st.fixed_dictionaries(
    {
        "lineage_id": st.uuids().map(str),
        "operation_type": st.sampled_from([operation.value for operation in Operation]),
        "source": endpoints(SOURCE_TYPES),
        "destination": endpoints(DESTINATION_TYPES),
        "transformation": st.fixed_dictionaries(
            {
                "code_hash": st.binary(min_size=32, max_size=32).map(bytes.hex),
                "parameters": OBJECTS,
                "timestamp": st.datetimes().map(lambda time: time.isoformat(timespec="microseconds") + "+00:00"),
            }
        ),
        "data_quality": st.fixed_dictionaries({"null_count": COUNTS, "unique_values": COUNTS, "statistics": OBJECTS}),
        "dependencies": st.lists(st.uuids().map(str), unique=True, max_size=3),
    }
)


@settings(deadline=None, max_examples=50)
@given(RECORDS)
def test_a_record_comes_back_through_its_event(body):
    """Document, record, event and back: the same record, the same document."""
    record = read_record(body)
    assert read_record(to_document(record)) == record
    (raw,) = to_events(record)
    event = decode(raw)
    facet = json.loads(bytes(event.run.facets["headwater_record"]))
    facts = {"run_id": "", "operation": "", "sources": (), "destinations": (), "time_us": 0}
    assert read_record(from_run(**facts, record=facet)) == record
    assert event.run.run_id == record.lineage_id
    assert parse_time(event.event_time) == parse_time(record.transformation.timestamp)
    assert len(event.inputs) == len(record.source)


def test_a_record_is_a_complete_run_with_typed_datasets():
    """The event has the operation, the kinds of its datasets and the edge from source to destination."""
    event = decode(to_events(read_record(document()))[0])
    assert try_facet(event.job.facets, JobType).job_type == "MODEL_TRAINING"
    assert try_facet(event.inputs[0].facets, DatasetType).dataset_type == "FILE"
    assert try_facet(event.outputs[0].facets, DatasetType).dataset_type == "MODEL"
    (target,) = extract_lineage(event).targets
    assert (target.sources[0].name, target.name) == ("/data/train.csv", "churn")
    assert to_event(read_record(document()))["job"]["name"] == "model_training.churn"


@pytest.mark.parametrize(
    ("kind", "identifier", "namespace", "name"),
    [
        ("file", "/data/x.csv", "file", "/data/x.csv"),
        ("file", "data/x.csv", "file", "./data/x.csv"),
        ("file", "./x.csv", "file", "./x.csv"),
        ("file", "~/x.csv", "file", "~/x.csv"),
        ("file", "C:\\data\\x.csv", "file", "C:/data/x.csv"),
        ("file", "s3://lake/x.csv", "s3://lake", "x.csv"),
        ("api", "https://me:pw@api.example.com/v1?key=1", "https://api.example.com", "v1"),
        ("stream", "kafka://broker/orders", "kafka://broker:9092", "orders"),
        ("stream", "orders", "stream", "orders"),
        ("database", "shop.public.orders", "database", "shop.public.orders"),
        ("database", "postgresql://me:pw@db/shop.public.orders", "postgres://db:5432", "shop.public.orders"),
        ("database", "jdbc:postgresql://db/shop", "postgres://db:5432", "shop"),
        ("model", "churn", "model", "churn"),
    ],
)
def test_an_identifier_means_a_dataset(kind, identifier, namespace, name):
    """Addresses get the standard name of what they point at, plain names the namespace of their type."""
    assert dataset_name(Endpoint(type=kind, identifier=identifier)) == (namespace, name)


def test_relative_files_become_absolute_where_the_folder_is_known():
    """On the machine that recorded it, a relative path means the file that capture saw."""
    for identifier in ("x.csv", "./x.csv", "../p/x.csv", "/p/x.csv"):
        assert dataset_name(Endpoint(type="file", identifier=identifier), cwd="/p") == ("file", "/p/x.csv")


def test_passwords_do_not_come_to_rest():
    """A password in an address is in neither the record nor its event."""
    source = {"type": "database", "identifier": "postgresql://me:hunter2@db/shop.public.orders"}
    record = read_record(document(source=source))
    assert "hunter2" not in json.dumps(to_document(record))
    assert b"hunter2" not in to_events(record)[0]


def test_any_run_has_a_record():
    """A run that was captured is described from its facts, and what is described can be sent again."""
    found = from_run(
        run_id=ID,
        operation="MODEL_TRAINING",
        sources=[("FILE", "file", "/data/train.csv"), ("", "postgres://db:5432", "shop.public.orders")],
        destinations=[("MODEL", "file", "/models/churn.pkl")],
        time_us=parse_time("2026-03-01T12:00:00Z"),
        code_hash="ab" * 32,
        parameters={"depth": 3},
        dependencies=[OTHER, OTHER],
    )
    assert found["source"] == [
        {"type": "file", "identifier": "file:///data/train.csv"},
        {"type": "database", "identifier": "postgres://db:5432/shop.public.orders"},
    ]
    assert found["destination"] == {"type": "model", "identifier": "file:///models/churn.pkl"}
    assert to_document(read_record(found)) == found
    names = [dataset_name(end) for end in read_record(found).source]
    assert names == [("file", "/data/train.csv"), ("postgres://db:5432", "shop.public.orders")]
