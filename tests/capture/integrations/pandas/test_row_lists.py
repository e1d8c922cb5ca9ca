"""Lists of rows that a loop filled, made a frame: the code says which columns went in, and the edge is a guess."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from headwater.capture.source_analysis import row_lists
from headwater.capture.trace import trace

PEOPLE = {"id": [1, 2, 3], "debt": [10.0, 20.0, 5.0], "income": [100.0, 50.0, 80.0], "town": ["Cork", "York", "Cork"]}


@pytest.fixture
def people(follow):
    """A frame that was read from a file, and what is known of it."""
    pd.DataFrame(PEOPLE).to_csv("people.csv", index=False)
    followed = follow("pandas", "numpy")
    return followed, pd.read_csv("people.csv")


def _with_iterrows(people):
    rows = []
    for _, row in people.iterrows():
        ratio = row["debt"] / row["income"]
        rows.append({"who": row["id"], "ratio": ratio, "one": 1})
    return pd.DataFrame(rows)


def _with_itertuples(people):
    rows = []
    for row in people.itertuples():
        if row.income > 60:
            rows += [(row.id, row.debt / row.income, 1)]
    return pd.DataFrame(rows, columns=["who", "ratio", "one"])


def _with_rows_that_were_changed(people):
    rows = []
    for _, row in people.iterrows():
        row = row.copy()  # noqa: PLW2901 - as people write it
        ratio = row.get("debt") / row["income"]
        row["ratio"] = ratio
        row["letters"] = len(row["town"])
        parts = row["town"].split("o")
        row["parts"] = len(sorted(parts))
        row["first"] = parts[0]
        row["fixed"] = 7
        rows.append(row)
    return (
        pd.DataFrame.from_records(rows)
        .rename(columns={"id": "who"})
        .assign(one=1)[["who", "ratio", "one", "letters", "parts", "fixed"]]
    )


def test_rows_in_which_cells_were_set(people):
    """Rows of ``iterrows``, copied and given another cell: what was there is itself, what is new what was put there."""
    followed, frame = people
    columns = followed.columns(_with_rows_that_were_changed(frame))
    assert columns["who"] == {("people.csv", "id")}
    assert columns["ratio"] == {("people.csv", "debt"), ("people.csv", "income")}
    assert columns["letters"] == columns["parts"] == {("people.csv", "town")}
    assert columns["fixed"] == set()
    assert columns["one"] == set()


def test_keys_and_counts_of_groups(people):
    """In a loop over groups the key comes from the column that it was grouped by, and so does how many there are."""
    followed, frame = people
    rows = []
    for town, group in frame.groupby("town"):
        rows.append({"town": town, "n": len(group), "debt": group["debt"].max()})
    means = {}
    for town, group in frame.groupby("town"):
        means[town] = group["income"].mean()
    columns = followed.columns(pd.DataFrame(rows))
    town = ("people.csv", "town")
    assert columns["town"] == columns["n"] == {town}
    assert columns["debt"] == {("people.csv", "debt"), town}
    pairs = followed.columns(pd.DataFrame(list(means.items()), columns=["town", "mean"]))
    assert pairs == {"town": {town}, "mean": {("people.csv", "income"), town}}


def test_a_dictionary_that_is_filled_by_key(people):
    """A summary of each column, put under its name in a loop: from the columns, not from all that the run had read."""
    followed, frame = people
    told = {}
    for name in ("debt", "income"):
        kept = frame[name].dropna()
        told[name] = {"low": sorted(kept)[0], "many": len(kept.unique())}
    columns = followed.columns(pd.DataFrame(told).T)
    assert {source for found in columns.values() for source in found} <= {
        ("people.csv", name) for name in ("id", "debt", "income", "town", None)
    }
    assert columns["low"]


COUNTED = """
from collections import defaultdict
import pandas as pd
people = pd.read_csv("people.csv")
counts = defaultdict(int)
for town in people["town"]:
    counts[town] += 1
rows = []
for town, n in counts.items():
    rows.append((town, n))
