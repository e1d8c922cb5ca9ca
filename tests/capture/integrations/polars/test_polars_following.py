"""polars is followed column by column, and does what it does without us."""

from __future__ import annotations

import os
import time
import warnings

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from polars_snippets import SALES, SHOPS, SNIPPETS, WARNING, run_snippet

from headwater.capture.hooks import BUSY


@pytest.fixture
def frames(tmp_path):
    """The two frames as CSV files."""
    pl.DataFrame(SALES).write_csv(tmp_path / "sales.csv")
    pl.DataFrame(SHOPS).write_csv(tmp_path / "shops.csv")
    return tmp_path


def outcome(code, sales, shops):
    """What a snippet gives, with the warnings it raised."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        result = run_snippet(code, sales, shops)
    return result, [(str(w.message), w.category, w.filename, w.lineno) for w in seen]


@pytest.mark.parametrize("name", SNIPPETS)
def test_results_and_warnings_are_the_same(name, follow):
    """Each operation gives the same frame and the same warnings with and without hooks."""
    plain, plain_warnings = outcome(SNIPPETS[name], pl.DataFrame(SALES), pl.DataFrame(SHOPS))
    follow("polars")
    seen, seen_warnings = outcome(SNIPPETS[name], pl.DataFrame(SALES), pl.DataFrame(SHOPS))
    assert_frame_equal(plain, seen)
    assert plain_warnings == seen_warnings


@pytest.mark.parametrize("name", WARNING)
def test_warnings_blame_the_users_line(name, follow):
    """What polars warns about is told with the file and line of the user's call."""
    _, plain = outcome(WARNING[name], pl.DataFrame(SALES), pl.DataFrame(SHOPS))
    follow("polars")
    _, seen = outcome(WARNING[name], pl.DataFrame(SALES), pl.DataFrame(SHOPS))
    assert plain
    assert seen == plain


def perturbed(frame, column):
    """The same frame with every value of one column changed."""
    kind = frame.schema[column]
    change = pl.col(column) + "x" if kind == pl.String else (pl.col(column) + 7).cast(kind)
    return frame.with_columns(change)


@pytest.mark.parametrize("name", SNIPPETS)
def test_a_column_that_is_no_source_does_not_matter(name, follow, frames):
    """Changing a source column that lineage does not name, directly or indirectly, leaves the output as it was."""
    followed = follow("polars")
    sales, shops = pl.read_csv("sales.csv"), pl.read_csv("shops.csv")
    result = run_snippet(SNIPPETS[name], sales, shops)
    columns = followed.columns(result)
    assert list(columns) == result.columns
    for frame, file in ((sales, "sales.csv"), (shops, "shops.csv")):
        for column in frame.columns:
            changed = perturbed(frame, column)
            inputs = (changed, shops) if file == "sales.csv" else (sales, changed)
            try:
                again = run_snippet(SNIPPETS[name], *inputs)
            except pl.exceptions.PolarsError:
                continue
            for output in result.columns:
                if (file, column) not in columns[output]:
                    same = output in again.columns and again[output].equals(result[output])
                    assert same, f"{output} changed with {file}:{column}, which lineage does not name"


