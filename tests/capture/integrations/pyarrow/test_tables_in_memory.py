"""Tables of pyarrow made of frames and columns, and what compiled methods make of them."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

NUMBERS = {"a": [1.5, 2.5, 4.0], "b": [3, 4, 5], "c": ["x", "yy", "z"]}


@pytest.fixture
def frame(follow):
    """A frame that was read from a file, and what is known of it."""
    pd.DataFrame(NUMBERS).to_csv("in.csv", index=False)
    followed = follow("pandas", "pyarrow", "numpy")
    return followed, pd.read_csv("in.csv")


def _fields(followed, name):
    """Per column of a written file, the columns behind it, and whether any is a guess."""
    fields = followed.entries()[name]["fields"]
    return {
        column: (
            {(i["name"].rpartition("/")[2], i.get("field")) for i in found["inputs"]},
            any(t.get("description") == "inferred" for i in found["inputs"] for t in i.get("transformations", [])),
        )
        for column, found in fields.items()
    }


OWN = {name: ({("in.csv", name)}, False) for name in NUMBERS}


@pytest.mark.parametrize("make", [pa.Table.from_pandas, pa.table, lambda df: pa.Table.from_pandas(df, nthreads=1)])
def test_a_table_of_a_frame(frame, make):
    """Every spelling: each column of the file is the column of the frame, and exactly that."""
    followed, df = frame
    pq.write_table(make(df), "out.parquet")
    assert _fields(followed, "out.parquet") == OWN


def test_a_batch_of_a_frame(frame):
    """``pa.record_batch(frame)``, made a table or a frame again."""
    followed, df = frame
    batch = pa.record_batch(df)
    pq.write_table(pa.Table.from_batches([batch]), "out.parquet")
    batch.to_pandas().to_csv("out.csv", index=False)
    assert _fields(followed, "out.parquet") == OWN
    assert _fields(followed, "out.csv") == OWN


def test_columns_chosen_renamed_and_added(frame):
    """What compiled methods leave where it lies is known by its memory."""
    followed, df = frame
    table = pa.Table.from_pandas(df).select(["c", "a"]).rename_columns(["name", "size"]).slice(1)
    pq.write_table(table.append_column("extra", pa.array([1, 2])), "out.parquet")
    found = _fields(followed, "out.parquet")
    assert found["name"] == ({("in.csv", "c")}, False)
    assert found["size"] == ({("in.csv", "a")}, False)


def test_a_column_of_unknown_memory_is_a_guess(frame):
    """New memory that no known function made: the column may come from all, and says so; its neighbours stay exact."""
    followed, df = frame
    table = pa.Table.from_pandas(df)
    added = pa.chunked_array([[2 * one.as_py() for one in table["a"]]])
    pq.write_table(table.append_column("double", added), "out.parquet")
    found = _fields(followed, "out.parquet")
    assert {name: found[name] for name in NUMBERS} == OWN
    assert ("in.csv", "a") in found["double"][0]
    assert found["double"][1]


def test_a_table_of_columns(frame):
    """``pa.table({...})`` and ``pa.array`` of columns, under new names."""
    followed, df = frame
    table = pa.table({"size": df["a"], "name": pa.array(df["c"]), "one": [1, 1, 1]})
    pq.write_table(table, "out.parquet")
    found = _fields(followed, "out.parquet")
    assert found["size"] == ({("in.csv", "a")}, False)
    assert found["name"] == ({("in.csv", "c")}, False)
    assert "one" not in found or found["one"] == (set(), False)


def test_read_chosen_and_back_to_pandas(frame):
    """A file read by pyarrow, columns chosen, made a frame, written: by column, and by nothing else."""
    followed, df = frame
    table = pyarrow.csv.read_csv("in.csv")
    table.select(["b", "c"]).to_pandas().to_csv("out.csv", index=False)
    assert {name: found[0] for name, found in _fields(followed, "out.csv").items()} == {
        "b": {("in.csv", "b")},
        "c": {("in.csv", "c")},
    }
    assert df.shape == (3, 3)


def test_memory_that_is_used_again_is_not_mistaken(frame):
    """Tables that come and go in one place in memory: a computed one is never taken for one that was there before."""
    followed, df = frame
    for number in range(200):
        pa.Table.from_pandas(df[["a"]])  # gone at once, its memory free
        computed = pc.add(pa.array([float(number), 1.0, 2.0]), 0.5)
        column = pa.table([computed], names=["n"])
        assert followed.recorder.values.get(column) is None


def test_a_table_of_literals_has_no_source(follow):
    """Written out in the code, after a file was read: the file made of it comes from nothing."""
    pd.DataFrame({"a": [1]}).to_csv("in.csv")
    followed = follow("pandas", "pyarrow")
    pd.read_csv("in.csv")
    pq.write_table(pa.table({"x": [1, 2], "y": ["a", "b"]}), "out.parquet")
    assert followed.entries()["out.parquet"]["inputs"] == []


def test_a_table_that_a_compiled_method_makes_of_literals(frame):
    """It has no source, although a file was read before; a table of columns that were read, or computed from them, is
    none of literals."""
    followed, _ = frame
    pq.write_table(pa.table({"n": [1, 2, 3]}), "read.parquet")
    read = pq.read_table("read.parquet")
    spelled = pa.Table.from_arrays([pa.array(range(3)), pa.array(["x", "y", "z"])], names=["k", "l"])
    pq.write_table(spelled, "spelled.parquet")
    listed = pa.Table.from_pydict({"n": [1, 2]})
    pyarrow.csv.write_csv(listed, "listed.csv")
    kept = pa.Table.from_arrays([read.column("n")], names=["m"])
    pq.write_table(kept, "kept.parquet")
    doubled = pa.Table.from_arrays([pc.multiply(read["n"], 2)], names=["m"])
    pq.write_table(doubled, "doubled.parquet")
    assert _fields(followed, "spelled.parquet") == {"k": (set(), False), "l": (set(), False)}
    assert _fields(followed, "listed.csv") == {"n": (set(), False)}
    assert followed.sources("spelled.parquet") == followed.sources("listed.csv") == set()
    assert _fields(followed, "kept.parquet") == {"m": ({("read.parquet", "n")}, False)}
    assert "read.parquet" in followed.sources("doubled.parquet")
