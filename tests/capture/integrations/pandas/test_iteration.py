"""Lists made by going through columns: where they are used, the columns are behind them, as a guess."""

from __future__ import annotations

import linecache

import pandas as pd
import pytest

from headwater.capture.values import INFERRED


@pytest.fixture
def rows(tmp_path):
    """A file of four rows."""
    (tmp_path / "a.csv").write_text("x,z\n1,2\n5,3\n4,1\n2,2\n")


def follow_code(follow, body, *names):
    """Run these lines as a script of their own would be run, followed."""
    followed = follow("pandas", "numpy", *names)
    name = f"<cell {abs(hash(body))}>"
    linecache.cache[name] = (len(body), None, body.splitlines(keepends=True), name)
    exec(compile(body, name, "exec"), {"pd": pd})
    return followed


START = 'df = pd.read_csv("a.csv")\n'
END = '\ndf.to_csv("out.csv", index=False)\n'

MADE = {
    "comprehension": ('y = [1 if v > 3 else 0 for v in df["x"]]\ndf["y"] = y', {"x"}),
    "name overwritten": ('y = df["x"]\ny = [1 if v > 3 else 0 for v in y]\ndf["y"] = y', {"x"}),
    "over several lines": ('y = [\n    v * 2\n    for v in df["x"]\n]\ndf["y"] = y', {"x"}),
    "in the same statement": ('df["y"] = [v * 2 for v in df["x"]]', {"x"}),
    "two columns": ('y = [a + b for a, b in zip(df["x"], df["z"])]\ndf["y"] = y', {"x", "z"}),
    "with positions": ('y = [v + i for i, v in df["z"].items()]\ndf["y"] = y', {"z"}),
    "a list first": ('a = df["x"].tolist()\nb = [v + 1 for v in a]\ny = [v + 1 for v in b]\ndf["y"] = y', {"x"}),
    "a tuple": ('df["y"] = tuple(df["z"])', {"z"}),
    "by attribute": ('df["y"] = list(map(str, df.x))', {"x"}),
    "a series of it": ('y = [v for v in df["x"]]\ndf["y"] = pd.Series(y)', {"x"}),
    "located": ('y = [v for v in df["x"]]\ndf.loc[:, "y"] = y', {"x"}),
    "inserted": ('y = [v for v in df["x"]]\ndf.insert(0, "y", y)', {"x"}),
    "a frame of it": ('y = [v for v in df["x"]]\nz = [v for v in df["z"]]\ndf = pd.DataFrame({"y": y})', {"x"}),
    "in a function": ('def made(s):\n    y = [v for v in s]\n    df["y"] = y\nmade(df["x"])', {"x"}),
    "plain numbers": ('y = [1, 2, 3, 4]\nw = [v for v in df["x"]]\ndf["y"] = y', set()),
    "names of columns": ('y = [len(c) for c in df.columns] * 2\ndf["y"] = y', set()),
}


@pytest.mark.parametrize("name", MADE)
def test_a_list_comes_from_the_columns_that_were_gone_through(name, follow, rows):
    """And from no others; every such edge says that it was read from the code."""
    body, expected = MADE[name]
    followed = follow_code(follow, START + body + END)
    inputs = followed.entries()["out.csv"]["fields"]["y"]["inputs"]
    assert {item["field"] for item in inputs} == expected
    assert {item["transformations"][0].get("description") for item in inputs} <= {INFERRED}


def test_labels_in_a_list_are_part_of_the_training_data(follow, rows):
    """The label of the set has its column, and the model learns from the set alone."""
    pytest.importorskip("sklearn")
    body = 'from sklearn.linear_model import LogisticRegression\ny = df["x"]\ny = [int(v > 3) for v in y]\n'
    fit = 'model = LogisticRegression().fit(df[["z"]], y)'
    followed = follow_code(follow, START + body + fit, "sklearn")
    assert followed.sources("model.training_data", "label") == {("a.csv", "x")}
    assert followed.sources("model.training_data", "z") == {("a.csv", "z")}
    assert followed.sources("model") == {"model.training_data"}


def test_going_through_a_column_gives_what_it_gave(follow, rows):
    """The items, their types, and the kind of iterator are pandas' own."""
    plain = pd.read_csv("a.csv")["x"]
    before = (list(plain), type(iter(plain)), plain.tolist(), list(plain.items()), [type(v) for v in plain])
    follow("pandas")
    series = pd.read_csv("a.csv")["x"]
    assert (
        list(series),
        type(iter(series)),
        series.tolist(),
        list(series.items()),
        [type(v) for v in series],
    ) == before


def test_a_loop_over_thousands_of_columns_is_bounded(follow, rows):
    """Lines and columns that are remembered are bounded, and the latest are there."""
    from headwater.capture.scalars import Scalars
    from headwater.capture.source_analysis.inferred_values import _LINES, _PASSES_A_LINE, InferredValues
    from headwater.capture.value_table import Values
    from headwater.capture.values import make_value

    guesses = InferredValues(values := Values(), Scalars(values))
    code = compile("x", "<many>", "exec")
    for line in range(2 * _LINES + 5):
        for _ in range(_PASSES_A_LINE + 2):
            guesses.went_through(make_value("series", columns=("x",)), code, line)
    kept = guesses._passes_of(code)
    assert len(kept) <= _LINES
    assert 2 * _LINES + 4 in kept
    assert {len(values) for values in kept.values()} == {_PASSES_A_LINE}
