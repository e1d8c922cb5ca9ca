"""Lists that are split: each part comes from the list that it was cut out of, not from those beside it."""

from __future__ import annotations

import pytest

HEAD = """
import pandas as pd
from sklearn import model_selection
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
predicted = 0
frame = pd.read_csv("in.csv")
"""
TAIL = """
pd.DataFrame({"text": texts, "label": labels, "predicted": predicted}).to_csv("out.csv", index=False)
"""
SCRIPTS = {
    "lists of columns": """
x, y = frame["text"].tolist(), frame["label"].tolist()
_, texts, _, labels = train_test_split(x, y, random_state=1)
""",
    "columns, one of them made anew under its name": """
x_train, x_test, y_train, labels = train_test_split(frame["text"], frame["label"], random_state=1)
x_test = [text.lower() for text in x_test]
texts = x_test
""",
    "in a function that is given the table": """
def prepared(frame):
    x, y = frame["text"].tolist(), frame["label"].tolist()
    return model_selection.train_test_split(x, y, random_state=1)

_, texts, _, labels = prepared(frame)
""",
    "lists made anew in a function, beside a prediction": """
def prepared(path):
    frame = pd.read_csv(path)
    x, y = frame["text"].tolist(), frame["label"].tolist()
    x_train, x_test, y_train, y_test = model_selection.train_test_split(x, y, random_state=1, stratify=y)
    x_train = [text.strip() for text in x_train]
    x_test = [text.strip() for text in x_test]
    return x_train, x_test, y_train, y_test

before, texts, known, labels = prepared("in.csv")
words = CountVectorizer()
model = LogisticRegression().fit(words.fit_transform(before), known)
predicted = model.predict(words.transform(texts))
""",
    "several lists at once": """
texts, labels = frame["text"].tolist(), frame["label"].tolist()
""",
    "several comprehensions at once": """
x = frame["text"].tolist()
y = frame["label"].tolist()
texts, labels = [text.lower() for text in x], [label * 2 for label in y]
""",
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_part_comes_from_its_list(project, name):
    """``text`` comes from ``text`` and ``label`` from ``label``, wherever the lists are split and made."""
    rows = "".join(f"A film {place} ,{place % 2}\n" for place in range(40))
    project.write("in.csv", "text,label\n" + rows)
    project.write("script.py", HEAD + SCRIPTS[name] + TAIL)
    ended = project.captured("script.py")
    assert (ended.code, ended.err) == (0, "")
    facets = [event["job"].get("facets", {}).get("lineage", {}) for event in project.events]
    entries = [one for facet in facets for one in facet.get("entries", ()) if one["name"].endswith("out.csv")]
    fields = {column: {one["field"] for one in body["inputs"]} for column, body in entries[-1]["fields"].items()}
    assert {name: fields[name] for name in ("text", "label")} == {"text": {"text"}, "label": {"label"}}
