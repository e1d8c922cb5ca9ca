"""Apache Spark with OpenLineage's listener: files, tables of a warehouse, a stream, a database, failures.

The listener is a jar that is on none of the package indexes that tests may use: ``HEADWATER_TEST_OPENLINEAGE_SPARK``
names it. ``HEADWATER_TEST_POSTGRES_JDBC`` names PostgreSQL's JDBC driver.
"""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from headwater.testing.postgres import NoServer, PostgresServer
from interop.histories import Sent, keep
from interop.programs import HERE, PLACE, Program, installed

pytestmark = pytest.mark.interop

LISTENER = os.environ.get("HEADWATER_TEST_OPENLINEAGE_SPARK", "")
DRIVER = os.environ.get("HEADWATER_TEST_POSTGRES_JDBC", "")
INSERT = "execute_insert_into_hadoop_fs_relation_command"
CREATE = "execute_create_data_source_table_as_select_command"


class Spark:
    """An application after another, over one lake and one service."""

    def __init__(self, program: Program, home: Path, sent: Sent) -> None:
        self._program, self.home, self._sent = program, home, sent
        shutil.copytree(HERE / "projects" / "spark", home)
        program.run("python", "data.py", folder=home, settings={})

    def submit(self, name: str, *, jars: str = LISTENER, code: int = 0, **settings: str) -> str:
        """Run one of the project's scripts under the name ``shop_<name>``."""
        return self._program.run(
            *("spark-submit", "--master", "local[2]", "--name", f"shop_{name}", "--jars", jars),
            *(word for key, value in self._conf().items() for word in ("--conf", f"{key}={value}")),
            f"{name}.py",
            folder=self.home,
            settings={"SPARK_LOCAL_IP": "127.0.0.1", **_java(), **settings},
            code=code,
        )

    def _conf(self) -> Mapping[str, str]:
        return {
            "spark.ui.enabled": "false",
            "spark.sql.shuffle.partitions": "2",
            "spark.extraListeners": "io.openlineage.spark.agent.OpenLineageSparkListener",
            "spark.openlineage.transport.type": "http",
            "spark.openlineage.transport.url": self._sent.url,
            "spark.openlineage.transport.auth.type": "api_key",
            "spark.openlineage.transport.auth.apiKey": self._sent.key,
            "spark.openlineage.namespace": "shop_spark",
        }


def _java() -> dict[str, str]:
    return {name: os.environ[name] for name in ("JAVA_HOME",) if name in os.environ}


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Spark, Sent]]:
    """All applications run once, the nightly batch twice."""
    if not LISTENER:
        pytest.skip("HEADWATER_TEST_OPENLINEAGE_SPARK names no jar of openlineage-spark")
    if not shutil.which("java") and "JAVA_HOME" not in os.environ:
        pytest.skip("Spark needs Java")
    home = PLACE / "spark-home"  # the events name it
    shutil.rmtree(home, ignore_errors=True)
    with Sent(tmp_path_factory.mktemp("spark") / "store") as sent:
        spark = Spark(installed("spark"), home, sent)
        for name, code in (("batch", 0), ("broken", 1), ("learn", 0), ("stream", 0)):
            spark.submit(name, code=code)
        # RUNNING events say what START and COMPLETE say, and training reads the same file over and over
        kept = [event for event in sent.log() if b'"RUNNING"' not in event and b"shop_learn" not in event]
        keep("spark", kept)
        spark.submit("batch")
        yield spark, sent


@pytest.fixture
def sent(spark: tuple[Spark, Sent]) -> Sent:
    """What came of it."""
    return spark[1]


def test_files_are_one_graph(sent: Sent) -> None:
    """Files that Spark writes are the files that it reads, by the names of their folders, down to the raw ones."""
    lake = PLACE / "spark-home" / "lake"
    found = sent.lineage.upstream(f"dataset:file:{lake}/gold/ranked")
    names = {node.name.removeprefix(f"{lake}/") for node in found.datasets()}
    assert names == {"gold/ranked", "silver/orders", "raw/orders.json", "raw/customers.csv"}
    assert {node.name for node in found.jobs()} == {
        "shop_batch.adaptive_spark_plan.gold_ranked",
        f"shop_batch.{INSERT}.silver_orders",
    }


