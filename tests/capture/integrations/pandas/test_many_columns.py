"""Frames of thousands of columns: what is read off their lineage costs what they have columns, not its square."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from headwater.capture.integrations.pandas.assignment import assigned
from headwater.capture.integrations.pandas.labels import Labels, has_column
from headwater.capture.integrations.pandas.rules import SAME, By, by_name, column
from headwater.capture.integrations.pandas.writers import _as_written, _with_index
from headwater.capture.trace import trace
from headwater.capture.values import DatasetRef, Rule, make_value

COUNT = 3000


class Counted(tuple[str, ...]):
    """Names that count how often they are gone through."""

    times = 0

    def __iter__(self) -> Iterator[str]:
        type(self).times += 1
        return super().__iter__()


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Counted:
    """Thousands of names."""
    monkeypatch.setattr(Counted, "times", 0)
    return Counted(f"c{number}" for number in range(COUNT))


@pytest.mark.parametrize("has_index", [False, True])
@pytest.mark.parametrize(
    "rule",
    [
        _as_written,
        _with_index,
        by_name(indirect=[By("FILTER", 0, tuple(f"c{number}" for number in range(0, COUNT, 7)))]),
    ],
    ids=["written", "with index", "by name"],
)
def test_names_are_gone_through_a_few_times(names: Counted, rule: Rule, has_index: bool) -> None:
    """Every column has its source, and no rule looks for each column among all of them."""
    kept = Labels(names, ("key",), shows_index=True) if has_index else names
    source = make_value("read", columns=kept)
    fields = rule(make_value("op", (source,), rule, columns=kept)).fields
    assert Counted.times < 20
    assert fields["c0"][0].column == "c0"
    assert all(fields[f"c{number}"] for number in range(COUNT))


def test_frames_of_one_place_in_memory_are_told_apart() -> None:
    """What was asked of a frame that is gone does not answer for the next one, wherever that lies in memory."""
    for number in range(200):
        frame = make_value("read", columns=(f"only{number}",))
        assert has_column(frame, f"only{number}")
        assert not has_column(frame, f"only{number - 1}")
        assert not column(make_value("op", (frame,)), 0, f"only{number - 1}")


def test_columns_that_are_replaced_one_by_one(names: Counted) -> None:
    """``for name in frame: frame[name] = frame[name].astype(...)``: the names are gone through a few times in all, and
    the columns that a step leaves alone share what they come from with the step before."""
    ref = DatasetRef("file", "wide.csv")
    values = [make_value("read", columns=names, dataset=ref)]
    for name in names[:50]:
        column_ = make_value("getitem", (values[-1],), SAME, columns=name)
        values.append(make_value("setitem", (values[-1], column_), assigned([name]), columns=names))
    traced = trace(values[-1])
    assert Counted.times < 20
    assert set(traced.fields) == set(names)
    assert traced.fields["c2999"] is trace(values[-2]).fields["c2999"]
    assert {source.column for source in traced.fields["c0"]} == {"c0"}
