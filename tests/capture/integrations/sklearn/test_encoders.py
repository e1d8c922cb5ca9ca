"""Transformers of other libraries that encode some columns, each by itself, and transformers put together of mixins."""

from __future__ import annotations

import pandas as pd
import pytest

pytest.importorskip("sklearn")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore:For backward")
"""The two libraries select columns in a way that pandas is giving up."""


@pytest.fixture
def rows(follow, tmp_path):
    """What follows pandas and scikit-learn, and rows that were read from a file, with labels."""
    data = {"a": [1.0, None, 3.0, 4.0] * 3, "g": list("xyzx") * 3, "g_x": list("uvuv") * 3, "y": [0, 1] * 6}
    pd.DataFrame(data).to_csv("t.csv", index=False)
    followed = follow("pandas", "numpy", "sklearn")
    frame = pd.read_csv("t.csv")
    return followed, frame[["a", "g", "g_x"]], frame["y"]


def read(followed, made):
    """The columns behind each column of a frame, and how these are used."""
    return {name: followed.direct(made, name) for name in map(str, made.columns)}


KEPT = {"a": {"a": "IDENTITY"}, "g_x": {"g_x": "IDENTITY"}}


def test_encoders_of_category_encoders(rows):
    """Columns that are not encoded stay as they are; what is made of one comes from that, and names that begin with two
    columns belong to the longer."""
    encoders = pytest.importorskip("category_encoders")
    followed, X, y = rows
    made = encoders.TargetEncoder(cols=["g"]).fit(X, y).transform(X)
    assert read(followed, made) == {**KEPT, "g": {"g": "TRANSFORMATION"}}
    made = encoders.BinaryEncoder(cols=["g", "g_x"]).fit_transform(X)
    assert read(followed, made)["a"] == {"a": "IDENTITY"}
    assert {name: set(found) for name, found in read(followed, made).items() if name != "a"} == {
        name: {"g_x" if name.startswith("g_x_") else "g"} for name in made.columns if name != "a"
    }


def test_transformers_of_feature_engine(rows):
    """The same for imputers, marks of what was missing, and encoders."""
    encoding = pytest.importorskip("feature_engine.encoding")
    from feature_engine.imputation import AddMissingIndicator, MeanMedianImputer

    followed, X, y = rows
    made = MeanMedianImputer(variables=["a"]).fit_transform(X)
    kept = {"g": {"g": "IDENTITY"}, "g_x": {"g_x": "IDENTITY"}}
    assert read(followed, made) == {**kept, "a": {"a": "TRANSFORMATION"}}
    marked = AddMissingIndicator(variables=["a"]).fit_transform(X)
    assert read(followed, marked)["a_na"] == {"a": "TRANSFORMATION"}
    made = encoding.MeanEncoder(variables=["g"]).fit(X, y).transform(X)
    assert read(followed, made) == {**KEPT, "g": {"g": "TRANSFORMATION"}}


def test_a_transformer_that_has_its_methods_from_a_mixin(rows):
    """A base that is no estimator itself: its ``transform`` was taken for code that the estimator does not know of."""
    from sklearn.base import BaseEstimator, OneToOneFeatureMixin

    class Doubling:
        def fit(self, X, y=None):
            self.n_features_in_ = X.shape[1]
            return self

        def transform(self, X):
            return X.to_numpy() * 2

    class Doubler(Doubling, OneToOneFeatureMixin, BaseEstimator):
        """An estimator whose methods are all inherited."""

    followed, X, _ = rows
    doubled = Doubler().fit(X[["a"]]).transform(X[["a"]])
    assert followed.recorder.values.seen(doubled).op == "sklearn.transform"
    assert followed.direct(pd.DataFrame(doubled, columns=["a"]), "a") == {"a": "TRANSFORMATION"}


def test_a_mixin_in_other_classes_stays_what_it_is(rows):
    """A class that has the same base but is no estimator does what it did, and a static method stays one."""
    from sklearn.base import BaseEstimator

    class Base:
        def fit(self, X):
            self.seen = len(X)
            return self

        @staticmethod
        def transform(X):
            return len(X)

    class Estimator(Base, BaseEstimator):
        """Makes the base known to what follows estimators."""

    class Other(Base):
        """No estimator."""

    _, X, _ = rows
    assert Other().fit(X).seen == Estimator().fit(X).seen == len(X)
    assert Other().transform(X) == Estimator.transform(X) == len(X)
    assert isinstance(vars(Base)["transform"], staticmethod)


def test_bins_under_their_numbers(rows):
    """``KBinsDiscretizer`` that gives one number for each column keeps these apart."""
    from sklearn.preprocessing import KBinsDiscretizer

    followed, X, y = rows
    numbers = X[["a"]].fillna(0.0).assign(y=y)
    cut = KBinsDiscretizer(2, encode="ordinal", strategy="uniform").fit(numbers)
    made = pd.DataFrame(cut.transform(numbers), columns=["a", "y"])
    assert {name: set(found) for name, found in read(followed, made).items()} == {"a": {"a"}, "y": {"y"}}
