"""Tracing: column rules composed over any chain of operations lead to the columns of the datasets behind."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.capture import trace as module
from headwater.capture.lineage_facet import Origins
from headwater.capture.trace import Source, trace
from headwater.capture.values import Columns, DatasetRef, Dep, Value, make_value, same_columns
from headwater.formats.edges import extract_lineage
from headwater.model.events import Job, JobEvent
from headwater.model.graph import FieldEdge


def source(name: str, *columns: str) -> Value:
    """A dataset that was read."""
    return make_value("read", columns=columns or None, dataset=DatasetRef("file", name))


def step(inputs: tuple[Value, ...], fields: dict[str, list[Dep]], indirect: list[Dep] | None = None) -> Value:
    """An operation with the given rule."""
    columns = Columns(fields, indirect or [])
    return make_value("step", inputs, lambda _: columns, columns=tuple(fields))


def sources_of(value: Value, column: str) -> set[tuple[str, str | None, str, str]]:
    """(dataset, column, type, subtype) behind a column."""
    trails = trace(value).fields[column]
    return {(s.value.dataset.name, s.column, t.type, t.subtype) for s, t in trails.items()}


def test_a_ratio_comes_from_both_of_its_columns():
    """The everyday case: dti = debt / income, selected and renamed."""
    raw = source("/loans.csv", "debt", "income", "region")
    ratio = step((raw,), {"dti": [Dep(0, "debt"), Dep(0, "income")], "region": [Dep(0, "region", subtype="IDENTITY")]})
    renamed = step((ratio,), {"r": [Dep(0, "dti", subtype="IDENTITY")]})
    assert sources_of(renamed, "r") == {
        ("/loans.csv", "debt", "DIRECT", "TRANSFORMATION"),
        ("/loans.csv", "income", "DIRECT", "TRANSFORMATION"),
    }


def test_a_filter_is_indirect_for_everything_after_it():
    """What decided about rows is kept for the whole output, through later steps."""
    raw = source("/a.csv", "x", "age")
    kept = step((raw,), {"x": [Dep(0, "x", subtype="IDENTITY")]}, [Dep(0, "age", "INDIRECT", "FILTER")])
    last = step((kept,), {"y": [Dep(0, "x")]})
    found = trace(last)
    assert {(s.column, t.type, t.subtype) for s, t in found.indirect.items()} == {("age", "INDIRECT", "FILTER")}
    assert sources_of(last, "y") == {("/a.csv", "x", "DIRECT", "TRANSFORMATION")}


def test_direct_beats_indirect_and_the_stronger_step_names_the_edge():
    """One source by two ways keeps the way that moves the value; an aggregation on the way is an aggregation."""
    raw = source("/a.csv", "x")
    mean = step((raw,), {"m": [Dep(0, "x", subtype="AGGREGATION")]})
    both = step((raw, mean), {"z": [Dep(0, "x", "INDIRECT", "CONDITIONAL"), Dep(1, "m", subtype="IDENTITY")]})
    assert sources_of(both, "z") == {("/a.csv", "x", "DIRECT", "AGGREGATION")}


def test_masking_sticks():
    """A masked column stays masked whatever is done to it later."""
    raw = source("/a.csv", "mail")
    hashed = step((raw,), {"h": [Dep(0, "mail", masking=True)]})
    last = step((hashed,), {"k": [Dep(0, "h", subtype="IDENTITY")]})
    assert [trail.masking for trail in trace(last).fields["k"].values()] == [True]


def test_a_named_set_ends_the_trace_and_has_one_of_its_own():
    """What is made of the training set comes from the training set; the training set comes from the raw file."""
    raw = source("/a.csv", "x")
    train = step((raw,), {"x": [Dep(0, "x", subtype="IDENTITY")]})
    train.dataset = DatasetRef("inmemory://p", "train")
    model = step((train,), {"f": [Dep(0, "x")]})
    assert sources_of(model, "f") == {("train", "x", "DIRECT", "TRANSFORMATION")}
    assert sources_of(train, "x") == {("/a.csv", "x", "DIRECT", "IDENTITY")}


def test_a_table_without_known_columns_has_whichever_is_asked_for():
    """A database table is read by column names that only the statement knows."""
    table = source("db.users")
    result = step((table,), {"mail": [Dep(0, "mail", subtype="IDENTITY")], "n": [Dep(0, None, subtype="AGGREGATION")]})
    assert sources_of(result, "mail") == {("db.users", "mail", "DIRECT", "IDENTITY")}
    assert sources_of(result, "n") == {("db.users", None, "DIRECT", "AGGREGATION")}


def test_unknown_and_failing_rules_are_said(monkeypatch):
    """An object made where nobody looked is unknown; a rule that fails leaves its value opaque."""
    monkeypatch.setattr(module.GUARD, "strict", False)
    raw = source("/a.csv", "x", "y")

    def broken(value: Value) -> Columns:
        raise KeyError("gone")

    value = make_value("step", (raw,), broken, columns=("z",))
    assert {s.column for s in trace(value).fields["z"]} == {"x", "y"}
    unknown = make_value("memory.object", columns=("a",))
    assert trace(step((unknown,), {"a": [Dep(0, "a")]})).has_unknown


def test_a_value_that_leads_back_to_itself_ends():
    """Two values that are each behind the other, and one behind itself: the trace ends, knows the dataset, and says
    that something is unknown."""
    raw = source("/loans.csv", "debt")
    first = step((raw,), {"a": [Dep(0, "debt")]})
    second = step((first,), {"a": [Dep(0, "a")]})
    first.inputs = (raw, second)
    alone = step((raw,), {"a": [Dep(0, "debt")]})
    alone.inputs = (raw, alone)
    for value in (second, alone):
        assert trace(value).has_unknown
        assert sources_of(value, "a") == {("/loans.csv", "debt", "DIRECT", "TRANSFORMATION")}


def test_too_many_edges_are_not_told_apart(monkeypatch):
    """Beyond the limit the trace keeps the datasets and says that it is coarse."""
    monkeypatch.setattr(module, "MAX_TRAILS", 50)
    raw = source("/a.csv", *(f"c{i}" for i in range(10)))
    wide = step((raw,), {f"o{i}": [Dep(0, f"c{j}") for j in range(10)] for i in range(10)})
    found = trace(wide)
    assert found.is_coarse
    assert not found.fields
    assert list(found.sources) == [raw]


def test_a_chain_of_thousands_needs_no_recursion():
    """A loop of 15,000 operations is traced."""
    value = source("/a.csv", "x")
    for _ in range(15_000):
        value = make_value("loop", (value,), same_columns, columns=("x",))
    assert sources_of(value, "x") == {("/a.csv", "x", "DIRECT", "IDENTITY")}


@st.composite
def graphs(draw):
    """Random graphs of operations over three sources, each step with random column dependencies."""
    values = [source(f"/{n}.csv", "a", "b", "c") for n in "xyz"]
    for _ in range(draw(st.integers(1, 8))):
        inputs = tuple(values[i] for i in draw(st.lists(st.integers(0, len(values) - 1), min_size=1, max_size=3)))
        fields = {}
        for name in draw(st.lists(st.sampled_from("abcd"), min_size=1, max_size=4, unique=True)):
            deps = []
            for _ in range(draw(st.integers(0, 3))):
                position = draw(st.integers(0, len(inputs) - 1))
                deps.append(Dep(position, draw(st.sampled_from(inputs[position].column_names()))))
            fields[name] = deps
        values.append(step(inputs, fields))
    return values


@given(graphs())
@settings(max_examples=150, deadline=None)
def test_trace_equals_reachability_in_the_graph_of_columns(values):
    """The sources of a column are exactly the source columns that reach it by the steps' dependencies."""

    def reach(value: Value, column: str) -> set[Source]:
        if value.dataset is not None:
            return {Source(value, column)}
        deps = value.rule(value).fields.get(column, [])
        return {found for dep in deps for found in reach(value.inputs[dep.input], dep.column)}

    last = values[-1]
    for column in last.column_names():
        assert set(trace(last).fields[column]) == reach(last, column)


