"""What lineage says of pandas programs, spelled out: columns, kinds of transformation, rows, files and tables."""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from headwater.capture.integrations.pandas.functions import columns_read
from headwater.capture.recorder import Read, Recorder, Seed, Statement, Write
from headwater.capture.trace import trace


def edges(recorder: Recorder, result: Any) -> dict[str, set[str]]:
    """Per column, its sources as ``file.column TYPE``."""
    found = trace(recorder.values.get(result)).fields
    return {name: {spelled(source, trail) for source, trail in trails.items()} for name, trails in found.items()}


def spelled(source: Any, trail: Any) -> str:
    """One source in words."""
    kind = trail.subtype if trail.type == "DIRECT" else f"({trail.subtype})"
    opaque = " opaque" if trail.description == "opaque" else ""
    return f"{Path(source.value.dataset.name).stem}.{source.column} {kind}{opaque}"


def conditions(recorder: Recorder, result: Any) -> set[str]:
    """What decided about all of the result."""
    return {spelled(source, trail) for source, trail in trace(recorder.values.get(result)).indirect.items()}


def test_the_loans_columns(run: Callable[[str], Any], recorder: Recorder) -> None:
    """A ratio, a group statistic merged back, and what filtered and joined them."""
    result = run(
        "df = df.dropna(subset=['price'])\n"
        "df['unit'] = df['price'] / df['qty']\n"
        "mid = df.groupby('region')['price'].median().rename('mid')\n"
        "result = df.merge(mid, on='region')[['unit', 'mid']]"
    )
    assert edges(recorder, result) == {
        "unit": {"sales.price TRANSFORMATION", "sales.qty TRANSFORMATION"},
        "mid": {"sales.price AGGREGATION"},
    }
    assert conditions(recorder, result) == {"sales.price (FILTER)", "sales.region (JOIN)"}


