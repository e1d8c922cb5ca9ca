"""Files of arrow that are written and read piece by piece come from what went into each piece."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.dataset
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest

SCHEMA = pa.schema([("a", pa.int64()), ("b", pa.int64())])


@pytest.fixture
def followed(follow):
    """A run beside two files."""
    for name in ("one", "two"):
        pd.DataFrame({"a": range(6), "b": range(6)}).to_csv(f"{name}.csv", index=False)
        pq.write_table(pa.table({"a": list(range(6)), "b": list(range(6))}), f"{name}.parquet")
    return follow("pandas", "pyarrow")


def test_pieces_of_several_files_in_one(followed):
    """``ParquetWriter.write_table`` of one table after another: the file comes from all of them, column by column."""
    with pq.ParquetWriter("all.parquet", SCHEMA) as writer:
        for name in ("one.csv", "two.csv"):
            writer.write_table(pyarrow.csv.read_csv(name))
    assert followed.sources("all.parquet", "a") == {("one.csv", "a"), ("two.csv", "a")}
    assert followed.sources("all.parquet", "b") == {("one.csv", "b"), ("two.csv", "b")}
    assert pq.read_table("all.parquet").num_rows == 12


def test_chunks_of_pandas(followed):
    """A long file that pandas reads in chunks and arrow writes, the writer kept open in between."""
    writer = pq.ParquetWriter("chunks.parquet", SCHEMA)
    for chunk in pd.read_csv("one.csv", chunksize=2):
        writer.write(pa.Table.from_pandas(chunk.assign(b=chunk["a"] * 2), preserve_index=False))
    writer.close()
    assert followed.sources("chunks.parquet", "a") == followed.sources("chunks.parquet", "b") == {("one.csv", "a")}


def test_batches_of_a_file(followed):
    """``iter_batches``: the same batches as without us, each of which comes from the file."""
    file = pq.ParquetFile("one.parquet")
    with pq.ParquetWriter("copy.parquet", file.schema_arrow) as writer:
        for batch in file.iter_batches(batch_size=2):
            assert type(batch) is pa.RecordBatch
            writer.write_batch(batch)
    reads = [item for item in followed.recorder.items if type(item).__name__ == "Read"]
    assert len(reads) == 1
    assert followed.sources("copy.parquet", "b") == {("one.parquet", "b")}
    assert pq.read_table("copy.parquet").equals(pq.read_table("one.parquet"))


@pytest.mark.parametrize("form", ["file", "stream"])
def test_arrow_files_there_and_back(followed, form):
    """``pa.ipc``: what is written comes from the table, and what is read from the file, also where arrow opened it."""
    new, opened = getattr(pa.ipc, f"new_{form}"), getattr(pa.ipc, f"open_{form}")
    table = pyarrow.csv.read_csv("one.csv")
    with pa.output_stream("out.arrow") as sink, new(sink, table.schema) as writer:
        for batch in table.to_batches():
            writer.write_batch(batch)
    with pa.memory_map("out.arrow") as source, opened(source) as reader:
        back = reader.read_all()
    pq.write_table(back.select(["a"]), "back.parquet")
    assert back.equals(table)
    assert followed.sources("out.arrow", "b") == {("one.csv", "b")}
    assert followed.sources("back.parquet", "a") == {("out.arrow", "a")}


def test_a_writer_begins_its_file_anew(followed):
    """What the run had written there before is gone; what one writer adds to its own file is not."""
    pq.write_table(pyarrow.csv.read_csv("two.csv"), "out.parquet")
    with pq.ParquetWriter("out.parquet", SCHEMA) as writer:
        writer.write_table(pyarrow.csv.read_csv("one.csv"))
        writer.write_table(pq.read_table("one.parquet"))
    assert followed.sources("out.parquet") == {"one.csv", "one.parquet"}


def test_errors_are_arrows_own(followed):
    """A table of another schema, and a closed writer, raise what they raise without us, and are not recorded."""
    with pq.ParquetWriter("bad.parquet", SCHEMA) as writer, pytest.raises(ValueError, match="does not match"):
        writer.write_table(pa.table({"z": [1]}))
    with pytest.raises(AssertionError):
        writer.write_table(pyarrow.csv.read_csv("one.csv"))
    assert "bad.parquet" not in followed.entries()


def test_files_that_arrow_opens_itself(followed):
    """``pa.OSFile``: what is read from one, and written to one, piece by piece or at once; the object is arrow's."""
    table = pyarrow.csv.read_csv("one.csv")
    with pa.OSFile("t.arrow", "wb") as sink:
        assert isinstance(sink, pa.OSFile)
        assert isinstance(sink, pa.NativeFile)
        with pa.ipc.new_file(sink, SCHEMA) as writer:
            writer.write_table(table)
            writer.write_table(pyarrow.csv.read_csv("two.csv"))
    with pa.OSFile("t.arrow") as source:
        assert type(source).__module__ == "pyarrow.lib"
        back = pa.ipc.open_file(source).read_all()
    pq.write_table(back.select(["a"]), "a.parquet")
    with pa.OSFile(path="b.parquet", mode="wb") as sink:
        pq.write_table(table.select(["b"]), sink)
    assert followed.sources("t.arrow", "b") == {("one.csv", "b"), ("two.csv", "b")}
    assert followed.sources("a.parquet", "a") == {("t.arrow", "a")}
    assert followed.sources("b.parquet", "b") == {("one.csv", "b")}
    assert pq.read_table("a.parquet").num_rows == 12
    with pa.input_stream("t.arrow") as stream:
        assert isinstance(stream, pa.OSFile)


