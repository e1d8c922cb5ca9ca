"""What a loop over folds adds up comes from every model of the loop, not from the last alone; in a function too, of the
call that is meant."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

SCRIPT = """
import numpy as np, pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold
data = pd.read_csv("numbers.csv")
new = pd.read_csv("new.csv")
kept = np.zeros(len(data))
mean = np.zeros(len(new))
for train, test in KFold(3).split(data):
    model = LogisticRegression().fit(data.iloc[train][["a", "b"]], data["y"].iloc[train])
    kept[test] = model.predict_proba(data.iloc[test][["a", "b"]])[:, 1]
    mean += model.predict_proba(new[["a", "b"]])[:, 1] / 3
pd.DataFrame({"kept": kept}).to_csv("kept.csv", index=False)
pd.DataFrame({"told": mean}).to_csv("told.csv", index=False)
"""


IN_A_FUNCTION = """
import numpy as np, pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold
def folded(model, data, new):
    kept, mean = np.zeros(len(data)), np.zeros(len(new))
    for train, test in KFold(2).split(data):
        model.fit(data.iloc[train][["a", "b"]], data["y"].iloc[train])
        kept[test] = model.predict_proba(data.iloc[test][["a", "b"]])[:, 1]
        mean += model.predict_proba(new[["a", "b"]])[:, 1] / 2
    return kept, mean
def main():
    data, new = pd.read_csv("numbers.csv"), pd.read_csv("new.csv")
    weak = folded(LogisticRegression(C=0.1), data, new)[1]
    kept, strong = folded(LogisticRegression(C=10.0), data, new)
    _, other = folded(LogisticRegression(C=5.0), data, new)
    pd.DataFrame({"strong": strong, "other": other}).to_csv("two.csv", index=False)
    pd.DataFrame({"kept": kept}).to_csv("kept.csv", index=False)
    blend = (strong + other) / 2
    pd.DataFrame({"blend": blend}).to_csv("blend.csv", index=False)
    told = {}
    for c in (1.0, 2.0):
        _, each = folded(LogisticRegression(C=c), data, new)
        told[c] = each
        alone = pd.DataFrame({"told": each})
        alone.to_csv(f"each_{c:.0f}.csv", index=False)
    mean = np.mean(list(told.values()), axis=0)
    pd.DataFrame({"told": (mean > 0.5).astype(int)}).to_csv("mean.csv", index=False)
main()
"""


BY_COLUMN = """
import numpy as np, pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold
from sklearn.tree import DecisionTreeClassifier
data, new = pd.read_csv("numbers.csv"), pd.read_csv("new.csv")
kept, told = np.zeros((len(data), 2)), np.zeros((len(new), 2))
for train, test in KFold(2).split(data):
    line = LogisticRegression().fit(data.iloc[train][["a", "b"]], data["y"].iloc[train])
    kept[test, 0] = line.predict(data.iloc[test][["a", "b"]]).ravel()
    told[:, 0] += line.predict(new[["a", "b"]]).ravel() / 2
    tree = DecisionTreeClassifier().fit(data.iloc[train][["a", "b"]], data["y"].iloc[train])
    kept[test, 1] = tree.predict(data.iloc[test][["a", "b"]]).ravel()
    told[:, 1] += tree.predict(new[["a", "b"]]).ravel() / 2
over = LogisticRegression().fit(kept, data["y"])
pd.DataFrame({"told": over.predict(told).astype(bool)}).to_csv("told.csv", index=False)
"""


IN_LISTS = """
import numpy as np, pandas as pd
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import KFold
def fitted(frame, names):
    frame = frame.copy()
    label = frame["y"].values.copy()
    label = np.log1p(label)
    models, scores, kept = [], [], np.zeros(len(frame))
    for train, test in KFold(3).split(frame):
        part, goal, rest, true = frame.loc[train, names], label[train], frame.loc[test, names], label[test]
        model = LinearRegression().fit(part, goal)
        guess = np.expm1(model.predict(rest))
        scores.append(np.mean((guess - true) ** 2))
        kept[test] = guess
        models.append(model)
    return {"models": models, "score": np.mean(scores), "kept": kept}
def told_by(models, frame, names):
    found = []
    for model in models:
        guess = model.predict(frame[names])
        guess = np.expm1(guess)
        found.append(np.clip(guess, 0, None))
    return np.mean(found, axis=0)
