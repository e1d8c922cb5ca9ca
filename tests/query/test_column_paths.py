"""Paths along column edges."""

from __future__ import annotations

import pytest

from headwater.errors import NotFound
from headwater.query import Lineage
from headwater.storage.memory import MemoryStore
from headwater.testing.events import column_lineage, dataset, facet, raw, schema, whole_run


def made(name: str, fields: dict[str, list[tuple[str, str]]], *more: str) -> dict:
    """A dataset that a run wrote, with the sources of its columns and other columns."""
    facets = {"schema": schema(*fields, *more), "columnLineage": column_lineage(fields)}
    return dataset(name, facets=facets)


@pytest.fixture
def lineage() -> Lineage:
    """raw(a, b, day) -> mid(x from a; y from b) -> out(p from x), and raw -> out(q from b) at once; a filter by day."""
    store = MemoryStore.open()
    decides = facet(
        fields={"p": {"inputFields": [{"namespace": "db", "name": "mid", "field": "x"}]}},
        dataset=[
            {
                "namespace": "db",
                "name": "mid",
                "field": "y",
                "transformations": [{"type": "INDIRECT", "subtype": "FILTER"}],
            }
        ],
    )
    start = dataset("raw", facets={"schema": schema("a", "b", "day")})
    out = dataset("out", facets={"schema": schema("p", "q"), "columnLineage": decides})
    whole = dataset("whole", facets={"schema": schema("w")})
    history = [
        *whole_run(1, "first", 0, [start], [made("mid", {"x": [("raw", "a")], "y": [("raw", "b")]})]),
        *whole_run(2, "second", 20, ["mid"], [out]),
        *whole_run(3, "third", 40, ["raw"], [made("side", {"q": [("raw", "b")]}, "r")]),
        *whole_run(4, "fourth", 60, ["raw"], [whole]),
    ]
    store.append(raw(history))
    return Lineage(store)


def columns(lineage: Lineage, source: str, target: str) -> list[tuple[str, str, str]]:
    """The column edges of a path, with their types."""
    edges = [field for edge in lineage.path(source, target).edges for field in edge.fields]
    return [(field.source_field, field.target_field, field.type) for field in edges]


def test_a_path_between_columns_has_the_columns_on_the_way(lineage):
    """And no others; without a column at one end, any column there will do."""
    wanted = [("a", "x", "DIRECT"), ("x", "p", "DIRECT")]
    assert columns(lineage, "raw.a", "out.p") == wanted
    assert columns(lineage, "raw.a", "out") == columns(lineage, "raw", "out.p") == wanted
    graph = lineage.path("raw.a", "out.p")
    assert graph.columns
    assert [(node.name, node.level, node.properties["fields"]) for node in graph.datasets()] == [
        ("raw", 0, ["a"]),
        ("mid", 1, ["x"]),
        ("out", 2, ["p"]),
    ]


def test_a_column_that_only_decides_has_a_path_too(lineage):
    """Marked as what it is."""
    assert [edge[2] for edge in columns(lineage, "raw.b", "out.p")] == ["DIRECT", "INDIRECT"]


def test_a_path_the_other_way_says_so(lineage):
    """As without columns."""
    graph = lineage.path("out.p", "raw.a")
    assert graph.gaps == ("data flows the other way: from raw:a to out:p",)


def test_columns_that_are_not_connected_are_told_apart_from_tables_that_are(lineage):
    """The answer names the columns, and the edges beyond which no column is known."""
    with pytest.raises(NotFound, match="no column edges lead from raw:day to out:p"):
        lineage.path("raw.day", "out.p")
    assert lineage.path("raw", "out").nodes
    with pytest.raises(NotFound) as told:
        lineage.path("raw.a", "whole.w")
    assert "no column lineage from raw to whole" in str(told.value.hint)
