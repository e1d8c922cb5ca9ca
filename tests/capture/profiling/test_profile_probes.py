"""Whatever changes the content changes the fingerprint; the order of rows changes one form and not the other."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
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

ROWS = 300_000
HOMES: dict[str, Callable[[pd.DataFrame], Any]] = {
    "pandas": lambda frame: frame,
    "polars": pl.from_pandas,
    "arrow": lambda frame: pa.Table.from_pandas(frame, preserve_index=False),
}


def fingerprint(obj: Any) -> Fingerprint:
    """The fingerprint, which must be there."""
    found = profile(obj, tier="fingerprint").fingerprint
    assert found is not None
    return found


def base() -> pd.DataFrame:
    """A frame of several blocks with a column of each common type, of the caller's own."""
    return _made(ROWS).copy(deep=True)


@cache
def _made(rows: int) -> pd.DataFrame:
    rng = np.random.default_rng(7)
    return pd.DataFrame(
        {
            "id": np.arange(rows),
            "value": rng.normal(size=rows),
            "when": pd.to_datetime("2024-01-01") + pd.to_timedelta(rng.integers(0, 10**6, rows), unit="s"),
            "flag": rng.random(rows) < 0.5,
            "city": pd.Series(np.array(["oslo", "rome", ""])[rng.integers(0, 3, rows)], dtype="str"),
            "kind": pd.Categorical(np.array(["a", "b"])[rng.integers(0, 2, rows)]),
        }
    )


def _set(column: str, value: Any, row: int = ROWS - 1) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame.iloc[row, frame.columns.get_loc(column)] = value(frame.iloc[row][column]) if callable(value) else value
        return frame

    return change


PROBES: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "late number": _set("value", lambda old: np.nextafter(old, 9)),
    "late text": _set("city", "lima"),
    "late integer": _set("id", lambda old: old + 1, row=250_000),
    "year shift": lambda frame: frame.assign(when=frame.when + pd.Timedelta(days=366)),
    "shift of one": _set("when", lambda old: old + pd.Timedelta(seconds=1)),
    "all flipped": lambda frame: frame.assign(flag=~frame.flag),
    "one flipped": _set("flag", lambda old: not old),
    "rename": lambda frame: frame.rename(columns={"value": "values"}),
    "names exchanged": lambda frame: frame.set_axis(["value", "id", *frame.columns[2:]], axis=1),
    "narrower type": lambda frame: frame.assign(id=frame.id.astype("int32")),
    "bool to int": lambda frame: frame.assign(flag=frame.flag.astype("int64")),
    "category to text": lambda frame: frame.assign(kind=frame.kind.astype("str")),
    "categories exchanged": lambda frame: frame.assign(kind=frame.kind.cat.rename_categories({"a": "b", "b": "a"})),
    "one category": _set("kind", lambda old: "a" if old == "b" else "b"),
    "empty to null": lambda frame: frame.assign(city=frame.city.where(frame.city != "")),
    "one null": _set("value", None),
    "row dropped": lambda frame: frame.iloc[:-1],
    "row doubled": lambda frame: pd.concat([frame, frame.iloc[[5]]], ignore_index=True),
    "column dropped": lambda frame: frame.drop(columns="flag"),
    "columns reordered": lambda frame: frame[frame.columns[::-1]],
    "zone": lambda frame: frame.assign(when=frame.when.dt.tz_localize("UTC")),
    "unit": lambda frame: frame.assign(when=frame.when.dt.as_unit("ms")),
}


@pytest.fixture(scope="module")
def expected() -> dict[str, Fingerprint]:
    """The fingerprint of the unchanged frame in each home."""
    return {name: fingerprint(home(base())) for name, home in HOMES.items()}


def test_homes_agree_on_the_frame(expected: dict[str, Fingerprint]) -> None:
    """pandas, polars and Arrow hold the same thing."""
    assert len({(one.exact, one.multiset) for one in expected.values()}) == 1


@pytest.mark.parametrize("home", HOMES)
@pytest.mark.parametrize("probe", PROBES)
def test_probe_changes_both_forms(probe: str, home: str, expected: dict[str, Fingerprint]) -> None:
    """Every probe is a change in every library, and never passes for another order of rows."""
    changed = fingerprint(HOMES[home](PROBES[probe](base())))
    assert changed.compare(expected[home]) is Comparison.DIFFERENT
    # What is a change in pandas is the same change elsewhere.
    assert changed.exact == _exact_in_pandas(probe)


@cache
def _exact_in_pandas(probe: str) -> str:
    return fingerprint(PROBES[probe](base())).exact


