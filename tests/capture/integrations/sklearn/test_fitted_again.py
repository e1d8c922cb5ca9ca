"""An estimator that is fitted several times: what each fit made is told apart, and kept by what was saved of it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

COLUMNS = ["a", "b", "c"]


@pytest.fixture
def numbers(tmp_path, monkeypatch):
    """A file of forty rows, three columns and a label."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(5)
    frame = pd.DataFrame(random.normal(size=(40, 3)).round(3), columns=COLUMNS)
    frame["y"] = (frame["a"] > 0).astype(int)
    frame.to_csv("numbers.csv", index=False)
    return tmp_path


def test_a_fit_that_begins_anew_replaces_what_the_earlier_one_said(follow, numbers):
    """Features, parameters and edges are those of the latest fit; a file of the earlier model keeps its own."""
    import joblib
    from sklearn.linear_model import LogisticRegression

    followed = follow("pandas", "numpy", "sklearn", "joblib")
    frame = pd.read_csv("numbers.csv")
    model = LogisticRegression(C=0.5)
    model.fit(frame[COLUMNS], frame["y"])
    joblib.dump(model, "wide.joblib")
    model.set_params(C=0.1).fit(frame[["a"]], frame["y"])
    joblib.dump(model, "narrow.joblib")
    told = {name: followed.facets(name)["headwater_model"] for name in ("wide.joblib", "narrow.joblib")}
    assert [told[name]["features"] for name in told] == [COLUMNS, ["a"]]
    assert [told[name]["hyper_parameters"]["C"] for name in told] == [0.5, 0.1]
    assert [told[name]["name"].rpartition("/")[2] for name in told] == ["model", "model_2"]
    assert set(followed.entries()["model_2"]["fields"]) == {"a"}
    assert followed.sources("wide.joblib", "b") == {("model", "b")}
    assert followed.sources("narrow.joblib") == {"model_2"}
    assert followed.facets("wide.joblib")["datasetType"]["datasetType"] == "MODEL"


def test_a_loop_over_parameters_makes_a_model_each_time(follow, numbers):
    """``set_params`` and ``fit`` in a loop: every saved file comes from the fit before it, none is a checkpoint."""
    import joblib
    from sklearn.ensemble import RandomForestClassifier

    followed = follow("pandas", "numpy", "sklearn", "joblib")
    frame = pd.read_csv("numbers.csv")
    forest = RandomForestClassifier(n_estimators=2, random_state=0)
    for depth in (1, 2, 3):
        forest.set_params(max_depth=depth)
        forest.fit(frame[COLUMNS], frame["y"])
        joblib.dump(forest, f"depth-{depth}.joblib")
    names = ["depth-1.joblib", "depth-2.joblib", "depth-3.joblib"]
    told = [followed.facets(name)["headwater_model"] for name in names]
    assert [item["hyper_parameters"]["max_depth"] for item in told] == [1, 2, 3]
    assert [followed.sources(name) for name in names] == [{"forest"}, {"forest_2"}, {"forest_3"}]
    assert {followed.facets(name)["datasetType"]["datasetType"] for name in names} == {"MODEL"}
    assert not any("parent" in item for item in told)


def test_warm_start_goes_on_with_what_there_was(follow, numbers):
    """With ``warm_start`` a second fit is a further step of the same model."""
    import joblib
    from sklearn.ensemble import RandomForestClassifier

    followed = follow("pandas", "numpy", "sklearn", "joblib")
    frame = pd.read_csv("numbers.csv")
    forest = RandomForestClassifier(n_estimators=2, warm_start=True, random_state=0).fit(frame[COLUMNS], frame["y"])
    joblib.dump(forest, "few.joblib")
    forest.set_params(n_estimators=4).fit(frame[COLUMNS], frame["y"])
    joblib.dump(forest, "more.joblib")
    few, more = (followed.facets(name)["headwater_model"] for name in ("few.joblib", "more.joblib"))
    assert (few["name"], few.get("step", 1)) == (more["name"], 1)
    assert (more["step"], more["parent"]["version"]) == (2, few["version"])
    assert followed.facets("few.joblib")["datasetType"]["datasetType"] == "CHECKPOINT"


