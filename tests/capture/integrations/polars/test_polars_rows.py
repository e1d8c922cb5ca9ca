"""Rows of a polars frame in plain Python, made a frame again: by name, as a guess."""

from __future__ import annotations

import pytest

pl = pytest.importorskip("polars")


@pytest.fixture
def people(follow):
    """A frame that was read from a file beside another, and what is known of it."""
    pl.DataFrame({"id": [1, 2], "age": [30, 40], "pay": [3.0, 4.0]}).write_csv("people.csv")
    pl.DataFrame({"id": [1, 2]}).write_csv("other.csv")
    followed = follow("polars", "files")
    pl.read_csv("other.csv")
    return followed, pl.read_csv("people.csv")


ALL = {name: {("people.csv", name)} for name in ("id", "age", "pay")}


def test_rows_made_a_frame_again(people):
    """Dictionaries and tuples, of a name and of an expression, changed in between."""
    followed, frame = people
    rows = frame.to_dicts()
    assert followed.columns(pl.from_dicts(frame.to_dicts())) == ALL
    assert followed.columns(pl.DataFrame(rows)) == ALL
    assert followed.columns(pl.from_dicts(frame.filter(pl.col("age") > 30).to_dicts()))["pay"] >= ALL["pay"]
    assert followed.columns(pl.DataFrame(frame.rows(), schema=frame.columns, orient="row")) == ALL
    made = pl.DataFrame([{"who": row["id"], "next": row["age"] + 1, "one": 1} for row in frame.iter_rows(named=True)])
    assert followed.columns(made) == {"who": ALL["id"], "next": ALL["age"], "one": set()}
