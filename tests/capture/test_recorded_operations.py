"""The steps of a run, and the names of an axis: what is kept of them in a long loop."""

from __future__ import annotations

import sys

import pandas as pd
import pytest

from headwater.capture import axis_names, operations_facet
from headwater.capture.axis_names import names_in
from headwater.capture.operations_facet import Steps
from headwater.capture.values import make_value


def test_the_first_steps_are_kept_and_all_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the order in which results come, the facet has the first steps in time and the number of all; the others
    are let go."""
    monkeypatch.setattr(operations_facet, "MAX_OPERATIONS", 4)
    read = make_value("read")
    unused = make_value("unused", (read,))
    chains = [(first := make_value(f"a{i}", (read,)), make_value(f"b{i}", (first,))) for i in range(5)]
    part = make_value("sklearn.part", (chains[0][1],))
    references = sys.getrefcount(chains[4][1])
    steps = Steps()
    for _, last in reversed(chains):
        steps.add(last)
    steps.add(part)
    steps.add(part)
    body = steps.body()
    assert [(one["op"], one["inputs"]) for one in body["operations"]] == [
        ("read", []),
        ("a0", [1]),
        ("b0", [2]),
        ("a1", [1]),
    ]
    assert body["count"] == 11
    kept = sys.getrefcount(chains[4][1])
    assert kept == references
    assert unused.op not in {one["op"] for one in body["operations"]}
    assert Steps().body() == {}


def test_the_labels_of_a_copied_axis_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy of an axis around the same array has the names that were read; another axis has its own."""
    monkeypatch.setattr(axis_names, "_names", {})
    axis = pd.Index(["a", "b"], dtype="str")
    assert names_in(axis) == ("a", "b")
    assert names_in(axis.view()) is names_in(axis)
    assert names_in(pd.Index(["a", "c"], dtype="str")) == ("a", "c")
    assert names_in(pd.MultiIndex.from_tuples([("a", ""), ("a", "c")])) == ("a", "a.c")
    assert names_in(pd.Index([1, 2])) == ("1", "2")