def test_a_file_of_arrow_with_unknown_content(followed):
    """What is written to it by hand comes from what the run had read, as a guess."""
    pyarrow.csv.read_csv("one.csv")
    with pa.OSFile("raw.bin", "wb") as sink:
        sink.write(b"something")
    assert followed.sources("raw.bin") == {"one.csv"}


def test_csv_piece_by_piece(followed):
    """``CSVWriter`` writes what it is given; what ``open_csv`` hands out comes from its file, as a guess."""
    table = pyarrow.csv.read_csv("one.csv")
    with pyarrow.csv.CSVWriter("all.csv", SCHEMA) as writer:
        assert isinstance(writer, pyarrow.csv.CSVWriter)
        writer.write_table(table)
        for batch in table.to_batches():
            writer.write_batch(batch)
    with pyarrow.csv.open_csv("two.csv") as reader, pq.ParquetWriter("two_again.parquet", reader.schema) as writer:
        for batch in reader:
            writer.write_batch(batch)
    assert followed.sources("all.csv", "a") == {("one.csv", "a")}
    assert followed.sources("two_again.parquet", "b") == {("two.csv", "b")}
    assert pyarrow.csv.read_csv("all.csv").num_rows == 12
    with pytest.raises(FileNotFoundError):
        pyarrow.csv.CSVWriter("missing/all.csv", SCHEMA)


def test_the_classes_are_arrows_own_again(followed):
    """Without us, and with objects that were made meanwhile still at work."""
    writer = pyarrow.csv.CSVWriter("all.csv", SCHEMA)
    followed.stop()
    assert pa.OSFile is pa.lib.OSFile
    assert pa.OSFile.__mro__[1] is pa.NativeFile
    writer.write_table(pa.table({"a": [1], "b": [2]}))
    writer.close()
    assert pyarrow.csv.read_csv("all.csv").num_rows == 1


def test_datasets_of_scanners_and_batches(followed):
    """``write_dataset`` of what a dataset hands out comes from the columns of that, as a guess; of a list of known
    batches from these."""
    whole = pyarrow.dataset.dataset("one.parquet")
    pyarrow.dataset.write_dataset(whole.scanner(columns=["a"]), "scanned", format="parquet")
    schema = pa.schema([SCHEMA.field("b")])
    pyarrow.dataset.write_dataset(whole.to_batches(columns=["b"]), "batches", format="parquet", schema=schema)
    table = pyarrow.csv.read_csv("two.csv")
    pyarrow.dataset.write_dataset(table.to_batches(), "known", format="parquet")
    assert followed.sources("scanned", "a") == {("one.parquet", "a")}
    assert followed.sources("batches", "b") == {("one.parquet", "b")}
    assert followed.sources("known", "b") == {("two.csv", "b")}
