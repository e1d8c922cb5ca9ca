"""OpenLineage events: told apart by shape, forgiven what emitters do, refused what poisons a store."""

import json
import random
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.errors import InvalidEvent
from headwater.formats import openlineage
from headwater.formats.dataset_facets import Schema, flat_fields, read_facet
from headwater.model.events import DatasetEvent, EventType, JobEvent, RunEvent

from .documents import RUN, dataset, facet, run_event, wire

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abé_$", max_size=4), inner, max_size=3),
    max_leaves=8,
)
FACETS = st.dictionaries(st.text("abcXYZ_.", min_size=1, max_size=6), st.dictionaries(st.text("ab_"), JSON), max_size=3)
NAME = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1).filter(str.strip)


def test_the_type_is_decided_by_shape():
    """A run makes a RunEvent, a job alone a JobEvent, a dataset a DatasetEvent, whatever schemaURL says."""
    assert isinstance(openlineage.decode(wire(run_event())), RunEvent)
    assert isinstance(openlineage.decode(wire(run_event(run=..., eventType=...))), JobEvent)
    assert isinstance(openlineage.decode(wire(run_event(run=None))), JobEvent)
    alone = run_event(run=..., job=..., inputs=..., outputs=..., dataset=dataset("t"))
    assert isinstance(openlineage.decode(wire(alone)), DatasetEvent)


def test_jobs_that_share_a_run_id_get_runs_of_their_own():
    """Dagster gives all assets of a run one id; elsewhere, and where a step names its parent, an id is the run's."""
    dagster = {"producer": "https://github.com/OpenLineage/OpenLineage/tree/0.2.1/integration/dagster"}
    first, second = ({"namespace": "shop", "name": name} for name in ("orders", "revenue"))
    made = {**dagster, "outputs": [dataset("orders")]}

    def run_of(**changes):
        return openlineage.decode(wire(run_event(**changes))).run.run_id

    start, end = run_of(**made, job=first, eventType="START"), run_of(**made, job=first)
    assert start == end
    assert len({RUN, start, run_of(**made, job=second)}) == 3
    assert run_of(**dagster, job=first) == RUN
    assert run_of(**made, job=first, run={"runId": RUN, "facets": {"parent": {}}}) == RUN
    assert run_of(outputs=[dataset("orders")], job=first) == RUN


@pytest.mark.parametrize(
    "change",
    [
        {"eventType": ...},
        {"eventType": None},
        {"inputs": None},
        {"outputs": ...},
        {"schemaURL": ...},
        {"run": {"runId": RUN, "facets": None}},
        {"run": {"runId": RUN.upper().replace("-", "")}},
        {"inputs": [{"namespace": "n", "name": "d", "facets": None, "inputFacets": None}]},
        {"eventTime": "2026-03-01T12:00"},
        {"unknown": {"member": 1}},
    ],
)
def test_what_emitters_get_wrong_is_forgiven(change):
    """Missing event types, nulls for nothing, other spellings of a UUID and unknown members are no errors."""
    event = openlineage.decode(wire(run_event(**change)))
    assert event.run.run_id == RUN
    assert event.run.facets == {}
    assert event.outputs == ()


def test_a_dataset_of_no_namespace_is_named_by_its_job():
    """Flink leaves out where a table of its own catalog lies: that is no reason to refuse what the run did."""
    nowhere = [{**dataset(name), "namespace": blank} for name, blank in (("orders", ""), ("sums", " "))]
    sent = run_event(inputs=[nowhere[0], dataset("raw")], outputs=[nowhere[1]])
    event = openlineage.decode(wire(sent))
    own = sent["job"]["namespace"]
    assert [(one.namespace, one.name) for one in event.inputs] == [
        (own, "orders"),
        (dataset("raw")["namespace"], "raw"),
    ]
    assert [(one.namespace, one.name) for one in event.outputs] == [(own, "sums")]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"job": ...}, "job"),
        ({"job": None}, "job"),
        ({"job": {"namespace": "n"}}, "job.name"),
        ({"job": {"namespace": "", "name": "j"}}, "job.namespace"),
        ({"run": {"runId": "seven"}}, "run.runId"),
        ({"run": {}}, "run.runId"),
        ({"run": {"runId": 7}}, "run.runId"),
        ({"run": {"runId": RUN, "facets": []}}, "run.facets"),
        ({"eventTime": "yesterday"}, "eventTime"),
        ({"eventTime": "2026-02-30T12:00:00Z"}, "eventTime"),
        ({"eventTime": ...}, "eventTime"),
        ({"producer": ...}, "producer"),
        ({"eventType": "DONE"}, "eventType"),
        ({"inputs": {}}, "inputs"),
        ({"inputs": [None]}, "inputs[0]"),
        ({"inputs": [dataset("ok"), dataset(" ")]}, "inputs[1].name"),
        ({"outputs": [{"name": "d"}]}, "outputs[0].namespace"),
        ({"outputs": [dataset("a\0b")]}, "outputs[0].name"),
        ({"outputs": [dataset("d", x=facet("X", text="a\0b"))]}, "outputs[0].facets.x.text"),
        ({"run": ..., "job": ...}, "run"),
        ({"run": ..., "job": ..., "dataset": {"namespace": "n", "name": ""}}, "dataset.name"),
    ],
)
def test_what_breaks_a_rule_is_refused_by_field(change, field):
    """Each refusal names the dotted field and the rule."""
    with pytest.raises(InvalidEvent) as refused:
        openlineage.read(wire(run_event(**change)))
    assert refused.value.field == field
    assert refused.value.rule


