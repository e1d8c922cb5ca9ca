"""Files that plain Python reads and writes line by line: the code says which of those that were read went in."""

from __future__ import annotations

import csv
import gzip
import json
import pprint
import shutil
from collections import defaultdict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

ORDERS = [{"who": "a", "price": 1.5, "count": 3}, {"who": "b", "price": 2.5, "count": 4}]


@pytest.fixture
def followed(follow):
    """A few files, one of which the run reads and does not use."""
    Path("orders.json").write_text(json.dumps(ORDERS))
    Path("rates.json").write_text('{"eur": 1.1}')
    Path("people.csv").write_text("id,debt,income\n1,10,100\n2,20,50\n")
    with gzip.open("orders.jsonl.gz", "wt") as file:
        file.writelines(json.dumps(order) + "\n" for order in ORDERS)
    Path("limits.csv").write_text("id,most\n1,5\n")
    found = follow("pandas", "numpy", "files", "json")
    with open("limits.csv") as file:  # noqa: PTH123 - as people write it
        file.read()
    return found


def test_one_statement_that_opens_two_files(followed):
    """``with open(a) as source, open(b, "w") as target``: what is written through the second."""
    with open("people.csv") as source, open("upper.csv", "w") as target:  # noqa: PTH123 - as people write it
        for line in source:
            target.write(line.upper())
    assert followed.sources("upper.csv") == {"people.csv"}


def test_a_number_of_the_rows_of_a_reader(followed):
    """``csv.reader`` of a file that stays open, its first row by ``next``."""
    people = open("people.csv")  # noqa: PTH123, SIM115 - as people write it
    reader = csv.reader(people)
    header = next(reader)
    place = header.index("debt")
    debts = [float(row[place]) for row in reader]
    people.close()
    mean = sum(debts) / len(debts)
    with open("mean.txt", "w") as file:  # noqa: PTH123 - as people write it
        file.write(f"mean debt: {mean:.2f}\n")
    assert followed.sources("mean.txt") == {"people.csv"}


def test_documents_of_a_packed_file(followed):
    """A sum of what ``json.loads`` of each line gave, though the handle has the name of another file since."""
    with gzip.open("orders.jsonl.gz", "rt") as file:
        documents = [json.loads(line) for line in file]
    total = sum(one["price"] for one in documents)
    with open("total.json", "w") as file:  # noqa: PTH123 - as people write it
        json.dump({"total": total, "n": len(documents)}, file)
    assert followed.sources("total.json") == {"orders.jsonl.gz"}


def test_the_whole_text_of_a_file(followed):
    """``file.read()``, and ``json.loads`` of it."""
    with open("orders.json") as file:  # noqa: PTH123 - as people write it
        text = file.read()
    orders = json.loads(text)
    with open("copy.txt", "w") as other:  # noqa: PTH123 - as people write it
        other.write(text.upper())
    with open("first.txt", "w") as other:  # noqa: PTH123 - as people write it
        other.write(str(orders[0]))
    assert followed.sources("copy.txt") == {"orders.json"}
    assert followed.sources("first.txt") == {"orders.json"}


def load(path):
    """What is in a file of JSON."""
    with open(path) as file:  # noqa: PTH123 - as people write it
        return json.load(file)


def transform(orders):
    """Rows of them."""
    rows = []
    for order in orders:
        rows.append({"who": order["who"].upper(), "total": order["price"] * order["count"]})  # noqa: PERF401
    return rows


def save(rows, path):
    """A document a line."""
    with open(path, "w") as file:  # noqa: PTH123 - as people write it
        for row in rows:
            file.write(json.dumps(row) + "\n")


def test_a_function_that_loads_several_files(followed):
    """Of the files that it loaded, the one that the call names whose result is written."""
    rates = load("rates.json")
    orders = load("orders.json")
    rows = transform(orders)
    save(rows, "out.jsonl")
    save([*transform(load("orders.json")), rates], "both.jsonl")
    assert followed.sources("out.jsonl") == {"orders.json"}
    assert followed.sources("both.jsonl") == {"orders.json", "rates.json"}


def test_sums_by_key(followed):
    """``totals[key] += value`` in a loop, made a frame of its items: the keys are a column, too."""
    totals = defaultdict(float)
    with open("orders.json") as file:  # noqa: PTH123 - as people write it
        for order in json.load(file):
            totals[order["who"]] += order["price"] * order["count"]
    made = pd.DataFrame(sorted(totals.items()), columns=["who", "total"])
    assert followed.columns(made) == {
        "who": {("orders.json", "who")},
        "total": {("orders.json", "price"), ("orders.json", "count")},
    }


def test_a_library_that_is_given_the_file_writes_what_else_it_is_given(followed):
    """``shutil.copyfileobj(source, target)``, ``tree.export_graphviz(model, out_file=file)``: not all that was read."""
    frame = pd.read_csv("people.csv")
    with open("people.csv") as source, open("copy.csv", "w") as target:  # noqa: PTH123 - as people write it
        shutil.copyfileobj(source, target)
    with open("debts.txt", "w") as file:  # noqa: PTH123 - as people write it
        np.savetxt(fname=file, X=frame["debt"].to_numpy())
    with open("shown.txt", "w") as file:  # noqa: PTH123 - as people write it
        pprint.pprint(frame["debt"].tolist(), stream=file)
    for name in ("copy.csv", "debts.txt", "shown.txt"):
        assert followed.sources(name) == {"people.csv"}


def test_an_object_of_the_user_that_is_given_the_file_may_write_anything(followed):
    """What its method writes is not known from the call."""

    class Report:
        def save(self, file):
            file.write(Path("limits.csv").read_text())

    frame = pd.read_csv("people.csv")
    report = Report()
    with open("report.txt", "w") as file:  # noqa: PTH123 - as people write it
        report.save(file)
    assert len(frame) == 2
    assert "limits.csv" in followed.sources("report.txt")
