"""Features, a pipeline of pyspark.ml, its model saved and used."""

from __future__ import annotations

from pathlib import Path

from pyspark.ml import Pipeline, PipelineModel
from pyspark.ml.classification import LogisticRegression
from pyspark.ml.feature import StringIndexer, VectorAssembler
from pyspark.sql import SparkSession

LAKE = Path("lake").resolve()


def main() -> None:
    """Train on ranked customers, save, load, score, write the scores."""
    spark = SparkSession.builder.getOrCreate()
    ranked = spark.read.parquet(f"{LAKE}/gold/ranked").selectExpr("*", "cast(spent > 800 as double) as label")
    train, test = ranked.randomSplit([0.8, 0.2], seed=7)
    steps = [
        StringIndexer(inputCol="country", outputCol="country_index"),
        VectorAssembler(inputCols=["orders", "country_index"], outputCol="features"),
        LogisticRegression(maxIter=5),
    ]
    Pipeline(stages=steps).fit(train).write().overwrite().save(f"{LAKE}/models/spender")
    scored = PipelineModel.load(f"{LAKE}/models/spender").transform(test)
    scored.select("customer_id", "prediction").write.mode("overwrite").parquet(f"{LAKE}/gold/scores")
    spark.stop()


if __name__ == "__main__":
    main()