CASES: dict[str, dict[str, set[str]]] = {
    "cols = ['price', 'qty']\ndf[cols] = df[cols].apply(pd.to_numeric, errors='coerce')\nresult = df[cols]": {
        "price": {"sales.price TRANSFORMATION"},
        "qty": {"sales.qty TRANSFORMATION"},
    },
    "result = df[['price', 'qty']].apply(lambda c: c.fillna(c.mean()))": {
        "price": {"sales.price TRANSFORMATION"},
        "qty": {"sales.qty TRANSFORMATION"},
    },
    "num = df[['price', 'qty']]\nresult = (num - num.mean()) / num.std()": {
        "price": {"sales.price AGGREGATION"},
        "qty": {"sales.qty AGGREGATION"},
    },
    "num = df[['price', 'qty']]\nresult = num.sub(num.min()).div((num.max() - num.min()).replace(0, 1))": {
        "price": {"sales.price AGGREGATION"},
        "qty": {"sales.qty AGGREGATION"},
    },
    "num = df[['price', 'qty']]\nresult = num.div(num.sum(axis=1), axis=0)": {
        "price": {"sales.price AGGREGATION", "sales.qty AGGREGATION"},
        "qty": {"sales.price AGGREGATION", "sales.qty AGGREGATION"},
    },
    "result = df.set_index(['region', 'id'])[['price', 'qty']].mean().to_frame('m')": {
        "m": {"sales.price AGGREGATION", "sales.qty AGGREGATION"},
    },
    "keyed = df.set_index('id')[['price', 'qty']]\nkeyed['price'] = keyed['price'].fillna(0)\n"
    "keyed['all'] = keyed['price'] * keyed['qty']\nresult = keyed[['price', 'all']].reset_index(drop=True)": {
        "price": {"sales.price TRANSFORMATION"},
        "all": {"sales.price TRANSFORMATION", "sales.qty TRANSFORMATION"},
    },
    "result = df[['qty']].compare(df[['id']].set_axis(['qty'], axis=1), result_names=('old', 'new'))": {
        "qty.old": {"sales.qty IDENTITY"},
        "qty.new": {"sales.id IDENTITY"},
    },
    "result = df.groupby('region').size().reset_index(name='n')": {
        "region": {"sales.region IDENTITY"},
        "n": {"sales.region AGGREGATION"},
    },
    "told = df.groupby('region').agg({'price': ['sum', 'mean']})\ntold[('twice', '')] = told[('price', 'sum')] * 2\n"
    "result = told[['twice']].reset_index(drop=True)": {
        "twice": {"sales.price AGGREGATION"},
    },
    "def unit(row):\n    return row['price'] / row.qty\n"
    "result = df.apply(lambda row: unit(row), axis=1).to_frame('unit')": {
        "unit": {"sales.price TRANSFORMATION", "sales.qty TRANSFORMATION"},
    },
    "result = df[['id']].rename(columns={'id': 'key'})": {"key": {"sales.id IDENTITY"}},
    "result = df.assign(a=1)[['a', 'id']]": {"a": set(), "id": {"sales.id IDENTITY"}},
    "result = df.groupby('region').agg(n=('qty', 'sum')).reset_index()": {
        "region": {"sales.region IDENTITY"},
        "n": {"sales.qty AGGREGATION"},
    },
    "result = df.groupby('region').agg(top=pd.NamedAgg('qty', 'max'), n=pd.NamedAgg(column='id', aggfunc='sum'))": {
        "index(region)": {"sales.region IDENTITY"},
        "top": {"sales.qty AGGREGATION"},
        "n": {"sales.id AGGREGATION"},
    },
    "marks = pd.get_dummies(df[['qty', 'region']].astype(str), prefix_sep='=')\n"
    "result = pd.from_dummies(marks, sep='=')": {
        "qty": {"sales.qty TRANSFORMATION"},
        "region": {"sales.region TRANSFORMATION"},
    },
    "result = df.groupby('region').agg({'price': ['mean', 'max'], 'qty': ['max']})['price'].reset_index(drop=True)": {
        "mean": {"sales.price AGGREGATION"},
        "max": {"sales.price AGGREGATION"},
    },
    "result = df.set_index('id')[['price', 'qty']].agg(['min', 'max']).T.unstack().loc['min'].to_frame('low')": {
        "low": {"sales.price AGGREGATION", "sales.qty AGGREGATION"},
    },
    "result = df.merge(other, on='region')[['id', 'tax']]": {
        "id": {"sales.id IDENTITY"},
        "tax": {"regions.tax IDENTITY"},
    },
    "result = df[['price', 'qty']].apply(lambda r: r.max(), axis=1).to_frame('m')": {
        "m": {"sales.price TRANSFORMATION opaque", "sales.qty TRANSFORMATION opaque"}
    },
    "result = df.apply(lambda r: r['price'] * r.qty, axis=1).to_frame('m')": {
        "m": {"sales.price TRANSFORMATION", "sales.qty TRANSFORMATION"}
    },
    "result = df.groupby('region').apply(lambda g: g['qty'].sum()).to_frame('m').reset_index(drop=True)": {
        "m": {"sales.qty TRANSFORMATION"}
    },
    "base = df['id']\nresult = df[['qty']].apply(lambda c: c + base)": {
        "qty": {"sales.qty TRANSFORMATION", "sales.id TRANSFORMATION"}
    },
    "base = df['id']\nresult = df['qty'].map(lambda v: v + base.max()).to_frame()": {
        "qty": {"sales.qty TRANSFORMATION", "sales.id TRANSFORMATION"}
    },
    "result = df.pipe(lambda d: d[['qty']] * 2)": {"qty": {"sales.qty TRANSFORMATION"}},
    "result = df.melt(id_vars='id', value_vars=['qty', 'price'])[['id', 'value']]": {
        "id": {"sales.id IDENTITY"},
        "value": {"sales.qty IDENTITY", "sales.price IDENTITY"},
    },
    "result = pd.concat([df[['id']], other.rename(columns={'tax': 'id'})[['id']]])": {
        "id": {"sales.id IDENTITY", "regions.tax IDENTITY"}
    },
    "df.loc[df.qty > 3, 'price'] = 0\nresult = df[['price']]": {
        "price": {"sales.price IDENTITY", "sales.qty (CONDITIONAL)"}
    },
    "df['price'] = df['price'].fillna(df['id'])\nresult = df[['price']]": {
        "price": {"sales.price TRANSFORMATION", "sales.id TRANSFORMATION"}
    },
    "result = df.eval('a = price * qty')[['a']]": {"a": {"sales.price TRANSFORMATION", "sales.qty TRANSFORMATION"}},
    "df['w'] = np.where(df.price > 5, df.qty, 0)\nresult = df[['w']]": {
        "w": {"sales.price TRANSFORMATION", "sales.qty TRANSFORMATION"}
    },
    "result = pd.DataFrame({'a': df['id'], 'b': [1] * len(df)})": {"a": {"sales.id IDENTITY"}, "b": set()},
    "result = pd.get_dummies(df[['id', 'region']])[['id', 'region_east']]": {
        "id": {"sales.id IDENTITY"},
        "region_east": {"sales.region TRANSFORMATION"},
    },
}


