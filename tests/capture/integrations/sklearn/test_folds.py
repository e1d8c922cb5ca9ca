"""What a loop over folds adds up comes from every model of the loop, not from the last alone."""

from __future__ import annotations

import numpy as np
import pandas as pd

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


def test_what_folds_add_up(follow, tmp_path, monkeypatch):
    """Predictions put in place fold by fold, and a mean over the folds: of all three models, and of the right rows."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(5)
    frame = pd.DataFrame(random.normal(size=(60, 2)).round(3), columns=["a", "b"])
    frame["y"] = (frame["a"] > 0).astype(int)
    frame.to_csv("numbers.csv", index=False)
    frame[:20].to_csv("new.csv", index=False)
    followed = follow("pandas", "numpy", "sklearn")
    path = tmp_path / "script.py"
    path.write_text(SCRIPT)
    exec(compile(SCRIPT, str(path), "exec"), {"__name__": "__main__"})
    models = {"model", "model_2", "model_3"}
    assert followed.sources("kept.csv") == {*models, "numbers.csv"}
    assert followed.sources("told.csv") == {*models, "new.csv"}
