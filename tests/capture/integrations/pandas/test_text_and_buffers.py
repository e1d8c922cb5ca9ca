"""Tables that go through memory as text or bytes: written to a buffer, read from one, made of what another gave."""

from __future__ import annotations

import io
import pickle
from pathlib import Path

import pandas as pd
import pytest
from pandas.io.excel import ExcelWriter

from headwater.capture.trace import trace

ONE, TWO = "id,price\n1,2.5\n2,3.5\n", "id,town\n1,Cork\n2,Bonn\n"


@pytest.fixture
def frames(follow):
    """Two frames, each read from its file, and what is known of them."""
    Path("one.csv").write_text(ONE)
    Path("two.csv").write_text(TWO)
    followed = follow("files", "pandas")
    return followed, pd.read_csv("one.csv"), pd.read_csv("two.csv")


def _sources(followed, frame):
    """Per column, the columns behind it; and whether every one of them is a guess."""
    found = trace(followed.recorder.values.get(frame))
    assert all(t.description == "inferred" for trails in found.fields.values() for t in trails.values())
    return followed.columns(frame)


def _in_one_statement(one, two):
    del two
    return pd.read_csv(io.StringIO(one.to_csv(index=False)))


def _text_with_a_name(one, two):
    del two
    text = one.to_csv(index=False)
    return pd.read_csv(io.StringIO(text), dtype={"id": int})


def _buffer_with_a_name(one, two):
    del two
    buffer = io.BytesIO(one.to_csv(index=False).encode())
    buffer.seek(0)
    return pd.read_csv(filepath_or_buffer=buffer)


def _in_a_with(one, two):
    del two
    with io.StringIO(one.to_csv(index=False)) as buffer:
        return pd.read_csv(buffer)


def _as_json(one, two):
    del two
    return pd.read_json(io.StringIO(one.to_json()))


@pytest.mark.parametrize("way", [_in_one_statement, _text_with_a_name, _buffer_with_a_name, _in_a_with, _as_json])
def test_text_of_a_frame_is_read_by_column(frames, way):
    """A frame read from the text of another comes from that, column by column, as a guess, and from no other."""
    followed, one, two = frames
    assert _sources(followed, way(one, two)) == {"id": {("one.csv", "id")}, "price": {("one.csv", "price")}}


def _pickled_in_memory(one, two):
    del two
    return pickle.loads(pickle.dumps(one))


def _parsed(text):
    return pd.read_csv(io.StringIO(text))


def _through_a_function(one, two):
    del two
    return _parsed(one[["id", "price"]].to_csv(index=False))


@pytest.mark.parametrize("way", [_pickled_in_memory, _through_a_function])
def test_text_that_goes_further_is_read_by_column(follow, way):
    """Bytes of a pickle, and text that a function was given, of a frame whose columns the code names."""
    Path("one.csv").write_text(ONE)
    Path("two.csv").write_text(TWO)
    followed = follow("files", "pandas", "pickle")
    one, two = pd.read_csv("one.csv"), pd.read_csv("two.csv")
    assert _sources(followed, way(one, two)) == {"id": {("one.csv", "id")}, "price": {("one.csv", "price")}}


def test_all_rounds_of_a_loop_write_to_a_file_that_was_opened_before_it(frames):
    """Not only the latest; a file that is opened in the loop holds what its own round wrote."""
    followed, one, two = frames
    with Path("all.txt").open("w") as file:
        for name, frame in {"one": one, "two": two}.items():
            file.write(frame.to_string())
            with Path(f"{name}.txt").open("w") as own:
                own.write(frame.to_string())
    assert followed.sources("all.txt") == {"one.csv", "two.csv"}
    assert followed.sources("one.txt") == {"one.csv"}
    assert followed.sources("two.txt") == {"two.csv"}


def test_text_of_a_file_is_read_from_that_file(frames):
    """The text was read whole, by lines, or as bytes; the other file has no part in it."""
    followed, _, _ = frames
    whole = pd.read_csv(io.StringIO(Path("two.csv").read_text()))
    raw = Path("two.csv").read_bytes()
    as_bytes = pd.read_csv(io.BytesIO(raw))
    with Path("two.csv").open() as file:
        lines = file.readlines()
    by_lines = pd.read_csv(io.StringIO("".join(line for line in lines if "Bonn" not in line)))
    for frame in (whole, as_bytes, by_lines):
        assert _sources(followed, frame) == {"id": {("two.csv", None)}, "town": {("two.csv", None)}}