data, new = pd.read_csv("numbers.csv"), pd.read_csv("new.csv")
result = fitted(data, ["a", "b"])
told = told_by(result["models"], new, ["a", "b"])
told[told < 0.1] = 0
pd.DataFrame({"row": new.index, "y": told}).to_csv("told.csv", index=False)
pd.DataFrame({"kept": result["kept"]}).to_csv("kept.csv", index=False)
"""


@pytest.fixture
def run(follow):
    """Runs a script beside two files of numbers, and gives what was seen of it."""
    random = np.random.default_rng(5)
    frame = pd.DataFrame(random.normal(size=(60, 2)).round(3), columns=["a", "b"])
    frame["y"] = (frame["a"] > 0).astype(int)
    frame.to_csv("numbers.csv", index=False)
    frame[:20].to_csv("new.csv", index=False)
    return follow("files", "json", "pickle", "pandas", "numpy", "sklearn").run


def test_what_a_function_adds_up_over_folds(run):
    """Each call's models stand behind what that call gave back; those of all calls behind what was collected."""
    followed = run(IN_A_FUNCTION)
    strong, other = {"model_3", "model_4"}, {"model_5", "model_6"}
    assert {name for name, _ in followed.sources("two.csv", "strong")} == strong | {"new.csv"}
    assert {name for name, _ in followed.sources("two.csv", "other")} == other | {"new.csv"}
    assert followed.sources("kept.csv") == strong | {"numbers.csv"}
    assert followed.sources("blend.csv") == strong | other | {"new.csv"}
    assert followed.sources("each_1.csv") == {"model_7", "model_8", "new.csv"}
    assert followed.sources("each_2.csv") == {"model_9", "model_10", "new.csv"}
    assert followed.sources("mean.csv") == {"model_7", "model_8", "model_9", "model_10", "new.csv"}


def test_what_folds_add_up(run):
    """Predictions put in place fold by fold, and a mean over the folds: of all three models, and of the right rows."""
    followed = run(SCRIPT)
    models = {"model", "model_2", "model_3"}
    assert followed.sources("kept.csv") == {*models, "numbers.csv"}
    assert followed.sources("told.csv") == {*models, "new.csv"}


def test_columns_of_a_matrix_that_several_models_fill(run):
    """Each round of a loop fills a column of a matrix by one model and another by the next: all models of all rounds
    are behind what is fitted on the matrix and behind what is predicted of it; ``predict(...).astype(bool)``, which a
    column is set to in place, comes from the model."""
    followed = run(BY_COLUMN)
    behind = {"line", "line_2", "tree", "tree_2"}
    assert {name for name, _ in followed.sources("over.training_data", "x0")} == {*behind, "numbers.csv"}
    assert {name for name, _ in followed.sources("told.csv", "told")} == {*behind, "over", "new.csv"}


def test_what_functions_gather_in_lists_and_dictionaries_over_folds(run):
    """Models in a list that a function gives back in a dictionary; labels cut out of an array that nobody saw being
    made; predictions that are gathered in a list, and cells that are set last: the labels come from their column alone,
    the predictions from all models."""
    followed = run(IN_LISTS)
    assert followed.sources("model.training_data", "label") == {("numbers.csv", "y")}
    for file, column, read in (("told.csv", "y", "new.csv"), ("kept.csv", "kept", "numbers.csv")):
        found = followed.sources(file, column)
        assert {name for name, _ in found} == {"model", "model_2", "model_3", read}
        assert {field for name, field in found if name == read} == {"a", "b"}


PUT_BACK_IN_ORDER = """
import numpy as np, pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold
from sklearn.tree import DecisionTreeClassifier
def folded(model, data, y, new):
    told, told_new, places = [], [], []
    for train, test in KFold(2, shuffle=True, random_state=0).split(data):
        model.fit(data.iloc[train], y.iloc[train])
        told.append(model.predict(data.iloc[test]))
        told_new.append(model.predict(new))
        places.append(test)
    places = np.concatenate(places)
    told = np.concatenate(told, axis=0)
    order = np.argsort(places)
    in_order = told[order]
    return in_order, np.mean(told_new, axis=0)
data, new = pd.read_csv("numbers.csv"), pd.read_csv("new.csv")
line, line_new = folded(LogisticRegression(), data[["a"]], data["y"], new[["a"]])
tree, tree_new = folded(DecisionTreeClassifier(), data[["b"]], data["y"], new[["b"]])
pd.DataFrame({"line": line, "tree": tree}).to_csv("stacked.csv", index=False)
"""


