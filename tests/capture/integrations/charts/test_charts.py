"""Charts are followed: a picture comes from the columns that its axes show, and from nothing else the script read."""

from __future__ import annotations

import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest

matplotlib = pytest.importorskip("matplotlib", reason="matplotlib is not installed")
matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture
def followed(follow, tmp_path):
    """What follows files, pandas, numpy, scikit-learn and charts; two tables to draw."""
    random = np.random.default_rng(3)
    sales = pd.DataFrame({"day": np.arange(40) % 7, "customer": np.arange(40) % 5, "amount": random.random(40)})
    sales.to_csv("sales.csv", index=False)
    pd.DataFrame({"customer": range(5), "age": [20, 35, 41, 28, 60], "city": list("ababb")}).to_csv(
        "customers.csv", index=False
    )
    begun = follow("files", "pandas", "numpy", "sklearn", "matplotlib", "seaborn")
    yield begun
    plt.close("all")


def shown(followed, picture):
    """The (dataset, column) pairs that a picture comes from."""
    inputs = followed.entries()[picture]["inputs"]
    return {(one["name"].rpartition("/")[2], one["field"]) for one in inputs if "field" in one}


def test_a_picture_comes_from_what_was_drawn(followed):
    """Of two tables that were read, each picture has the columns on its own axes."""
    sales, customers = pd.read_csv("sales.csv"), pd.read_csv("customers.csv")
    figure, axes = plt.subplots()
    axes.plot(sales["day"], sales["amount"], color="red", label="spent")
    axes.legend()
    figure.savefig("line.png")
    plt.figure()
    plt.hist(customers["age"], bins=3)
    plt.title("ages")
    plt.savefig("ages.png")
    assert shown(followed, "line.png") == {("sales.csv", "day"), ("sales.csv", "amount")}
    assert shown(followed, "ages.png") == {("customers.csv", "age")}
    assert followed.sources("ages.png") == {"customers.csv"}


def test_all_axes_of_a_figure_are_in_its_picture(followed):
    """Subplots add up; axes that were cleared, and figures, begin anew."""
    sales, customers = pd.read_csv("sales.csv"), pd.read_csv("customers.csv")
    figure, (left, right) = plt.subplots(1, 2)
    left.scatter(sales["day"], sales["amount"], c=sales["customer"])
    right.bar(customers["city"], customers["age"])
    figure.savefig("both.png")
    left.clear()
    figure.savefig("right.png")
    figure.clear()
    figure.add_subplot().boxplot([sales["amount"], customers["age"]])
    figure.savefig("boxes.png")
    assert {name for name, _ in shown(followed, "both.png")} == {"sales.csv", "customers.csv"}
    assert shown(followed, "right.png") == {("customers.csv", "city"), ("customers.csv", "age")}
    assert shown(followed, "boxes.png") == {("sales.csv", "amount"), ("customers.csv", "age")}


def test_columns_given_by_name(followed):
    """``data=`` and names, and pandas' own charts, lead to those columns alone."""
    sales = pd.read_csv("sales.csv")
    plt.scatter("day", "amount", data=sales)
    plt.savefig("named.png")
    sales.plot.scatter(x="customer", y="amount").figure.savefig("pandas.png")
    sales[["day", "amount"]].plot(subplots=True)
    plt.savefig("parts.png")
    sales.hist(column="day")
    plt.savefig("hist.png")
    sales.groupby("customer")["amount"].mean().plot(kind="bar", ax=plt.figure().add_subplot())
    plt.savefig("means.png")
    assert shown(followed, "named.png") == {("sales.csv", "day"), ("sales.csv", "amount")}
    assert shown(followed, "pandas.png") == {("sales.csv", "customer"), ("sales.csv", "amount")}
    assert shown(followed, "parts.png") == {("sales.csv", "day"), ("sales.csv", "amount")}
    assert shown(followed, "hist.png") == {("sales.csv", "day")}
    assert {column for _, column in shown(followed, "means.png")} == {"customer", "amount"}


def test_charts_of_seaborn(followed):
    """Axes, grids and their maps show the columns that are named, or all."""
    seaborn = pytest.importorskip("seaborn", reason="seaborn is not installed")
    sales = pd.read_csv("sales.csv")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        seaborn.barplot(data=sales, x="day", y="amount").figure.savefig("bars.png")
        plt.figure()
        seaborn.heatmap(sales.corr())
        plt.savefig("heat.png")
        seaborn.displot(sales, x="amount", col="customer").savefig("grid.png")
        seaborn.FacetGrid(sales, col="customer").map(plt.hist, "day").savefig("mapped.png")
        plt.figure()
        seaborn.histplot(sales["amount"])
        plt.savefig("single.png")
    assert shown(followed, "bars.png") == {("sales.csv", "day"), ("sales.csv", "amount")}
    assert {column for _, column in shown(followed, "heat.png")} == {"day", "customer", "amount"}
    assert shown(followed, "grid.png") == {("sales.csv", "amount"), ("sales.csv", "customer")}
    assert shown(followed, "mapped.png") == {("sales.csv", "day"), ("sales.csv", "customer")}
    assert shown(followed, "single.png") == {("sales.csv", "amount")}


