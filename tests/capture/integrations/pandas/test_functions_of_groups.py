"""``groupby(...).apply`` with functions that return frames: each column comes from what the function made it of."""

from __future__ import annotations

import traceback
import warnings

import pandas as pd
import pytest

from headwater.capture.trace import trace


@pytest.fixture
def frames(follow, tmp_path):
    """What follows pandas, and two frames read from files."""
    followed = follow("pandas", "numpy")
    data = {"g": ["x", "y"] * 4, "a": range(8), "b": range(10, 18), "c": [1, 2, 3, 4] * 2}
    pd.DataFrame(data).to_csv("t.csv", index=False)
    pd.DataFrame({"g": ["x", "y"], "rate": [1.5, 2.5]}).to_csv("rates.csv", index=False)
    return followed, pd.read_csv("t.csv"), pd.read_csv("rates.csv")


def read(followed, made):
    """The columns behind each column of a frame."""
    return {name: set(followed.direct(made, name)) for name in map(str, made.columns)}


def marks(followed, made, name):
    """How the direct sources of a column are known."""
    trails = trace(followed.recorder.values.get(made)).fields[name].values()
    return {trail.description for trail in trails if trail.type == "DIRECT"}


def scaled(group):
    """A copy of the group with one more column."""
    made = group.copy()
    made["z"] = (group["a"] - group["a"].mean()) / group["b"].std()
    return made


def test_frames_that_functions_of_groups_return(frames):
    """Chosen rows keep their columns, new columns come from theirs, a frame made of numbers from what these were
    computed from; the keys come from the keys."""
    followed, data, _ = frames
    same = {"a": {"a"}, "b": {"b"}, "c": {"c"}}
    made = data.groupby("g").apply(scaled)
    assert read(followed, made) == {**same, "z": {"a", "b"}}
    made = data.groupby("g").apply(lambda group: group.nlargest(1, "a")[["a", "b"]]).reset_index()
    assert read(followed, made) == {"g": {"g"}, "a": {"a"}, "b": {"b"}, "level_1": set()}
    assert ("a", "FILTER") in followed.indirect(made)
    made = data.groupby("g").apply(lambda group: pd.DataFrame({"m": [group["a"].mean()], "s": [group["b"].sum()]}))
    assert read(followed, made) == {"m": {"a"}, "s": {"b"}}
    made = data.groupby("g", group_keys=False).apply(lambda group: group.assign(share=group.c / group.c.sum()))
    assert read(followed, made) == {**same, "share": {"c"}}


def test_numbers_that_functions_of_groups_return(frames):
    """Also where the function hands its group to methods: from what the number was computed from."""
    followed, data, _ = frames
    made = data.groupby("g").apply(lambda group: group.nlargest(2, "a")["b"].mean())
    assert read(followed, made.reset_index(name="m")) == {"g": {"g"}, "m": {"b"}}


def test_what_a_function_of_groups_takes_from_elsewhere(frames):
    """Another frame that the function joins is among the sources of what it gives, and of nothing else."""
    followed, data, rates = frames
    made = data.groupby("g").apply(lambda group: group.assign(r=rates["rate"].max()))
    assert {name: set(found) for name, found in ((n, followed.direct(made, n)) for n in "ar")} == {
        "a": {"a"},
        "r": {"rate"},
    }


def test_branches_of_a_function_of_groups(frames):
    """What it gives for one group and for another counts; groups without a result are left out."""
    followed, data, _ = frames

    def chosen(group):
        if group["a"].iloc[0] == 0:
            return group[["a"]].rename(columns={"a": "v"})
        return group[["b"]].rename(columns={"b": "v"})

    assert read(followed, data.groupby("g").apply(chosen)) == {"v": {"a", "b"}}
    made = data.groupby("c").apply(lambda group: group[["a"]] if len(group) > 1 else None)
    assert read(followed, made) == {"a": {"a"}}


def test_more_groups_than_are_observed(frames):
    """Then the columns are those of the first groups, and a guess."""
    followed, data, _ = frames
    many = pd.concat([data] * 5, ignore_index=True).reset_index()
    calls = []

    def first(group):
        calls.append(group.name)
        return group.assign(twice=group["a"] * 2)

    made = many.groupby("index").apply(first)
    assert len(calls) == 40
    assert read(followed, made) == {"g": {"g"}, "a": {"a"}, "b": {"b"}, "c": {"c"}, "twice": {"a"}}
    assert marks(followed, made, "twice") == {"inferred"}
    assert marks(followed, data.groupby("g").apply(scaled), "z") == {""}


def test_errors_and_warnings_of_functions_of_groups_are_the_same(frames):
    """No frame of ours stands in a traceback that names the function, and a warning names the user's line."""
    _, data, _ = frames

    def fails(group):
        raise ValueError(group.name)

    with pytest.raises(ValueError, match="x") as raised:
        data.groupby("g").apply(fails)
    names = [frame.name for frame in traceback.extract_tb(raised.tb) if "headwater/capture/" not in frame.filename]
    assert names[-1] == "fails"

    def warns(group):
        warnings.warn("look", stacklevel=1)
        return group

    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        data.groupby("g").apply(warns)
    assert {one.filename for one in seen if "look" in str(one.message)} == {__file__}