BROKEN = [b"", b"[]", b"7", b"{", b"\xff", b'{"a": "\xff"}', b'{"a": "\\ud800"}', b'{"a": 1e999}', b"[" * 100_000]


@pytest.mark.parametrize("raw", [*BROKEN, '{"a": "\ud800"}', {"a": object()}])
def test_what_is_no_json_object_is_refused(raw):
    """Broken JSON, wrong encodings, lone surrogates, numbers no double holds and endless nesting are InvalidEvent."""
    for reader in (openlineage.read, openlineage.decode, openlineage.canonical):
        with pytest.raises(InvalidEvent):
            reader(raw)


def test_an_escaped_backslash_is_no_nul():
    """The text backslash-u-0000 is harmless; the character is not."""
    harmless = run_event(outputs=[dataset("a\\u0000b")])
    assert openlineage.decode(wire(harmless)).outputs[0].name == "a\\u0000b"


def shuffled(value, seed):
    """The same document with its members in another order."""
    if isinstance(value, dict):
        members = [(key, shuffled(item, seed)) for key, item in value.items()]
        random.Random(seed).shuffle(members)
        return dict(members)
    return [shuffled(item, seed) for item in value] if isinstance(value, list) else value


@settings(deadline=None, max_examples=50)
@given(FACETS, NAME, st.integers(0, 99), st.booleans())
def test_the_key_does_not_depend_on_formatting(facets, name, seed, is_ascii):
    """Order of members, white space and escapes change neither the canonical form nor the key; content does."""
    document = run_event(outputs=[dataset(name, **facets)])
    plain = json.dumps(document).encode()
    other = json.dumps(shuffled(document, seed), indent=seed % 4, ensure_ascii=is_ascii).encode()
    event, key, canonical = openlineage.read(plain)
    assert openlineage.read(other)[1:] == (key, canonical)
    assert openlineage.event_key(other) == openlineage.event_key(document) == key
    assert openlineage.canonical(canonical) == canonical
    assert len(key) == 16
    assert openlineage.event_key({**document, "producer": document["producer"] + "x"}) != key
    assert isinstance(event, RunEvent)


@settings(deadline=None, max_examples=40)
@given(FACETS, FACETS, FACETS, FACETS, NAME, NAME, st.sampled_from(EventType), st.sampled_from([None, 0, 3]))
def test_facets_keep_their_bytes(run_facets, job_facets, facets, side_facets, namespace, name, kind, indent):
    """Facets nobody knows come back byte for byte, however they were formatted; the rest comes back equal."""
    document = run_event(
        event_type=kind.value,
        inputs=[{**dataset(name, namespace, **facets), "inputFacets": side_facets}],
        outputs=[{**dataset(name, namespace, **facets), "outputFacets": side_facets}],
        run={"runId": RUN, "facets": run_facets},
        job={"namespace": namespace, "name": name, "facets": job_facets},
    )
    raw = json.dumps(document, indent=indent).encode()
    event = openlineage.decode(raw)
    again = openlineage.encode(event)
    assert openlineage.decode(again) == event
    for body in (
        *event.run.facets.values(),
        *event.inputs[0].facets.values(),
        *event.outputs[0].output_facets.values(),
    ):
        assert bytes(body) in raw
        assert bytes(body) in again
    assert {key: json.loads(bytes(body)) for key, body in event.job.facets.items()} == job_facets