def test_a_target_written_in_a_loop_is_said_once():
    """A thousand reads of one file are one source of each column; what a later round adds is added."""
    target = Origins(DatasetRef("file", "/out"))
    for _ in range(1_000):
        target.add(step((source("/in", "a", "k"),), {"x": [Dep(0, "a")]}, [Dep(0, "k", "INDIRECT", "FILTER")]))
    once = target.entry([])
    assert [item["name"] for item in once["inputs"]] == ["/in", "/in"]
    assert len(once["fields"]["x"]["inputs"]) == 1
    assert target.entry([]) == once
    target.add(step((source("/more", "b"),), {"x": [Dep(0, "b")]}))
    both = target.entry([])
    assert [item["name"] for item in both["fields"]["x"]["inputs"]] == ["/in", "/more"]
    assert [item["name"] for item in both["inputs"]] == ["/in", "/more", "/in"]


def test_a_target_is_no_source_of_itself():
    """A model that is trained further, a file that is appended to: no edge from the target to itself."""
    target = Origins(DatasetRef("file", "/out"))
    target.add(step((source("/out", "x"), source("/in", "a")), {"x": [Dep(0, "x"), Dep(1, "a")]}))
    entry = target.entry([DatasetRef("file", "/other")])
    assert [item["name"] for item in entry["inputs"]] == ["/in"]
    assert [item["name"] for item in entry["fields"]["x"]["inputs"]] == ["/in"]


