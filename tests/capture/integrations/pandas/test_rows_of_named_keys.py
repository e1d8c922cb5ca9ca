"""Rows that loops gather under keys that are names, and loops that use the names of other loops."""

from __future__ import annotations

import pandas as pd
import pytest

SETTINGS = """
from dataclasses import dataclass
import pandas as pd
t, u = pd.read_csv("t.csv"), pd.read_csv("u.csv")
TARGET = "price"
class Names:
    target = "price"
@dataclass
class Settings:
    target: str = "price"
class Maker:
    target = "price"
    def __init__(self):
        self.settings = Settings()
    def rows(self):
        return [{"a": row["size"], self.target: row[self.target]} for row in t.to_dict("records")]
    def rows_by_settings(self):
        return [{"a": row["size"], self.settings.target: row[self.settings.target]} for row in t.to_dict("records")]
settings, maker = Settings(), Maker()
def made(row, key):
    return {"a": row["size"], key: row["price"]}
def load():
    rows = []
    for row in t.to_dict(orient="records"):
        rows.append({"a": row["size"], TARGET: row[TARGET]})
    return rows
"""


@pytest.fixture
def written(follow):
    """Runs statements over two tables with the same columns; tells the columns behind a column of a file."""
    table = pd.DataFrame({"size": [1.5, 2.5], "price": [3.5, 4.5], "city": ["xx", "yy"]})
    table.to_csv("t.csv", index=False)
    table.to_csv("u.csv", index=False)
    followed = follow("pandas")

    def run(statements):
        done = followed.run(SETTINGS + statements)
        return lambda name, column: {f"{file[0]}.{field}" for file, field in done.sources(name, column)}

    return run


@pytest.mark.parametrize(
    "statements",
    [
        "rows = [{'a': row['size'], TARGET: row[TARGET]} for row in t.to_dict(orient='records')]",
        "rows = []\nfor _, row in t.iterrows():\n    rows.append({'a': row['size'], TARGET: row[TARGET]})",
        "rows = []\nfor row in t.itertuples():\n    one = {'a': row.size}\n    one[TARGET] = row.price\n"
        "    rows.append(one)",
        "rows = [{'a': row['size'], Names.target: row[Names.target]} for row in t.to_dict('records')]",
        "rows = [{'a': row['size'], settings.target: row[settings.target]} for row in t.to_dict('records')]",
        "rows = maker.rows()",
        "rows = maker.rows_by_settings()",
        "rows = [made(row, 'price') for row in t.to_dict('records')]",
        "rows = load()",
        "rows = {'a': [cell for cell in t['size']],\n    TARGET: [cell for cell in t['price']]}",
    ],
)
def test_a_key_that_is_a_name_is_the_text_of_that_name(written, statements):
    """The other columns of the row do not come from what stands under it."""
    sources = written(statements + "\npd.DataFrame(rows).to_csv('out.csv', index=False)\n")
    assert sources("out.csv", "a") == {"t.size"}
    assert sources("out.csv", "price") == {"t.price"}


def test_a_name_that_stands_for_several_keys(written):
    """It stands for the text that it was given last, or for each that a loop gives it; added up, for what fits."""
    sources = written("""
rows = []
for _, row in t.iterrows():
    one = {}
    key = "first"
    one[key] = row["size"]
    key = "second"
    one[key] = row["price"]
    for column in ["price", "city"]:
        one[column + "_of"] = row[column]
    rows.append(one)
pd.DataFrame(rows).to_csv("out.csv", index=False)
""")
    assert sources("out.csv", "first") == {"t.size"}
    assert sources("out.csv", "second") == {"t.price"}
    assert sources("out.csv", "city_of") == {"t.price", "t.city"}


def test_names_of_one_loop_are_others_in_the_next(written):
    """What a loop binds at its top is not what the loop before bound, in branches and ``try`` neither."""
    sources = written("""
rows = []
for _, row in t.iterrows():
    value = row["size"]
    one = {"value": value}
    one["more"] = row["city"]
    rows.append(one)
others = []
for _, row in u.iterrows():
    value = row["price"]
    one = {"value": value}
    one["more"] = row["price"]
    others.append(one)
pd.DataFrame(rows).to_csv("first.csv", index=False)
pd.DataFrame(others).to_csv("second.csv", index=False)
""")
    assert sources("first.csv", "value") == {"t.size"}
    assert sources("first.csv", "more") == {"t.city"}
    assert sources("second.csv", "value") == {"u.price"}
    assert sources("second.csv", "more") == {"u.price"}


def test_a_name_of_the_round_before_is_known(written):
    """What a loop binds below its use is used in the next round; a branch may leave what was bound before."""
    sources = written("""
rows, before = [], None
for _, row in t.iterrows():
    size = row["size"]
    if size > 2:
        size = row["price"]
    rows.append({"before": before, "size": size})
    before = row["city"]
pd.DataFrame(rows).to_csv("out.csv", index=False)
""")
    assert sources("out.csv", "before") == {"t.city"}
    assert sources("out.csv", "size") == {"t.size", "t.price"}
