"""Edges: the strongest claim about each target wins, and nothing is invented."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.formats.edges import extract_lineage, extract_run_lineage
from headwater.formats.openlineage import decode
from headwater.model.graph import How, NodeKind

from .documents import columns, dataset, entry, facet, lineage, run_event, source, wire

JOB = {"type": "JOB"}


def edges(*documents):
    """(source, target, how) of every edge, jobs in capitals."""
    found = extract_run_lineage([decode(wire(document)) for document in documents])
    return sorted((name(item), name(target), item.how.value) for target in found.targets for item in target.sources)


def name(node):
    """A dataset's name; a job's in capitals."""
    return node.name.upper() if node.kind is NodeKind.JOB else node.name


def derived(item, wide=(), /, **fields):
    """A dataset with columnLineage."""
    return dataset(item, columnLineage=columns(wide, **fields))


def column_edges(document):
    """(source.field, target.field, type, subtype) of every column edge."""
    return sorted(
        (f"{item.name}.{field.source_field}", f"{target.name}.{field.target_field}", field.type, field.subtype)
        for target in extract_lineage(decode(wire(document))).targets
        for item in target.sources
        for field in item.fields
    )


def test_without_claims_every_input_feeds_every_output():
    """The last resort is the cross product, and is marked so."""
    document = run_event(inputs=[dataset("a"), dataset("b")], outputs=[dataset("x"), dataset("y")])
    assert edges(document) == [(s, t, "product") for s in "ab" for t in "xy"]


def test_a_large_cross_product_leads_through_the_job():
    """More than 10,000 pairs would be the square of an event: every input leads to the job, and the job to every output
    that has no claims of its own. What is read once more by a claim is in both."""
    inputs, outputs = [dataset(f"a{n}") for n in range(100)], [dataset(f"x{n}") for n in range(100)]
    assert len(edges(run_event(inputs=inputs, outputs=outputs))) == 10_000
    inputs.append(dataset("b"))
    through = [(item["name"], "JOB", "product") for item in inputs] + [
        ("JOB", item["name"], "product") for item in outputs
    ]
    own = derived("y", id=[("b", "id")])
    assert edges(run_event(inputs=inputs, outputs=[*outputs, own])) == sorted([*through, ("b", "y", "column")])


def test_column_lineage_keeps_the_outputs_apart():
    """An output with columnLineage gets its own sources; one without gets all; what feeds nothing is a read."""
    document = run_event(
        inputs=[dataset("a"), dataset("b"), dataset("c")],
        outputs=[
            derived("x", id=[("a", "id")]),
            derived("y", n=[("b", "n")]),
        ],
    )
    assert edges(document) == [("a", "x", "column"), ("b", "y", "column"), ("c", "JOB", "declared")]
    document["outputs"].append(dataset("z"))
    assert [edge for edge in edges(document) if edge[1] == "z"] == [(s, "z", "product") for s in "abc"]


def test_column_lineage_names_what_inputs_forget():
    """Airflow and Dagster name a source in columnLineage alone: the edge is there all the same."""
    document = run_event(outputs=[dataset("x", columnLineage=columns(id=[("hidden", "id")]))])
    assert edges(document) == [("hidden", "x", "column")]


def test_column_lineage_without_a_source_says_nothing_about_tables():
    """``select count(*)`` has a column and no source column: the inputs still feed it."""
    document = run_event(inputs=[dataset("a")], outputs=[dataset("x", columnLineage=columns(n=[]))])
    assert edges(document) == [("a", "x", "product")]


def test_the_lineage_facet_beats_column_lineage_and_the_product():
    """Two independent edges of one job stay two; columnLineage of a named target is not added to them."""
    document = run_event(
        inputs=[dataset("a"), dataset("b")],
        outputs=[dataset("x", columnLineage=columns(id=[("b", "id")])), dataset("y")],
        job_facets={"lineage": lineage(entry("x", source("a")), entry("y", source("b")))},
    )
    assert edges(document) == [("a", "x", "declared"), ("b", "y", "declared")]


def test_an_output_that_the_lineage_facet_leaves_out():
    """Beside an explicit facet there is no product: its own columnLineage counts, else the job just wrote it."""
    document = run_event(
        inputs=[dataset("a"), dataset("b")],
        outputs=[dataset("x"), dataset("y", columnLineage=columns(id=[("b", "id")])), dataset("z")],
        job_facets={"lineage": lineage(entry("x", source("a")))},
    )
    assert edges(document) == [("JOB", "z", "declared"), ("a", "x", "declared"), ("b", "y", "column")]


def test_a_table_edge_takes_its_columns_from_column_lineage():
    """A lineage facet that names tables only is completed by the columns of columnLineage, never by its tables."""
    document = run_event(
        inputs=[dataset("a"), dataset("b")],
        outputs=[dataset("x", columnLineage=columns(id=[("a", "id"), ("b", "id")]))],
        job_facets={"lineage": lineage(entry("x", source("a")))},
    )
    assert edges(document) == [("a", "x", "declared"), ("b", "JOB", "declared")]
    assert column_edges(document) == [("a.id", "x.id", "DIRECT", "")]


def test_an_empty_list_means_no_tracked_source():
    """``inputs: []`` is a statement: the job made it from nothing that is tracked."""
    document = run_event(inputs=[dataset("a")], outputs=[dataset("x")], job_facets={"lineage": lineage(entry("x"))})
    assert edges(document) == [("JOB", "x", "declared"), ("a", "JOB", "declared")]


def test_jobs_as_sources_and_targets():
    """A job without a name is the event's own; one with a name stands for itself, with its run when given."""
    run = "0b9d6a0e-57f2-4c54-8a43-6f9a4ad3b6a1"
    other = {"type": "JOB", "namespace": "sched", "name": "other", "runId": run}
    own = {"type": "JOB", "namespace": "sched", "name": "job"}
    document = run_event(
        job_facets={
            "lineage": lineage(
                {**JOB, "inputs": [source("read")]},
                {**other, "inputs": [own]},
                entry("made", JOB),
                entry("mixed", source("a"), other),
            )
        }
    )
    assert edges(document) == [
        ("JOB", "OTHER", "declared"),
        ("JOB", "made", "declared"),
        ("OTHER", "mixed", "declared"),
        ("a", "mixed", "declared"),
        ("read", "JOB", "declared"),
    ]
    targets = extract_lineage(decode(wire(document))).targets
    assert {target.run_id for target in targets if target.name == "other"} == {run}


