"""Samplers with ``fit_resample``, as imbalanced-learn has them: of a library, and of the user's own."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest

SAMPLERS = '''
import numpy as np, pandas as pd
from sklearn.base import BaseEstimator
from sklearn.neighbors import NearestNeighbors
class Between(BaseEstimator):
    """Adds a row between each row of the rare class and its neighbour."""
    def __init__(self, random_state=None):
        self.random_state = random_state
    def fit_resample(self, X, y):
        rare = np.asarray(X)[np.asarray(y) == 1]
        _, places = NearestNeighbors(n_neighbors=2).fit(rare).kneighbors(rare)
        more = (rare + rare[places[:, 1]]) / 2
        rows = np.vstack([np.asarray(X), more])
        labels = np.concatenate([np.asarray(y), np.ones(len(more), dtype=int)])
        if hasattr(X, "columns"):
            return pd.DataFrame(rows, columns=X.columns), pd.Series(labels, name=y.name)
        return rows, labels
'''

SCRIPT = """
import numpy as np, pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from samplers import Between
data = pd.read_csv("in.csv")
X_train, X_test, y_train, y_test = train_test_split(data[["a", "b"]], data["y"], random_state=1)
X_more, y_more = Between(random_state=3).fit_resample(X_train, y_train)
model = LogisticRegression().fit(X_more, y_more)
X_more.assign(y=y_more).to_csv("more.csv", index=False)
matrix, labels = Between(random_state=3).fit_resample(data[["a", "b"]].to_numpy(), data["y"].to_numpy())
pd.DataFrame(matrix, columns=["first", "second"]).to_csv("matrix.csv", index=False)
"""


@pytest.fixture
def run(follow, tmp_path, monkeypatch):
    """Runs the script with the samplers in a folder, and gives what was seen of it."""

    def runs(folder):
        random = np.random.default_rng(1)
        frame = pd.DataFrame(random.random((40, 2)), columns=["a", "b"])
        frame.assign(y=(frame["a"] > 0.7).astype(int), other=1).to_csv("in.csv", index=False)
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "samplers.py").write_text(SAMPLERS)
        monkeypatch.syspath_prepend(str(tmp_path / folder))
        monkeypatch.delitem(sys.modules, "samplers", raising=False)
        followed = follow("files", "pandas", "numpy", "sklearn")
        path = tmp_path / "script.py"
        path.write_text(SCRIPT)
        exec(compile(SCRIPT, str(path), "exec"), {"__name__": "__main__"})
        sys.modules.pop("samplers", None)
        return followed

    return runs


def _direct(followed, name, column):
    """The columns that flow into a column of a file."""
    found = followed.entries()[name]["fields"][column]["inputs"]
    return {item.get("field") for item in found if any(t["type"] == "DIRECT" for t in item["transformations"])}


def test_rows_that_a_library_makes_up(run):
    """Each column comes from itself, the label decides, and the sampler's own neighbours are no model of the run."""
    followed = run("site-packages")
    for column in ("a", "b", "y"):
        assert _direct(followed, "more.csv", column) == {column}
    assert _direct(followed, "matrix.csv", "first") == {"a"}
    assert _direct(followed, "matrix.csv", "second") == {"b"}
    told = followed.entries()["more.csv"]["inputs"]
    decides = [item["field"] for item in told if "field" in item and item["transformations"][0]["type"] == "INDIRECT"]
    assert "y" in decides
    models = {i["name"] for i in followed.event()["outputs"] if i["facets"]["datasetType"]["datasetType"] == "MODEL"}
    assert {name.rpartition("/")[2] for name in models} == {"model"}
    seeds = followed.event()["run"]["facets"]["headwater_seeds"]["seeds"]
    assert {"scope": "Between.random_state", "value": 3} in [
        {key: seed[key] for key in ("scope", "value")} for seed in seeds
    ]


def test_rows_that_the_users_own_sampler_makes_up(run):
    """Its code is followed as any other: nothing is said of it that only holds for libraries."""
    followed = run("own")
    assert _direct(followed, "more.csv", "a") >= {"a"}
    models = {i["name"] for i in followed.event()["outputs"] if i["facets"]["datasetType"]["datasetType"] == "MODEL"}
    assert len(models) > 1