@pytest.mark.parametrize(
    ("name", "column", "sources"),
    [
        ("select_expressions", "revenue", {"units": "TRANSFORMATION", "price": "TRANSFORMATION"}),
        ("select_suffix", "price_r", {"price": "TRANSFORMATION"}),
        ("select_selector", "cost", {"cost": "TRANSFORMATION"}),
        ("select_aggregate", "p", {"price": "AGGREGATION"}),
        ("with_window", "shop_price", {"price": "AGGREGATION"}),
        ("with_literal", "three", {}),
        ("rename", "n", {"units": "IDENTITY"}),
        ("group_agg", "top", {"price": "AGGREGATION"}),
        ("join", "city", {"city": "IDENTITY"}),
        ("join_suffix", "day_right", {"size": "IDENTITY"}),
        ("unpivot", "value", {"price": "TRANSFORMATION", "cost": "TRANSFORMATION"}),
        ("lazy_group", "cost", {"cost": "AGGREGATION"}),
        ("concat_horizontal", "size", {"size": "IDENTITY"}),
        ("from_series", "c", {"cost": "IDENTITY"}),
        ("describe", "cost", {"cost": "AGGREGATION"}),
        ("describe", "statistic", {}),
        ("lazy_made", "cost", {"cost": "IDENTITY"}),
        ("select_generator", "cost_2", {"cost": "TRANSFORMATION"}),
        ("with_generator", "price_was", {"price": "TRANSFORMATION"}),
        ("lazy_generator", "price_a", {"price": "TRANSFORMATION"}),
        ("agg_generator", "cost_m", {"cost": "AGGREGATION"}),
        ("keys_generator", "shop", {"shop": "IDENTITY"}),
        ("concat_generator", "units", {"units": "IDENTITY"}),
        ("lazy_concat_map", "units", {"units": "IDENTITY"}),
        ("select_horizontal", "top", {"price": "TRANSFORMATION", "cost": "TRANSFORMATION"}),
        ("select_struct", "both", {"price": "TRANSFORMATION", "cost": "TRANSFORMATION"}),
        ("select_struct", "list", {"price": "TRANSFORMATION", "cost": "TRANSFORMATION"}),
        ("with_horizontal", "cost_off", {"price": "TRANSFORMATION", "cost": "TRANSFORMATION"}),
        ("when_any", "w", {"day": "TRANSFORMATION", "price": "TRANSFORMATION", "cost": "TRANSFORMATION"}),
        ("renamed_by_function", "UNITS", {"units": "IDENTITY"}),
        ("group_expression", "late", {"day": "TRANSFORMATION"}),
        ("group_expression_mean", "late", {"day": "TRANSFORMATION"}),
        ("unnest", "b", {"cost": "IDENTITY"}),
        ("unnest_two", "b", {"cost": "IDENTITY"}),
    ],
)
def test_columns_are_exact(name, column, sources, follow, frames):
    """What flows into a column is told to the column, with the kind of transformation."""
    followed = follow("polars")
    result = run_snippet(SNIPPETS[name], pl.read_csv("sales.csv"), pl.read_csv("shops.csv"))
    assert followed.direct(result, column) == sources


@pytest.mark.parametrize(
    ("name", "decides"),
    [
        ("filter", {("units", "FILTER")}),
        ("filter_keyword", {("shop", "FILTER")}),
        ("drop_nulls", {("units", "FILTER")}),
        ("sort", {("price", "SORT")}),
        ("group_mean", {("shop", "GROUP_BY")}),
        ("filter_generator", {("units", "FILTER"), ("price", "FILTER")}),
        ("filter_any", {("day", "FILTER"), ("price", "FILTER"), ("cost", "FILTER")}),
        ("sort_generator", {("units", "SORT"), ("price", "SORT")}),
        ("group_expression", {("day", "GROUP_BY")}),
        ("join_asof_by", {("day", "JOIN"), ("shop", "JOIN")}),
    ],
)
def test_what_decides_about_rows_is_indirect(name, decides, follow, frames):
    """Filters, sorts and groupings are edges too, of their own kind."""
    followed = follow("polars")
    result = run_snippet(SNIPPETS[name], pl.read_csv("sales.csv"), pl.read_csv("shops.csv"))
    assert followed.indirect(result) == decides


def test_files_read_inside_a_generator(follow, frames):
    """What the user's code in a generator reads is recorded, though polars draws from it: ``concat`` of many files."""
    followed = follow("polars")
    pl.concat(pl.read_csv(name).select("shop") for name in ("sales.csv", "shops.csv")).write_csv("all.csv")
    assert followed.sources("all.csv", "shop") == {("sales.csv", "shop"), ("shops.csv", "shop")}


def test_a_generator_that_fails(follow):
    """An error in the user's generator reaches the user as it is, once, and the next call is observed as ever."""
    follow("polars")
    frame = pl.DataFrame(SALES)

    def failing():
        yield pl.col("day")
        raise LookupError("the user's own error")

    with pytest.raises(LookupError, match="the user's own error"):
        frame.select(failing())
    assert BUSY.depth == 0


def test_a_selection_without_a_frame(follow, frames):
    """``pl.select`` of literals has no source; of a number that was taken out of data, the code does not show it."""
    followed = follow("polars")
    pl.select(n=pl.int_range(0, 5), day=pl.date(2024, 1, 1)).write_csv("made.csv")
    assert followed.columns(pl.select(pl.lit("a").alias("x"))) == {"x": set()}
    assert followed.sources("made.csv", "n") == set()
    last = pl.read_csv("sales.csv")["price"].max()
    assert followed.recorder.values.get(pl.select(n=pl.lit(last))) is None


def test_scans_and_sinks_are_followed_without_being_resolved(follow, frames):
    """A lazy plan from scan to sink: exact columns, rows unknown, the file written by polars itself."""
    followed = follow("polars")
    plan = pl.scan_csv("sales.csv").with_columns(r=pl.col("units") * pl.col("price")).select("day", "r")
    plan.sink_csv("out.csv")
    assert followed.sources("out.csv", "r") == {("sales.csv", "units"), ("sales.csv", "price")}