def test_inferred_edges_are_marked_unless_someone_states_them():
    """A transformation of type INFERRED makes the edge inferred; a plain mention of the same source outweighs it."""
    guess = {"transformations": [{"type": "INFERRED"}]}
    document = run_event(
        job_facets={"lineage": lineage(entry("x", source("a", **guess)), entry("y", source("a", **guess), source("a")))}
    )
    assert edges(document) == [("a", "x", "inferred"), ("a", "y", "declared")]


def test_an_edge_of_guessed_columns_is_inferred():
    """Guessed columns keep their type and are described as inferred: one that is not makes the edge stated."""
    guess = {"type": "DIRECT", "subtype": "IDENTITY", "description": "inferred"}
    guessed = source("a", field="p", transformations=[guess])
    known = source("a", field="q", transformations=[{**guess, "description": "copied"}])
    whole = source("a", transformations=[{"type": "INFERRED"}])
    fields = {"p": {"inputs": [guessed]}}
    one = {**entry("x", whole), "fields": fields}
    other = {**entry("y", whole), "fields": {**fields, "q": {"inputs": [known]}}}
    document = run_event(job_facets={"lineage": lineage(one, other)})
    assert edges(document) == [("a", "x", "inferred"), ("a", "y", "declared")]


def test_too_many_dataset_wide_fields_stay_with_the_whole():
    """A thousand filters on a thousand columns would be a million edges: they lead to the whole dataset, and what is
    known of single columns stays."""
    names = [f"c{number}" for number in range(1000)]
    fields = {name: [("a", name)] for name in names}
    few = run_event(outputs=[derived("x", [("a", "w", "INDIRECT")], **fields)])
    assert len(column_edges(few)) == 2000
    wide = [("a", f"w{number}", "INDIRECT", "FILTER") for number in range(251)]
    found = column_edges(run_event(outputs=[derived("x", wide, **fields)]))
    assert len(found) == 1000 + 251
    assert ("a.w7", "x.", "INDIRECT", "FILTER") in found


def test_what_decides_about_a_whole_dataset_decides_about_each_field():
    """Dataset-wide fields are INDIRECT edges onto every field that columnLineage or the schema names."""
    output = dataset(
        "x",
        columnLineage=columns([("a", "day", "INDIRECT", "FILTER")], total=[("a", "price", "DIRECT", "AGGREGATION")]),
        schema=facet("SchemaDatasetFacet", fields=[{"name": "total"}, {"name": "count"}]),
    )
    expected = [
        ("a.day", "x.count", "INDIRECT", "FILTER"),
        ("a.day", "x.total", "INDIRECT", "FILTER"),
        ("a.price", "x.total", "DIRECT", "AGGREGATION"),
    ]
    assert column_edges(run_event(inputs=[dataset("a")], outputs=[output])) == expected
    price = source("a", field="price", transformations=[{"type": "DIRECT", "subtype": "aggregation"}])
    day = source("a", field="day", transformations=[{"type": "INDIRECT", "subtype": "FILTER"}])
    del output["facets"]["columnLineage"]
    declared = lineage(entry("x", day, fields={"total": {"inputs": [price]}}))
    assert column_edges(run_event(outputs=[output], job_facets={"lineage": declared})) == expected


def test_column_lineage_before_transformations():
    """The form before 1-1-0 said IDENTITY or MASKED once for an output field."""
    body = columns(id=[("a", "id")], hash=[("a", "mail")])
    body["fields"]["id"] |= {"transformationType": "IDENTITY", "transformationDescription": "as is"}
    body["fields"]["hash"] |= {"transformationType": "MASKED"}
    (target,) = extract_lineage(decode(wire(run_event(outputs=[dataset("x", columnLineage=body)])))).targets
    masked, plain = target.sources[0].fields
    assert (plain.subtype, plain.description, plain.masking) == ("IDENTITY", "as is", False)
    assert (masked.target_field, masked.type, masked.masking) == ("hash", "DIRECT", True)