def draw_importances(model):
    """A helper of the user, which draws what a model says."""
    plt.figure()
    plt.barh(range(len(model.feature_importances_)), model.feature_importances_)
    plt.savefig("importances.png")


@pytest.mark.filterwarnings("ignore")  # of seaborn about what pandas and matplotlib are going to change
def test_pairs_of_all_columns_beside_the_one_that_colours_them(followed):
    """``pairplot(data, hue="customer")`` draws each column of numbers against each; only the named ones if there are
    any. It was said to show the colours alone."""
    seaborn = pytest.importorskip("seaborn", reason="seaborn is not installed")
    sales = pd.read_csv("sales.csv")
    seaborn.pairplot(sales, hue="customer", diag_kind="hist").savefig("all.png")
    seaborn.pairplot(sales, vars=["amount"], hue="customer", diag_kind="hist").savefig("some.png")
    numbers = set(sales.select_dtypes("number").columns)
    assert shown(followed, "all.png") == {("sales.csv", name) for name in numbers | {"customer"}}
    assert shown(followed, "some.png") == {("sales.csv", "amount"), ("sales.csv", "customer")}


def test_what_a_library_draws_is_told_by_the_statement(followed):
    """A tree is drawn with texts of the library's own; the statement hands over the model."""
    from sklearn.metrics import ConfusionMatrixDisplay
    from sklearn.tree import DecisionTreeClassifier, plot_tree

    customers = pd.read_csv("customers.csv")
    pd.read_csv("sales.csv")
    model = DecisionTreeClassifier(random_state=0).fit(customers[["age"]], customers["city"])
    plt.figure()
    plot_tree(model)
    plt.savefig("tree.png")
    draw_importances(model)
    guessed = customers["age"] > 30
    display = ConfusionMatrixDisplay.from_predictions(customers["age"] > 25, guessed)
    display.figure_.savefig("matrix.png")
    assert followed.sources("matrix.png") == {"customers.csv"}
    assert {column for _, column in shown(followed, "matrix.png")} == {"age"}
    assert followed.sources("tree.png") == {"model"}
    assert followed.sources("importances.png") == {"model"}


def test_what_the_statement_holds_is_what_it_compares(followed):
    """A prediction that is compared as it is passed on comes from the model, the truth beside it from the test set, and
    neither from what they were split from."""
    from sklearn.linear_model import LinearRegression
    from sklearn.metrics import ConfusionMatrixDisplay
    from sklearn.model_selection import train_test_split

    sales = pd.read_csv("sales.csv")
    features, target = sales[["day"]].copy(), sales["amount"].copy()
    fitted_on, left_out, _, truth = train_test_split(features, target, random_state=1)
    best = LinearRegression().fit(fitted_on, target[fitted_on.index])
    predicted = best.predict(left_out)
    display = ConfusionMatrixDisplay.from_predictions(truth > 0.4, predicted > 0.5)
    display.figure_.savefig("matrix.png")
    assert followed.sources("matrix.png") == {"best", "test"}


def test_names_and_images(followed):
    """A name without a suffix gets one; images are read and written; a buffer in memory is no dataset."""
    import io

    sales = pd.read_csv("sales.csv")
    plt.plot(sales["amount"])
    plt.savefig("plain")
    plt.savefig(io.BytesIO())
    plt.imsave("copy.png", plt.imread("plain.png"))
    assert shown(followed, "plain.png") == {("sales.csv", "amount")}
    assert followed.sources("copy.png") == {"plain.png"}


def test_the_picture_is_that_of_the_code_when_nothing_is_known(followed):
    """What the code spells out comes from no table that was read."""
    pd.read_csv("sales.csv")
    plt.plot([1, 2, 3], [4, 5, 6])
    plt.savefig("spelled.png")
    assert not shown(followed, "spelled.png")
    assert followed.sources("spelled.png") == set()


SCRIPT = """
import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt
import pandas as pd
frame = pd.DataFrame({"a": [1, 2, 3], "b": [3, 1, 2]})
plt.scatter(frame["a"], frame["b"], cmap="viridis")
plt.title("\\u4e2d")
plt.savefig("out.png")
plt.plot([1, 2], [1, 2, 3])
"""


def test_warnings_and_errors_keep_their_line(tmp_path):
    """matplotlib blames the user's line, not pyplot's, with and without capture; a traceback and the picture are the
    same."""
    (tmp_path / "draw.py").write_text(SCRIPT)
    plain = subprocess.run([sys.executable, "draw.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    picture = (tmp_path / "out.png").read_bytes()
    command = [sys.executable, "-m", "headwater", "run", "draw.py"]
    ours = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "draw.py:7" in plain.stderr
    assert "ValueError" in plain.stderr
    assert (ours.returncode, ours.stderr) == (plain.returncode, plain.stderr)
    assert (tmp_path / "out.png").read_bytes() == picture