def test_a_written_out_text_has_no_source(frames):
    """Neither in the statement nor under a name."""
    followed, _, _ = frames
    text = "a,b\n1,2\n"
    there = pd.read_csv(io.StringIO("a,b\n1,2\n"))
    named = pd.read_csv(io.StringIO(text))
    for frame in (there, named):
        found = trace(followed.recorder.values.get(frame))
        assert not found.has_unknown
        assert not any(found.fields.values())


def test_a_buffer_that_something_else_was_put_into_is_unknown(frames):
    """What wrote to it is not known, so that nothing is said about it."""
    followed, one, _ = frames
    buffer = io.StringIO(one.to_csv(index=False))
    buffer.seek(0, io.SEEK_END)
    for line in ["7,8\n"]:
        buffer.write(line)
    buffer.seek(0)
    assert trace(followed.recorder.values.get(pd.read_csv(buffer))).has_unknown


def test_what_was_in_a_buffer_before_may_still_be_there(frames):
    """Two frames below each other in one buffer: what is read comes from the second, and perhaps from the first."""
    followed, one, two = frames
    buffer = io.StringIO()
    one[["id"]].to_csv(buffer, index=False)
    two[["id"]].to_csv(buffer, index=False, header=False)
    buffer.seek(0)
    found = trace(followed.recorder.values.get(pd.read_csv(buffer)))
    told = {source.value.dataset.name.rpartition("/")[2]: t.description for source, t in found.fields["id"].items()}
    assert told == {"one.csv": "inferred", "two.csv": ""}


class _Sheets(ExcelWriter):
    """The smallest engine that writes a workbook: one line a sheet."""

    _engine = "lines"
    _supported_extensions = (".lines",)
    book = None
    sheets = {}

    def _write_cells(self, cells, sheet_name=None, startrow=0, startcol=0, freeze_panes=None, autofilter_range=None):
        self.handles.handle.write(f"{sheet_name} {len(list(cells))}\n".encode())

    def _save(self):
        """Nothing is left to write."""

    @property
    def handles(self):
        """The open file."""
        return self._handles


@pytest.mark.parametrize("is_buffer", [False, True])
def test_all_sheets_of_a_workbook_are_in_it(frames, is_buffer):
    """A writer has a path but is open: a second sheet replaces nothing, in a file or in memory."""
    followed, one, two = frames
    target = io.BytesIO() if is_buffer else "book.lines"
    with _Sheets(target, engine="lines") as book:
        one.to_excel(book, sheet_name="one", index=False)
        two.to_excel(book, sheet_name="two", index=False)
    if is_buffer:
        assert followed.columns(target)["price"] == {("one.csv", "price")}
        assert followed.columns(target)["id"] == {("one.csv", "id"), ("two.csv", "id")}
    else:
        assert followed.sources("book.lines") == {"one.csv", "two.csv"}
        assert followed.sources("book.lines", "price") == {("one.csv", "price")}


def test_styled_tables_come_from_their_frames(frames):
    """A file that a ``Styler`` writes shows the columns of its frame."""
    pytest.importorskip("jinja2")
    followed, one, two = frames
    one.style.format(precision=1).to_html("one.html")
    two[["town"]].style.hide(axis="index").to_latex("two.tex")
    assert followed.sources("one.html", "price") == {("one.csv", "price")}
    assert followed.sources("two.tex", "town") == {("two.csv", "town")}
    assert followed.sources("two.tex") == {"two.csv"}


def test_open_hdf_stores_are_files(frames):
    """``store[key]``, ``store.key``, ``put``, ``append`` and ``select`` read and write the file."""
    pytest.importorskip("tables")
    followed, one, two = frames
    with pd.HDFStore("all.h5", "w") as store:
        store["one"] = one
        store.append("two", two)
    with pd.HDFStore("all.h5", "r") as store:
        store["one"][["price"]].to_csv("price.csv", index=False)
        store.two[["town"]].to_csv("town.csv", index=False)
        pd.concat(store.select("two", chunksize=1))[["town"]].to_csv("chunks.csv", index=False)
    assert followed.sources("all.h5", "price") == {("one.csv", "price")}
    assert followed.sources("all.h5", "town") == {("two.csv", "town")}
    assert followed.sources("price.csv", "price") == {("all.h5", "price")}
    assert followed.sources("town.csv", "town") == followed.sources("chunks.csv", "town") == {("all.h5", "town")}
