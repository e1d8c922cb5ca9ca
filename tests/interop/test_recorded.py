"""What Spark and Flink once sent, and what is made of it: the listeners' jars are not needed for that.

The corpora were recorded by running the programs of ``projects/spark`` and ``projects/flink`` with OpenLineage's
listeners (Spark 3.5.9, Flink 2.2.1) against a service.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from headwater.query.lineage import Lineage
from headwater.storage.memory import MemoryStore
from headwater.storage.row_types import ReceiptStatus
from interop.histories import CORPORA, short

LAKE = "/project/spark-home/lake"
SHOP = "/project/spark-home/spark-warehouse/shop.db"
INSERT = "execute_insert_into_hadoop_fs_relation_command"
CREATE = "execute_create_data_source_table_as_select_command"
PLAN = "adaptive_spark_plan"


def _stored(name: str) -> Iterator[Lineage]:
    with MemoryStore.open() as store:
        receipts = store.append((CORPORA / f"{name}.ndjson").read_bytes().splitlines())
        assert all(receipt.status is ReceiptStatus.STORED for receipt in receipts)
        yield Lineage(store)


@pytest.fixture(scope="module")
def spark() -> Iterator[Lineage]:
    """The nightly batch, the applications that fail, the streams."""
    yield from _stored("spark")


@pytest.fixture(scope="module")
def flink() -> Iterator[Lineage]:
    """A stream, a query over tables of Flink's own catalog, a stream that fails; ends came before their starts."""
    yield from _stored("flink")


def _edges(lineage: Lineage) -> set[tuple[str, str, str]]:
    graph = lineage.graph("kind:dataset | kind:job")
    edges = [edge for edge in graph.edges if edge.job not in (edge.source, edge.target)]
    found = ((short(edge.source), short(edge.target), short(edge.job)) for edge in edges)
    cut = {f"{LAKE}/": "", f"{SHOP}/": "shop.", "shop_batch.": "", "shop_stream.": ""}

    def brief(text: str) -> str:
        for long, instead in cut.items():
            text = text.replace(long, instead)
        return text

    return {(brief(source), brief(target), brief(job)) for source, target, job in found}


def test_every_edge_of_spark(spark: Lineage) -> None:
    """Files and tables make one graph; a table that is created from a query is told of twice, as Spark works twice."""
    assert _edges(spark) == {
        ("raw/orders.json", "silver/orders", f"{INSERT}.silver_orders"),
        ("silver/orders", "gold/ranked", f"{PLAN}.gold_ranked"),
        ("raw/customers.csv", "gold/ranked", f"{PLAN}.gold_ranked"),
        ("silver/orders", "gold/months", f"{PLAN}.gold_months"),
        ("raw/customers.csv", "shop.customers", f"{CREATE}.shop_customers"),
        ("raw/customers.csv", "shop.customers", f"{INSERT}.shop_db_customers"),
        ("silver/orders", "shop.orders", f"{CREATE}.shop_orders"),
        ("silver/orders", "shop.orders", f"{PLAN}.shop_db_orders"),
        ("shop.orders", "shop.revenue", f"{CREATE}.shop_revenue"),
        ("shop.customers", "shop.revenue", f"{CREATE}.shop_revenue"),
        ("shop.orders", "shop.revenue", f"{PLAN}.shop_db_revenue"),
        ("shop.customers", "shop.revenue", f"{PLAN}.shop_db_revenue"),
        ("shop.customers", "shop.adults", f"{INSERT}.shop_db_adults"),
        ("shop.revenue", "gold/top", f"{PLAN}.gold_top"),
        ("shop.customers", "shop.merged", f"{CREATE}.shop_merged"),
        ("shop.adults", "shop.merged", f"{CREATE}.shop_merged"),
        ("shop.customers", "shop.merged", f"{PLAN}.shop_db_merged"),
        ("shop.adults", "shop.merged", f"{PLAN}.shop_db_merged"),
        ("clicks", "gold/pages", f"{INSERT}.gold_pages"),
    }


def test_columns_of_a_file_back_to_the_raw_ones(spark: Lineage) -> None:
    """From the best revenue of a country to the amounts and countries of the raw files, over four steps."""
    found = spark.upstream(f"dataset:file:{LAKE}/gold/top", columns=True)
    used = {f"{short(edge.source)}.{field.source_field}" for edge in found.edges for field in edge.fields}
    assert {f"{LAKE}/raw/orders.json.amount", f"{LAKE}/raw/customers.csv.country"} <= used
    assert f"{LAKE}/raw/customers.csv.email" not in used


def test_a_table_answers_to_its_name_in_the_catalog(spark: Lineage) -> None:
    """``shop.revenue`` is the folder of the warehouse; that it was dropped before it was made does not count."""
    revenue = spark.show("shop.revenue")
    assert revenue.id == spark.show(f"dataset:file:{SHOP}/revenue").id
    assert not revenue.is_deleted
    assert [column.name for column in revenue.columns] == ["country", "day", "revenue"]
    assert spark.show("shop.adults").id != revenue.id


def test_how_sparks_runs_ended(spark: Lineage) -> None:
    """FAIL and then COMPLETE is a failure; a job on RDDs that writes nothing is started and never ended."""
    states: dict[str, set[str]] = {}
    for run in spark.runs(limit=1000):
        states.setdefault(run.state, set()).add(run.job_name)
    assert states["FAILED"] == {f"shop_broken.{INSERT}.gold_never"}
    assert {name.split(".")[1].partition("_")[0] for name in states["RUNNING"]} == {"map"}
    assert {"shop_batch", "shop_broken", "shop_stream"} <= states["COMPLETED"]
    (failed,) = spark.runs(f"shop_broken.{INSERT}.gold_never")
    details = spark.show(f"run:{failed.run_id}")
    assert details.run is not None
    assert "Job aborted due to stage failure" in details.run.error
    parent = next(run for run in spark.runs("shop_broken"))
    assert failed.parent_run == parent.run_id


def test_what_flink_reads_and_writes(flink: Lineage) -> None:
    """Topics by their brokers, tables of its own catalog by the job's namespace; a stream counts from its start on."""
    assert _edges(flink) == {
        ("clicks", "sessions", "sessions"),
        ("clicks", "broken", "broken"),
        (
            "default_catalog.default_database.orders",
            "default_catalog.default_database.totals",
            "insert-into_default_catalog.default_database.totals",
        ),
    }
    ids = {node.id for node in flink.graph("kind:dataset").datasets()}
    assert "dataset:kafka://broker:9092:clicks" in ids
    assert "dataset:flink-jobs:default_catalog.default_database.orders" in ids
    assert {run.job_name.partition("_")[0]: run.state for run in flink.runs(limit=100)} == {
        "sessions": "COMPLETED",
        "insert-into": "COMPLETED",
        "broken": "FAILED",
    }


def test_spark_says_what_its_sql_says(spark: Lineage) -> None:
    """Our parse of the statements and the listener's plan name the same tables and columns, by folder and by name."""
    for statement in (f"{CREATE}.shop_revenue", f"{INSERT}.shop_db_adults"):
        claims = spark.claims(f"job:shop_spark:shop_batch.{statement}")
        assert (claims.agreement, claims.has_conflict) == (1.0, False)
