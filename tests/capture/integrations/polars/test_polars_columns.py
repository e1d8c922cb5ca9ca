"""Columns of polars by themselves, and numbers taken out of one frame and used on another."""

from __future__ import annotations

import datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

NUMBERS = {"x": [1.5, None, 4.25, 3.0], "town": ["Cork", None, "Cork", "York"], "n": [300, 7, 512, 9]}


@pytest.fixture
def frames(follow):
    """A training and a test frame, each read from its file, and what is known of them."""
    pl.DataFrame(NUMBERS).write_csv("train.csv")
    pl.DataFrame(NUMBERS).write_csv("test.csv")
    followed = follow("polars", "numpy")
    return followed, pl.read_csv("train.csv"), pl.read_csv("test.csv")


X, TRAINED = ("test.csv", "x"), ("train.csv", "x")


@pytest.mark.parametrize(
    ("make", "subtype"),
    [
        (lambda x: x * 2, "TRANSFORMATION"),
        (lambda x: 1 - x, "TRANSFORMATION"),
        (lambda x: -x, "TRANSFORMATION"),
        (lambda x: x > 2, "TRANSFORMATION"),
        (lambda x: (x > 2) & (x < 4), "TRANSFORMATION"),
        (lambda x: x.fill_null(0), "TRANSFORMATION"),
        (lambda x: x.cast(pl.String).str.zfill(8), "TRANSFORMATION"),
        (lambda x: x.rolling_mean(2), "TRANSFORMATION"),
        (lambda x: x.map_elements(lambda item: item, return_dtype=pl.Float64), "TRANSFORMATION"),
        (lambda x: x.mode(), "AGGREGATION"),
        (lambda x: x.alias("y").rename("x").head(3).sort().drop_nulls(), "IDENTITY"),
        (lambda x: x.to_frame().to_series(), "IDENTITY"),
    ],
)
@pytest.mark.filterwarnings("ignore::polars.exceptions.PolarsInefficientMapWarning")
def test_what_a_column_makes_comes_from_it(frames, make, subtype):
    """Operators, methods and name spaces of a column: the result comes from that column, and how."""
    followed, _, test = frames
    made = make(test["x"])
    assert followed.columns(made) == {made.name: {X}}
    assert followed.direct(made, made.name) == {"x": subtype}


def test_a_column_given_to_a_frame(frames):
    """A column among the arguments of a frame's method, by name, in a list, and of a lazy frame."""
    followed, train, test = frames
    for made in (
        test.with_columns(y=train["x"] * 2),
        test.with_columns((train["x"] * 2).alias("y")),
        test.with_columns([(train["x"] * 2).alias("y"), pl.col("n")]),
        test.lazy().with_columns((train["x"] * 2).alias("y")).collect(),
        test.hstack([(train["x"] * 2).alias("y")]),
        pl.DataFrame({"y": train["x"] * 2, "x": test["x"]}),
    ):
        assert followed.columns(made)["y"] == {TRAINED}
        assert followed.columns(made)["x"] == {X}


def test_rows_chosen_by_a_column(frames):
    """A mask of another frame decides about the rows."""
    followed, train, test = frames
    assert followed.indirect(test.filter(train["x"] > 2)) == {("x", "FILTER")}
    assert followed.columns(test["n"].filter(train["x"] > 2))["n"] == {("test.csv", "n"), TRAINED}


def test_columns_changed_in_place(frames):
    """``append``, ``extend`` and ``scatter`` add a source to the column that they change."""
    followed, train, test = frames
    x = test["x"].clone()
    x.extend(train["x"])
    assert followed.columns(x)["x"] == {X, TRAINED}


@pytest.mark.parametrize(
    "take",
    [
        lambda train: train["x"].median(),
        lambda train: train["x"].quantile(0.3, "linear"),
        lambda train: train.select(pl.col("x").mean()).item(),
        lambda train: train.select(pl.mean("x"), pl.max("n"))[0, "x"],
    ],
)
def test_a_number_on_a_column_is_exact(frames, take):
    """A number taken from the training frame and used on a column of the other, known by identity."""
    followed, train, test = frames
    filled = test["x"].fill_null(take(train)) - take(train)
    assert followed.columns(test["x"] - take(train))["x"] == {X, TRAINED}
    assert followed.columns(filled)["x"] == {X, TRAINED}


def test_a_number_in_an_expression_is_inferred(frames):
    """An expression keeps a number by value: the edge is there, says that it is a guess, and is the column's alone."""
    followed, train, test = frames
    mean, town = train["x"].mean(), train["town"].mode().first()
    made = test.with_columns(
        ((pl.col("x") - mean) / train["x"].std()).alias("scaled"), pl.col("town").fill_null(town), pl.col("n") * 2
    )
    made.write_csv("out.csv")
    edges = {
        (edge["name"].rpartition("/")[2], edge["field"]): edge["transformations"][0].get("description", "")
        for edge in followed.entries()["out.csv"]["fields"]["scaled"]["inputs"]
    }
    assert edges == {X: "", TRAINED: "inferred"}
    assert followed.columns(made)["town"] == {("test.csv", "town"), ("train.csv", "town")}
    assert followed.columns(made)["n"] == {("test.csv", "n")}
    assert followed.columns(made)["x"] == {X}