@given(st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)), st.integers(-14 * 60, 14 * 60))
def test_times_are_microseconds_in_utc(moment, offset):
    """Any instant survives being written and read; an offset moves it; no offset means UTC."""
    us = (moment - datetime(1970, 1, 1)) // timedelta(microseconds=1)
    text = openlineage.format_time(us)
    assert openlineage.parse_time(text) == openlineage.parse_time(moment.isoformat()) == us
    sign, (hours, minutes) = "-" if offset < 0 else "+", divmod(abs(offset), 60)
    local = moment.isoformat(timespec="microseconds")
    assert openlineage.parse_time(f"{local}{sign}{hours:02}:{minutes:02}") == us - offset * 60_000_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-01T12:00:00.123456789Z", "2026-03-01T12:00:00.123456Z"),
        ("2026-03-01T12:00:00.5+0200", "2026-03-01T10:00:00.500000Z"),
        ("2026-03-01t12:00:00z", "2026-03-01T12:00:00.000000Z"),
        ("2026-03-01 12:00:00", "2026-03-01T12:00:00.000000Z"),
        ("2026-03-01T12:00Z", "2026-03-01T12:00:00.000000Z"),
        ("2026-03-01T12:00:00+01:00[Europe/Berlin]", "2026-03-01T11:00:00.000000Z"),
        ("2026-03-01T12:00:00.5+00:00Z", "2026-03-01T12:00:00.500000Z"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000000Z"),
        ("0001-01-01T00:00:00-01:00", "0001-01-01T01:00:00.000000Z"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59.000000Z"),
        ("1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z"),
    ],
)
def test_times_as_emitters_write_them(text, expected):
    """Nanoseconds, compact offsets, lower case, missing seconds, zone names, UTC said twice, leap seconds."""
    assert openlineage.format_time(openlineage.parse_time(text)) == expected
    assert openlineage.parse_time(expected) == datetime.fromisoformat(expected).astimezone(UTC).timestamp() * 1e6


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026",
        "2026-03-01",
        "20260301T120000Z",
        "2026-13-01T00:00:00Z",
        "2026-03-01T25:00:00Z",
        "2026-03-01T12:00:00+02:00Z",
        "1772366400",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "9999-12-31T23:59:60Z",
    ],
)
def test_what_is_no_instant_is_refused(text):
    """Dates without a time, compact forms, two zones, numbers and years that UTC cannot write are refused by field."""
    with pytest.raises(InvalidEvent) as refused:
        openlineage.parse_time(text, field="run.at")
    assert refused.value.field == "run.at"


def raws(document):
    """Facets as an event holds them."""
    return openlineage.decode(wire(run_event(run={"runId": RUN, "facets": document}))).run.facets


def test_facets_are_found_by_key_and_by_schema():
    """``parentRun`` and ``processingEngine`` are found under the names the specification gives them."""
    parent, engine = facet("ParentRunFacet", x=1), facet("ProcessingEngineRunFacet", version="1-1-1", x=2)
    found = raws(
        {"parentRun": parent, "processingEngine": engine, "other": facet("OtherRunFacet", see="/ParentRunFacet")}
    )
    assert json.loads(bytes(openlineage.find_facet(found, "parent", "ParentRunFacet"))) == parent
    assert json.loads(bytes(openlineage.find_facet(found, "processing_engine", "ProcessingEngineRunFacet"))) == engine
    assert openlineage.find_facet(found, "nominalTime", "NominalTimeRunFacet") is None
    assert openlineage.find_facet(raws({"parent": None}), "parent", "ParentRunFacet") is None


def test_a_facet_can_ask_for_its_removal():
    """``_deleted: true`` removes; the word anywhere else in the facet does not."""
    found = raws(
        {"gone": {"_deleted": True}, "not": {"_deleted": False}, "text": {"a": "_deleted"}, "list": ["_deleted"]}
    )
    assert {key: openlineage.facet_deleted(raw) for key, raw in found.items()} == {
        "gone": True,
        "not": False,
        "text": False,
        "list": False,
    }


def test_nested_fields_get_dotted_names():
    """A nested schema is read as its fields in order, members behind their parent with dotted names."""
    nested = {"name": "a", "type": "struct", "fields": [{"name": "b", "fields": [{"name": "c"}]}, {"name": "d"}]}
    event = openlineage.decode(
        wire(run_event(outputs=[dataset("t", schema=facet("SchemaDatasetFacet", fields=[nested, {"name": "e"}]))]))
    )
    schema = read_facet(event.outputs[0].facets, Schema)
    assert [field.name for field in flat_fields(schema)] == ["a", "a.b", "a.b.c", "a.d", "e"]


def test_a_large_event_is_read():
    """An event of ten megabytes with thousands of columns is no special case."""
    fields = [{"name": f"column_{index}", "type": "VARCHAR", "description": "x" * 2500} for index in range(4000)]
    raw = wire(run_event(outputs=[dataset("t", schema=facet("SchemaDatasetFacet", fields=fields))]))
    assert len(raw) > 10_000_000
    event, _, canonical = openlineage.read(raw)
    assert len(msgspec.json.decode(event.outputs[0].facets["schema"])["fields"]) == 4000
    assert openlineage.read(canonical)[0].run == event.run
