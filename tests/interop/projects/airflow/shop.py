"""A DAG of the kinds that matter to lineage: files, SQL, a mapped task, a task that fails."""

from __future__ import annotations

import os
from datetime import datetime

from airflow.providers.common.compat.openlineage.facet import Dataset
from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator
from airflow.sdk import Asset, ObjectStoragePath, dag, task

SHOP = os.environ["SHOP_FOLDER"]  # where the files of the test are
SCHEDULE = os.environ.get("SHOP_SCHEDULE")  # when a scheduler is to run it


@dag(schedule=SCHEDULE, start_date=datetime(2026, 1, 1), catchup=False, tags=["shop"])
def shop():
    """Customers and orders, from files to a table."""

    @task(inlets=[Asset("file:///data/raw/customers.csv")], outlets=[Asset("file:///data/clean/customers.csv")])
    def clean():
        """Declared by hand, with assets: names with a leading slash."""

    @task(
        inlets=[Dataset(namespace="file", name="data/clean/customers.csv")],
        outlets=[Dataset(namespace="file", name="data/mart/customers.csv")],
    )
    def publish():
        """Declared by hand, with OpenLineage's own datasets: names without one."""

    @task(
        inlets=[Dataset(namespace="file", name="/data/clean/customers.csv")],
        outlets=[Dataset(namespace="file", name="/data/mart/broken.csv")],
    )
    def broken():
        """Fails before it has written what it declares."""
        raise ValueError("this task is meant to fail")

    @task
    def copy(name: str):
        """Mapped over files; what it reads and writes is seen by the hook of object storage."""
        source = ObjectStoragePath(f"file://{SHOP}/{name}.csv")
        with source.open("rb") as read, ObjectStoragePath(f"file://{SHOP}/copied-{name}.csv").open("wb") as write:
            write.write(read.read())

    load = SQLExecuteQueryOperator(
        task_id="load",
        conn_id="shop_db",
        sql=[
            "create table orders (id integer, customer_id integer, cents integer)",
            "create table totals as select customer_id, sum(cents) as cents from orders group by customer_id",
        ],
    )
    cleaned, published = clean(), publish()
    cleaned >> [published, broken()]
    published >> copy.expand(name=["orders", "customers"]) >> load


shop()
