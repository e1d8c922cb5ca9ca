"""Lists that stand in the statement that uses them, and numbers and texts that a loop over data puts into a column."""

from __future__ import annotations

import pandas as pd
import pytest

NUMBERS = {
    "a": [1.0, 4.0, 9.0, 2.0],
    "b": [2.0, 3.0, 5.0, 8.0],
    "kind": ["x", "y", "x", "z"],
    "town": ["p", "q", "q", "p"],
    "id": [7, 8, 9, 7],
}


@pytest.fixture
def told(follow):
    """Runs a script over frames read from two files; tells the columns behind those of the files that it writes."""
    pd.DataFrame(NUMBERS).to_csv("in.csv", index=False)
    pd.DataFrame(NUMBERS).to_csv("more.csv", index=False)
    followed = follow("pandas", "numpy", "sklearn")
    start = "import heapq, numpy as np, pandas as pd\nd, e = pd.read_csv('in.csv'), pd.read_csv('more.csv')\n"

    def run(script):
        return followed.run(start + script)

    return run


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("list(d['a'].values)", {"a"}),
        ("d['a'].values.tolist()", {"a"}),
        ("list(d['a'].values * 2)", {"a"}),
        ("[cell + 1 for cell in d['a'].values]", {"a"}),
        ("list(map(str.upper, d['kind'].values))", {"kind"}),
        ("sorted(d['kind'].values)", {"kind"}),
        ("list(d['a'].values) + []", {"a"}),
        ("list(np.maximum(d['a'].values, d['b'].values))", {"a", "b"}),
        ("pd.DatetimeIndex([f'2020-01-0{int(cell)}' for cell in d['a'].values]).day", {"a"}),
        ("pd.to_datetime([f'2020-01-0{cell}' for cell in d['id']]).day * 2", {"id"}),
        ("pd.Index([cell * 2 for cell in d['id'].values])", {"id"}),
        ("pd.Categorical(list(d['kind'].values))", {"kind"}),
        ("pd.date_range('2020-01-01', periods=len(d)).day", set()),
        ("list(range(len(d)))", set()),
        ("[1.0, 2.0, 3.0, 4.0]", set()),
    ],
)
def test_a_list_without_a_name_comes_from_its_expression(told, expression, expected):
    """Put into a column, or given to a constructor, it has what its own part of the statement computes with."""
    script = (
        "out = d[['id']].copy()\n"
        f"out['new'] = {expression}\n"
        "out.to_csv('out.csv', index=False)\n"
        f"pd.DataFrame({{'id': d['id'], 'new': {expression}}}).to_csv('frame.csv', index=False)\n"
    )
    followed = told(script)
    assert followed.sources("out.csv", "new") == {("in.csv", name) for name in expected}
    assert followed.sources("frame.csv", "new") == {("in.csv", name) for name in expected}


def test_a_list_made_of_a_column_named_in_a_loop_is_of_that_round(told):
    """In a loop over columns, neither a list with a name nor one without comes from the column of the round before."""
    followed = told(
        "out = d[['id']].copy()\n"
        "for name in ['kind', 'town']:\n"
        "    out[name + '1'] = list(d[name].values)\n"
        "    cells = d[name].tolist()\n"
        "    out[name + '2'] = cells\n"
        "    out[name + '3'] = [cell.upper() for cell in d[name].values]\n"
        "for name in ['a', 'b']:\n"
        "    out[name] = d[name].values * 2\n"
        "    out[name] += 0.5 * e[name].values\n"
        "out.to_csv('out.csv', index=False)\n"
    )
    for name in ("kind", "town"):
        assert all(followed.sources("out.csv", f"{name}{i}") == {("in.csv", name)} for i in (1, 2, 3))
    for name in ("a", "b"):
        assert followed.sources("out.csv", name) == {("in.csv", name), ("more.csv", name)}


