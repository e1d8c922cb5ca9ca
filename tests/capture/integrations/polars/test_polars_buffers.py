"""Frames that go through buffers in memory, or are read from bytes; columns that a reader adds."""

from __future__ import annotations

import io
from pathlib import Path

import polars as pl
import pytest

from headwater.capture.trace import trace


@pytest.fixture
def frames(follow):
    """Two frames, each read from its file, and what is known of them."""
    Path("one.csv").write_text("id,price\n1,2.5\n2,3.5\n")
    Path("two.csv").write_text("id,town\n1,Cork\n2,Bonn\n")
    followed = follow("files", "polars")
    return followed, pl.read_csv("one.csv"), pl.read_csv("two.csv")


def test_what_was_written_to_a_buffer_is_read_from_it(frames):
    """By column, also if it was a lazy frame."""
    followed, one, two = frames
    eager, lazy = io.BytesIO(), io.BytesIO()
    two.select("town").write_parquet(eager)
    one.lazy().select("price").sink_csv(lazy)
    eager.seek(0)
    lazy.seek(0)
    assert followed.columns(pl.read_parquet(eager)) == {"town": {("two.csv", "town")}}
    assert followed.columns(pl.read_csv(lazy)) == {"price": {("one.csv", "price")}}


def test_bytes_come_from_what_the_code_made_them_of(frames):
    """Text of a frame, bytes of a file; bytes that are written out have no source, and are no name of a file."""
    followed, one, _ = frames
    text = pl.read_csv(io.StringIO(one.write_csv()))
    raw = pl.read_csv(Path("two.csv").read_bytes())
    spelled = pl.read_csv(b"k\n1\n")
    assert followed.columns(text) == {"id": {("one.csv", "id")}, "price": {("one.csv", "price")}}
    assert followed.columns(raw) == {"id": {("two.csv", None)}, "town": {("two.csv", None)}}
    assert not trace(followed.recorder.values.get(spelled)).has_unknown
    assert followed.columns(spelled) == {"k": set()}


def test_columns_that_a_reader_adds_are_none_of_the_file(frames):
    """Numbers of rows and names of files come from no column; the file does not have them."""
    followed, one, _ = frames
    del one
    eager = pl.read_csv("one.csv", row_index_name="row")
    lazy = pl.scan_csv("*.csv", include_file_paths="file", missing_columns="insert").select("file", "id")
    assert followed.columns(eager) == {"row": set(), "id": {("one.csv", "id")}, "price": {("one.csv", "price")}}
    assert followed.columns(lazy) == {"file": set(), "id": {("one.csv", "id"), ("two.csv", "id")}}
    eager.write_csv("out.csv")
    names = [field["name"] for field in followed.facets("one.csv")["schema"]["fields"]]
    assert names == ["id", "price"]