def test_columns_come_through_joins_and_windows(sent: Sent) -> None:
    """The listener's column lineage is taken whole, decided-by columns included."""
    found = sent.columns(f"dataset:file:{PLACE}/spark-home/lake/gold/ranked")
    lake = f"{PLACE}/spark-home/lake"
    assert f"{lake}/silver/orders.amount -> spent" in found
    assert f"{lake}/silver/orders.day -> last_day" in found
    assert f"{lake}/raw/customers.csv.country -> country" in found
    assert f"{lake}/raw/customers.csv.customer_id -> rank" in found


def test_a_table_is_its_folder_in_the_warehouse(sent: Sent) -> None:
    """A table answers to its name in the catalog as to its folder; who drops it did not make it."""
    revenue = sent.lineage.show("shop.revenue")
    assert revenue.id == sent.lineage.show(f"dataset:file:{PLACE}/spark-home/spark-warehouse/shop.db/revenue").id
    assert not revenue.is_deleted
    assert {column.name for column in revenue.columns} == {"country", "day", "revenue"}
    found = sent.lineage.upstream("shop.revenue", depth=1)
    assert {node.name for node in found.jobs()} == {
        f"shop_batch.{CREATE}.shop_revenue",
        "shop_batch.adaptive_spark_plan.shop_db_revenue",
    }
    assert {node.name.rpartition("/")[2] for node in found.datasets()} == {"revenue", "orders", "customers"}


def test_what_failed_adds_no_edge(sent: Sent) -> None:
    """A write that failed: FAIL, then COMPLETE in the same breath. The run is FAILED, says why, and wrote nothing."""
    job = f"shop_broken.{INSERT}.gold_never"
    ends = [event["eventType"] for event in sent.events() if event["job"]["name"] == job]
    assert ends[-2:] == ["FAIL", "COMPLETE"]
    (run,) = sent.lineage.runs(job)
    assert run.state == "FAILED"
    details = sent.lineage.show(f"run:{run.run_id}")
    assert details.run is not None
    assert "too much" in details.run.error or "Job aborted" in details.run.error
    assert not sent.lineage.upstream(f"dataset:file:{PLACE}/spark-home/lake/gold/never").edges


def test_a_query_runs_below_its_application(sent: Sent) -> None:
    """Every run of an action has the application's run as its parent."""
    runs = sent.lineage.runs(limit=1000)
    applications = {run.run_id: run for run in runs if "." not in run.job_name}
    assert {run.state for run in applications.values()} == {"COMPLETED"}
    actions = [run for run in runs if "." in run.job_name]
    assert actions
    assert all(applications[run.parent_run].job_name == run.job_name.partition(".")[0] for run in actions)


def test_rows_are_counted(sent: Sent) -> None:
    """What Spark counted stands at the version that was written."""
    (version,) = sent.lineage.show(f"dataset:file:{PLACE}/spark-home/lake/gold/top").versions[:1]
    assert version.row_count == 3


def test_a_streams_batches_are_connected(sent: Sent) -> None:
    """Batches written by ``foreachBatch`` name what they read; Spark's own sink for files is told of without output."""
    lake = f"{PLACE}/spark-home/lake"
    found = sent.lineage.upstream(f"dataset:file:{lake}/gold/pages")
    assert f"{lake}/clicks" in {node.name for node in found.datasets()}


def test_a_database_over_jdbc(spark: tuple[Spark, Sent]) -> None:
    """Spark names a table ``database.table``; it is the table that others call ``database.public.table``."""
    if not DRIVER:
        pytest.skip("HEADWATER_TEST_POSTGRES_JDBC names no driver")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    application, sent = spark
    try:
        server = PostgresServer(listen_addresses="127.0.0.1", port=port)
    except NoServer as error:
        pytest.skip(str(error))
    with server:
        settings = {"SHOP_JDBC": f"jdbc:postgresql://127.0.0.1:{port}/postgres", "SHOP_DRIVER": "org.postgresql.Driver"}
        application.submit("jdbc", jars=f"{LISTENER},{DRIVER}", SHOP_USER="headwater", **settings)
    lake = f"{PLACE}/spark-home/lake"
    found = sent.lineage.upstream(f"dataset:file:{lake}/gold/spent")
    assert f"{lake}/silver/orders" in {node.name for node in found.datasets()}
    table = sent.lineage.show(f"dataset:postgres://localhost:{port}:postgres.public.orders")
    assert table.id in {node.id for node in found.datasets()}


def test_nothing_was_refused(sent: Sent) -> None:
    """Every event of Spark's is taken."""
    assert sent.get("/api/v1/quarantine")["entries"] == []