def test_what_a_new_column_was_made_by_is_its_own(run: Callable[[str], Any], recorder: Recorder) -> None:
    """A mean of groups that is put beside the rows: the keys are behind it, and decided about no row of the others."""
    result = run("df['mid'] = df.groupby('region')['price'].transform('mean')\nresult = df[['qty', 'mid']]")
    assert edges(recorder, result) == {
        "qty": {"sales.qty IDENTITY"},
        "mid": {"sales.price AGGREGATION", "sales.region (GROUP_BY)"},
    }
    assert conditions(recorder, result) == set()


@pytest.mark.parametrize("snippet", CASES)
def test_columns_come_from(snippet: str, run: Callable[[str], Any], recorder: Recorder) -> None:
    """Exactly these columns, in exactly this way."""
    assert edges(recorder, run(snippet)) == CASES[snippet]


def test_rows_in_and_out(run: Callable[[str], Any], recorder: Recorder) -> None:
    """An operation's value knows its rows, and its input's: what was dropped, and where."""
    result = run("result = df.dropna(subset=['price'])")
    value = recorder.values.get(result)
    assert (value.op, value.inputs[0].rows, value.rows) == ("dropna", 8, 6)
    assert value.line == 1
    assert value.code.co_filename == "<snippet>"


def test_the_state_before_a_change_stays_what_it_was(run: Callable[[str], Any], recorder: Recorder) -> None:
    """A frame that changes in place has a new value; what was made of the old one keeps the old."""
    result = run("early = df[['price']]\ndf['price'] = df['qty']\nresult = (early, df[['price']])")
    assert edges(recorder, result[0]) == {"price": {"sales.price IDENTITY"}}
    assert edges(recorder, result[1]) == {"price": {"sales.qty IDENTITY"}}


@pytest.mark.parametrize(
    ("write", "read", "name"),
    [
        ("df.to_csv('{}', index=False)", "pd.read_csv('{}')", "a.csv"),
        ("df.to_csv('{}', index=False)", "pd.read_csv(open('{}'))", "b.csv"),
        ("df.to_parquet('{}')", "pd.read_parquet(Path('{}'))", "c.parquet"),
        ("df.to_json('{}')", "pd.read_json('{}')", "d.json"),
        ("df.to_pickle('{}')", "pd.read_pickle('{}')", "e.pkl"),
        ("df.to_feather('{}')", "pd.read_feather('{}')", "f.feather"),
        ("df.to_csv('{}', index=False)", "pd.read_table('{}', sep=',')", "g.csv.gz"),
    ],
)
@pytest.mark.filterwarnings("ignore:unclosed file")
def test_files_written_and_read(
    write: str, read: str, name: str, run: Callable[[str], Any], recorder: Recorder, folder: Path
) -> None:
    """Writers and readers name the file; the write has the frame's value, the read has columns and rows."""
    path = folder / name
    start = len(recorder.items)
    run(f"from pathlib import Path\n{write.format(path)}\nresult = {read.format(path)}")
    written = [item for item in recorder.items[start:] if isinstance(item, Write)]
    reads = [item for item in recorder.items[start:] if isinstance(item, Read)]
    assert [item.ref[:2] for item in written] == [("file", str(path))]
    assert written[0].value.column_names() == ("id", "region", "price", "qty", "day")
    assert [source.name for source in (trace_source.dataset for trace_source in trace(written[0].value).sources)] == [
        str(folder / "sales.csv")
    ]
    assert (reads[-1].ref.name, reads[-1].value.rows) == (str(path), 8)
    assert reads[-1].snapshot is not None