def test_a_model_of_one_round_is_not_the_data_of_the_next(follow, numbers):
    """Rows drawn in each round, by a function that a library calls: no model learned from what another said, though
    the arrays have one length and are used on one line."""
    from sklearn.linear_model import LinearRegression

    followed = follow("pandas", "numpy", "sklearn")
    data = np.random.default_rng(1).normal(size=(40, 3))
    model = LinearRegression()

    def fitted(drawn):
        x, y = drawn.reshape(20, 2)[:, 0].reshape(-1, 1), drawn.reshape(20, 2)[:, 1]
        told = model.fit(x, y).predict(x)
        return float(((y - told) ** 2).sum())

    np.apply_along_axis(fitted, 0, data)
    models = [name for name in followed.entries() if name.startswith("model") and "." not in name]
    assert models == ["model", "model_2", "model_3"]
    for name in models:
        assert followed.sources(name) <= {f"{name}.training_data"}
        assert "parent" not in followed.facets(name)["headwater_model"]


def test_only_the_set_that_stays_is_profiled(follow, numbers, monkeypatch):
    """A loop of splits and fits profiles what counts in the end: the sets of the models that have names of their own,
    and the latest set of each name. The version of each such model is that of the same fit by itself; what the latest
    set comes from is told, and the models that share the last name come from all sets of the loop."""
    import joblib
    from sklearn import model_selection
    from sklearn.linear_model import LogisticRegression

    from headwater.capture import profiling

    profiled: list[object] = []
    original = profiling.profile
    monkeypatch.setattr(profiling, "profile", lambda *args, **kw: profiled.append(1) or original(*args, **kw))

    def versions(rounds: range) -> dict[str, str]:
        followed = follow("pandas", "numpy", "sklearn", "joblib")
        frame = pd.read_csv("numbers.csv")
        for number in rounds:
            train, test = model_selection.train_test_split(frame, random_state=number)
            model = LogisticRegression().fit(train[COLUMNS], train["y"])
            model.score(test[COLUMNS], test["y"])
            joblib.dump(model, f"round-{number}.joblib") if number in (3, 60) else None
        profiled.clear()
        made = {e["name"].rpartition("/")[2]: e["facets"] for e in followed.event()["outputs"]}
        assert made["train"]["headwater_fingerprint"]["exact"]
        assert "version" not in made["train"]
        assert followed.sources("train") == {"numbers.csv"}
        assert set(followed.entries()["model_2" if len(rounds) > 1 else "model"]["fields"]) == set(COLUMNS)
        return {name: facets["headwater_model"]["version"] for name, facets in made.items() if "joblib" in name}

    long = versions(range(61))
    assert len(profiled) < 40  # both sets of 61 rounds, and what was read: 123
    assert long["round-3.joblib"] == versions(range(3, 4))["round-3.joblib"]
    assert long["round-60.joblib"] == versions(range(60, 61))["round-60.joblib"]


def test_what_was_written_between_keeps_its_set(follow, numbers):
    """A set of the loop that is written before the next of its name is profiled, although the loop goes on. Of one that
    nobody looked at, only the run is known, and not the content of another."""
    from sklearn import model_selection

    from headwater.capture.profiling import profile

    followed = follow("pandas", "numpy", "sklearn")
    frame = pd.read_csv("numbers.csv")
    made, sets = [], []
    for number in range(5):
        train, _test = model_selection.train_test_split(frame, random_state=number)
        made.append(train)
        sets.append(followed.recorder.values.get(train).inputs[0])
        if number == 2:
            train.to_csv("kept.csv", index=False)
    followed.event()
    exact = [profile(train).fingerprint.exact for train in made]
    told = [one.state.get("headwater_fingerprint", {}).get("exact") for one in sets]
    assert told == [None, None, exact[2], None, exact[4]]
    assert sets[3].state == {"version": {"datasetVersion": followed.recorder.run_id}}
    assert sets[4].state.keys() == {"headwater_fingerprint"}
