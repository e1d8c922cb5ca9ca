"""Short names: each tells its path from all others that are shown with it, and is the end of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.model.short_names import ShortNames, database_file, is_path

PROJECT = ("/home/me/p/raw/data.csv", "/home/me/p/clean/data.csv", "/home/me/p/a.csv", "/home/me/p/x/2026/data.csv")


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("/home/me/p/raw/data.csv", "raw/data.csv"),
        ("/home/me/p/clean/data.csv", "clean/data.csv"),
        ("/home/me/p/a.csv", "a.csv"),
        ("/home/me/p/x/2026/data.csv", "2026/data.csv"),
        ("/elsewhere/far/raw/data.csv", "far/raw/data.csv"),
        ("/far/elsewhere/b/", "elsewhere/b/"),
        ("/b/whole.csv", "/b/whole.csv"),
    ],
)
def test_a_file_is_its_folder_and_name_or_as_much_as_it_needs(name, short):
    """A name in the folder of all is enough there; a second file of one folder and name gets a folder more."""
    names = ShortNames([("file", one) for one in PROJECT])
    assert names.of("file", name) == short


def test_only_paths_are_shortened():
    """A table, a job and a frame in memory keep their names; an object of a store is a path, too."""
    names = ShortNames([])
    assert names.of("postgres://db:5432", "shop.public.orders") == "shop.public.orders"
    assert names.of("inmemory://p", "train.py/classifier/x") == "train.py/classifier/x"
    assert names.of("default", "etl/daily/load") == "etl/daily/load"
    assert names.of("s3://lake", "warehouse/silver/orders") == "silver/orders"
    assert is_path("file://host", "/a/b")
    assert database_file("sqlite:///home/me/p/clinic.db") == "/home/me/p/clinic.db"
    assert database_file("postgres://db:5432") == ""


paths = st.lists(st.sampled_from("abc"), min_size=1, max_size=5).map(lambda parts: "/" + "/".join(parts))


@given(st.sets(paths, min_size=1, max_size=12), st.randoms())
def test_no_two_names_look_alike(found, random):
    """Different paths have different short names, each the end of its own, whatever the order they are given in."""
    shuffled = sorted(found)
    random.shuffle(shuffled)
    names, again = ShortNames(("file", one) for one in sorted(found)), ShortNames(("file", one) for one in shuffled)
    short = {one: names.of("file", one) for one in found}
    assert len(set(short.values())) == len(found)
    assert all(one.endswith(end) for one, end in short.items())
    assert short == {one: again.of("file", one) for one in found}