def test_a_named_index_is_a_column_of_the_file(run: Callable[[str], Any], recorder: Recorder, folder: Path) -> None:
    """What ``to_csv`` writes as the first column has its lineage; ``index=False`` leaves it out."""
    start = len(recorder.items)
    run(
        f"g = df.groupby('region')[['qty']].sum()\ng.to_csv('{folder}/g.csv')\n"
        f"g.to_csv('{folder}/h.csv', index=False)\nresult = g"
    )
    values = [item.value for item in recorder.items[start:] if isinstance(item, Write)]
    assert [value.column_names() for value in values] == [("region", "qty"), ("qty",)]
    assert {source.column for source in trace(values[0]).fields["region"]} == {"region"}


def test_chunks_come_from_their_file(run: Callable[[str], Any], recorder: Recorder, folder: Path) -> None:
    """Every chunk of a chunked read is made from the file."""
    result = run(f"result = pd.concat([c[['id']] for c in pd.read_csv('{folder}/sales.csv', chunksize=3)])")
    assert edges(recorder, result) == {"id": {"sales.id IDENTITY"}}


def test_buffers_pass_lineage_on(run: Callable[[str], Any], recorder: Recorder) -> None:
    """A frame that goes through a buffer in memory comes out with its lineage; an unknown buffer gives none."""
    result = run(
        "import io\nbuffer = io.BytesIO()\ndf[['id']].to_csv(buffer, index=False)\nbuffer.seek(0)\n"
        "result = pd.read_csv(buffer)"
    )
    assert edges(recorder, result) == {"id": {"sales.id IDENTITY"}}
    other = io.StringIO()
    other.write("a\n1")
    other.seek(0)
    unknown = pd.read_csv(other)
    assert trace(recorder.values.get(unknown)).has_unknown


def test_tables_and_statements(run: Callable[[str], Any], recorder: Recorder, folder: Path) -> None:
    """SQL through sqlite3: the table written by name, the statement handed over with its result, in chunks too."""
    start = len(recorder.items)
    connection = sqlite3.connect(folder / "shop.db")
    try:
        frame = run("result = df")
        frame.to_sql("sales", connection, index=False)
        read = pd.read_sql("select id, price as p from sales", connection)
        chunks = list(pd.read_sql("select id from sales", connection, chunksize=3))
    finally:
        connection.close()
    items = recorder.items[start:]
    written = next(item for item in items if isinstance(item, Write))
    assert written.ref == (f"sqlite://{folder}/shop.db", "sales", "TABLE")
    statements = [item for item in items if isinstance(item, Statement)]
    assert [(item.dialect, item.namespace) for item in statements] == [("sqlite", f"sqlite://{folder}/shop.db")] * 2
    assert statements[0].result is recorder.values.get(read)
    assert [len(chunk) for chunk in chunks] == [3, 3, 2]
    assert all(recorder.values.get(chunk) is not None for chunk in chunks)


def test_reads_inside_a_function_are_seen(run: Callable[[str], Any], recorder: Recorder, folder: Path) -> None:
    """What a function handed to ``apply`` reads and writes is recorded, though the call is one operation."""
    start = len(recorder.items)
    run(
        f"names = pd.Series(['{folder}/sales.csv', '{folder}/regions.csv'])\n"
        f"sizes = names.apply(lambda n: len(pd.read_csv(n)))\n"
        f"df.groupby('region').apply(lambda g: g.to_csv('{folder}/' + str(g.id.iloc[0]) + '.part.csv'))\n"
        "result = sizes"
    )
    read = [Path(item.ref.name).name for item in recorder.items[start + 2 :] if isinstance(item, Read)]
    written = {Path(item.ref.name).name for item in recorder.items[start:] if isinstance(item, Write)}
    assert read == ["sales.csv", "regions.csv"]
    assert written == {"1.part.csv", "2.part.csv", "4.part.csv", "7.part.csv"}


READS = {
    "lambda r: r['a'] + r.b": ("a", "b"),
    "lambda r: r['a'] if r['b'] > 1 else 0": ("b", "a"),
    "lambda r: 1": (),
    "lambda r: r.sum()": None,
    "lambda r: r[key]": None,
    "lambda r: max(r)": None,
    "lambda r: [r['a'] for _ in range(2)]": None,
    "lambda r: (lambda: r['a'])()": None,
    "lambda r: r.get('a')": ("a",),
    "lambda r: r.get('a', 0) + r['b']": ("a", "b"),
    "lambda r: r.get(key)": None,
    "lambda r: r.size": None,
    "lambda: 1": None,
}


