"""Charts of plotly, bokeh and altair: a file comes from the columns that its chart shows, and from nothing else."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest


def needs(library):
    """Marks a test of a library that may be absent."""
    return pytest.mark.skipif(importlib.util.find_spec(library) is None, reason=f"{library} is not installed")


@pytest.fixture
def followed(follow, tmp_path):
    """What follows files, pandas, numpy and the three libraries; two tables to draw."""
    random = np.random.default_rng(3)
    sales = pd.DataFrame({"day": np.arange(40) % 7, "customer": np.arange(40) % 5, "amount": random.random(40)})
    sales.to_csv("sales.csv", index=False)
    people = {"customer": range(5), "age": [20, 35, 41, 28, 60], "city": list("ababb")}
    pd.DataFrame(people).to_csv("customers.csv", index=False)
    return follow("files", "pandas", "numpy", "plotly", "bokeh", "altair")


def shown(followed, name):
    """The (dataset, column) pairs that a file comes from."""
    inputs = followed.entries()[name]["inputs"]
    return {(one["name"].rpartition("/")[2], one.get("field")) for one in inputs} - {
        (one["name"].rpartition("/")[2], None) for one in inputs
    }


def marks(followed, name):
    """How the sources of a file are known."""
    inputs = followed.entries()[name]["inputs"]
    return {step.get("description", "") for one in inputs for step in one.get("transformations", [])}


@needs("plotly")
def test_a_figure_of_a_table(followed):
    """plotly express: the columns that are named, whatever the title is called, and arrays of another table."""
    import plotly.express as px

    sales, customers = pd.read_csv("sales.csv"), pd.read_csv("customers.csv")
    px.scatter(sales, x="day", y="amount", title="customer").write_html("scatter.html")
    px.bar(customers, "city", "age").write_json("bar.json")
    px.line(x=sales["day"], y=sales["amount"].cumsum()).write_html("line.html")
    px.bar(x=["a", "b"], y=[1, 2]).write_html("spelled.html")
    assert shown(followed, "scatter.html") == {("sales.csv", "day"), ("sales.csv", "amount")}
    assert shown(followed, "bar.json") == {("customers.csv", "city"), ("customers.csv", "age")}
    assert shown(followed, "line.html") == {("sales.csv", "day"), ("sales.csv", "amount")}
    assert "inferred" not in marks(followed, "scatter.html") | marks(followed, "line.html")
    assert followed.sources("spelled.html") == set()


@needs("plotly")
def test_a_figure_of_traces(followed):
    """Traces given at once or added, arrays inside their parts, functions of ``plotly.io``, subplots."""
    import plotly.graph_objects as go
    import plotly.io as pio
    from plotly.subplots import make_subplots

    sales, customers = pd.read_csv("sales.csv"), pd.read_csv("customers.csv")
    figure = go.Figure(data=[go.Bar(x=customers["city"], y=customers["age"])])
    pio.write_html(figure, "bar.html")
    figure.add_scatter(x=sales["day"], y=sales["day"], marker={"color": sales["amount"]})
    figure.update_layout(title="both")
    figure.write_html("both.html")
    grid = make_subplots(rows=1, cols=2)
    grid.add_trace(go.Histogram(x=customers["age"]), row=1, col=1)
    grid.add_trace(go.Box(y=sales["amount"].to_numpy()), row=1, col=2)
    grid.write_html("grid.html")
    go.Figure(go.Bar(x=["a"], y=[1])).write_html("spelled.html")
    with Path("text.html").open("w") as file:
        file.write(grid.to_html())
    assert shown(followed, "bar.html") == {("customers.csv", "city"), ("customers.csv", "age")}
    assert shown(followed, "both.html") == shown(followed, "bar.html") | {("sales.csv", "day"), ("sales.csv", "amount")}
    assert shown(followed, "grid.html") == {("customers.csv", "age"), ("sales.csv", "amount")}
    assert "inferred" not in marks(followed, "grid.html")
    assert followed.sources("spelled.html") == set()
    assert shown(followed, "text.html") == shown(followed, "grid.html")


@needs("bokeh")
@pytest.mark.filterwarnings("ignore:The inplace keyword")  # bokeh uses it
def test_a_figure_of_glyphs(followed):
    """bokeh: columns of a source, arrays, several figures in one layout, and the file named beforehand."""
    from bokeh.layouts import column
    from bokeh.models import ColumnDataSource
    from bokeh.plotting import figure, output_file, save

    sales, customers = pd.read_csv("sales.csv"), pd.read_csv("customers.csv")
    one, two, three = figure(), figure(), figure()
    one.scatter(x="day", y="amount", source=ColumnDataSource(sales))
    two.vbar(x="place", top="age", source=ColumnDataSource({"place": customers["customer"], "age": customers["age"]}))
    three.line([1, 2], [3, 4])
    output_file("one.html")
    save(one)
    again = figure()
    again.scatter(x=sales["day"], y=sales["amount"])
    save(column(again, two), "both.html", resources="cdn", title="both")
    save(three, "spelled.html", resources="cdn", title="three")
    assert shown(followed, "one.html") == {("sales.csv", "day"), ("sales.csv", "amount")}
    assert shown(followed, "both.html") == shown(followed, "one.html") | {
        ("customers.csv", "customer"),
        ("customers.csv", "age"),
    }
    assert followed.sources("spelled.html") == set()


@needs("altair")
def test_a_chart_of_encodings(followed):
    """altair: the columns in the channels, also aggregated or in a facet; parts of a layered chart; all columns where
    the chart computes others."""
    import altair as alt

    sales, customers = pd.read_csv("sales.csv"), pd.read_csv("customers.csv")
    bars = alt.Chart(customers).mark_bar().encode(x="city:N", y="mean(age):Q")
    bars.save("bars.html")
    points = alt.Chart(sales).mark_point().encode(x=alt.X("day"), y="amount")
    (points + alt.Chart(customers).mark_rule().encode(y="age")).save("layers.json")
    points.facet("customer:N").save("facets.json")
    again = alt.Chart(sales).mark_bar().encode(alt.X(alt.repeat(), type="quantitative"), y="count()")
    again.repeat(["day", "amount"]).save("repeated.html")
    points.transform_calculate(z="datum.amount * 2").encode(y="z:Q").save("computed.json")
    assert shown(followed, "bars.html") == {("customers.csv", "city"), ("customers.csv", "age")}
    drawn = {("sales.csv", "day"), ("sales.csv", "amount")}
    assert shown(followed, "layers.json") == drawn | {("customers.csv", "age")}
    assert shown(followed, "facets.json") == drawn | {("sales.csv", "customer")}
    assert shown(followed, "repeated.html") == drawn
    assert followed.sources("computed.json") == {"sales.csv"}
