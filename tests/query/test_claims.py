"""The claim of an emitter beside what the SQL of its job says."""

from __future__ import annotations

import pytest

from headwater.errors import InvalidInput
from headwater.query.lineage import Lineage
from headwater.storage.memory import MemoryStore
from headwater.testing.events import column_lineage, dataset, facet, raw, run_event, run_id, schema

DB = "postgres://db:5432"


def table(name, *columns, **facets):
    """A table of the warehouse."""
    return dataset(name, DB, {"schema": schema(*columns), **facets})


def claims(query, inputs, outputs, **sql):
    """What is told of a job that ran a statement."""
    store = MemoryStore.open()
    event = run_event(run_id(1), "j", "COMPLETE", 1, inputs, outputs, job_facets={"sql": facet(query=query, **sql)})
    (receipt,) = store.append(raw([event]))
    assert receipt.status.value == "stored"
    return Lineage(store).claims("job:jobs:j")


def told(some):
    """(name, verdict, confidence) of tables."""
    return {(one.name, one.verdict.value, one.confidence.value) for one in some}


def test_what_both_say_is_agreed():
    """Tables are found whatever schema the statement leaves out; columns are compared one by one."""
    lineage = column_lineage({"total": [("shop.public.orders", "amount")]}, DB)
    found = claims(
        "INSERT INTO report (total) SELECT sum(amount) FROM public.orders WHERE secret = 'x'",
        [table("shop.public.orders", "id", "amount")],
        [table("shop.public.report", "total", columnLineage=lineage)],
    )
    assert told(found.reads) == {("shop.public.orders", "agreed", "high")}
    assert told(found.writes) == {("shop.public.report", "agreed", "high")}
    (column,) = found.columns
    assert (column.source_field, column.target_field, column.verdict.value) == ("amount", "total", "agreed")
    assert (found.agreement, found.has_conflict, found.dialect) == (1.0, False, "postgres")
    assert "'x'" not in found.statement


def test_a_table_that_the_emitter_names_by_its_folder_is_the_table():
    """Spark names the folder and gives the table's own name as another: the statement agrees, columns too."""

    def folder(name, *columns, **facets):
        called = facet(identifiers=[{"namespace": "hive://meta:9083", "name": f"shop.{name}", "type": "TABLE"}])
        return dataset(f"/lake/shop.db/{name}", "file", {"schema": schema(*columns), "symlinks": called, **facets})

    lineage = column_lineage({"country": [("/lake/shop.db/customers", "land")]}, "file")
    found = claims(
        "INSERT INTO shop.adults SELECT upper(land) FROM shop.customers",
        [folder("customers", "land", "age")],
        [folder("adults", "country", columnLineage=lineage)],
        dialect="spark",
    )
    assert told(found.reads) == {("/lake/shop.db/customers", "agreed", "high")}
    assert told(found.writes) == {("/lake/shop.db/adults", "agreed", "high")}
    assert [(one.source_field, one.target_field, one.verdict.value) for one in found.columns] == [
        ("land", "country", "agreed")
    ]
    assert (found.agreement, found.has_conflict) == (1.0, False)


def test_a_column_that_the_emitter_names_otherwise_is_a_conflict():
    """An alias of the SELECT taken for the column of the INSERT list: both sides stay, neither is believed blindly."""
    lineage = column_lineage({"_0": [("shop.public.orders", "amount")]}, DB)
    found = claims(
        "INSERT INTO report (total) SELECT amount AS _0 FROM orders",
        [table("shop.public.orders", "amount")],
        [table("shop.public.report", "total", columnLineage=lineage)],
    )
    assert {(one.target_field, one.verdict.value, one.confidence.value) for one in found.columns} == {
        ("_0", "emitter", "low"),
        ("total", "ours", "low"),
    }
    assert found.has_conflict
    assert found.agreement == 0.5


def test_an_input_that_the_emitter_leaves_out_is_ours():
    """A table that is read and not listed is found, as a dataset where one of that name is known."""
    found = claims(
        "INSERT INTO t SELECT a.x FROM a JOIN b ON a.id = b.id",
        [table("d.s.a", "x", "id")],
        [table("d.s.t", "x")],
    )
    assert told(found.reads) == {("d.s.a", "agreed", "high"), ("b", "ours", "low")}
    assert found.columns[0].confidence.value == "medium"  # the emitter says nothing of columns at all


def test_a_phantom_of_a_cte_is_the_emitters_alone():
    """A name that the statement defines itself is no table."""
    found = claims(
        "INSERT INTO t WITH o AS (SELECT x FROM a) SELECT x FROM o",
        [table("d.s.a", "x"), table("d.s.o", "x")],
        [table("d.s.t", "x")],
    )
    assert told(found.reads) == {("d.s.a", "agreed", "high"), ("d.s.o", "emitter", "low")}


def test_quoted_names_are_the_same_names():
    """Some emitters leave the quotes on one side."""
    found = claims('CREATE TABLE "t" AS SELECT x FROM "s"."a"', [table('"d"."s"."a"', "x")], [table("d.s.t", "x")])
    assert {one.verdict.value for one in (*found.reads, *found.writes)} == {"agreed"}


def test_a_star_is_resolved_with_the_schema_that_is_known():
    """Every column of the input reaches the column of its name."""
    found = claims("INSERT INTO t SELECT * FROM a", [table("d.s.a", "x", "y")], [table("d.s.t", "x", "y")])
    assert {(one.source_field, one.target_field) for one in found.columns} == {("x", "x"), ("y", "y")}


def test_without_sql_there_is_nothing_to_compare():
    """The claims stand alone, with the reason."""
    for query in ("", "THIS IS NO (SQL"):
        found = claims(query, [table("d.s.a", "x")], [table("d.s.t", "x")])
        assert found.agreement is None
        assert found.note
        assert told(found.reads) == {("d.s.a", "emitter", "medium")}


def test_a_statement_of_another_literal_is_not_parsed_again():
    """What is found is remembered by the fingerprint of the statement."""
    from headwater.query.claims_parse import _parsed

    before = _parsed.cache_info()
    for number in range(5):
        claims(f"INSERT INTO t SELECT x FROM a WHERE id = {number}", [table("d.s.a", "x")], [table("d.s.t", "x")])
    after = _parsed.cache_info()
    assert after.misses - before.misses == 1
    assert after.hits - before.hits == 4


def test_a_field_that_a_facet_gives_to_a_job_is_no_column():
    """A lineage facet may name the job as the source of a field: no column of a table, so it is left out, and the rest
    is told."""
    made = facet(
        fields={"total": {"inputs": [{"type": "JOB", "field": "x"}]}, "id": {"inputs": [table_input("orders", "id")]}}
    )
    found = claims("", ["orders"], [dataset("report", facets={"lineage": made})])
    assert [(one.source, one.source_field, one.target_field) for one in found.columns] == [
        ("dataset:db:orders", "id", "id")
    ]


def table_input(name, field):
    """A source in a lineage facet."""
    return {"type": "DATASET", "namespace": "db", "name": name, "field": field}


def test_a_dataset_claims_nothing():
    """Only jobs have SQL."""
    store = MemoryStore.open()
    store.append(raw([run_event(run_id(1), "j", "COMPLETE", 1, ["a"], ["b"])]))
    with pytest.raises(InvalidInput, match="must be a job"):
        Lineage(store).claims("a")