@pytest.mark.parametrize("source", READS)
def test_what_a_function_reads(source: str) -> None:
    """The columns that its byte code names, or None wherever it might read others."""
    code = eval(source, {"key": "a"}).__code__
    found = columns_read(code, ("a", "b", "size"))
    if source.startswith("lambda r: [r['a']") and found is not None:
        assert found == ("a",)  # from Python 3.12 on, comprehensions are part of the function
    else:
        assert found == READS[source]


def test_sampling_tells_its_seed(run: Callable[[str], Any], recorder: Recorder) -> None:
    """A seed given to ``sample`` is recorded; and its absence, as None."""
    start = len(recorder.items)
    run("result = df.sample(2, random_state=5)")
    run("result = df.sample(2)")
    seeds = [item for item in recorder.items[start:] if isinstance(item, Seed)]
    assert [(item.library, item.scope, item.value) for item in seeds] == [
        ("pandas", "sample", 5),
        ("pandas", "sample", None),
    ]


def test_a_categorical_comes_from_its_column(follow):
    """``pd.Categorical`` of a column, put back into the frame: that column and no other."""
    pd.DataFrame({"size": ["s", "l", "m"], "n": [1, 2, 3]}).to_csv("in.csv", index=False)
    followed = follow("pandas", "numpy")
    df = pd.read_csv("in.csv")
    df["ordered"] = pd.Categorical(df["size"], ["s", "m", "l"], ordered=True)
    assert followed.columns(df)["ordered"] == {("in.csv", "size")}


def test_standard_output_is_no_file(follow, capsys):
    """``to_csv(sys.stdout)`` writes no dataset."""
    import sys

    pd.DataFrame({"n": [1]}).to_csv("in.csv", index=False)
    followed = follow("pandas")
    pd.read_csv("in.csv").to_csv(sys.__stdout__)
    assert followed.event()["outputs"] == []


def test_categories_of_codes(follow):
    """``pd.Categorical.from_codes`` of a computed column: that column, under the names of its categories."""
    followed = follow("pandas")
    pd.DataFrame({"size": [0, 1, 0], "price": [1, 2, 3]}).to_csv("shirts.csv", index=False)
    df = pd.read_csv("shirts.csv")
    df["size"] = pd.Categorical.from_codes(df["size"].astype("int32"), ["small", "large"])
    df.to_csv("named.csv", index=False)
    assert followed.sources("named.csv", "size") == {("shirts.csv", "size")}


def test_what_is_added_to_a_file_or_table_is_no_profile_of_it(follow, tmp_path):
    """Rows that are appended come from their sources beside those that were there; their number is not that of all."""
    import contextlib
    import sqlite3

    pd.DataFrame({"a": [1, 2, 3]}).to_csv("first.csv", index=False)
    pd.DataFrame({"a": [4]}).to_csv("second.csv", index=False)
    followed = follow("pandas", "numpy", "sqlite3")
    first, second = pd.read_csv("first.csv"), pd.read_csv("second.csv")
    first.to_csv("all.csv", index=False)
    second.to_csv("all.csv", mode="a", header=False, index=False)
    with contextlib.closing(sqlite3.connect("all.db")) as connection:
        second.to_sql("rows", connection, index=False, if_exists="append")
    assert followed.sources("all.csv", "a") == {("first.csv", "a"), ("second.csv", "a")}
    for name in ("all.csv", "rows"):
        assert "dataQualityMetrics" not in followed.facets(name)
        assert "exact" not in followed.facets(name).get("headwater_fingerprint", {})


def test_numbers_of_columns_that_a_dictionary_names(follow):
    """``frame.agg({...})`` uses the columns that it names, and a function of the user's among the values gets one
    column at a time: no other column is behind the result."""
    pd.DataFrame({"a": [1, 2, 3], "b": [4, 5, 6], "c": [7, 8, 9]}).to_csv("in.csv", index=False)
    followed = follow("pandas")
    df = pd.read_csv("in.csv")
    plain = df.agg({"a": "sum", "b": "mean"})
    own = df.agg({"a": ["sum", "mean"], "b": [lambda column: column.max()]})
    assert set().union(*followed.columns(plain).values()) == {("in.csv", "a"), ("in.csv", "b")}
    assert followed.columns(own) == {"a": {("in.csv", "a")}, "b": {("in.csv", "b")}}