def test_a_scan_that_cannot_be_read_is_no_fault_of_ours(follow, frames):
    """Scanning a folder of mixed files, or a file that is removed before it is read, fails for the user alone."""
    followed = follow("polars")
    plan = pl.scan_parquet("sales.csv")
    with pytest.raises(pl.exceptions.PolarsError):
        plan.collect()
    assert followed.recorder.values.get(plan).column_names() == ()


def test_frames_cross_to_pandas_and_back(follow, frames):
    """to_pandas, from_pandas and to_numpy hand the lineage over."""
    followed = follow("polars")
    frame = pl.read_csv("sales.csv").select("day", "price")
    back = pl.from_pandas(frame.to_pandas())
    assert followed.direct(back, "price") == {"price": "IDENTITY"}
    assert followed.recorder.values.get(frame.to_numpy()) is not None


def test_the_hooks_leave_no_trace():
    """After removal each method is the identical object it was."""
    from headwater.capture.hooks import Hooks
    from headwater.capture.integrations.polars import PolarsIntegration

    owners = (pl.DataFrame, pl.LazyFrame, pl.Series, pl)
    before = [dict(vars(owner)) for owner in owners]
    hooks = Hooks("polars")
    PolarsIntegration().install(hooks, pl)
    assert any(dict(vars(owner)) != was for owner, was in zip(owners, before, strict=True))
    hooks.remove()
    for owner, was in zip(owners, before, strict=True):
        assert {k: v for k, v in vars(owner).items() if k != "__warningregistry__"} == was


def test_a_scanned_parquet_file_tells_what_its_footer_says(follow):
    """Nothing of a scan passes through a frame that could be profiled: rows, types and nulls are those of the footer,
    for what is read and for what is written."""
    pl.DataFrame({"a": [1, 2, None], "s": ["x", "y", "z"]}).write_parquet("in.parquet")
    a_second_ago = time.time_ns() - 10**9
    os.utime("in.parquet", ns=(a_second_ago, a_second_ago))  # else it may have changed after it was read, in one tick
    followed = follow("polars")
    pl.scan_parquet("in.parquet").filter(pl.col("a") > 1).sink_parquet("out.parquet")
    assert [(f["name"], f["type"]) for f in followed.facets("in.parquet")["schema"]["fields"]] == [
        ("a", "int64"),
        ("s", "string"),
    ]
    read = next(d for d in followed.event()["inputs"] if d["name"].endswith("in.parquet"))
    assert read["inputFacets"]["dataQualityMetrics"]["rowCount"] == 3
    written = next(d for d in followed.event()["outputs"] if d["name"].endswith("out.parquet"))
    assert written["outputFacets"]["outputStatistics"]["rowCount"] == 1
    assert followed.facets("out.parquet")["dataQualityMetrics"]["rowCount"] == 1


def test_plans_that_are_collected_together(follow, frames):
    """Each frame of ``collect_all`` comes from its own plan; one plan of all of them is none of ours."""
    followed = follow("polars")
    plans = [pl.scan_csv("sales.csv").select("units"), pl.scan_csv("shops.csv").select("city")]
    units, cities = pl.collect_all(plans)
    assert followed.columns(units) == {"units": {("sales.csv", "units")}}
    assert followed.columns(cities) == {"city": {("shops.csv", "city")}}
    assert len(pl.collect_all(plan for plan in plans)) == 2


@pytest.mark.parametrize("name", [name for name in ("union", "merge_sorted") if hasattr(pl, name)])
def test_rows_put_together_by_a_function(name, follow, frames):
    """What is stacked, in whatever order of rows, has the columns of all."""
    followed = follow("polars")
    one, other = pl.read_csv("sales.csv"), pl.scan_csv("sales.csv").filter(pl.col("units") > 2).collect()
    more = {"key": "units"} if name == "merge_sorted" else {}
    result = getattr(pl, name)([one.sort("units"), other.sort("units")], **more)
    assert ("sales.csv", "price") in followed.columns(result)["price"]
    assert followed.direct(result, "price") == {"price": "IDENTITY"}


def test_frames_brought_into_step(follow, frames):
    """An aligned frame has its own columns; the keys of all decide which rows there are."""
    followed = follow("polars")
    sales, shops = pl.read_csv("sales.csv"), pl.read_csv("shops.csv")
    one, other = pl.align_frames(sales, shops, on="shop")
    assert followed.direct(one, "price") == {"price": "IDENTITY"}
    assert {("sales.csv", "shop"), ("shops.csv", "shop")} <= followed.columns(one)["price"]
    assert ("sales.csv", "price") not in followed.columns(other)["city"]
