"""Rows that were loaded from a file in plain Python, made a frame: from that file, by key, as a guess."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from headwater.capture.trace import trace

PEOPLE = [{"id": n, "name": f"n{n}", "home": {"town": "Cork", "code": n}, "score": n / 2} for n in range(1, 5)]


@pytest.fixture
def followed(follow):
    """Three files of the same people, a file of others, and what is known of them."""
    Path("people.json").write_text(json.dumps(PEOPLE))
    Path("people.jsonl").write_text("\n".join(map(json.dumps, PEOPLE)))
    Path("wrapped.json").write_text(json.dumps({"items": PEOPLE}))
    pd.DataFrame({"id": [1, 2], "pay": [3, 4]}).to_csv("pay.csv", index=False)
    found = follow("pandas", "numpy", "files", "json")
    pd.read_csv("pay.csv")
    return found


def keys(file, *names):
    """Each name from that key of a file."""
    return {name: {(file, name)} for name in names}


ALL = ("id", "name", "home", "score")
PLAIN_DTYPE = pd.Series(np.arange(4, dtype="int8").reshape(2, 2).flat).dtype


def test_what_json_load_gave(followed):
    """By its keys, dotted where they are nested; whatever the name of the file was bound to since. All are guesses."""
    with open("people.json") as file:  # noqa: PTH123
        people = json.load(file)
    with open("wrapped.json") as file:  # noqa: PTH123
        wrapped = json.load(file)
    assert followed.columns(pd.DataFrame(people)) == keys("people.json", *ALL)
    assert followed.columns(pd.DataFrame.from_records(people)) == keys("people.json", *ALL)
    flat = pd.json_normalize(people)
    assert followed.columns(flat) == keys("people.json", "id", "name", "score", "home.town", "home.code")
    inner = followed.columns(pd.DataFrame(wrapped["items"]))
    assert {name for found in inner.values() for name, _ in found} == {"wrapped.json"}
    found = trace(followed.recorder.values.get(flat))
    assert {trail.description for trails in found.fields.values() for trail in trails.values()} == {"inferred"}


def test_documents_in_a_column(followed):
    """``json_normalize`` of a column: from that column, and that is known."""
    pd.DataFrame({"id": [1], "doc": [[{"a": 1, "b": {"c": 2}}]]}).to_json("docs.json", orient="records")
    frame = pd.read_json("docs.json")
    flat = pd.json_normalize(frame["doc"].explode())
    assert followed.columns(flat) == {"a": {("docs.json", "doc")}, "b.c": {("docs.json", "doc")}}
    literal = pd.json_normalize([{"a": 1, "b": {"c": 2}}])
    assert followed.columns(literal) == {"a": set(), "b.c": set()}


def loaded(path):
    """What is in a file of JSON."""
    with open(path) as file:  # noqa: PTH123
        return json.load(file)


def test_what_a_function_loads(followed):
    """A function that loads one file after another: what a call gave comes from the file that it names."""
    people, wrapped = loaded("people.json"), loaded("wrapped.json")
    assert len(people) == len(wrapped["items"])
    first = pd.DataFrame(loaded("people.json"))
    again = loaded("people.json")
    second = pd.DataFrame([{"id": one["id"]} for one in again])
    for made in (first, second):
        assert {name for found in followed.columns(made).values() for name, _ in found} == {"people.json"}


class Loader:
    """Keeps what it loaded."""

    def __init__(self, path):
        self.path = path

    def load(self):
        """Read the file."""
        with open(self.path) as file:  # noqa: PTH123
            self.raw = json.load(file)
        return self

    def frame(self):
        """What was read, as a frame."""
        return pd.DataFrame(self.raw)


def test_what_an_object_holds_is_not_taken_for_nothing(followed):
    """A frame of an attribute of ``self`` is not said to come from what the code spells out."""
    Loader("people.json").load().frame().to_csv("people.csv", index=False)
    assert "people.json" in followed.sources("people.csv")


def test_cells_of_loaded_rows(followed):
    """A cell that is asked for by its key comes from that key."""
    with open("people.json") as file:  # noqa: PTH123
        people = json.load(file)
    rows = []
    for one in people:
        rows.append({"id": one["id"], "town": one["home"]["town"], "half": one.get("score") / 2, "fixed": 1})  # noqa: PERF401
    assert followed.columns(pd.DataFrame(rows)) == {
        "id": {("people.json", "id")},
        "town": {("people.json", "home")},
        "half": {("people.json", "score")},
        "fixed": set(),
    }


def test_a_document_a_line(followed):
    """Appended in a loop, in a comprehension, and of a text that was read at once."""
    rows = []
    with open("people.jsonl") as file:  # noqa: PTH123
        for line in file:
            rows.append(json.loads(line))  # noqa: PERF401 - as people write it
    first = pd.DataFrame(rows)
    with open("people.jsonl") as file:  # noqa: PTH123
        listed = [json.loads(line) for line in file]
    second = pd.DataFrame(listed)
    with open("people.json") as file:  # noqa: PTH123
        text = file.read()
    third = pd.DataFrame(json.loads(text))
    assert followed.columns(first) == followed.columns(second) == keys("people.jsonl", *ALL)
    assert followed.columns(third) == keys("people.json", *ALL)


def test_rows_of_a_csv_file(followed):
    """``csv.DictReader``: as a list, filtered, and written again by hand under a handle of the same name."""
    with open("pay.csv") as file:  # noqa: PTH123
        rows = [row for row in csv.DictReader(file) if row["pay"] != "9"]
    assert followed.columns(pd.DataFrame(rows)) == keys("pay.csv", "id", "pay")
    with open("people.json") as file:  # noqa: PTH123
        people = json.load(file)
    with open("out.csv", "w", newline="") as file:  # noqa: PTH123
        writer = csv.DictWriter(file, fieldnames=["id"])
        writer.writeheader()
        for row in rows:
            writer.writerow({"id": row["id"]})
    with open("names.json", "w") as file:  # noqa: PTH123
        json.dump([one["name"] for one in people if one["score"] > 1], file)
    assert followed.sources("out.csv") == {"pay.csv"}
    assert followed.sources("names.json") == {"people.json"}


def ratios(path):
    """Rows made of a file, one by one."""
    with open(path) as file:  # noqa: PTH123
        for row in csv.DictReader(file):
            yield {"id": row["id"], "half": float(row["pay"]) / 2}


def high(rows):
    """Some of them, as they are."""
    for row in rows:
        if row["half"] > 1:
            yield row


def documents(paths):
    """What is in several files."""
    for path in paths:
        with open(path) as file:  # noqa: PTH123
            yield from json.load(file)


def test_generators_that_a_frame_is_made_of(followed):
    """The files that they open while the frame is made are read by the run, and the rows come from them: key by key,
    also through a generator that passes rows on."""
    made = pd.DataFrame(high(ratios("pay.csv")))
    assert followed.columns(made) == {"id": {("pay.csv", "id")}, "half": {("pay.csv", "pay")}}
    listed = pd.DataFrame.from_records(documents(["people.json"]))
    assert followed.columns(listed) == keys("people.json", *ALL)
    column = pd.Series(row["half"] for row in ratios("pay.csv"))
    assert {source for found in followed.columns(column).values() for source in found} == {("pay.csv", "pay")}
    reads = {Path(item.ref.name).name for item in followed.recorder.items if type(item).__name__ == "Read"}
    assert {"pay.csv", "people.json"} <= reads


def test_iterators_of_a_library_stay_what_they_are(followed):
    """What pandas makes of an iterator of numpy's has the same type as without observation."""
    numbers = np.arange(4, dtype="int8").reshape(2, 2)
    assert pd.Series(numbers.flat).dtype == PLAIN_DTYPE
    pairs = pd.DataFrame(zip([1, 2], [3.5, 4.5], strict=True))
    assert pairs.dtypes.tolist() == [np.dtype("int64"), np.dtype("float64")]


def test_how_long_documents_are(followed):
    """The length of what was loaded comes from the file; not from the others that the run read."""
    rows = []
    for path in ("people.json", "wrapped.json"):
        with open(path) as file:  # noqa: PTH123
            found = json.load(file)
        rows.append({"file": path, "items": len(found)})
    pd.DataFrame(rows).to_csv("sizes.csv", index=False)
    assert followed.sources("sizes.csv") == {"people.json", "wrapped.json"}