def test_spellings_of_one_dataset_are_one_source():
    """sqlmesh quotes its inputs and not its outputs: names meet in their normal form and are shown as they came."""
    quoted = {"namespace": "db", "name": '"a"."b"'}
    document = run_event(inputs=[quoted, dataset("c")], outputs=[derived("x", id=[("a.b", "id")])])
    assert edges(document) == [('"a"."b"', "x", "column"), ("c", "JOB", "declared")]


@pytest.mark.parametrize("event_type", ["START", "RUNNING", "FAIL", "OTHER"])
def test_what_an_event_shows_does_not_depend_on_its_state(event_type):
    """Whether a state counts is the store's decision; a streaming job shows its lineage while it runs."""
    assert edges(run_event(inputs=[dataset("a")], outputs=[dataset("x")], event_type=event_type)) == [
        ("a", "x", "product")
    ]


def test_a_dataset_event_shows_what_its_facets_derive():
    """A view derived from tables, without a job; a plain DatasetEvent shows no edge."""
    view = facet("LineageDatasetFacet", file="LineageFacet", inputs=[source("a")])
    alone = {"run": ..., "job": ..., "inputs": ..., "outputs": ..., "eventType": ...}
    assert edges(run_event(**alone, dataset=dataset("v", lineage=view))) == [("a", "v", "declared")]
    assert edges(run_event(**alone, dataset=derived("v", i=[("a", "i")]))) == [("a", "v", "column")]
    assert edges(run_event(**alone, dataset=dataset("v"))) == []
    assert edges(run_event(**alone, dataset=dataset("v", lineage={**view, "_deleted": True}))) == []


def test_claims_that_cannot_be_read_are_named_and_hurt_no_others():
    """A malformed facet, a nameless dataset and half a job name are listed by place; the rest counts."""
    document = run_event(
        inputs=[dataset("a")],
        outputs=[dataset("x", columnLineage=facet("ColumnLineageDatasetFacet", fields=[1])), dataset("y")],
    )
    assert edges(document) == [("a", "x", "product"), ("a", "y", "product")]
    half = {"type": "JOB", "name": "half"}
    facets = {"lineage": lineage(entry("x", source("a"), {"type": "DATASET"}, half), {"type": "DATASET"})}
    found = extract_lineage(decode(wire(run_event(job_facets=facets))))
    assert [target.name for target in found.targets] == ["x"]
    assert found.unreadable == (
        "job.facets.lineage.entries[0].inputs[1]",
        "job.facets.lineage.entries[0].inputs[2]",
        "job.facets.lineage.entries[1]",
    )
    assert extract_lineage(decode(wire(document))).unreadable == ("outputs[0].facets.columnLineage",)


def test_inputs_and_outputs_of_one_run_may_come_in_different_events():
    """sqlmesh gives inputs on START and outputs on COMPLETE: together they are the run's edges."""
    start = run_event(event_type="START", inputs=[dataset("a")])
    complete = run_event(outputs=[dataset("x")])
    assert edges(start, complete) == edges(complete, start) == [("a", "x", "product")]


DATASETS = st.lists(st.sampled_from("abc"), unique=True, max_size=3)
FIELDS = st.dictionaries(
    st.sampled_from("ij"), st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("uv")), max_size=2), max_size=2
)


@st.composite
def histories(draw):
    """Events of one run, with any mixture of claims."""
    events = []
    for _ in range(draw(st.integers(1, 4))):
        wide = draw(st.lists(st.just(("a", "w", "INDIRECT")), max_size=1))
        written = draw(st.lists(st.sampled_from("xy"), unique=True, max_size=2))
        outputs = [derived(item, wide, **draw(FIELDS)) for item in written]
        named = draw(st.lists(st.sampled_from("yz"), max_size=2))
        entries = [entry(target, *map(source, draw(DATASETS))) for target in named]
        facets = {"lineage": lineage(*entries)} if entries else None
        events.append(run_event(inputs=[dataset(item) for item in draw(DATASETS)], outputs=outputs, job_facets=facets))
    return events


@settings(deadline=None)
@given(histories().flatmap(lambda events: st.tuples(st.just(events), st.permutations(events + events[:2]))))
def test_order_and_duplicates_do_not_matter(case):
    """Any permutation of a run's events, with some delivered twice, shows the same edges."""
    events, shuffled = ([decode(wire(document)) for document in side] for side in case)
    assert extract_run_lineage(events) == extract_run_lineage(shuffled)


def test_thousands_of_column_edges_are_no_special_case():
    """An output with 3,581 columns keeps every edge."""
    body = columns(**{f"c{index}": [("a", f"c{index}", "DIRECT", "IDENTITY")] for index in range(3581)})
    (target,) = extract_lineage(decode(wire(run_event(outputs=[dataset("x", columnLineage=body)])))).targets
    assert len(target.sources[0].fields) == 3581
    assert target.sources[0].how is How.COLUMN
