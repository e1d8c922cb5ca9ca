"""Numbers by column of one frame, used on the columns of another: a row, a mask of cells, a dictionary."""

from __future__ import annotations

import pandas as pd
import pytest


@pytest.fixture
def told(follow):
    """Runs a script over frames read from two files; tells what is behind the columns of the file that it writes."""
    numbers = {"a": [1.0, 4.0, None, 2.0], "b": [2.0, None, 5.0, 8.0], "kind": ["x", "y", "x", "z"]}
    pd.DataFrame(numbers).to_csv("train.csv", index=False)
    pd.DataFrame(numbers).to_csv("test.csv", index=False)
    followed = follow("pandas", "numpy")
    start = "import pandas as pd\nd, e = pd.read_csv('train.csv'), pd.read_csv('test.csv')\nc = ['a', 'b']\n"

    def run(expression):
        followed.run(f"{start}made = {expression}\nmade.to_csv('out.csv', index=False)\n")
        return [followed.sources("out.csv", name) for name in ("a", "b")]

    return run


@pytest.mark.parametrize(
    "expression",
    [
        "e[c].fillna(d[c].mode().iloc[0])",
        "e[c].fillna(d[c].agg(['mean', 'std']).loc['mean'])",
        "e[c].fillna(d[c].describe().loc['50%'])",
        "e[c] - d[c].iloc[0]",
        "e[c] / d[c].loc[1]",
        "e[c].clip(d[c].quantile(0.1), d[c].quantile(0.9), axis=1)",
        "e[c].where(e[c] < d[c].max(), d[c].max(), axis=1)",
        "e[c].mask(e[c] > d[c].mean(), d[c].mean(), axis='columns')",
        "e[c].fillna(d[c].mean().to_dict())",
        "e[c].fillna(dict(d[c].median()))",
        "e[c].fillna({name: d[name].mean() for name in c})",
    ],
)
def test_each_column_comes_from_the_number_of_its_name(told, expression):
    """Not from the numbers of the other columns of the row, series or dictionary."""
    assert told(expression) == [{("train.csv", name), ("test.csv", name)} for name in ("a", "b")]


@pytest.mark.parametrize("expression", ["e[c][e[c] > 2]", "e[c].where(e[c] > 2)", "e[c].mask(e[c].isna(), 0)"])
def test_a_cell_is_chosen_by_the_one_in_its_place(told, expression):
    """A mask of cells decides about each column by its own column."""
    assert told(expression) == [{("test.csv", "a")}, {("test.csv", "b")}]


def test_a_dictionary_of_written_numbers_is_no_source(told):
    """``fillna({"a": 0})``: nothing is behind the numbers."""
    assert told("e[c].fillna({'a': 0, 'b': -1.5})") == [{("test.csv", "a")}, {("test.csv", "b")}]
