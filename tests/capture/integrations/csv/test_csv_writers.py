"""What the writers of csv write comes from the columns that the code makes the rows of."""

from __future__ import annotations

import copy
import csv
import io
from pathlib import Path

import pytest

PRICE, QTY, CITY, ID = (("in.csv", name) for name in ("price", "qty", "city", "id"))
BEGIN = """
import csv
import pandas as pd
pd.read_csv("other.csv")
def rows(path):
    with open(path) as source:
        for row in csv.DictReader(source):
            yield {"id": row["id"], "n": row["city"]}
df = pd.read_csv("in.csv")
with open("out.csv", "w", newline="") as file, open("in.csv") as source:
    reader = csv.DictReader(source)
"""

DICTIONARIES = {
    "rows of a reader": (
        "for row in reader:\n        writer.writerow({'id': row['id'], 'n': float(row['price']) * int(row['qty'])})",
        {"id": {ID}, "n": {PRICE, QTY}},
    ),
    "rows of a frame": (
        "for row in df.itertuples():\n        writer.writerow(dict(id=row.id, n=row.price * 2))",
        {"id": {ID}, "n": {PRICE}},
    ),
    "a list": (
        "writer.writerows([{'id': row['id'], 'n': len(row['city'])} for row in reader])",
        {"id": {ID}, "n": {CITY}},
    ),
    "records": ("writer.writerows(df[['id', 'price']].rename(columns={'price': 'n'}).to_dict('records'))", None),
    "a generator": ("writer.writerows(rows('in.csv'))", {"id": {ID}, "n": {CITY}}),
    "by keyword": (
        "for row in reader:\n        writer.writerow(rowdict={'id': row['id'], 'n': 1})",
        {"id": {ID}, "n": set()},
    ),
}
LISTS = {
    "rows of a reader": (
        "for row in reader:\n        writer.writerow([row['id'], float(row['price']) * int(row['qty'])])",
        {"id": {ID}, "n": {PRICE, QTY}},
    ),
    "columns": (
        "for i, p in zip(df['id'], df['price']):\n        writer.writerow((i, round(p * 2)))",
        {"id": {ID}, "n": {PRICE}},
    ),
    "values": ("writer.writerows(df[['id', 'price']].values.tolist())", {"id": {ID}, "n": {PRICE}}),
}


@pytest.fixture
def run(follow):
    """Runs code that writes ``out.csv``, after another file was read; gives what was seen."""
    Path("in.csv").write_text("id,price,qty,city\n1,2.5,3,ulm\n2,4,1,bonn\n")
    Path("other.csv").write_text("id,x\n1,2\n")
    followed = follow("files", "pandas", "csv")
    return lambda code: followed.run(BEGIN + "".join(f"    {line}\n" for line in code.split("\n    ")))


def _check(followed, expected):
    for name, columns in (expected or {}).items():
        assert {(source, column) for source, column in followed.sources("out.csv", name)} == columns
    assert followed.sources("out.csv") == {"in.csv"}


@pytest.mark.parametrize("way", DICTIONARIES)
def test_rows_with_keys(run, way):
    """``DictWriter``: a column comes from what stands under its key."""
    code, expected = DICTIONARIES[way]
    code = f"writer = csv.DictWriter(file, ['id', 'n'])\n    writer.writeheader()\n    {code}"
    _check(run(code), expected)


@pytest.mark.parametrize("way", LISTS)
def test_rows_in_order(run, way):
    """``csv.writer`` after a row of names: a column comes from what stands at its place."""
    code, expected = LISTS[way]
    _check(run(f"writer = csv.writer(file)\n    writer.writerow(['id', 'n'])\n    {code}"), expected)


def test_what_one_place_writes_may_be_unknown(run):
    """Then the file comes from all that was read, as before, whatever other places write."""
    followed = run(
        "writer = csv.DictWriter(file, ['id', 'n'])\n    for row in reader:\n"
        "        writer.writerow({'id': row['id'], 'n': 0})\n    writer.writerow(eval('{}'))"
    )
    assert followed.sources("out.csv") == {"in.csv", "other.csv"}


def test_what_is_shown_of_the_file_as_a_whole_stays(follow, run):
    """Where a place shows no rows, what the code names is still what was written, and not all that was read."""
    del run
    followed = follow("files", "pandas", "csv").run(
        """
import csv
import pandas as pd
pd.read_csv("other.csv")
stats = {"mean": pd.read_csv("in.csv")["price"].mean()}
def told():
    return [str(item) for item in stats.values()]
with open("out.csv", "w") as file:
    writer = csv.writer(file)
    writer.writerow(["mean"])
    writer.writerow(told())
"""
    )
    assert followed.sources("out.csv") == {"in.csv"}


def test_literal_rows_come_from_nothing(run):
    """A file whose rows all stand in the code has no source, but columns."""
    followed = run("writer = csv.DictWriter(file, ['id', 'n'])\n    writer.writerow({'id': 1, 'n': 2})")
    assert followed.sources("out.csv") == followed.sources("out.csv", "id") == set()


def test_a_first_row_of_data_gives_no_names(run):
    """Texts that do not stand in the code are no names: they may be anything."""
    followed = run(
        "writer = csv.writer(file)\n    for row in reader:\n        writer.writerow([row['id'], row['city']])"
    )
    assert "fields" not in followed.entries()["out.csv"]


def test_writers_are_as_without_us(run, tmp_path):
    """The same bytes, errors and attributes."""
    run(
        "writer = csv.writer(file, delimiter=';')\n    writer.writerow(['id', 'n'])\n"
        "    writer.writerows([[1, 'a;b'], [2, None]])\n    assert writer.dialect.delimiter == ';'"
    )
    assert Path("out.csv").read_bytes() == b'id;n\r\n1;"a;b"\r\n2;\r\n'
    space = {"csv": csv, "__name__": "__main__"}
    code = "with open('x.csv', 'w') as file:\n    made = csv.writer(file)\n    try:\n        made.writerow()\n"
    exec(compile(code + "    except TypeError as error:\n        told = str(error)\n", "x.py", "exec"), space)
    plain = csv.writer.__wrapped__(io.StringIO())
    with pytest.raises(TypeError) as raised:
        plain.writerow()
    assert space["told"] == str(raised.value)
    assert isinstance(space["made"], type(plain))
    with pytest.raises(TypeError, match="cannot pickle"):
        copy.copy(space["made"])
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        space["made"].nothing()
    assert repr(space["made"]).startswith("<_csv.writer object")