@pytest.mark.parametrize("home", HOMES)
def test_permutation_changes_the_exact_form_alone(home: str, expected: dict[str, Fingerprint]) -> None:
    """A shuffle over several blocks is the same rows in another order."""
    shuffled = base().sample(frac=1, random_state=3)
    assert fingerprint(HOMES[home](shuffled)).compare(expected[home]) is Comparison.REORDERED


def test_only_the_changed_columns_are_named(expected: dict[str, Fingerprint]) -> None:
    """Column digests prove the other columns unchanged, and a rename shows as one."""
    changed = fingerprint(PROBES["late number"](base()))
    assert changed.changed_columns(expected["pandas"]) == ["value"]
    renamed = fingerprint(PROBES["rename"](base()))
    assert expected["pandas"].renamed_columns(renamed) == {"value": "values"}
    assert fingerprint(PROBES["columns reordered"](base())).changed_columns(expected["pandas"]) == []


ROW = st.tuples(
    st.integers(-3, 3), st.sampled_from([-1.0, -0.5, 0.0, 0.5, 1.0, 2.0]), st.sampled_from(["", "a", "b", "ab"])
)


@settings(max_examples=150, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=8), st.lists(ROW, min_size=1, max_size=8), st.randoms())
def test_multiset_is_equality_of_bags(left: list[tuple[Any, ...]], right: list[tuple[Any, ...]], random: Any) -> None:
    """Two tables have the same multiset form exactly if they hold the same rows equally often."""
    mixed = list(left)
    random.shuffle(mixed)
    one, shuffled, other = (
        fingerprint(pl.DataFrame(rows, schema=SCHEMA, orient="row")) for rows in (left, mixed, right)
    )
    assert one.multiset == shuffled.multiset
    assert (one.exact == shuffled.exact) == (left == mixed)
    assert (one.multiset == other.multiset) == (sorted(left) == sorted(right))


SCHEMA = {"i": pl.Int64, "f": pl.Float64, "t": pl.String}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-(2**62), 2**62), min_size=4, max_size=30, unique=True), st.data())
def test_values_exchanged_between_rows_show(values: list[int], data: st.DataObject) -> None:
    """The bag of each column stays, the bag of rows does not: the form must not be a sum over columns."""
    half = len(values) // 2
    frame = pd.DataFrame({"a": values[:half], "b": values[half : 2 * half]})
    first, second = data.draw(
        st.tuples(st.integers(0, half - 1), st.integers(0, half - 1)).filter(lambda p: p[0] != p[1])
    )
    swapped = frame.copy()
    swapped.loc[first, "b"], swapped.loc[second, "b"] = frame.loc[second, "b"], frame.loc[first, "b"]
    assert fingerprint(swapped).compare(fingerprint(frame)) is Comparison.DIFFERENT


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(st.sampled_from("ab\0é"), max_size=70), min_size=2, max_size=6))
def test_text_does_not_run_together(texts: list[str]) -> None:
    """Moving a character over the border between two values is a change, whatever the lengths."""
    table = pa.table({"t": texts})
    for at in range(len(texts) - 1):
        if texts[at]:
            moved = [*texts[:at], texts[at][:-1], texts[at][-1] + texts[at + 1], *texts[at + 2 :]]
            reordered = sorted(moved) == sorted(texts)
            expected = Comparison.REORDERED if reordered else Comparison.DIFFERENT
            assert fingerprint(pa.table({"t": moved})).compare(fingerprint(table)) is expected


def test_sign_flips_in_two_columns_do_not_cancel() -> None:
    """Differences in the upper bit alone are what weak mixing loses."""
    rows = np.array([[1.0, -1.0, 2.0], [-1.0, 1.0, -2.0]])
    variants = [rows * np.array(signs) for signs in ((1, 1, 1), (-1, -1, 1), (1, -1, -1), (-1, 1, -1), (-1, 1, 1))]
    assert len({fingerprint(variant[:1]).multiset for variant in variants}) == len(variants)


def test_the_algorithm_has_not_changed_unnoticed() -> None:
    """Digests of ``hw1`` are the same for ever: whoever changes the form must give it a new name."""
    table = pa.table(
        {
            "i": pa.array([1, None, -3], pa.int32()),
            "f": pa.array([0.5, -0.0, None]),
            "t": pa.array(["a", "a text of more than sixty-four bytes, which is hashed on its own as a whole", None]),
            "s": pa.array(["twelve chars", "eight chr", ""]),
            "b": pa.array([True, False, None]),
            "c": pa.array(["x", None, "y"]).dictionary_encode(),
        }
    )
    found = fingerprint(table)
    assert (found.algorithm, found.exact, found.multiset) == ("hw1", GOLDEN_EXACT, GOLDEN_MULTISET)


GOLDEN_EXACT = "594e273c42b75e88327132eb6e5e5de5"
GOLDEN_MULTISET = "e76927693148934bb8871d9054af40eb"
