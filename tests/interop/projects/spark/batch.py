"""A nightly batch: files in, files and tables out, several actions in one application."""

from __future__ import annotations

from pathlib import Path

from pyspark.sql import SparkSession, Window
from pyspark.sql import functions as f

LAKE = Path("lake").resolve()
SCHEMA = "order_id long, customer long, amount double, day date"


def files(spark: SparkSession) -> None:
    """Read CSV and JSON, join, aggregate and rank, write Parquet; what is used twice is cached."""
    customers = spark.read.csv(f"{LAKE}/raw/customers.csv", header=True, inferSchema=True)
    orders = spark.read.schema(SCHEMA).json(f"{LAKE}/raw/orders.json")
    orders.where("amount > 5").write.mode("overwrite").parquet(f"{LAKE}/silver/orders")
    clean = spark.read.parquet(f"{LAKE}/silver/orders").cache()
    joined = clean.join(customers, clean.customer == customers.customer_id)
    spent = joined.groupBy("customer_id", "country").agg(
        f.sum("amount").alias("spent"), f.count("*").alias("orders"), f.max("day").alias("last_day")
    )
    ranked = spent.withColumn("rank", f.rank().over(Window.partitionBy("country").orderBy(f.desc("spent"))))
    ranked.write.mode("overwrite").partitionBy("country").parquet(f"{LAKE}/gold/ranked")
    months = clean.groupBy(f.month("day").alias("month")).agg(f.avg("amount").alias("mean_amount"))
    months.coalesce(1).write.mode("overwrite").csv(f"{LAKE}/gold/months", header=True)
    print("orders:", clean.count(), "top:", ranked.where("rank = 1").collect())


def tables(spark: SparkSession) -> None:
    """Tables of a warehouse: saved, created as a query, inserted into, overwritten, merged by hand."""
    spark.sql("create database if not exists shop")
    spark.read.csv(f"{LAKE}/raw/customers.csv", header=True, inferSchema=True).write.mode("overwrite").saveAsTable(
        "shop.customers"
    )
    spark.read.parquet(f"{LAKE}/silver/orders").write.mode("overwrite").saveAsTable("shop.orders")
    spark.sql("drop table if exists shop.revenue")
    spark.sql(
        "create table shop.revenue using parquet as "
        "select c.country, o.day, sum(o.amount) as revenue from shop.orders o "
        "join shop.customers c on c.customer_id = o.customer where o.amount > 0 group by c.country, o.day"
    )
    spark.sql("drop table if exists shop.adults")
    spark.sql("create table shop.adults (customer_id int, country string) stored as parquet")
    spark.sql("insert into shop.adults select customer_id, country from shop.customers where age >= 18")
    spark.sql("insert overwrite shop.adults select customer_id, upper(country) from shop.customers where age >= 21")
    spark.sql("create or replace view shop.top as select country, max(revenue) best from shop.revenue group by country")
    spark.sql("select * from shop.top").write.mode("overwrite").parquet(f"{LAKE}/gold/top")
    updates = spark.table("shop.adults").selectExpr("customer_id", "concat(country, '!') as country")
    kept = spark.table("shop.customers").join(updates, "customer_id", "left_anti").select("customer_id", "country")
    kept.unionByName(updates).write.mode("overwrite").saveAsTable("shop.merged")


def main() -> None:
    """Both, in one session."""
    spark = SparkSession.builder.enableHiveSupport().getOrCreate()
    files(spark)
    tables(spark)
    spark.stop()


if __name__ == "__main__":
    main()
