"""Every kind of object is read, none is changed, and what cannot be read is said."""

from __future__ import annotations

import copy
import datetime
import decimal
import subprocess
import sys
import threading
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse

from headwater.capture.profiling import can_profile, profile, snapshot
from headwater.errors import InvalidInput


def exact(obj: Any) -> str:
    """The order-sensitive digest, which must be there."""
    found = profile(obj).fingerprint
    assert found is not None, profile(obj).skipped
    return found.exact


def everything() -> pd.DataFrame:
    """A frame with every kind of pandas column."""
    return pd.DataFrame(
        {
            "int": [1, 2, 3],
            "masked": pd.array([1, None, 3], dtype="Int64"),
            "maskedfloat": pd.array([1.5, None, 3.0], dtype="Float64"),
            "boolean": pd.array([True, None, False], dtype="boolean"),
            "objbool": pd.Series([True, None, False], dtype=object),
            "float": [0.5, np.nan, -0.0],
            "half": np.array([0.5, 1, 2], dtype=np.float16),
            "complex": [1j, 2.0, 3 + 1j],
            "text": ["a", None, "é"],
            "bytes": [b"a", None, b""],
            "date": [datetime.date(2020, 1, 1), None, datetime.date(1960, 1, 1)],
            "when": pd.to_datetime(["2020-01-01", None, "2021-01-01"]),
            "zoned": pd.to_datetime(["2020-01-01", None, "2021-01-01"]).tz_localize("Europe/Oslo"),
            "took": pd.to_timedelta(["1s", None, "2s"]),
            "category": pd.Categorical(["x", None, "y"]),
            "intcategory": pd.Categorical([5, None, 7]),
            "period": pd.period_range("2020-01", periods=3, freq="M"),
            "interval": pd.interval_range(0, 3),
            "sparse": pd.arrays.SparseArray([0.0, 1.0, 0.0]),
            "decimal": [decimal.Decimal("1.0"), None, decimal.Decimal(2)],
            "mixed": [1, "1", None],
            "nested": [{"b": 1, "a": [1, 2]}, None, {"a": {3, 1}}],
            "arrays": [np.array([1.0, 2.0]), None, np.array([])],
            "arrow": pd.array([1, None, 3], dtype=pd.ArrowDtype(pa.int8())),
            "nothing": pd.Series([None, None, None], dtype=object),
            ("a", "tuple"): [1, 2, 3],
        }
    )


def test_every_kind_of_pandas_column_has_a_fingerprint_and_changes_it() -> None:
    """No column is left out, and each one's last value counts."""
    frame = everything()
    found = profile(frame)
    assert found.complete and found.fingerprint is not None
    assert found.columns[-1].name == "a.tuple"
    reordered = profile(frame.iloc[[2, 1, 0]]).fingerprint
    assert reordered is not None and reordered.multiset == found.fingerprint.multiset
    constant = {"nothing", "sparse"}
    changed = set(reordered.changed_columns(found.fingerprint))
    assert changed == set(found.fingerprint.columns) - constant


def test_profiling_changes_nothing() -> None:
    """Values, types, attributes, flags and read-only state of the object are as before."""
    frame = everything()
    frame.attrs["mine"] = 1
    before, state = frame.copy(deep=True), dict(vars(frame))
    profile(frame, tier="full")
    pd.testing.assert_frame_equal(frame, before)
    assert frame.attrs == {"mine": 1} and vars(frame).keys() == state.keys()
    array = np.array([[1.0, np.nan], [-0.0, 2.0]])
    bits = array.tobytes()
    profile(array)
    assert array.tobytes() == bits and array.flags.writeable
    matrix = sparse.csr_matrix((np.array([1.0, 2.0, 0.0]), np.array([1, 1, 0]), np.array([0, 2, 3])), shape=(2, 2))
    profile(matrix)
    assert matrix.nnz == 3
    rows = [{"a": [1, 2], "b": None}]
    saved = copy.deepcopy(rows)
    profile(rows)
    assert rows == saved


def test_sparse_matrices_count_by_content() -> None:
    """Format, duplicates, explicit zeros and the order of entries do not count; values, places and width do."""
    dense = np.array([[0, 1.5, 0], [0, 0, 0], [2, 0, 3]])
    forms = [sparse.csr_matrix(dense), sparse.csc_matrix(dense), sparse.coo_array(dense), sparse.lil_matrix(dense)]
    doubled = sparse.coo_matrix(([1.0, 0.5, 2, 3, 0], ([0, 0, 2, 2, 1], [1, 1, 0, 2, 1])), shape=(3, 3))
    assert len({exact(form) for form in [*forms, doubled]}) == 1
    other = dense.copy()
    other[1, 1] = 1
    assert exact(sparse.csr_matrix(other)) != exact(forms[0])
    assert exact(sparse.csr_matrix((3, 4))) != exact(sparse.csr_matrix((3, 3)))