def test_a_column_of_the_target_stands_for_what_it_was_made_of():
    """A table is filled and then updated from its own columns, a step at a time, also in a circle."""
    target = Origins(DatasetRef("db", "t"))
    table = make_value("read", columns=("amount", "tax", "total"), dataset=DatasetRef("db", "t", "TABLE"))
    target.add(step((source("/in", "amount", "id"),), {"amount": [Dep(0, "amount", subtype="IDENTITY")]}))
    only = [Dep(0, "amount", "INDIRECT", "FILTER")]
    target.add(step((table,), {"total": [Dep(0, "amount"), Dep(0, "tax"), Dep(0, "total")]}))
    target.add(step((table,), {"tax": [Dep(0, "amount", subtype="AGGREGATION")]}, only))
    entry = target.entry([])
    told = {
        name: {(item["name"], item["field"], item["transformations"][0]["subtype"]) for item in field["inputs"]}
        for name, field in entry["fields"].items()
    }
    assert told == {
        "amount": {("/in", "amount", "IDENTITY")},
        "tax": {("/in", "amount", "AGGREGATION")},
        "total": {("/in", "amount", "TRANSFORMATION"), ("/in", "amount", "AGGREGATION")},
    }
    assert [(item["name"], item.get("field")) for item in entry["inputs"]] == [("/in", None), ("/in", "amount")]


def test_a_target_that_was_read_before_comes_from_what_it_was():
    """A file that is read, changed and written again: a column from itself, a new one from those it is computed of."""
    target = Origins(DatasetRef("file", "/out"))
    target.was_read = True
    target.add(step((source("/out", "x"),), {"x": [Dep(0, "x", subtype="IDENTITY")], "y": [Dep(0, "x")]}))
    entry = target.entry([])
    assert [item["name"] for item in entry["inputs"]] == ["/out"]
    assert {
        name: [(item["name"], item["field"]) for item in field["inputs"]] for name, field in entry["fields"].items()
    } == {
        "x": [("/out", "x")],
        "y": [("/out", "x")],
    }


