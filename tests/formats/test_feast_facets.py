"""Feast's sources, and the files that they are."""

import msgspec
import pytest

from headwater.formats.feast_facets import file_of_source


def source(path, kind="FileSource"):
    """The facets of a source, as Feast writes them."""
    facet = {"_producer": "", "_schemaURL": "", "name": "orders", "source_type": kind, "path": path, "tags": {}}
    return {"feast_dataSource": msgspec.Raw(msgspec.json.encode(facet))}


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/data/orders.parquet", ("file", "/data/orders.parquet")),
        ("file:///data/orders.parquet", ("file", "/data/orders.parquet")),
        ("s3a://lake/raw/orders.parquet", ("s3://lake", "raw/orders.parquet")),
        ("gs://lake/orders/", ("gs://lake", "orders")),
        ("data/orders.parquet", None),
        ("snowflake://account/db", None),
        ("nonsense://x/y", None),
        ("", None),
        (None, None),
        (7, None),
    ],
)
def test_a_file_source_is_its_file(path, name):
    """Absolute paths and objects of a store; what names no place, or is no file, is nothing."""
    assert file_of_source(source(path)) == name


def test_other_sources_are_no_files():
    """A table's ``path`` is none; facets of others are not looked at."""
    assert file_of_source(source("/data/x.parquet", kind="SnowflakeSource")) is None
    assert file_of_source({"dataSource": msgspec.Raw(b"{}")}) is None
