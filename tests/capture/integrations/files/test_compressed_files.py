"""Files that the standard library compresses are known by their path, whatever wraps them."""

from __future__ import annotations

import bz2
import gzip
import lzma

import pandas as pd
import pytest

FORMS = {"gz": gzip, "bz2": bz2, "xz": lzma}


@pytest.mark.parametrize("end", FORMS)
def test_a_frame_there_and_back(follow, end):
    """A frame written into a compressed text file, and read back from one: exact, column by column."""
    pd.DataFrame({"a": [1, 2], "b": [3, 4]}).to_csv("in.csv", index=False)
    followed = follow("files", "pandas")
    with FORMS[end].open(f"out.csv.{end}", "wt") as file:
        pd.read_csv("in.csv").to_csv(file, index=False)
    with FORMS[end].open(f"out.csv.{end}", "rt") as file:
        back = pd.read_csv(file)
    back.assign(c=back["a"] * 2).to_csv("back.csv", index=False)
    assert back.to_dict("list") == {"a": [1, 2], "b": [3, 4]}
    assert followed.sources(f"out.csv.{end}", "a") == {("in.csv", "a")}
    assert followed.sources("back.csv", "c") == {(f"out.csv.{end}", "a")}


@pytest.mark.parametrize("end", FORMS)
def test_lines_written_by_hand(follow, end):
    """Lines that plain Python writes into a compressed file come from what the code names."""
    pd.DataFrame({"a": [1, 2], "b": [3, 4]}).to_csv("in.csv", index=False)
    followed = follow("files", "pandas")
    frame = pd.read_csv("in.csv")
    with FORMS[end].open(f"lines.txt.{end}", "wt") as file:
        for row in frame.itertuples():
            file.write(f"{row.b}\n")
    assert followed.sources(f"lines.txt.{end}") == {"in.csv"}