def test_folds_that_each_of_two_calls_puts_back_in_order(run):
    """A function that concatenates the folds of a model and sorts them is called for a second model before the result
    of the first is used: each column comes from the models and the features of its own call."""
    followed = run(PUT_BACK_IN_ORDER)
    for column, models, feature in (("line", {"model", "model_2"}, "a"), ("tree", {"model_3", "model_4"}, "b")):
        found = followed.sources("stacked.csv", column)
        assert {name for name, _ in found} == {*models, "numbers.csv"}
        assert {field for _, field in found} == {feature}


ON_PARTS = """
import pandas as pd
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import KFold, ShuffleSplit, cross_val_predict, cross_val_score, train_test_split
data = pd.read_csv("numbers.csv")
train, test = train_test_split(data, random_state=3)
X, y = train[["a", "b"]], train["y"]
for kept, _ in KFold(3, shuffle=True, random_state=11).split(X):
    fold = LinearRegression().fit(X.iloc[kept], y.iloc[kept])
whole = LinearRegression().fit(X, y)
again = LinearRegression().fit(X, y)
cross_val_score(LinearRegression(), X, y, cv=ShuffleSplit(2, random_state=12))
cross_val_predict(LinearRegression(), X, y, cv=KFold(2))
"""


def test_models_of_folds_of_one_set_are_different_models(run):
    """Each was fitted on other rows of the set, so none has the version of another or of a model of the whole."""
    followed = run(ON_PARTS)
    names = ("fold", "fold_2", "fold_3", "whole")
    versions = [followed.facets(name)["headwater_model"]["version"] for name in names]
    assert len(set(versions)) == len(versions)
    assert versions[-1] == followed.facets("again")["headwater_model"]["version"]


def test_the_seeds_of_splitters_are_seeds_of_the_run(run):
    """In a loop, and given to a function; a splitter that does not shuffle has none."""
    seeds = run(ON_PARTS).event()["run"]["facets"]["headwater_seeds"]["seeds"]
    assert {(seed["scope"], seed["value"]) for seed in seeds} == {
        ("train_test_split.random_state", 3),
        ("KFold.random_state", 11),
        ("ShuffleSplit.random_state", 12),
    }


BEST = """
import json
import pickle
import pandas as pd
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.tree import DecisionTreeClassifier

frame = pd.read_csv("numbers.csv")
train, test = train_test_split(frame, random_state=0)
best, best_name, best_accuracy, best_rank, rows = None, "", 0.0, -1, []
for name, depth, rank in [("deep", 3, 2), ("flat", 1, 1)]:
    model = DecisionTreeClassifier(max_depth=depth, random_state=0)
    model.fit(train[["a", "b"]], train["y"])
    accuracy = accuracy_score(test["y"], model.predict(test[["a", "b"]]))
    rows.append({"name": name, "accuracy": accuracy_score(test["y"], model.predict(test[["a", "b"]]))})
    if rank > best_rank:
        best, best_name, best_accuracy, best_rank = model, name, accuracy, rank
pd.DataFrame(rows).to_csv("table.csv", index=False)
with open("best.pkl", "wb") as file:
    pickle.dump({"model": best, "name": best_name}, file)
with open("best.json", "w") as file:
    json.dump({"name": best_name, "accuracy": best_accuracy}, file)
"""


def test_the_best_of_several_models(run):
    """What is kept of it under names that one assignment binds comes from it alone, not from the last model that was
    tried; a table of the scores of all has nothing but these behind it."""
    followed = run(BEST)
    assert followed.sources("best.pkl") == {"model"}
    assert followed.sources("best.json") == {"model", "test"}
    assert {name for name, _ in followed.sources("table.csv", "accuracy")} == {"model", "model_2", "test"}


