"""Arrays that nobody saw being made, put into a frame: the expression says which columns they came from."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest

from headwater.capture.code_numbers import number_of
from headwater.capture.source_analysis import array_origins, budget


@pytest.fixture
def frame(follow, tmp_path):
    """A frame that was read from a file, and what is known of it."""
    numbers = {"a": [1.0, 4.0, 9.0, 2.0, 7.0], "b": [2.0, 3.0, 5.0, 8.0, 1.0], "c": list("xyxyx")}
    pd.DataFrame(numbers).to_csv("in.csv", index=False)
    followed = follow("pandas", "numpy")
    return followed, pd.read_csv("in.csv")


def test_operators_on_the_arrays_of_columns(frame):
    """Arithmetic on ``.values`` within one expression comes from the columns in it, and is marked inferred."""
    followed, df = frame
    df["double"] = df["a"].values * 2
    df["length"] = np.sqrt(df["a"].values ** 2 + df["b"].values ** 2)
    df["weighed"] = df[["a", "b"]].values @ np.array([1.0, 2.0])
    columns = followed.columns(df)
    assert columns["double"] == {("in.csv", "a")}
    assert columns["length"] == {("in.csv", "a"), ("in.csv", "b")}
    assert columns["weighed"] == {("in.csv", "a"), ("in.csv", "b")}


def test_both_sides_of_an_operator_by_name(frame):
    """A named array that was made of the arrays of two columns: both are behind it."""
    followed, df = frame
    added = df["a"].to_numpy() + df["b"].to_numpy()
    assert followed.columns(pd.DataFrame({"added": added}))["added"] == {("in.csv", "a"), ("in.csv", "b")}


def test_a_name_that_is_bound_to_a_part_of_itself(frame):
    """A product of two matrices in a function that cuts its argument down first: both are behind it."""
    followed, df = frame

    def weighed(data, weights):
        data = data[["a", "b"]]
        product = np.matmul(data.to_numpy(), weights.to_numpy())
        return pd.DataFrame(product, columns=["score"])

    weights = df[["b"]].head(2).rename(columns={"b": "weight"})
    assert followed.columns(weighed(df, weights))["score"] == {("in.csv", "a"), ("in.csv", "b")}


def test_an_expression_beside_a_column_of_its_length(frame):
    """Of ``{"c": df["c"], "high": (half > 1).astype(int)}`` each column has what its own expression says."""
    followed, df = frame
    half = df["a"].values / 2
    table = pd.DataFrame({"c": df["c"], "high": (half > 1).astype(int), "low": (df["b"].values < 3).astype(int)})
    columns = followed.columns(table)
    assert columns["c"] == {("in.csv", "c")}
    assert columns["high"] == {("in.csv", "a")}
    assert columns["low"] == {("in.csv", "b")}


def test_an_array_by_name_and_one_in_place(frame):
    """A named array and the array of a column in one expression: both are behind the result."""
    followed, df = frame
    half = df["b"].to_numpy()
    df["both"] = half * df["a"].to_numpy()
    assert followed.columns(df)["both"] == {("in.csv", "a"), ("in.csv", "b")}


def test_counts_and_shapes_give_no_data(frame):
    """What is only as long as a frame does not come from it."""
    followed, df = frame
    df["zero"] = np.zeros(len(df))
    df["one"] = np.ones(df.shape[0])
    assert followed.columns(df)["zero"] == set()
    assert followed.columns(df)["one"] == set()


def test_two_steps_later(frame):
    """An expression bound to a name, used further down: the columns of that expression, not the whole frame."""
    followed, df = frame
    scores = df["a"].values / 10
    high = (scores > 0.5).astype(int)
    df["high"] = high
    assert followed.columns(df)["high"] == {("in.csv", "a")}


def test_codes_of_labels_come_from_the_labels(frame):
    """The codes and the labels that ``factorize`` gives come from the column, however it is called."""
    followed, df = frame
    df["code"] = pd.factorize(df["c"])[0]
    codes, labels = df["c"].factorize()
    other = df[["a"]].copy()
    other["code"] = codes
    assert followed.columns(df)["code"] == {("in.csv", "c")}
    assert followed.columns(other)["code"] == {("in.csv", "c")}
    assert followed.columns(pd.DataFrame({"label": labels}))["label"] == {("in.csv", "c")}


def test_what_a_group_holds_once(frame):
    """``unique`` of a column by group is made of that column, grouped."""
    followed, df = frame
    each = df.groupby("c")["a"].unique().explode().to_frame()
    assert followed.direct(each, "a") == {"a": "AGGREGATION"}
    assert followed.columns(each)["a"] == {("in.csv", "a"), ("in.csv", "c")}


def _scaled(values, by):
    """What a function of the user does with a bare array."""
    half = values / 2
    return half * by


def _both(first, second):
    total = first + second
    product = first * second
    return total, product


def _stored(frame, values, name):
    frame[name] = np.sqrt(values) * 2
    return frame


def test_a_function_that_is_given_an_array(frame):
    """An array goes into a function of the user and a new one comes out: from the column that was given."""
    followed, df = frame
    df["scaled"] = _scaled(df["a"].values, 3)
    a, b = df["a"].values, df["b"].values
    total, product = _both(a, b)
    df["total"] = total
    kept = _scaled(b, 2)
    df["kept"] = kept
    columns = followed.columns(df)
    assert columns["scaled"] == {("in.csv", "a")}
    assert columns["total"] == {("in.csv", "a"), ("in.csv", "b")}
    assert columns["kept"] == {("in.csv", "b")}
    assert np.array_equal(product, a * b)


def test_an_array_that_came_in_as_an_argument(frame):
    """Computed on and stored inside the function: from what the caller gave for the parameter, by place and by name."""
    followed, df = frame
    _stored(df, df["b"].values, "one")
    array = df["a"].to_numpy()
    _stored(df, name="two", values=array)
    columns = followed.columns(df)
    assert columns["one"] == {("in.csv", "b")}
    assert columns["two"] == {("in.csv", "a")}


def _folds(frame):
    out = np.zeros(len(frame))
    for rows in ([0, 2], [1, 3, 4]):
        part = frame["b"].iloc[rows].to_numpy()
        out[rows] = part * 2
    return out, len(out)


def test_an_array_that_a_function_filled_and_gave_back(frame):
    """Filled by rows in a loop of a function, returned among others, saved by the caller."""
    followed, df = frame
    filled, n = _folds(df)
    assert n == 5
    np.save("filled.npy", filled)
    inputs = followed.entries()["filled.npy"]["inputs"]
    assert {(i["name"].rpartition("/")[2], i.get("field")) for i in inputs} >= {("in.csv", "b")}
    assert {i.get("field") for i in inputs} <= {"b", None}


def test_a_line_in_a_loop_is_read_a_bounded_number_of_times(frame):
    """Arrays out of nothing in a long loop: the line is read 64 times, and the answer stays the same after that."""
    from headwater.capture.recorder import _guesses

    followed, df = frame
    noise = np.random.default_rng(3)
    answers = set()
    for _ in range(200):
        known = followed.recorder.values.get(noise.normal(size=len(df)))
        answers.add(known if known is None else known.op)
    assert len(answers) == 1
    own = number_of(sys._getframe().f_code)
    counts = [count for (number, _), (count, _) in _guesses._asked.items() if number == own]
    assert counts == [64]


def test_a_line_that_is_given_up_is_told(frame):
    """A run in which one line made more arrays than are read there says so, once."""
    followed, df = frame
    for _ in range(budget.MAX_ASKED + 5):
        pd.DataFrame({"double": df["a"].values * 2})
    said = [text for text in followed.event()["run"]["facets"]["headwater_outcome"]["unresolved"] if "was read" in text]
    assert len(said) == 1
    assert said[0].startswith("test_unseen_arrays.py:")


def _with_hour(frame):
    frame["hour"] = frame.index.hour
    return frame


def test_what_is_made_of_an_index_comes_from_its_levels(follow):
    """Parts of a date that was read into the index, in one statement or through a name, in a function, and grouped by;
    an index that only counts tells nothing."""
    times = pd.date_range("2020-01-01", periods=5, freq="7h")
    pd.DataFrame({"when": times, "n": range(5)}).to_csv("in.csv", index=False)
    followed = follow("pandas", "numpy")
    df = pd.read_csv("in.csv", parse_dates=["when"], index_col="when")
    plain = pd.read_csv("in.csv")
    df["day"] = df.index.day_of_week
    months = df.index.month
    df["month"] = months + 1
    plain["place"] = plain.index * 2
    _with_hour(df)
    by_day = df[["day", "n"]].groupby("day").sum()
    columns = followed.columns(df)
    assert columns["day"] == columns["month"] == columns["hour"] == {("in.csv", "when")}
    assert followed.direct(df, "day") == {"when": "TRANSFORMATION"}
    assert followed.columns(by_day)["n"] == {("in.csv", "n"), ("in.csv", "when")}
    assert followed.columns(plain)["place"] == set()


def test_what_a_library_stacks_for_itself_is_not_looked_for_in_code(frame, tmp_path, monkeypatch):
    """numpy called by an installed library: what is followed goes through, for the rest neither its source nor the
    user's line is read; in the user's own module it is."""
    followed, df = frame
    text = (
        "import numpy as np\ndef stacked(known, new):\n    half = new / 2\n    return np.concatenate([known, half])\n"
    )
    for folder in ("site-packages", "own"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / f"stack_{folder[:3]}.py").write_text(text)
        monkeypatch.syspath_prepend(tmp_path / folder)
    import stack_own
    import stack_sit

    asked = []
    before = array_origins.array_origin

    def asks(*args, **kwargs):
        asked.append(args[1].co_filename)
        return before(*args, **kwargs)

    monkeypatch.setattr(array_origins, "array_origin", asks)
    a, c = df["a"].to_numpy(), df["b"].to_numpy() * 2
    both = stack_sit.stacked(a, c)
    assert asked == []
    assert followed.recorder.values.get(both).op == "numpy.concatenate"
    assert {name for found in followed.columns(both).values() for name in found} == {("in.csv", "a")}
    both = stack_own.stacked(a, c)
    assert asked
    assert {name for found in followed.columns(both).values() for name in found} == {("in.csv", "a"), ("in.csv", "b")}


def test_columns_of_a_matrix_chosen_by_their_places(follow):
    """``X[:, [0, 2]]`` is made where nobody looks: the code says of which array, and which columns; the labels that the
    same call gave are not among them."""
    followed = follow("numpy", "sklearn")
    from sklearn.datasets import load_diabetes, load_iris

    X, y = load_diabetes(return_X_y=True)
    X = X[:, [2]]
    known = followed.columns(X)
    iris = load_iris()
    Z, t = iris.data, iris.target
    Z = Z[:, [0, 2]]
    assert known == {"*": {("diabetes", "x2")}}
    assert followed.columns(Z) == {"*": {("iris", "sepal length (cm)"), ("iris", "petal length (cm)")}}
    assert followed.columns(y) == {"target": {("diabetes", "target")}}
    assert followed.columns(t) == {"target": {("iris", "target")}}


@pytest.mark.parametrize(
    "make",
    [
        lambda df: np.clip(df["a"], 2, 5),
        lambda df: np.clip(np.expm1(df["a"]), 0, 1000),
        lambda df: np.round(df["a"], 1),
        lambda df: np.cumsum(df["a"]),
        lambda df: np.repeat(df["a"], 1),
        lambda df: np.flip(df["a"]),
    ],
)
def test_functions_of_numpy_that_leave_a_column_to_pandas(frame, make):
    """``np.clip(frame["a"], 2, 5)`` is made by a method of pandas: it comes from that column, exactly."""
    followed, df = frame
    made = make(df)
    assert followed.columns(made)["a"] == {("in.csv", "a")}
    both = followed.columns(np.clip(df[["a", "b"]], 2, 5))
    assert (both["a"], both["b"]) == ({("in.csv", "a")}, {("in.csv", "b")})


def test_an_array_in_a_list_beside_others_comes_from_its_own_expression(frame):
    """``np.hstack([a, np.ones(...), b * 2])``: nothing is behind the ones, and not ``a`` behind ``b * 2``."""
    followed, df = frame
    stacked = np.hstack([df[["a"]].values, np.ones((5, 1)), df[["b"]].values * 2])
    columns = followed.columns(pd.DataFrame(stacked, columns=["a", "one", "b"]))
    assert columns["a"] == {("in.csv", "a")}
    assert not columns["one"]
    assert columns["b"] == {("in.csv", "b")}


def test_an_expression_over_several_lines(frame):
    """What stands on several lines, with the break within brackets, comes from the same columns as on one."""
    followed, df = frame
    broken = df[[
        "a", "b"]].values.astype(float) * 1.0  # fmt: skip
    columns = followed.columns(pd.DataFrame(broken, columns=["x", "y"]))
    assert (columns["x"], columns["y"]) == ({("in.csv", "a")}, {("in.csv", "b")})
    table = pd.DataFrame(df[[
        "b"]].values.astype(int), columns=["z"])  # fmt: skip
    assert followed.columns(table)["z"] == {("in.csv", "b")}
    both = pd.DataFrame({"sum": (df[
        "a"].values + df["b"].values) * 2})  # fmt: skip
    assert followed.columns(both)["sum"] == {("in.csv", "a"), ("in.csv", "b")}