def test_arrays_of_any_shape() -> None:
    """Tensors, records, text, times and a bare number have a fingerprint that the last entry changes."""
    for array in (
        np.zeros((4, 3, 2)),
        np.zeros((4, 1000)),
        np.zeros(4, dtype=[("a", "i4"), ("b", "f8")]),
        np.array(["a", "bb", "", "d"]),
        np.array([b"a", b"bb", b"", b"d"]),
        np.arange(4).astype("datetime64[D]"),
        np.arange(4).astype("datetime64[h]"),
        np.arange(4).astype("timedelta64[ns]"),
        np.zeros(4, dtype=np.complex64),
        np.zeros(4, dtype=[("a", "i4", 3)]),
        np.array(5),
    ):
        changed = array.copy()
        flat = changed.reshape(-1)
        flat[-1] = np.ones(1, array.dtype)[0] if array.dtype.names else "z" if array.dtype.kind in "US" else 7
        assert exact(array) == exact(array.copy()) != exact(changed), array.dtype
    assert exact(np.zeros((2, 3, 4))) != exact(np.zeros((2, 4, 3)))
    for padded in (np.zeros(4, dtype=np.longdouble), np.zeros(4, dtype=[("a", [("b", "i1"), ("c", "i8")])])):
        found = profile(padded)
        assert found.fingerprint is None and "no canonical form" in found.skipped[0]


def test_python_containers() -> None:
    """Rows as mappings, columns as lists and plain lists are tables; missing keys are nulls."""
    rows = [{"a": 1, "b": "x"}, {"a": 2}]
    assert profile(rows).fields == [("a", "int64", True), ("b", "string", True)]
    assert exact(rows) == exact({"a": [1, 2], "b": ["x", None]})
    assert exact({"a": [1, 2]}) == exact(pd.DataFrame({"a": [1, 2]}))
    assert exact([1, 2, 3]) == exact(np.array([1, 2, 3]))
    assert exact([{"a": {"x": 1, "y": 2}}]) == exact([{"a": {"y": 2, "x": 1}}])
    assert exact([10**30]) != exact([10**30 + 1])
    assert profile({"alpha": 0.1, "names": ["a", "b"]}).row_count == 1
    assert profile([]).row_count == 0 and profile({}).row_count == 0


def test_empty_tables() -> None:
    """No rows or no columns is content as well, and types still count."""
    assert exact(pd.DataFrame({"a": np.zeros(0)})) == exact(pa.table({"a": pa.array([], pa.float64())}))
    assert exact(pd.DataFrame({"a": np.zeros(0)})) != exact(pd.DataFrame({"a": np.zeros(0, dtype=int)}))
    assert exact(pl.DataFrame({"a": pl.Series([], dtype=pl.String)})) == exact(
        pa.table({"a": pa.array([], pa.string())})
    )
    assert exact(pd.DataFrame()) != exact(pd.DataFrame(index=range(3)))


def test_columns_of_one_name_are_told_apart() -> None:
    """Both count; exchanging them is a change."""
    frame = pd.DataFrame([[1, 2], [3, 4]], columns=["a", "a"])
    assert [name for name, _, _ in profile(frame).fields] == ["a", "a#2"]
    assert exact(frame) != exact(frame.iloc[:, ::-1])


class Opaque:
    """Nothing can be seen of it from outside."""


def test_values_without_a_form_withhold_the_fingerprint() -> None:
    """The reason names column and type; the other columns keep their statistics."""
    found = profile(pd.DataFrame({"x": [1, 1], "o": [Opaque(), Opaque()]}))
    assert found.fingerprint is None
    assert any("column o" in note and "Opaque" in note for note in found.skipped)
    assert found.columns[0].distinct_estimate == 1
    assert profile(pd.DataFrame({"t": pd.Series(["\ud800"], dtype=object)})).fingerprint is None


