"""Nicknames of data sources: what is certain is joined, and nothing else."""

from __future__ import annotations

import pytest

from headwater.model.source_names import name_at_source


@pytest.mark.parametrize(
    ("name", "uri", "expected"),
    [
        ("public.orders", "postgresql://me:pw@db/shop", ("postgres://db:5432", "shop.public.orders")),
        ("public.orders", "JDBC:postgresql://DB:5432/shop?ssl=true", ("postgres://db:5432", "shop.public.orders")),
        ("shop.public.orders", "postgres://db/shop", ("postgres://db:5432", "shop.public.orders")),
        ("shop.public.orders", "postgres://db", ("postgres://db:5432", "shop.public.orders")),
        ("orders", "mysql://db/shop", ("mysql://db:3306", "shop.orders")),
        ("dbo.orders", "jdbc:sqlserver://db;databaseName=shop", ("mssql://db:1433", "shop.dbo.orders")),
        ("PUBLIC.ORDERS", "snowflake://org-account/shop", ("snowflake://org-account", "SHOP.PUBLIC.ORDERS")),
        ("raw/orders", "s3a://lake", ("s3://lake", "raw/orders")),
        ("orders", "s3://lake/raw/orders", ("s3://lake", "raw/orders")),
        ("raw/orders", "gs://lake/raw/orders/", ("gs://lake", "raw/orders")),
    ],
)
def test_a_nickname_with_an_address_is_the_thing_at_the_address(name, uri, expected):
    """Databases with the schema in the name, paths that end with it; credentials and options are no part of it."""
    assert name_at_source("warehouse", name, uri) == expected


@pytest.mark.parametrize(
    ("namespace", "name", "uri"),
    [
        ("postgres://db:5432", "shop.public.orders", "postgres://db:5432"),
        ("bigquery", "p.d.t", "bigquery://p"),
        ("postgresql", "public.orders", "postgres://db/shop"),
        ("arn:aws:glue:eu-west-1:1", "table/db/t", "s3://lake/t"),
        ("file", "/data/x.csv", "file:///data"),
        ("warehouse", "orders", "postgresql://db/shop"),
        ("warehouse", "public.orders", "postgresql://db"),
        ("warehouse", "other.public.orders", "postgresql://db/shop"),
        ("warehouse", "a.shop.public.orders", "postgresql://db/shop"),
        ("warehouse", "public.orders", "postgresql://localhost:5432/shop"),
        ("warehouse", "public.orders", "postgresql://127.0.0.1/shop"),
        ("warehouse", "public.orders", "postgresql:///shop"),
        ("warehouse", "orders", "sqlite:////data/shop.db"),
        ("warehouse", "data/x.csv", "file:///data/x.csv"),
        ("warehouse", "orders", "s3://lake"),
        ("warehouse", "orders", "s3://lake/raw/preorders"),
        ("warehouse", "orders", "s3://lake/raw/users"),
        ("warehouse", "orders", "kafka://broker:9092"),
        ("warehouse", "orders", "nonsense"),
        ("warehouse", "orders", "s3://"),
        ("warehouse", " ", "s3://lake/orders"),
        ("warehouse", "orders", ""),
    ],
)
def test_what_is_not_certain_is_not_joined(namespace, name, uri):
    """Addresses, this machine, a schema or database that would be guessed, a path that ends otherwise, odd text."""
    assert name_at_source(namespace, name, uri) is None


def test_two_tables_of_one_source_stay_two():
    """The URI of a server is shared by all its tables: their names keep them apart."""
    found = {name_at_source("w", name, "postgres://db/shop") for name in ("public.a", "public.b", "sales.a")}
    assert len(found) == 3
