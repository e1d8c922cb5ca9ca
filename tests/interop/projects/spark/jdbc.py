"""A database: a table and a query read, a table written."""

from __future__ import annotations

import os
from pathlib import Path

from pyspark.sql import SparkSession

LAKE = Path("lake").resolve()


def main() -> None:
    """Orders into the database, and an answer of the database back to the lake."""
    spark = SparkSession.builder.getOrCreate()
    url = os.environ["SHOP_JDBC"]
    login = {"user": os.environ.get("SHOP_USER", ""), "password": os.environ.get("SHOP_PASSWORD", "")}
    login["driver"] = os.environ["SHOP_DRIVER"]  # a jar given with --jars is not found by itself
    spark.read.parquet(f"{LAKE}/silver/orders").write.mode("overwrite").jdbc(url, "orders", properties=login)
    spark.read.jdbc(url, "orders", properties=login).where("amount > 50").write.mode("overwrite").parquet(
        f"{LAKE}/silver/large_orders"
    )
    query = "select customer, sum(amount) as spent from orders group by customer"
    answer = spark.read.format("jdbc").option("url", url).option("query", query).options(**login).load()
    answer.write.mode("overwrite").parquet(f"{LAKE}/gold/spent")
    spark.stop()


if __name__ == "__main__":
    main()