ENSEMBLE = """
import csv
import numpy as np, pandas as pd
from sklearn.tree import DecisionTreeClassifier
class Ensemble:
    def __init__(self, data):
        self.data = data
        self.models = []
    def fit(self):
        for depth in (1, 2, 3):
            self.models.append(DecisionTreeClassifier(max_depth=depth).fit(self.data[["a", "b"]], self.data["y"]))
    def mean(self, new):
        return np.mean([model.predict_proba(new[["a", "b"]])[:, 1] for model in self.models], axis=0)
    def added(self, new):
        return sum(model.predict_proba(new[["a", "b"]])[:, 1] for model in self.models) / len(self.models)
    def write(self, new):
        self.new, self.last = new, self.models[-1].predict(new[["a", "b"]])
        with open("by_hand.csv", "w", newline="") as file:
            writer = csv.writer(file)
            for key, said in zip(self.new["b"], self.last):
                writer.writerow([key, said])
new = pd.read_csv("new.csv")
ensemble = Ensemble(pd.read_csv("numbers.csv"))
ensemble.fit()
pd.DataFrame({"told": ensemble.mean(new)}).to_csv("mean.csv", index=False)
added = ensemble.added(new)
pd.DataFrame({"told": added}).to_csv("added.csv", index=False)
models = [DecisionTreeClassifier(max_depth=d).fit(ensemble.data[["a", "b"]], ensemble.data["y"]) for d in (4, 5)]
total = sum(one.predict(new[["a", "b"]]) for one in models)
pd.DataFrame({"told": total}).to_csv("total.csv", index=False)
ensemble.write(new)
"""


def test_models_that_are_asked_one_by_one(run):
    """An average or a sum over a list of models comes from all of them, also in a method whose object keeps them."""
    followed = run(ENSEMBLE)
    kept = {"DecisionTreeClassifier", "DecisionTreeClassifier_2", "DecisionTreeClassifier_3"}
    assert {name for name, _ in followed.sources("mean.csv", "told")} == kept | {"new.csv"}
    assert {name for name, _ in followed.sources("added.csv", "told")} == kept | {"new.csv"}
    assert {name for name, _ in followed.sources("total.csv", "told")} == {"models", "models_2", "new.csv"}


def test_columns_of_what_an_object_keeps(run):
    """``self.new["b"]`` written by hand is that column, not the whole frame."""
    followed = run(ENSEMBLE)
    told = followed.entries()["by_hand.csv"]["inputs"]
    assert {one["field"] for one in told if one["name"].endswith("new.csv") and "field" in one} == {"a", "b"}


def _out_of_folds(make, features, label, folds):
    """Predictions for the rows that each model has not learnt from, and their error."""
    told = np.full(len(features), np.nan)
    for learnt, left in folds.split(features):
        model = make()
        model.fit(features.iloc[learnt], label[learnt])
        told[left] = model.predict(features.iloc[left])
    return float(np.nanmean(told)), told


def test_rows_gathered_of_predictions_out_of_folds(follow):
    """``for key, said in zip(ids, told): rows.append({...})``: what was said comes from the models of all folds, the
    key from the keys, the truth from the labels."""
    from sklearn.linear_model import LinearRegression
    from sklearn.model_selection import KFold

    rng = np.random.default_rng(4)
    frame = pd.DataFrame(
        {"id": range(30), "a": rng.normal(size=30), "b": rng.normal(size=30), "y": rng.normal(size=30)}
    )
    frame.to_csv("in.csv", index=False)
    followed = follow("pandas", "numpy", "sklearn")

    def gather():
        data = pd.read_csv("in.csv")
        ids, label = data["id"].to_numpy(), data["y"].to_numpy()
        _, told = _out_of_folds(LinearRegression, data[["a", "b"]], label, KFold(3))
        kept = ~np.isnan(told)
        keys, true, said = ids[kept], label[kept], told[kept]
        error = np.abs(true - said)
        rows = []
        for key, truth, one, wrong in zip(keys, true, said, error, strict=True):
            rows.append({"id": int(key), "truth": float(truth), "said": float(one), "wrong": float(wrong)})
        pd.DataFrame(rows).to_csv("out.csv", index=False)

    gather()
    models = {name for name in followed.entries() if name.startswith("model") and "." not in name}
    assert len(models) == 3
    assert {name for name, _ in followed.sources("out.csv", "said")} >= models
    assert {name for name, _ in followed.sources("out.csv", "wrong")} >= models
    assert {column for _, column in followed.sources("out.csv", "id")} == {"id"}
    assert {column for _, column in followed.sources("out.csv", "truth")} == {"y"}