pd.DataFrame({made}).to_csv("counted.csv", index=False)
"""


@pytest.mark.parametrize(
    "made",
    [
        "list(counts.items()), columns=['town', 'n']",
        "sorted(counts.items()), columns=['town', 'n']",
        "{'town': list(counts.keys()), 'n': list(counts.values())}",
        "rows, columns=['town', 'n']",
    ],
)
def test_a_table_of_counted_keys(people, made):
    """``counts[town] += 1``: the numbers come from the keys that they count, as the keys do; they came from nothing."""
    followed, _ = people
    followed.run(COUNTED.replace("{made}", made))
    for column in ("town", "n"):
        assert followed.sources("counted.csv", column) == {("people.csv", "town")}


def test_a_table_of_sums_by_key_in_a_comprehension(people):
    """Numbers added up under a key come from what is added up, and from the key if the code looks it up."""
    followed, frame = people
    sums = {}
    for town, debt in zip(frame["town"], frame["debt"], strict=True):
        sums[town] = sums.get(town, 0) + debt
    columns = followed.columns(pd.DataFrame([{"town": town, "sum": debt} for town, debt in sums.items()]))
    assert columns["town"] == {("people.csv", "town")}
    assert columns["sum"] == {("people.csv", "town"), ("people.csv", "debt")}


def test_what_is_asked_of_a_frame_without_its_data(people):
    """``if frame.empty``, ``"debt" in frame`` and ``len(frame)`` take no column; the sum beside them one."""
    followed, frame = people
    total = float(frame["debt"].sum()) if not frame.empty and "income" in frame else 0.0
    share = total * 2 / len(frame)
    told = pd.DataFrame([{"name": "debt", "value": share}])
    assert followed.columns(told) == {"name": set(), "value": {("people.csv", "debt")}}


def _with_records(people):
    rows = []
    for record in people.to_dict("records"):
        made = {}
        made["who"] = record["id"]
        made["ratio"] = record["debt"] / record.get("income")
        made["one"] = 1
        rows.append(made)
    return pd.DataFrame.from_records(rows)


def _with_lists_by_name(people):
    who, ratio = [], []
    for number, (debt, income) in zip(people["id"], zip(people.debt, people.income, strict=True), strict=True):
        who.append(number)
        ratio.append(debt / income)
    return pd.DataFrame({"who": who, "ratio": ratio, "one": [1, 1, 1]})


def _with_zip(people):
    rows = []
    for place, (number, debt, income) in enumerate(zip(people.id, people.debt, people.income, strict=True)):
        rows.append({"who": number, "ratio": debt / income, "one": place})
    return pd.DataFrame(rows)


def _with_comprehension(people):
    return pd.DataFrame(
        [{"who": row.id, "ratio": row.debt / row.income, "one": 1} for row in people.itertuples(index=False)]
    )


@pytest.mark.parametrize(
    "gather",
    [_with_iterrows, _with_itertuples, _with_records, _with_zip, _with_comprehension],
)
def test_each_column_comes_from_what_stands_in_its_expression(people, gather):
    """A list that was filled row by row: each column from the columns in its expression, and said to be a guess."""
    followed, frame = people
    made = gather(frame)
    columns = followed.columns(made)
    assert columns["who"] == {("people.csv", "id")}
    assert columns["ratio"] == {("people.csv", "debt"), ("people.csv", "income")}
    assert columns["one"] == set()
    found = trace(followed.recorder.values.get(made))
    assert {trail.description for trails in found.fields.values() for trail in trails.values()} == {"inferred"}


def test_lists_by_name(people):
    """One list a column, filled in one loop."""
    followed, frame = people
    columns = followed.columns(_with_lists_by_name(frame))
    assert columns["who"] == {("people.csv", "id")}
    assert {("people.csv", "debt"), ("people.csv", "income")} <= columns["ratio"]
    assert columns["one"] == set()


def test_records_as_they_are_and_with_more(people):
    """Whole records: each column is the column of its name; what was added comes from its own expression."""
    followed, frame = people
    records = frame.to_dict("records")
    assert followed.columns(pd.DataFrame(records)) == {name: {("people.csv", name)} for name in PEOPLE}
    more = pd.DataFrame([{**record, "twice": record["debt"] * 2} for record in frame.to_dict("records")])
    assert followed.columns(more)["twice"] == {("people.csv", "debt")}
    assert followed.columns(more)["town"] == {("people.csv", "town")}


def test_a_key_that_cannot_be_read_comes_from_everything(people):
    """A column whose expression is not in sight is made of all that was gone through, rather than of nothing."""
    followed, frame = people
    records = frame.to_dict("records")
    for record in records:
        record["new"] = record["debt"] + 1
    made = pd.DataFrame(records)
    assert followed.columns(made)["new"] == {("people.csv", name) for name in PEOPLE}
    assert followed.columns(made)["id"] == {("people.csv", "id")}


def test_rows_that_are_series(people):
    """Rows of ``iterrows`` put together again: each column is itself, and that is known."""
    followed, frame = people
    rows = []
    for _, row in frame.iterrows():
        rows.append(row)
    made = pd.DataFrame(rows)
    assert followed.columns(made) == {name: {("people.csv", name)} for name in PEOPLE}
    assert followed.direct(made, "debt") == {"debt": "IDENTITY"}


def test_numbers_in_a_table_are_exact(people):
    """A table of means, a row a column: the numbers are known by identity."""
    followed, frame = people
    rows = []
    for name in ("debt", "income"):
        mean = frame[name].mean()
        rows.append({"column": name, "mean": mean, "n": len(frame)})
    made = pd.DataFrame(rows)
    assert followed.columns(made) == {
        "column": set(),
        "mean": {("people.csv", "debt"), ("people.csv", "income")},
        "n": set(),
    }
    assert followed.direct(made, "mean") == {"debt": "AGGREGATION", "income": "AGGREGATION"}
    wide = pd.DataFrame({"debt": [frame.debt.mean()], "income": [frame.income.max()], "k": [1]})
    assert followed.columns(wide) == {
        "debt": {("people.csv", "debt")},
        "income": {("people.csv", "income")},
        "k": set(),
    }


def test_constants_come_from_nothing(people):
    """Rows that were written out have no source, whatever was gone through elsewhere."""
    followed, frame = people
    rows = []
    for row in frame.itertuples():
        number = row.id
        rows.append({"a": number})
    assert followed.columns(pd.DataFrame([{"a": 1}, {"a": 2}, {"a": 3}])) == {"a": set()}
    assert followed.columns(pd.DataFrame({"a": [1, 2, 3]})) == {"a": set()}
    assert followed.columns(pd.DataFrame(rows)) == {"a": {("people.csv", "id")}}


def test_going_through_rows_gives_what_it_gave(people):
    """The rows, records and the frames made of them are those of pandas alone."""
    _, frame = people
    plain = pd.DataFrame(PEOPLE)
    assert list(frame.itertuples()) == list(plain.itertuples())
    assert frame.to_dict("records") == plain.to_dict("records")
    assert [row.tolist() for _, row in frame.iterrows()] == [row.tolist() for _, row in plain.iterrows()]
    assert np.array_equal(frame.to_records().id, plain.to_records().id)
    pd.testing.assert_frame_equal(_with_zip(frame), _with_zip(plain))


def _entangled(people):
    first = second = third = fourth = 0.0
    for debt in people["debt"]:
        first = first + second + third + fourth + debt
        second = first + second + third + fourth
        third = first + second + third + fourth
        fourth = first + second + third + fourth
        first = second + third + fourth
        second = first + third + fourth
        third = first + second + fourth
        fourth = first + second + third
        first, second = first + third, second + fourth
        third, fourth = third + first, fourth + second
    rows = []
    rows.append({"first": first, "fourth": fourth, "one": 1})
    rows.append({"first": second, "fourth": third, "one": 1})
    return pd.DataFrame(rows)


def test_numbers_made_of_one_another_are_read_once(people, monkeypatch):
    """Names that are bound often, each from all the others: the effort grows with the statements, not with the ways
    through them."""
    followed, frame = people
    read = []
    before = row_lists._Reader._sources
    monkeypatch.setattr(row_lists._Reader, "_sources", lambda self, *args: read.append(args[0]) or before(self, *args))
    made = _entangled(frame)
    debt = {("people.csv", "debt")}
    assert followed.columns(made) == {"first": debt, "fourth": debt, "one": set()}
    assert len(read) < 200


def test_one_list_under_two_names(people):
    """Each column has its own reading of what was gathered."""
    followed, frame = people
    rows = [debt / 2 for debt in frame["debt"]]
    made = pd.DataFrame({"a": rows, "b": rows})
    assert followed.columns(made) == {"a": {("people.csv", "debt")}, "b": {("people.csv", "debt")}}


def test_arrays_of_every_round(follow):
    """A number that is computed of an array in a loop over files comes from all of them, not from the last."""
    for name in ("a", "b", "c"):
        pd.DataFrame({"score": [1.0, 2.0, 3.0]}).to_csv(f"{name}.csv", index=False)
    followed = follow("pandas", "numpy")
    rows = []
    for name in ("a", "b", "c"):
        scores = pd.read_csv(f"{name}.csv")["score"].values
        share = float(np.sum(scores > 1.5) / len(scores))
        rows.append({"file": name, "share": share})
    made = pd.DataFrame(rows)
    assert followed.columns(made)["share"] == {(f"{name}.csv", "score") for name in ("a", "b", "c")}


class Bundle(NamedTuple):
    """Data that goes together."""

    frame: pd.DataFrame
    name: str


def test_what_a_bundle_holds(people):
    """A frame that is reached through a field of an object is followed."""
    followed, frame = people
    bundle = Bundle(frame, "people")
    rows = []
    for town in ("Cork", "York"):
        share = sum(bundle.frame["debt"] > 9) / 2
        rows.append({"town": town, **{f"{key}_share": value for key, value in {"a": share}.items()}})
    made = followed.columns(pd.DataFrame(rows))
    assert {source[0] for source in made["a_share"]} == {"people.csv"}


class Config:
    """Settings, made by keywords."""

    def __init__(self, name, version, factor):
        self.name, self.version, self.factor = name, version, factor


def test_rows_of_masked_arrays_and_of_settings(follow):
    """Rows gathered of ``labels[kept]`` come from the labels, not from what chose them; the names in a list of settings
    are spelled out, whatever else those hold."""
    pd.DataFrame({"id": range(6), "a": [1.0, 5, 9, 2, 7, 3], "b": range(6)}).to_csv("in.csv", index=False)
    followed = follow("pandas", "numpy")
    frame = pd.read_csv("in.csv")
    numbers, ids = frame["a"].to_numpy(), frame["id"].to_numpy()
    settings = [Config(name="one", version="v1", factor=numbers), Config(name="two", version="v1", factor=numbers)]
    rows = []
    for setting in settings:
        kept = frame["b"].to_numpy() * 2 > 3
        chosen, told = ids[kept], numbers[kept]
        for key, number in zip(chosen, told, strict=True):
            rows.append({"key": int(key), "number": float(number), "of": setting.name})
    pd.DataFrame(rows).to_csv("rows.csv", index=False)
    assert followed.sources("rows.csv", "key") == {("in.csv", "id")}
    assert followed.sources("rows.csv", "number") == {("in.csv", "a")}
    assert followed.entries()["rows.csv"]["fields"].get("of", {"inputs": []})["inputs"] == []


def test_names_inside_a_tuple_of_a_loop_are_its_own(people):
    """``for name, (_, part, _) in parts.items()``: not what the code has under that name elsewhere."""
    followed, frame = people
    part = frame["debt"].to_numpy()
    parts = {"in": (1, frame["income"].to_numpy(), True)}
    rows = [{"name": name, "root": np.sqrt(part.sum())} for name, (_, part, _) in parts.items()]
    assert followed.columns(pd.DataFrame(rows)) == {"name": set(), "root": {("people.csv", "income")}}
    assert part.sum() == 35