def test_a_number_in_a_filter_and_in_an_aggregation(frames):
    """Rows kept, and sums made, by a number of another frame."""
    followed, train, test = frames
    mean = train["x"].mean()
    assert TRAINED in followed.columns(test.filter(pl.col("x") > mean))["n"]
    assert TRAINED in followed.columns(test.group_by("town").agg((pl.col("x") - mean).sum()))["x"]
    assert TRAINED in followed.columns(test.lazy().filter(pl.col("x") > mean).collect())["n"]


def test_a_whole_number_counts_only_where_it_was_taken(frames):
    """``3.0`` taken elsewhere says nothing about a ``3.0`` that is written here."""
    followed, train, test = frames

    def elsewhere():
        return train["x"].drop_nulls().median()

    assert elsewhere() == 3.0
    assert followed.columns(test.with_columns(pl.col("x") * 3.0))["x"] == {X}
    here = train["x"].drop_nulls().median()
    assert followed.columns(test.with_columns(pl.col("x") * here))["x"] == {X, TRAINED}


def test_a_list_of_constants_is_no_guess(frames):
    """A list that nothing was gone through for does not come from whatever was as long."""
    followed, _, test = frames
    made = pl.DataFrame({"x": test["x"], "k": [1, 2, 3, 4]})
    assert followed.columns(made) == {"x": {X}, "k": set()}


@given(st.sampled_from([1, 2.5, "ab", None, True, datetime.date(2020, 1, 1), b"x"]))
def test_any_scalar_may_stand_in_an_expression(follow_once, item):
    """Literals of every kind pass through the look for numbers."""
    followed, frame = follow_once
    frame["x"].mean()
    made = frame.with_columns(pl.lit(item).alias("k"))
    assert followed.columns(made)["k"] == set()


@pytest.fixture(scope="module")
def follow_once(tmp_path_factory):
    """polars followed for all examples of a property."""
    from headwater.capture import context
    from headwater.capture.recorder import Recorder
    from headwater.capture.registry import Registry
    from headwater.capture.trace import trace

    path = tmp_path_factory.mktemp("once") / "in.csv"
    pl.DataFrame(NUMBERS).write_csv(path)
    recorder, registry = Recorder("00000000-0000-7000-8000-0000000000ff", "tests", "job"), Registry()
    registry.install(only=("polars",))
    token = context.enter(recorder)

    class Followed:
        def columns(self, obj):
            found = trace(recorder.values.get(obj))
            return {name: {s.column for s in trails} for name, trails in found.fields.items()}

    yield Followed(), pl.read_csv(path)
    context.leave(token)
    registry.remove()


def test_a_literal_is_no_number_that_was_taken_out(frames):
    """The code spells out ``100``, ``300`` and a text in the expression, in a name that it uses, or in an expression
    made before: none of them is the number, or text, of that value that came out of another frame."""
    followed, train, test = frames
    largest, shortest, town = train["n"].max(), train["n"].min() + 0.5, train["town"].mode()[0]
    most = train.filter(pl.col("n") < 400)["n"].max()
    factor = 512
    scaled = pl.col("x") * 300
    made = test.with_columns(
        (pl.col("x") * 512 + 300).alias("spelled"),
        (pl.col("x") / factor).alias("named"),
        scaled.alias("before"),
        pl.col("town").replace("Cork", "York").alias("renamed"),
    )
    columns = followed.columns(made)
    assert (largest, most, shortest, town) == (512, 300, 7.5, "Cork")
    assert columns["spelled"] == columns["named"] == columns["before"] == {X}
    assert columns["renamed"] == {("test.csv", "town")}
    for result in (
        test.filter(pl.col("n") < 300),
        test.group_by("town").agg((pl.col("x") * 300).sum()),
        test.lazy().select(pl.col("x") - 7.5).collect(),
    ):
        assert all(name == "test.csv" for pairs in followed.columns(result).values() for name, _ in pairs)
    used = test.with_columns(pl.col("x") / largest)
    assert followed.columns(used)["x"] == {X, ("train.csv", "n")}


def test_a_frame_of_literals_has_no_source(frames):
    """By columns and by rows, after files were read: the file made of it comes from nothing."""
    followed, _, _ = frames
    made = pl.DataFrame({"k": [1, 2], "v": ["a", "b"]})
    made.with_columns(pl.col("k") * 2).write_csv("made.csv")
    pl.DataFrame([{"k": 1}, {"k": 2}]).write_csv("rows.csv")
    assert followed.entries()["made.csv"]["inputs"] == []
    assert followed.entries()["rows.csv"]["inputs"] == []
