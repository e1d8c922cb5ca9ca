"""The same content has the same fingerprint, whoever holds it and however it is laid out in memory."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.capture.profiling import profile
from headwater.model.fingerprints import Comparison, Fingerprint

TEXT = st.text(st.characters(codec="utf-8"), max_size=90)
TIMES = st.datetimes(datetime.datetime(1900, 1, 1), datetime.datetime(2200, 1, 1))
COLUMNS: dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]] = {
    "int64": (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    "int8": (pa.int8(), st.integers(-128, 127)),
    "uint32": (pa.uint32(), st.integers(0, 2**32 - 1)),
    "float64": (pa.float64(), st.floats(allow_nan=False)),
    "float32": (pa.float32(), st.floats(allow_nan=False, width=32)),
    "bool": (pa.bool_(), st.booleans()),
    "string": (pa.string(), TEXT),
    "time": (pa.timestamp("us"), TIMES),
    "zoned": (pa.timestamp("us", "UTC"), TIMES.map(lambda at: at.replace(tzinfo=datetime.UTC))),
    "nanoseconds": (pa.timestamp("ns"), TIMES),
    "duration": (pa.duration("us"), st.timedeltas(datetime.timedelta(-9999), datetime.timedelta(9999))),
}


def fingerprint(obj: Any) -> Fingerprint:
    """The fingerprint, which must be there."""
    found = profile(obj, tier="fingerprint").fingerprint
    assert found is not None
    return found


@st.composite
def arrow_tables(draw: st.DrawFn, *, nulls: bool = True, least_rows: int = 0) -> pa.Table:
    """A table with some columns of each kind."""
    rows = draw(st.integers(least_rows, 12))
    chosen = draw(st.lists(st.sampled_from(sorted(COLUMNS)), min_size=1, max_size=4, unique=True))
    arrays = {}
    for name in chosen:
        type_, values = COLUMNS[name]
        element = st.none() | values if nulls else values
        arrays[name] = pa.array(draw(st.lists(element, min_size=rows, max_size=rows)), type=type_)
    return pa.table(arrays)


@settings(max_examples=60, deadline=None)
@given(arrow_tables())
def test_arrow_and_polars_agree(table: pa.Table) -> None:
    """A polars frame over the same data has the same fingerprint."""
    assert fingerprint(pl.from_arrow(table)).exact == fingerprint(table).exact


@settings(max_examples=60, deadline=None)
@given(arrow_tables())
def test_arrow_and_arrow_backed_pandas_agree(table: pa.Table) -> None:
    """So has a pandas frame of Arrow types."""
    frame = table.to_pandas(types_mapper=pd.ArrowDtype)
    assert fingerprint(frame).exact == fingerprint(table).exact


@settings(max_examples=60, deadline=None)
@given(arrow_tables(nulls=False, least_rows=1))
def test_arrow_and_plain_pandas_agree(table: pa.Table) -> None:
    """So has a pandas frame of numpy types, where nothing is missing that numpy has no place for."""
    assert fingerprint(table.to_pandas()).exact == fingerprint(table).exact
    assert fingerprint(table.to_pandas()).multiset == fingerprint(table).multiset


@settings(max_examples=30, deadline=None)
@given(st.lists(st.none() | TEXT, min_size=1, max_size=20))
def test_all_homes_of_text_agree(values: list[str | None]) -> None:
    """Text with nulls is the same as objects, as both kinds of ``str``, in three layouts of Arrow and in polars."""
    expected = fingerprint(pa.table({"t": pa.array(values, pa.string())})).exact
    homes: list[Any] = [
        pa.table({"t": pa.array(values, pa.large_string())}),
        pa.table({"t": pa.array(values, pa.string_view())}),
        pl.DataFrame({"t": pl.Series(values, dtype=pl.String)}),
        pd.DataFrame({"t": pd.Series(values, dtype="str")}),
        pd.DataFrame({"t": pd.Series(values, dtype=pd.StringDtype("python"))}),
        pd.DataFrame({"t": pd.Series(values, dtype=pd.StringDtype("pyarrow"))}),
    ]
    if any(value is not None for value in values):
        homes.append(pd.DataFrame({"t": pd.Series(values, dtype=object)}))
        homes.append([{"t": value} for value in values])
    assert {fingerprint(home).exact for home in homes} == {expected}


@settings(max_examples=30, deadline=None)
@given(st.lists(st.none() | st.sampled_from(["red", "green", "", "blue"]), min_size=1, max_size=20), st.randoms())
def test_categories_count_by_their_values(values: list[str | None], random: Any) -> None:
    """Neither codes, nor the order of categories, nor categories that nobody uses make a difference."""
    names = ["blue", "red", "unused", "", "green"]
    random.shuffle(names)
    expected = fingerprint(pd.DataFrame({"c": pd.Categorical(values, categories=["red", "green", "", "blue"])})).exact
    homes: list[Any] = [
        pd.DataFrame({"c": pd.Categorical(values, categories=names)}),
        pl.DataFrame({"c": pl.Series(values, dtype=pl.Categorical)}),
        pl.DataFrame({"c": pl.Series(values, dtype=pl.Enum(names))}),
        pa.table({"c": pa.array(values, pa.string()).dictionary_encode()}),
        pa.table(
            {
                "c": pa.chunked_array(
                    [pa.array(part, pa.string()).dictionary_encode() for part in (values[:3], values[3:])]
                )
            }
        ),
    ]
    assert {fingerprint(home).exact for home in homes} == {expected}


@settings(max_examples=60, deadline=None)
@given(arrow_tables(), st.integers(0, 12), st.integers(0, 12), st.integers(0, 9))
def test_layout_makes_no_difference(table: pa.Table, first: int, second: int, offset: int) -> None:
    """Chunks, offsets into larger buffers and slices do not count."""
    whole = fingerprint(table)
    first, second = sorted((min(first, len(table)), min(second, len(table))))
    parts = [table.slice(0, first), table.slice(first, second - first), table.slice(second)]
    assert fingerprint(pa.concat_tables(parts)) == whole
    padded = pa.concat_tables([table.slice(0, offset), table]).combine_chunks().slice(min(offset, len(table)))
    assert fingerprint(padded) == whole
    frame = pl.concat([pl.from_arrow(part) for part in parts], rechunk=False)
    assert fingerprint(frame).exact == whole.exact


def test_what_stands_under_a_null_makes_no_difference() -> None:
    """Buffers may hold anything where the validity bit is off."""
    validity = pa.py_buffer(bytes([0b101]))
    numbers = [pa.Array.from_buffers(pa.int64(), 3, [validity, pa.py_buffer(np.array([1, at, 3]))]) for at in (0, 77)]
    offsets = pa.py_buffer(np.array([0, 1, 4, 5], dtype=np.int32))
    texts = [pa.Array.from_buffers(pa.string(), 3, [validity, offsets, pa.py_buffer(b)]) for b in (b"axyzb", b"apqrb")]
    codes = [pa.DictionaryArray.from_arrays(part, pa.array(list("abcd"))) for part in (pa.array([1, None, 3]),)]
    assert fingerprint(pa.table({"n": numbers[0]})) == fingerprint(pa.table({"n": numbers[1]}))
    assert fingerprint(pa.table({"t": texts[0]})) == fingerprint(pa.table({"t": texts[1]}))
    assert fingerprint(pa.table({"t": texts[0]})) == fingerprint(pa.table({"t": pa.array(["a", None, "b"])}))
    assert fingerprint(pa.table({"c": codes[0]})) == fingerprint(
        pa.table({"c": pa.array(["b", None, "d"]).dictionary_encode()})
    )


def test_an_index_of_positions_does_not_count_and_a_named_one_is_columns() -> None:
    """Filtering leaves gaps in the index, not in the data; a group's keys are data wherever they stand."""
    frame = pd.DataFrame({"g": ["a", "b", "a"], "v": [1, 2, 4]})
    assert fingerprint(frame[frame.v < 4]) == fingerprint(pd.DataFrame({"g": ["a", "b"], "v": [1, 2]}))
    assert fingerprint(frame.set_index(pd.Index([7, 1, 3]))) == fingerprint(frame)
    assert fingerprint(frame.set_index("g")) == fingerprint(frame)
    assert fingerprint(frame.groupby("g").sum()) == fingerprint(frame.groupby("g").sum().reset_index())
    other_keys = frame.assign(g=["a", "c", "a"]).groupby("g").sum()
    assert fingerprint(other_keys) != fingerprint(frame.groupby("g").sum())


