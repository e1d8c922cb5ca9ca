"""Aliases in events: symlinks, renames and data sources join names."""

import pytest

from headwater.formats.alias_pairs import alias_pairs
from headwater.formats.openlineage import decode

from .documents import dataset, facet, run_event, wire


def pairs(**document):
    """The joins of a RunEvent."""
    return alias_pairs(decode(wire(run_event(**document))))


def test_symlinks_join_in_normal_form():
    """A table and its location, however they are spelled; a symlink to itself joins nothing."""
    links = [
        {"namespace": "thrift://metastore:9083", "name": "Sales.Orders", "type": "TABLE"},
        {"namespace": "s3://lake", "name": "orders/", "type": "LOCATION"},
    ]
    output = dataset("orders", "s3a://lake", symlinks=facet("SymlinksDatasetFacet", identifiers=links))
    assert pairs(outputs=[output]) == [(("s3://lake", "orders"), ("hive://metastore:9083", "sales.orders"))]


def test_a_rename_joins_the_name_before():
    """RENAME with a previous identifier joins; other changes of state do not."""
    before = {"namespace": "postgres://db", "name": "shop.public.old"}
    stem = "LifecycleStateChangeDatasetFacet"
    for change, count in (("RENAME", 1), ("CREATE", 0)):
        body = facet(stem, lifecycleStateChange=change, previousIdentifier=before)
        renamed = dataset("shop.public.new", "postgres://db", lifecycleStateChange=body)
        assert len(pairs(inputs=[renamed])) == count
    gone = facet(stem, lifecycleStateChange="RENAME")
    assert pairs(inputs=[dataset("a", lifecycleStateChange=gone)]) == []


@pytest.mark.parametrize(
    ("namespace", "name", "uri", "alias"),
    [
        ("warehouse", "public.orders", "postgresql://me:pw@db/shop", ("postgres://db:5432", "shop.public.orders")),
        ("lake", "raw/orders", "s3a://lake", ("s3://lake", "raw/orders")),
        ("lake", "orders", "s3://lake/raw/orders", ("s3://lake", "raw/orders")),
        ("postgres://db:5432", "shop.public.orders", "postgres://db:5432", None),
        ("file", "/data/x.csv", "file:///data", None),
        ("warehouse", "orders", "nonsense", None),
        ("warehouse", "orders", "s3://lake/raw/users", None),
        ("warehouse", "orders", "", None),
    ],
)
def test_a_nickname_of_a_source_joins_its_address(namespace, name, uri, alias):
    """A namespace that is only a nickname joins the dataset's name at the source's address; an address needs none."""
    named = dataset(name, namespace, dataSource=facet("DatasourceDatasetFacet", name="source", uri=uri))
    found = pairs(inputs=[named])
    assert found == ([] if alias is None else [((namespace, name), alias)])


def test_malformed_facets_join_nothing():
    """Facets that break their schema, empty names and removed facets are passed over."""
    for body in ({"identifiers": 7}, {"identifiers": [{"namespace": "", "name": "x"}]}, {"_deleted": True}):
        assert pairs(outputs=[dataset("a", symlinks=facet("SymlinksDatasetFacet", **body))]) == []