def test_what_is_no_table_is_refused() -> None:
    """With the type and what to do; a lazy frame has no content yet."""
    for obj in (3, "text", object(), pl.LazyFrame({"a": [1]})):
        assert not can_profile(obj)
        with pytest.raises(InvalidInput, match="must be a frame"):
            profile(obj)
    with pytest.raises(InvalidInput, match="tier"):
        profile([1], tier="everything")  # type: ignore[arg-type]


def test_subclasses_count_as_what_they_extend() -> None:
    """A user's own kind of frame or array is read like its base."""

    class Frame(pd.DataFrame):
        """A frame of somebody else's."""

    class Array(np.ndarray):
        """An array of somebody else's."""

    assert exact(Frame({"a": [1]})) == exact(pd.DataFrame({"a": [1]}))
    assert exact(np.arange(3).view(Array)) == exact(np.arange(3))


def test_a_snapshot_does_not_see_later_changes() -> None:
    """Whatever the user writes after the snapshot, the profile is of what was there."""
    frame = pd.DataFrame({"a": [1, 2], "b": [1.0, 2.0]})
    array, table, rows = np.arange(4), pl.DataFrame({"a": [1, 2]}), [{"a": 1}]
    taken = [snapshot(obj) for obj in (frame, array, table, rows)]
    expected = [exact(obj) for obj in (frame, array, table, rows)]
    assert all(one.safe for one in taken)
    frame.loc[0, "a"] = 99
    frame["c"] = 1
    frame.columns = ["a", "z", "c"]
    array[0] = 99
    table.insert_column(0, pl.Series("new", [1, 2]))
    rows.append({"a": 2})
    assert [exact(one) for one in taken] == expected


def test_a_large_array_is_guarded_instead_of_copied() -> None:
    """Left alone it is profiled; written to, only the shape is told; read-only it needs no guard."""
    array = np.zeros((2_000_000, 1))
    taken = snapshot(array)
    assert taken.safe and taken.obj is array and taken.guard is not None
    assert exact(taken) == exact(array)
    array[-1] = 1
    found = profile(taken)
    assert found.fingerprint is None and found.row_count == 2_000_000 and "changed" in found.skipped[0]
    assert found.columns[0].null_count is None
    array.flags.writeable = False
    assert snapshot(array).guard is None and snapshot(array).safe
    scattered = np.zeros((2_000_000, 3))[:, ::2]
    assert not snapshot(scattered).safe
    assert profile(snapshot(scattered)).fingerprint is None


def test_threads_do_not_disturb_one_another() -> None:
    """The same frame profiled from several threads at once has one fingerprint."""
    frame = pl.DataFrame({"a": np.arange(200_000), "s": [str(at % 977) for at in range(200_000)]})
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(exact(frame))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [exact(frame)] * 6


WITHOUT_ARROW = """
import sys
sys.modules["pyarrow"] = None
import datetime, polars as pl
from headwater.capture.profiling import profile
frame = pl.DataFrame({
    "s": ["a", None, "", "a text of more than sixty-four bytes, which is hashed on its own, é"] * 3,
    "c": pl.Series(["x", None, "y", "x"] * 3, dtype=pl.Categorical),
    "i": [1, None, 3, 4] * 3, "b": [True, None, False, True] * 3,
    "t": [datetime.datetime(2020, 1, 1), None, None, None] * 3,
})
print(profile(frame).fingerprint.exact)
print(profile(frame.with_columns(l=pl.Series([[1]] * 12))).skipped[0])
"""


def test_polars_needs_no_pyarrow() -> None:
    """Text read by joining has the bytes that Arrow gives; what only Arrow can read is said."""
    done = subprocess.run([sys.executable, "-c", WITHOUT_ARROW], capture_output=True, text=True, check=True)
    without, note = done.stdout.splitlines()
    frame = pl.DataFrame(
        {
            "s": ["a", None, "", "a text of more than sixty-four bytes, which is hashed on its own, é"] * 3,
            "c": pl.Series(["x", None, "y", "x"] * 3, dtype=pl.Categorical),
            "i": [1, None, 3, 4] * 3,
            "b": [True, None, False, True] * 3,
            "t": [datetime.datetime(2020, 1, 1), None, None, None] * 3,
        }
    )
    assert exact(frame) == without
    assert "needs pyarrow" in note


def test_importing_the_package_loads_no_data_library() -> None:
    """The front of the package is msgspec and the standard library, and asking about an object loads nothing either."""
    code = (
        "import sys, headwater.capture.profiling as p\n"
        "assert not p.can_profile(object())\n"
        "print([m for m in ('numpy', 'pandas', 'polars', 'pyarrow', 'scipy', 'xxhash') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