@pytest.mark.parametrize("dtype", ["int16", "float32", "float64", "bool", "uint8"])
def test_numpy_matrix_by_column_or_row_order(dtype: str) -> None:
    """Memory order, strides, byte order and a trip through pandas do not count."""
    matrix = np.arange(60).reshape(12, 5).astype(dtype)
    whole = fingerprint(matrix)
    assert fingerprint(np.asfortranarray(matrix)) == whole
    assert fingerprint(np.repeat(matrix, 2, axis=0)[::2]) == whole
    assert fingerprint(matrix.astype(matrix.dtype.newbyteorder(">"))) == whole
    assert fingerprint(pd.DataFrame(matrix)).exact == whole.exact


def test_one_zero_and_one_nan() -> None:
    """Negative zero and odd bits of NaN are not content."""
    odd = np.array([0x7FF8000000000001, 0xFFF8000000000000], dtype=np.uint64).view(np.float64)
    assert fingerprint(pa.table({"x": pa.array(odd)})) == fingerprint(pa.table({"x": pa.array([np.nan, np.nan])}))
    assert fingerprint(np.array([0.0, 1.0])) == fingerprint(np.array([-0.0, 1.0]))
    for wide in (np.zeros((3, 300)), np.zeros((3, 300), dtype=np.float32)):
        assert fingerprint(wide) == fingerprint(-wide)


