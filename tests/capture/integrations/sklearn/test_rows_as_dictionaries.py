"""Rows that scikit-learn is given as dictionaries: each feature comes from the column of its key."""

from __future__ import annotations

import pandas as pd
import pytest

pytest.importorskip("sklearn")

SCRIPT = """
import pickle
import pandas as pd
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
def prepared(frame, vectorizer, fit):
    frame["day"] = pd.to_datetime(frame["date"]).dt.day
    rows = frame[["store", "day"]].to_dict(orient="records")
    return vectorizer.fit_transform(rows) if fit else vectorizer.transform(rows)
old, new = pd.read_csv("old.csv"), pd.read_csv("new.csv")
vectorizer = DictVectorizer()
X, Z = prepared(old, vectorizer, True), prepared(new, vectorizer, False)
with open("new.pkl", "wb") as file:
    pickle.dump(Z, file)
model = LinearRegression().fit(X, old["sales"])
rows = new[["store"]].to_dict("records")
whole = make_pipeline(DictVectorizer(), LinearRegression())
whole.fit(old[["store"]].to_dict("records"), old["sales"])
pd.DataFrame({"date": new["date"], "told": whole.predict(rows)}).to_csv("told.csv", index=False)
"""


@pytest.fixture
def followed(follow, tmp_path, monkeypatch):
    """What is seen of the script, beside two files of sales."""
    monkeypatch.chdir(tmp_path)
    days = [f"2024-01-{day:02d}" for day in range(1, 13)]
    frame = pd.DataFrame({"date": days, "store": list("abc") * 4, "sales": range(12)})
    frame.to_csv("old.csv", index=False)
    frame[:7].to_csv("new.csv", index=False)
    found = follow("pandas", "numpy", "scipy", "pickle", "sklearn")
    path = tmp_path / "script.py"
    path.write_text(SCRIPT)
    exec(compile(SCRIPT, str(path), "exec"), {"__name__": "__main__"})
    return found


def test_features_of_a_vectorizer_of_dictionaries(followed):
    """A number comes from the column of its key, the features of a text from the column of the text. In a function that
    is called for one set after another, each result has the rows of its own call."""
    assert followed.sources("model.training_data", "day") == {("old.csv", "date")}
    assert followed.sources("model.training_data", "store=b") == {("old.csv", "store")}
    assert followed.sources("new.pkl", "store=b") == {("new.csv", "store"), ("old.csv", "store")}
    assert followed.sources("new.pkl", "day") == {("new.csv", "date"), ("old.csv", "date")}


def test_a_pipeline_that_is_given_dictionaries(followed):
    """Its training data has the keys as columns, its features come from them, and so do its predictions."""
    assert followed.sources("whole.training_data", "store") == {("old.csv", "store")}
    assert followed.sources("whole", "store=a") == {("whole.training_data", "store")}
    assert {pair for pair in followed.sources("told.csv", "told") if pair[0] != "whole"} == {("new.csv", "store")}


class Judges:
    """Holds a model that it has loaded, as services and scoring scripts do."""

    def __init__(self, path):
        import joblib

        self.pipeline = joblib.load(path)["pipeline"]

    def judge(self, text):
        """What the model says of one text, in a dictionary."""
        chance = float(self.pipeline.predict_proba([text])[0][1])
        return {"label": "good" if chance > 0.5 else "bad", "chance": round(chance, 4)}


def test_rows_that_a_method_makes_with_a_model_that_its_object_holds(follow):
    """``[{"text": text, **judges.judge(text)} for text in texts]``: what is said comes from the model and from the
    text; so it does where the model is given the texts as a list."""
    import joblib
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    texts = ["good one", "bad one", "good two", "bad two", "very good"]
    model = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(texts, [1, 0, 1, 0, 1])
    joblib.dump({"pipeline": model}, "judge.joblib")
    pd.DataFrame({"text": texts, "other": range(5)}).to_csv("texts.csv", index=False)
    followed = follow("pandas", "numpy", "sklearn", "joblib")
    judges = Judges("judge.joblib")
    given = pd.read_csv("texts.csv")
    rows = [{"text": text, **judges.judge(text)} for text in given["text"]]
    pd.DataFrame(rows).to_csv("judged.csv", index=False)
    listed = given["text"].tolist()
    pd.DataFrame({"chance": judges.pipeline.predict_proba(listed)[:, 1]}).to_csv("listed.csv", index=False)
    both = {("judge.joblib", None), ("texts.csv", "text")}
    assert followed.sources("judged.csv", "chance") == both
    assert followed.sources("judged.csv", "text") == {("texts.csv", "text")}
    assert followed.sources("listed.csv", "chance") == both
