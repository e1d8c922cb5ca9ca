"""A job that fails after it began to write, and one whose query cannot be resolved."""

from __future__ import annotations

from pathlib import Path

from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession
from pyspark.sql import functions as f

LAKE = Path("lake").resolve()


def main() -> None:
    """The second failure ends the program."""
    spark = SparkSession.builder.getOrCreate()
    orders = spark.read.parquet(f"{LAKE}/silver/orders")
    checked = f.when(f.col("order_id") > 100, f.raise_error("too much")).otherwise(f.col("amount"))
    bad = orders.withColumn("amount", checked)
    try:
        bad.write.mode("overwrite").parquet(f"{LAKE}/gold/never")
    except Py4JJavaError as error:
        print("failed as it should:", type(error).__name__)
    orders.select("no_such_column").write.parquet(f"{LAKE}/gold/neither")


if __name__ == "__main__":
    main()