def test_nan_is_null_only_where_there_is_no_other_null() -> None:
    """pandas' and numpy's NaN is Arrow's null; Arrow's and polars' NaN is a value."""
    null, nan = pa.table({"x": pa.array([1.0, None])}), pa.table({"x": pa.array([1.0, np.nan])})
    assert fingerprint(pd.DataFrame({"x": [1.0, np.nan]})).exact == fingerprint(null).exact
    assert fingerprint(pl.DataFrame({"x": [1.0, None]})).exact == fingerprint(null).exact
    assert fingerprint(pl.DataFrame({"x": [1.0, float("nan")]})).exact == fingerprint(nan).exact
    assert fingerprint(null).compare(fingerprint(nan)) is Comparison.DIFFERENT


def test_nested_and_decimal_columns_agree_between_arrow_and_polars() -> None:
    """Lists, fixed-size lists, structs, decimals and bytes have one form."""
    frame = pl.DataFrame(
        {
            "list": [[1, 2], None, [None, 4], []],
            "floats": [[0.5], [-0.0, 2.0], [], [1.0]],
            "struct": [{"a": 1, "b": "x"}, {"a": None, "b": "y"}, None, {"a": 2, "b": None}],
            "bytes": [b"", b"\x00", None, b"ab"],
            "decimal": pl.Series(["1.50", "2.25", None, "-3.00"]).cast(pl.Decimal(10, 2)),
            "array": pl.Series([[1, 2], [3, 4], [5, 6], [7, 8]], dtype=pl.Array(pl.Int32, 2)),
            "time": pl.Series([datetime.time(1), None, datetime.time(3), datetime.time(4)]),
        }
    )
    table = frame.to_arrow()
    assert fingerprint(frame).exact == fingerprint(table).exact
    parts = pa.concat_tables([table.slice(0, 1), table.slice(1, 2), table.slice(3)])
    assert fingerprint(parts).exact == fingerprint(table).exact
    order = [3, 1, 0, 2]
    assert fingerprint(table.take(order)).multiset == fingerprint(table).multiset
