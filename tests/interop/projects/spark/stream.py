"""Two streams: files of clicks to Parquet, by the sink for files and by batches of one's own, until all is read."""

from __future__ import annotations

from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

LAKE = Path("lake").resolve()


def keep(batch: DataFrame, number: int) -> None:
    """Write one batch as a program would."""
    batch.groupBy("page").count().write.mode("append").parquet(f"{LAKE}/gold/pages")


def main() -> None:
    """One file a batch."""
    spark = SparkSession.builder.getOrCreate()
    reader = spark.readStream.schema("customer_id int, page string").option("maxFilesPerTrigger", 1)
    clicks = reader.json(f"{LAKE}/clicks")
    shown = clicks.where("page <> '/item/0'")
    sink = shown.writeStream.queryName("clicks").option("checkpointLocation", f"{LAKE}/checkpoints/clicks")
    sink.trigger(availableNow=True).start(f"{LAKE}/silver/clicks").awaitTermination()
    batches = shown.writeStream.queryName("pages").option("checkpointLocation", f"{LAKE}/checkpoints/pages")
    batches.foreachBatch(keep).trigger(availableNow=True).start().awaitTermination()
    spark.stop()


if __name__ == "__main__":
    main()