def test_an_encoder_that_is_given_lists(told):
    """``encoder.transform(list(column.values))`` comes from that column; what the encoder learned it from decides."""
    followed = told(
        "from sklearn.preprocessing import LabelEncoder\n"
        "for name in ['kind', 'town']:\n"
        "    encoder = LabelEncoder()\n"
        "    encoder.fit(list(d[name].values) + list(e[name].values))\n"
        "    d[name] = encoder.transform(list(d[name].values))\n"
        "    e[name] = encoder.transform(list(e[name].values))\n"
        "d.to_csv('d.csv', index=False)\n"
    )
    for name in ("kind", "town"):
        assert followed.sources("d.csv", name) == {("in.csv", name), ("more.csv", name)}
        direct = [
            item["name"].rpartition("/")[2]
            for item in followed.entries()["d.csv"]["fields"][name]["inputs"]
            if item["transformations"][0]["type"] == "DIRECT"
        ]
        assert direct == ["in.csv"]


def test_a_model_that_is_given_lists(told):
    """Each of two lists in one call has what its own expression says: rows and labels."""
    followed = told(
        "from sklearn.linear_model import LinearRegression\n"
        "model = LinearRegression().fit(d[['a']].values.tolist(), list(d['b'].values))\n"
        "e['told'] = model.predict(e[['a']].values.tolist())\n"
        "e[['told']].to_csv('told.csv', index=False)\n"
    )
    assert followed.sources("model", "x0") == {("model.training_data", "x0")}
    assert followed.sources("model.training_data", "x0") == {("in.csv", "a")}
    assert followed.sources("model.training_data", "label") == {("in.csv", "b")}
    assert ("more.csv", "a") in followed.sources("told.csv", "told")


@pytest.mark.parametrize(
    "put", ["list.append(rows, row['a'] * 2)", "rows.append(row['a'] * 2)", "heapq.heappush(rows, row['a'] * 2)"]
)
def test_a_list_that_a_function_is_given_to_fill(told, put):
    """``list.append(rows, x)`` fills ``rows``, as ``rows.append(x)`` does: it is no empty list any more."""
    followed = told(
        f"rows = []\nfor _, row in d.iterrows():\n    {put}\nd['new'] = rows\nd.to_csv('out.csv', index=False)"
    )
    assert ("in.csv", "a") in followed.sources("out.csv", "new")


@pytest.mark.parametrize(
    ("loop", "expected"),
    [
        ("for key, part in d.groupby('kind'):\n    part = part.copy()", {"kind"}),
        ("for _, (key, part) in enumerate(d.groupby('kind')):\n    part = part.copy()", {"kind"}),
        ("for (other, key), part in d.groupby(['kind', 'town']):\n    part = part.copy()", {"town"}),
        ("KEY = 'town'\nfor key, part in d.groupby(KEY):\n    part = part.copy()", {"town"}),
        ("for key in d['id'].unique():\n    part = d[d['id'] == key].copy()", {"id"}),
        ("for key in sorted(d.kind.unique()):\n    part = d[d.kind == key].copy()", {"kind"}),
        ("for key in set(d.a).union(set(d.b)):\n    part = d.copy()", {"a", "b"}),
        ("for part, key in zip([d.copy(), d.copy()], d['b']):\n    pass", {"b"}),
        ("for key in range(2020, 2022):\n    part = d.copy()", set()),
        ("for key in d.columns:\n    part = d.copy()", set()),
        ("for key, part in {'first': d.copy(), 'second': d.copy()}.items():\n    pass", set()),
    ],
)
def test_a_key_that_a_loop_puts_into_a_column(told, loop, expected):
    """Keys of groups and single values of a column, also those that Python shares, come from that column; names of
    columns and of tables, and numbers that the code spells out, come from nothing."""
    followed = told(
        f"parts = []\n{loop}\n    part['new'] = key\n    parts.append(part)\npd.concat(parts).to_csv('out.csv')"
    )
    assert followed.sources("out.csv", "new") == {("in.csv", name) for name in expected}


@pytest.mark.parametrize(
    "made",
    [
        "pd.DataFrame({'new': key, 'a': d.loc[d['id'] == key, 'a']})",
        "d[['a']].assign(new=key)",
        "cut(d, key)",
        "cut(d, key=key)",
    ],
)
def test_a_key_that_a_comprehension_puts_into_a_column(told, made):
    """Also as an item of a dictionary, by ``assign``, and in a function that it is passed to."""
    function = (
        "def cut(frame, key):\n    part = frame[frame['id'] == key].copy()\n    part['new'] = key\n    return part\n"
    )
    followed = told(f"{function}pd.concat([{made} for key in d['id'].unique()]).to_csv('out.csv', index=False)")
    assert followed.sources("out.csv", "new") == {("in.csv", "id")}
