"""Arrays that functions compute in their ``return``, also for several names at once."""

from __future__ import annotations

import pandas as pd
import pytest

BEGIN = """
import numpy as np, pandas as pd
paths = ["one.csv", "two.csv"]
def read(path):
    return pd.read_csv(path)
def twice(path):
    return read(path)["price"].to_numpy() * 2
def weighted(path, by):
    return read(path)["price"].to_numpy() * by
"""

SEVERAL = {
    "generator": "a, b = (twice(path) for path in paths)",
    "list": "a, b = [twice(path) for path in paths]",
    "map": "a, b = map(twice, paths)",
    "two calls": "a, b = twice('one.csv'), twice('two.csv')",
    "computed at once": "a, b = (read(path)['price'].to_numpy() * 2 for path in paths)",
    "in a loop": "for _ in range(3):\n    a, b = [twice(path) for path in paths]",
    "in a function": "def both(ps):\n    a, b = (twice(p) for p in ps)\n    return a, b\na, b = both(paths)",
}


@pytest.fixture
def run(follow):
    """Runs code that makes arrays of two files; gives what was seen."""
    for name in ("one", "two"):
        pd.DataFrame({"id": range(9), "price": range(9), "qty": range(9)}).to_csv(f"{name}.csv", index=False)
    followed = follow("pandas", "numpy")
    return lambda code: followed.run(BEGIN + code)


def test_the_column_that_a_return_computes_with(run):
    """Not the whole frame, and not the file that was read last."""
    followed = run(
        "a = twice('one.csv')\nb = twice('two.csv')\n"
        "pd.DataFrame({'a': a}).to_csv('a.csv')\npd.DataFrame({'b': b}).to_csv('b.csv')\n"
    )
    assert followed.sources("a.csv", "a") == {("one.csv", "price")}
    assert followed.sources("b.csv", "b") == {("two.csv", "price")}


def test_what_a_return_computes_with_beside_it(run):
    """Names in the same expression count, too."""
    followed = run(
        "by = read('two.csv')['qty'].to_numpy() + 1\na = weighted('one.csv', by)\n"
        "pd.DataFrame({'a': a}).to_csv('a.csv')\n"
    )
    assert followed.sources("a.csv", "a") == {("one.csv", "price"), ("two.csv", "qty")}


@pytest.mark.parametrize("way", SEVERAL)
def test_several_names_at_once(run, way):
    """Each name stands for what its round, or its call, made."""
    followed = run(
        f"{SEVERAL[way]}\npd.DataFrame({{'a': a}}).to_csv('a.csv')\npd.DataFrame({{'b': b}}).to_csv('b.csv')\n"
        "pd.DataFrame({'c': a + b}).to_csv('c.csv')\n"
    )
    one, two = ("one.csv", "price"), ("two.csv", "price")
    assert followed.sources("a.csv", "a") == {one}
    assert followed.sources("b.csv", "b") == {two}
    assert followed.sources("c.csv", "c") == {one, two}
