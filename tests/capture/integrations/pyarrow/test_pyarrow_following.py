"""pyarrow is followed from file to file and to and from pandas, and does what it does without us."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.dataset
import pyarrow.feather
import pyarrow.json
import pyarrow.parquet as pq
import pytest

COLUMNS = {"shop": ["n", "s"], "units": [5, 3], "price": [2.0, 3.5]}


@pytest.fixture
def sales(tmp_path):
    """The same table in four formats."""
    table = pa.table(COLUMNS)
    pq.write_table(table, tmp_path / "sales.parquet")
    pyarrow.csv.write_csv(table, tmp_path / "sales.csv")
    pyarrow.feather.write_feather(table, tmp_path / "sales.feather")
    (tmp_path / "sales.json").write_text('{"shop": "n", "units": 5, "price": 2.0}\n')
    return tmp_path


READERS = {
    "sales.parquet": [
        lambda: pq.read_table("sales.parquet"),
        lambda: pq.read_table(source="sales.parquet", columns=["units", "price"]),
        lambda: pq.ParquetFile("sales.parquet").read(),
        lambda: pq.ParquetFile("sales.parquet").read_row_group(0),
    ],
    "sales.csv": [lambda: pyarrow.csv.read_csv("sales.csv")],
    "sales.feather": [lambda: pyarrow.feather.read_table("sales.feather")],
    "sales.json": [lambda: pyarrow.json.read_json("sales.json")],
}
WRITERS = [
    lambda table: pq.write_table(table, "out"),
    lambda table: pq.write_table(table=table, where="out"),
    lambda table: pyarrow.csv.write_csv(table, "out"),
    lambda table: pyarrow.feather.write_feather(table, "out"),
]


@pytest.mark.parametrize("write", range(len(WRITERS)))
@pytest.mark.parametrize(("file", "number"), [(file, n) for file, uses in READERS.items() for n in range(len(uses))])
def test_from_file_to_file(file, number, write, follow, sales):
    """A table that is read and written keeps its columns, whatever the formats."""
    followed = follow("pyarrow")
    WRITERS[write](READERS[file][number]())
    assert followed.sources("out") == {file}
    assert followed.sources("out", "price") == {(file, "price")}


def test_a_dataset_is_read_when_it_is_opened(follow, sales):
    """What a compiled dataset gives cannot be tied to it: the file is a source of what is written after, inferred."""
    followed = follow("pyarrow")
    pq.write_table(pyarrow.dataset.dataset("sales.parquet").to_table(), "out")
    (source,) = followed.entries()["out"]["inputs"]
    assert source["name"].endswith("sales.parquet")


@pytest.mark.parametrize("write", range(len(WRITERS)))
def test_through_pandas_and_back(write, follow, sales):
    """Table to frame, an operation of pandas, frame to table, file: exact columns."""
    followed = follow("pandas", "numpy", "pyarrow")
    frame = pq.read_table("sales.parquet").to_pandas()
    frame["revenue"] = frame["units"] * frame["price"]
    WRITERS[write](pa.Table.from_pandas(frame[["shop", "revenue"]], preserve_index=False))
    assert followed.sources("out") == {"sales.parquet"}
    assert followed.sources("out", "revenue") == {("sales.parquet", "units"), ("sales.parquet", "price")}


def test_pandas_own_parquet_is_pandas_alone(follow, sales):
    """``read_parquet`` and ``to_parquet`` of pandas run pyarrow inside: one edge, not two."""
    followed = follow("pandas", "numpy", "pyarrow")
    pd.read_parquet("sales.parquet").assign(two=2).to_parquet("out")
    assert set(followed.entries()) == {"out"}
    assert [d["name"].rpartition("/")[2] for d in followed.event()["inputs"]] == ["sales.parquet"]


def outcome(sales):
    """What the readers, writers and conversions give, with their warnings and errors."""
    found = []
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        for uses in READERS.values():
            found += [use().to_pydict() for use in uses]
        for write in WRITERS:
            write(pa.table(COLUMNS))
            found.append((sales / "out").read_bytes())
        frame = pq.read_table("sales.parquet").to_pandas(strings_to_categorical=True)
        found.append(frame.to_dict())
        for use in (lambda: pq.read_table("nothing"), lambda: pq.write_table(3, "x"), pyarrow.csv.read_csv):
            try:
                found.append(use())
            except (OSError, TypeError, AttributeError, pa.ArrowException) as error:
                found.append((type(error), str(error)))
    return found, [(str(w.message), w.category, w.filename, w.lineno) for w in seen]


def test_results_files_errors_and_warnings_are_the_same(follow, sales, monkeypatch):
    """With hooks each call gives what it gives without; files are the same bytes."""
    monkeypatch.chdir(sales)
    plain = outcome(sales)
    follow("pyarrow")
    assert outcome(sales) == plain


def test_the_hooks_leave_no_trace():
    """After removal every function is the identical object it was."""
    from headwater.capture.hooks import Hooks
    from headwater.capture.integrations.pyarrow import PyarrowIntegration

    modules = (pq, pq.core, pyarrow.csv, pyarrow.feather, pyarrow.json, pyarrow.dataset, pa.pandas_compat)
    before = [dict(vars(module)) for module in modules]
    hooks = Hooks("pyarrow")
    integration = PyarrowIntegration()
    integration.install(hooks, pa)
    for module in modules:
        integration.install_submodule(hooks, module)
    assert vars(pq.core)["read_table"] is not before[1]["read_table"]
    hooks.remove()
    assert [dict(vars(module)) for module in modules] == before


def test_tables_in_buffers(follow):
    """What pyarrow or pandas wrote to a buffer is read from it, by column; any other from what it was made of."""
    pd.DataFrame({"id": [1, 2], "price": [2.5, 3.5]}).to_parquet("one.parquet")
    followed = follow("files", "pandas", "pyarrow")
    table = pq.read_table("one.parquet")
    own, other = io.BytesIO(), io.BytesIO()
    pq.write_table(table.select(["id"]), own)
    pd.read_parquet("one.parquet")[["price"]].to_parquet(other)
    own.seek(0)
    other.seek(0)
    assert followed.columns(pq.read_table(own)) == {"id": {("one.parquet", "id")}}
    assert followed.columns(pq.read_table(other)) == {"price": {("one.parquet", "price")}}
    sink = pa.BufferOutputStream()
    pq.write_table(table.select(["id"]), sink)
    assert followed.columns(pq.read_table(pa.BufferReader(sink.getvalue()))) == {"id": {("one.parquet", "id")}}
    raw = pq.read_table(io.BytesIO(Path("one.parquet").read_bytes()))
    assert followed.columns(raw) == {name: {("one.parquet", None)} for name in ("id", "price")}


def test_the_content_of_a_buffer_is_no_literal(follow):
    """A file of the bytes of a buffer comes from what was written to that."""
    pd.DataFrame({"id": [1, 2]}).to_parquet("one.parquet")
    followed = follow("files", "pyarrow")
    sink = pa.BufferOutputStream()
    pq.write_table(pq.read_table("one.parquet"), sink)
    with Path("copy.parquet").open("wb") as file:
        file.write(sink.getvalue())
    assert followed.sources("copy.parquet") == {"one.parquet"}
