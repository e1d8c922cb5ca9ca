"""What goes into JSON and text files: metrics, lists of names, what is read off a model, by identity or by the code."""

# ruff: noqa: PTH123 - scripts open files as these do

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

COLUMNS = ["a", "b", "c"]


@pytest.fixture
def trained(follow, tmp_path, monkeypatch):
    """A file, a second one that has nothing to do with it, a model of the first; what follows them, X, y, the model."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(5)
    frame = pd.DataFrame(random.normal(size=(60, 3)).round(3), columns=COLUMNS)
    frame["y"] = (frame["a"] > 0).astype(int)
    frame.to_csv("numbers.csv", index=False)
    frame.to_csv("other.csv", index=False)
    followed = follow("files", "json", "joblib", "pickle", "pandas", "numpy", "sklearn")
    from sklearn.linear_model import LogisticRegression

    pd.read_csv("other.csv")
    data = pd.read_csv("numbers.csv")
    X, y = data[COLUMNS], data["y"]
    model = LogisticRegression().fit(X, y)
    return followed, X, y, model


def told(followed, target):
    """Datasets, columns and whether any is a guess, of what feeds a file."""
    entry = followed.entries()[target]
    inputs = entry["inputs"]
    is_guess = "inferred" in str(entry) or "INFERRED" in str(entry)
    return {i["name"].rpartition("/")[2] for i in inputs}, {i["field"] for i in inputs if "field" in i}, is_guess


def test_a_list_of_names_is_of_the_frame_that_has_them(trained):
    """``json.dump(list(X.columns), f)``: exactly of that frame, by the text of the names; its data is not in it."""
    followed, X, _, _ = trained
    with open("names.json", "w") as file:
        json.dump(list(X.columns), file)
    assert told(followed, "names.json") == ({"model.training_data"}, set(COLUMNS), False)
    kinds = {t["type"] for i in followed.entries()["names.json"]["inputs"] for t in i.get("transformations", ())}
    assert kinds == {"INDIRECT"}


def test_metrics_in_a_dictionary_are_known_by_identity(trained):
    """``json.dump({"features": [...], "auc": auc}, f)``: exactly of the labels, the rows and the model that were
    measured; what else was read has no part in it."""
    followed, X, y, model = trained
    from sklearn.metrics import accuracy_score, roc_auc_score

    auc = roc_auc_score(y, model.predict_proba(X)[:, 1])
    metrics = {"auc": auc, "accuracy": accuracy_score(y, model.predict(X)), "features": ["a", "b", "c"], "rows": 60}
    with open("metrics.json", "w") as file:
        json.dump(metrics, file, indent=2)
    names, columns, is_guess = told(followed, "metrics.json")
    assert names == {"model", "model.training_data"}
    assert columns == {*COLUMNS, "y"}
    assert not is_guess


def test_scores_of_a_cross_validation_by_name(trained):
    """``scores["test_accuracy"].mean()``: of the rows that were measured, though the dictionary holds times too, and
    however the folds were chosen."""
    followed, X, y, model = trained
    from sklearn.model_selection import StratifiedKFold, cross_validate

    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    scores = cross_validate(model, X, y, cv=folds, scoring=["accuracy"])
    with open("scores.json", "w") as file:
        json.dump({"acc": scores["test_accuracy"].mean(), "folds": folds.get_n_splits()}, file)
    assert told(followed, "scores.json")[0] == {"model.training_data"}


def test_numbers_in_a_dictionary_that_a_function_is_given(trained):
    """A helper that dumps what it is given: the numbers are known by identity all the same."""
    followed, X, y, model = trained

    def save(what, path):
        with Path(path).open("w") as file:
            json.dump(what, file)

    from sklearn.metrics import accuracy_score

    accuracy = accuracy_score(y, model.predict(X))
    save({"accuracy": accuracy}, "given.json")
    assert told(followed, "given.json") == ({"model", "model.training_data"}, {*COLUMNS, "y"}, False)


WRITES = {
    "a dictionary by name": "weights = dict(zip(X.columns, model.coef_[0]))\njson.dump(weights, file)",
    "text": "file.write(str(model.coef_))",
    "a loop": "for name, weight in zip(X.columns, model.coef_[0]):\n    file.write(f'{name},{weight}\\n')",
    "dumps": "file.write(json.dumps({'weights': model.coef_.tolist()}))",
    "print": "print('weights', model.coef_, file=file)",
    "a lambda": "double = [2 * w for w in model.coef_[0]]\njson.dump(double, file)",
}


@pytest.mark.parametrize("way", WRITES)
def test_what_is_read_off_a_model_in_plain_python(trained, tmp_path, way):
    """Numbers that plain Python took out of a model, put into a file: of the model, as a guess; of nothing else that
    was read."""
    followed, X, _, model = trained
    indented = "\n".join("    " + line for line in WRITES[way].splitlines())
    script = f"def put(X, model, json):\n  with open('out.txt', 'w') as file:\n{indented}\nput(X, model, json)\n"
    path = tmp_path / "script.py"
    path.write_text(script)
    exec(compile(script, str(path), "exec"), {"X": X, "model": model, "json": json})
    names, _, is_guess = told(followed, "out.txt")
    assert "model" in names and "other.csv" not in names and is_guess


def test_what_a_function_fetches_is_not_known(trained):
    """A dictionary that a function of the user got from elsewhere: all that was read is behind it."""
    followed, *_ = trained
    texts = {"names": Path("other.csv").read_text()}

    def fetched():
        return texts

    with open("fetched.json", "w") as file:
        json.dump(fetched(), file)
    names, _, is_guess = told(followed, "fetched.json")
    assert "other.csv" in names and is_guess


def test_the_same_text_is_written(trained):
    """``json.dump`` does what it does without us, errors included; the name in the module is a function called dump."""
    followed, *_ = trained
    with open("plain.json", "w") as file:
        json.dump({"é": [1, None]}, file, ensure_ascii=False, sort_keys=True)
    assert Path("plain.json").read_text() == '{"é": [1, null]}'
    with open("bad.json", "w") as file, pytest.raises(TypeError, match="not JSON serializable"):
        json.dump(object(), file)
    assert json.dump.__name__ == "dump"
    del followed


def test_a_dictionary_of_model_and_names_in_a_file_that_is_opened(trained):
    """``pickle.dump({"model": model, "features": names}, file)``: that model and its version; loaded again, what it
    predicts knows the version. Neither that file nor one of coefficients is a log of predictions."""
    import pickle

    followed, X, _, model = trained
    with open("bundle.pkl", "wb") as file:
        pickle.dump({"model": model, "features": list(X.columns), "threshold": 0.5}, file)
    with open("weights.json", "w") as file:
        json.dump(dict(zip(X.columns, model.coef_[0], strict=True)), file)
    with open("bundle.pkl", "rb") as file:
        bundle = pickle.load(file)
    new = pd.read_csv("other.csv")
    new["told"] = bundle["model"].predict(new[bundle["features"]])
    new.to_csv("told.csv", index=False)
    version = followed.facets("model")["headwater_model"]["version"]
    assert followed.facets("bundle.pkl")["headwater_model"]["version"] == version
    assert followed.facets("told.csv")["headwater_predictions"]["model"]["version"] == version
    assert followed.facets("told.csv")["headwater_predictions"]["method"] == "predict"
    for name in ("bundle.pkl", "weights.json"):
        assert "headwater_predictions" not in followed.facets(name)


def _scored(model, X, y):
    """The scores of a model, as scripts gather them in a function."""
    from sklearn.metrics import accuracy_score, f1_score

    predicted = model.predict(X)
    return {"name": "first", "accuracy": accuracy_score(y, predicted), "f1": f1_score(y, predicted)}


def _reported(all_scores, path):
    """Write a report that code alone does not resolve: the best of several, chosen by a function."""
    best = max(all_scores, key=lambda scores: scores["accuracy"])
    report = {"models": {scores["name"]: scores for scores in all_scores}, "best": best["name"]}
    path.write_text(json.dumps(report, indent=2))


@pytest.mark.parametrize("is_opened", [False, True])
def test_a_report_of_scores_that_functions_gather(trained, is_opened):
    """What ``json.dumps`` makes of measured numbers comes from what was measured, known by identity, also where the
    code does not show where they come from."""
    followed, X, y, model = trained
    scores = _scored(model, X, y)
    if is_opened:
        with open("report.json", "w") as file:
            file.write(json.dumps({one["name"]: one for one in [scores] if max([scores], key=len)}))
    else:
        _reported([scores], Path("report.json"))
    names, _, is_guess = told(followed, "report.json")
    assert names == {"model", "model.training_data"}
    assert not is_guess


def test_a_list_of_names_from_a_model_whose_path_stood_in_a_file(trained, tmp_path):
    """Names out of a model that was loaded from a path in a settings file: of the model, not of the settings."""
    import joblib

    followed, _, _, model = trained
    joblib.dump(model, "model.joblib")
    Path("settings.json").write_text('{"path": "model.joblib"}')

    def tell():
        settings = json.loads(Path("settings.json").read_text())
        loaded = joblib.load(settings["path"])
        names = [name.upper() for name in loaded.feature_names_in_]
        pd.DataFrame({"name": names, "weight": loaded.coef_[0]}).to_csv("weights.csv", index=False)

    tell()
    assert {i["name"].rpartition("/")[2] for i in followed.entries()["weights.csv"]["inputs"]} == {"model.joblib"}


def _reports(X, y, model):
    """Write scores and summaries of predictions, and predictions row by row."""
    from sklearn.metrics import log_loss

    both = model.predict_proba(X)
    told = both[:, 1]
    mixed = 0.5 * told + 0.5
    scores = {"plain": {"loss": log_loss(y, told)}, "mixed": {"loss": log_loss(y, mixed)}}
    with open("scores.json", "w") as file:
        plain = {k: {n: float(v) for n, v in one.items()} for k, one in scores.items()}
        json.dump({"rows": len(X), "scores": plain}, file)
    with open("card.md", "w") as file:
        file.write(f"Loss: {round(log_loss(y, mixed), 3)}, mean: {np.round(mixed.mean(), 2)}")
        file.write(f"90 %: {np.quantile(mixed, 0.9)}")
    with open("rows.txt", "w") as file:
        for one in mixed:
            file.write(f"{one}\n")
    with open("most.json", "w") as file:
        json.dump({"most": [float(p) for p in both.max(axis=1)]}, file)


def test_reports_of_scores_are_no_predictions(trained):
    """A file of metrics, or of other numbers about all predictions, holds no prediction of any row; what is written row
    by row does."""
    followed, X, y, model = trained
    _reports(X, y, model)
    types = {name: followed.facets(name)["datasetType"]["datasetType"] for name in ("scores.json", "card.md")}
    assert types == {"scores.json": "FILE", "card.md": "FILE"}
    told = {name: followed.facets(name)["datasetType"]["datasetType"] for name in ("rows.txt", "most.json")}
    assert told == {"rows.txt": "PREDICTIONS", "most.json": "PREDICTIONS"}
    for name in types:
        assert followed.sources(name) >= {"model", "model.training_data"}
