"""statsmodels is followed: what a model learned from, what is read from its results, what it predicts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from headwater.capture.guard import GUARD

pytest.importorskip("statsmodels.api", reason="statsmodels is not installed")

EACH = {("results", name) for name in ("const", "a", "b")}


@pytest.fixture
def numbers(tmp_path, monkeypatch):
    """A file of sixty rows and four columns."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(5)
    frame = pd.DataFrame(random.normal(size=(60, 3)).round(3), columns=["a", "b", "c"])
    frame["y"] = (2 * frame["a"] - frame["b"] + random.normal(size=60)).round(3)
    frame.to_csv("numbers.csv", index=False)
    return tmp_path


@pytest.fixture
def followed(follow, numbers):
    """What follows pandas, numpy, pickle and statsmodels."""
    return follow("pandas", "numpy", "pickle", "statsmodels")


def fitted():
    """An ordinary regression on a matrix with a constant."""
    import statsmodels.api as sm

    data = pd.read_csv("numbers.csv")
    results = sm.OLS(data["y"], sm.add_constant(data[["a", "b"]])).fit()
    return data, results


def test_a_model_of_matrices(followed):
    """The results are a model: features, training data, class; the constant comes from nothing."""
    fitted()
    assert followed.sources("results") == {"results.training_data"}
    assert followed.sources("results", "a") == {("results.training_data", "a")}
    assert followed.sources("results.training_data", "const") == set()
    assert followed.sources("results.training_data", "y") == {("numbers.csv", "y")}
    told = followed.facets("results")["headwater_model"]
    assert told["features"] == ["const", "a", "b"]
    assert told["class"] == "statsmodels.regression.linear_model.OLS"
    assert told["training"]["version"]


def test_a_table_of_coefficients(followed):
    """``params``, ``pvalues``, ``bse`` side by side, and a series by itself, come from the model, exactly."""
    _, results = fitted()
    pd.DataFrame({"coefficient": results.params, "p": results.pvalues, "error": results.bse}).to_csv("table.csv")
    results.params.to_csv("params.csv")
    for name in ("coefficient", "p", "error"):
        assert followed.sources("table.csv", name) == EACH
    assert followed.sources("params.csv", "0") == EACH
    assert "inferred" not in str(followed.entries()["table.csv"])


def test_tables_that_methods_make(followed):
    """``conf_int()`` and ``summary2().tables`` come from the model, as the code says."""
    _, results = fitted()
    results.conf_int().to_csv("bounds.csv")
    results.summary2().tables[1].to_csv("summary.csv")
    assert followed.sources("bounds.csv") == followed.sources("summary.csv") == {"results"}
    assert [name for name in followed.entries() if name.startswith("results")] == ["results.training_data", "results"]


def test_what_is_said_of_each_row(followed):
    """Fitted values and residuals put beside the data come from the model and the rows; the other columns do not."""
    data, results = fitted()
    data["fitted"] = results.fittedvalues
    data["off"] = results.resid
    data.to_csv("beside.csv", index=False)
    assert followed.sources("beside.csv", "fitted") >= EACH
    assert ("results.training_data", "a") in followed.sources("beside.csv", "off")
    assert followed.sources("beside.csv", "c") == {("numbers.csv", "c")}


def test_a_formula_learns_from_the_columns_that_stand_in_it(followed):
    """``y ~ a + np.log(c + 10)``: each term from its columns; predictions from the model and those columns."""
    import statsmodels.formula.api as smf

    data = pd.read_csv("numbers.csv")
    results = smf.ols("y ~ a + np.log(c + 10)", data=data).fit()
    new = pd.read_csv("numbers.csv")
    new["told"] = results.predict(new)
    new.to_csv("told.csv", index=False)
    assert followed.sources("results", "np.log(c + 10)") == {("results.training_data", "c")}
    assert followed.sources("results", "Intercept") == set()
    assert {field for _, field in followed.sources("results.training_data", "y")} == {"y"}
    assert set(followed.entries()["results.training_data"]["fields"]) == {"a", "c", "y"}
    columns = followed.sources("told.csv", "told")
    assert {c for n, c in columns if n == "numbers.csv"} == {"a", "c"}
    assert ("results", "a") in columns
    assert followed.facets("told.csv")["datasetType"]["datasetType"] == "PREDICTIONS"
    assert followed.facets("results")["headwater_model"]["hyper_parameters"]["formula"] == "y ~ a + np.log(c + 10)"


def test_what_is_pickled_is_the_same_with_and_without_us(follow, numbers):
    """Nothing is computed in a model that would be saved with it; the file is that model."""
    fitted()[1].save("plain.pkl")
    followed = follow("pandas", "numpy", "pickle", "statsmodels")
    _, results = fitted()
    results.save("seen.pkl")
    assert followed.sources("seen.pkl") == {"results"}
    assert (numbers / "seen.pkl").read_bytes() == (numbers / "plain.pkl").read_bytes()


def test_missing_attributes_are_missing(followed):
    """An attribute that results do not have raises as ever; numbers are plain numbers."""
    _, results = fitted()
    assert not hasattr(results, "nothing_of_that_name")
    with pytest.raises(AttributeError, match="nothing_of_that_name"):
        _ = results.nothing_of_that_name
    assert type(results.rsquared) in (float, np.float64)


def test_matrices_that_the_code_spells_out(followed):
    """Drawn numbers, given to a model on one line and fitted on another: the set has no source, whatever was read."""
    import statsmodels.api as sm

    pd.read_csv("numbers.csv")
    x = np.linspace(0, 5, 40)
    X = np.column_stack((x, x**2))
    y = 1 + 2 * x
    model = sm.OLS(y, X)
    results = model.fit()
    told = results.predict(X)
    del told
    assert followed.sources("results.training_data") == set()


def test_a_prediction_without_a_name(followed):
    """A series that has no name is ``0`` in a file, from the model and the rows."""
    _, results = fitted()
    results.predict(pd.read_csv("numbers.csv")[["a", "b"]].assign(const=1.0)[["const", "a", "b"]]).to_csv("told.csv")
    assert followed.sources("told.csv", "0") >= EACH


def test_a_class_that_cannot_be_hooked_can_be_defined(followed, monkeypatch):
    """A user's class of models that refuses new attributes is defined as without us; it is only not followed."""
    import statsmodels.api as sm

    monkeypatch.setattr(GUARD, "strict", False)
    monkeypatch.setattr(GUARD, "failures", GUARD.failures.copy())

    class Sealed(type):
        """Its classes cannot be changed."""

        def __setattr__(cls, name, value):
            raise TypeError(f"{name} is sealed")

    class Mine(sm.OLS, metaclass=Sealed):
        """A model with a fit of its own."""

        def fit(self, *args, **kwargs):
            return super().fit(*args, **kwargs)

    data = pd.read_csv("numbers.csv")
    assert Mine(data["y"], data[["a", "b"]]).fit().params.shape == (2,)