def test_a_target_that_is_added_to_keeps_what_it_was():
    """Every column comes from itself as well, unchanged; a text comes from all that it was."""
    target = Origins(DatasetRef("file", "/out"))
    target.is_kept = True
    target.add(step((source("/in", "a"),), {"x": [Dep(0, "a")]}))
    entry = target.entry([])
    assert [item["name"] for item in entry["inputs"]] == ["/in", "/out"]
    assert [(item["name"], item["field"]) for item in entry["fields"]["x"]["inputs"]] == [("/in", "a"), ("/out", "x")]
    assert entry["fields"]["x"]["inputs"][1]["transformations"][0]["subtype"] == "IDENTITY"
    text = Origins(DatasetRef("file", "/notes"))
    text.is_kept = True
    text.add(None)
    assert [item["name"] for item in text.entry([DatasetRef("file", "/in")])["inputs"]] == ["/in", "/notes"]


@pytest.mark.parametrize("differs", [False, True])
def test_what_all_of_many_columns_come_from_is_said_once(differs):
    """A model that mixes forty columns into fifty features has two thousand edges, and an entry of fifty names and
    forty sources: read again, both forms are the same edges. Where one feature has other sources, each has its own."""
    names = [f"c{number}" for number in range(40)]
    raw = source("/raw.csv", *names)
    guessed = [Dep(0, name, description="inferred") for name in names]
    fields = {f"f{number}": guessed for number in range(50)}
    if differs:
        fields["f7"] = guessed[:-1]
    target = Origins(DatasetRef("file", "/model"))
    target.add(step((raw,), fields, [Dep(0, "c0", "INDIRECT", "FILTER")]))
    target.settle()
    short, full = target.entry(()), target.entry((), in_full=True)
    assert any(field["inputs"] for field in short["fields"].values()) is differs
    assert len(msgspec.json.encode(short)) < 20_000 or differs
    assert edges_told(short) == edges_told(full)
    assert len(edges_told(short)) == 50 * 40 + 50 - differs


def edges_told(entry: dict[str, Any]) -> set[tuple[str, FieldEdge]]:
    """(source, column edge) pairs that a reader finds in an entry."""
    job = Job(namespace="n", name="j", facets={"lineage": msgspec.Raw(msgspec.json.encode({"entries": [entry]}))})
    found = extract_lineage(JobEvent(event_time="", producer="", job=job))
    assert not found.unreadable
    return {(one.name, edge) for target in found.targets for one in target.sources for edge in one.fields}


def test_grouping_by_a_column_outlives_sorting_by_it():
    """Which rows there are matters more than their order: the sort does not take the place of the grouping."""
    raw = source("/in", "k", "x")
    grouped = step((raw,), {"k": [Dep(0, "k", subtype="IDENTITY")]}, [Dep(0, "k", "INDIRECT", "GROUP_BY")])
    ordered = step((grouped,), {"k": [Dep(0, "k", subtype="IDENTITY")]}, [Dep(0, "k", "INDIRECT", "SORT")])
    assert [(s.column, t.subtype) for s, t in trace(ordered).indirect.items()] == [("k", "GROUP_BY")]


def test_a_source_is_behind_what_is_there_not_behind_what_was_dropped():
    """A prediction put into a frame is a source of that column alone: without the column the model is no source."""
    raw, model = source("/a.csv", "x"), source("/model", "w")
    both = step((raw, model), {"x": [Dep(0, "x", subtype="IDENTITY")], "p": [Dep(0, "x"), Dep(1, None)]})
    assert list(trace(both).sources) == [raw, model]
    assert list(trace(step((both,), {"x": [Dep(0, "x", subtype="IDENTITY")]})).sources) == [raw]


def test_a_source_without_columns_of_its_own_stays_one():
    """An input that no column names is a source all the same; so is what is behind a column of constants."""
    raw, state = source("/a.csv", "x"), source("/state", "mean")
    scaled = step((raw, state), {"x": [Dep(0, "x")]})
    assert list(trace(step((scaled,), {"x": [Dep(0, "x", subtype="IDENTITY")]})).sources) == [state, raw]
    assert list(trace(step((raw,), {"one": []})).sources) == [raw]
