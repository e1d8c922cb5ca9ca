"""Fingerprints of files and folders."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.capture.profiling import FileDigests, fingerprint_file
from headwater.capture.profiling.files import parquet_footer
from headwater.errors import InvalidInput, NotFound
from headwater.model.fingerprints import Comparison


@settings(max_examples=20, deadline=None)
@given(content=st.binary(max_size=200))
def test_a_file_is_its_bytes(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    """The digest is the plain SHA-256 that any other tool gives."""
    path = tmp_path_factory.mktemp("one") / "data.bin"
    path.write_bytes(content)
    found = fingerprint_file(path)
    assert (found.digest, found.size_bytes) == (hashlib.sha256(content).hexdigest(), len(content))
    assert found.mtime_ns == path.stat().st_mtime_ns


def _age(path: Path, seconds: int = 60) -> None:
    """Make a file look as if it had been left alone."""
    moment = time.time_ns() - seconds * 10**9
    os.utime(path, ns=(moment, moment))


def test_a_file_that_was_just_written_is_read_again(tmp_path: Path) -> None:
    """Two writes within the resolution of the clock, of equal size, are told apart."""
    path = tmp_path / "data"
    path.write_bytes(b"one")
    state = path.stat()
    first = fingerprint_file(path)
    path.write_bytes(b"two")
    os.utime(path, ns=(state.st_mtime_ns, state.st_mtime_ns))
    assert fingerprint_file(path).compare(first) is Comparison.DIFFERENT


def test_an_unchanged_file_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A known state needs no reading; a change of content at the same size and time is still seen."""
    digests = FileDigests()
    path = tmp_path / "data"
    path.write_bytes(b"one")
    _age(path)
    later = time.time_ns() + 60 * 10**9
    monkeypatch.setattr("headwater.capture.profiling.files.time.time_ns", lambda: later)
    first = fingerprint_file(path, digests=digests)
    monkeypatch.setattr(hashlib, "sha256", lambda *_: pytest.fail("read again"))
    assert fingerprint_file(path, digests=digests) == first
    monkeypatch.undo()
    state = path.stat()
    path.write_bytes(b"two")
    os.utime(path, ns=(state.st_mtime_ns, state.st_mtime_ns))
    assert fingerprint_file(path, digests=digests).digest == hashlib.sha256(b"two").hexdigest()


def test_folders_are_trees_of_names_and_content(tmp_path: Path) -> None:
    """Equal trees agree wherever they stand; a name, a byte, a level or a link changes the root."""
    roots = []
    for at, change in enumerate(["same", "same", "name", "byte", "level", "link", "empty"]):
        root = tmp_path / str(at)
        (root / "inner").mkdir(parents=True)
        (root / "a.txt").write_text("a" if change != "byte" else "b")
        (root / "inner" / ("b.txt" if change != "name" else "c.txt")).write_text("b")
        if change == "level":
            (root / "a.txt").rename(root / "inner" / "a.txt")
        if change == "link":
            (root / "link").symlink_to("a.txt")
        if change == "empty":
            (root / "more").mkdir()
        roots.append(fingerprint_file(root))
    assert roots[0].digest == roots[1].digest
    assert len({root.digest for root in roots}) == len(roots) - 1
    assert (roots[0].file_count, roots[0].size_bytes, roots[0].kind) == (2, 2, "folder")


def test_a_folder_linked_into_itself_ends(tmp_path: Path) -> None:
    """Links inside a folder count by where they point to and are not followed."""
    (tmp_path / "loop").symlink_to(tmp_path)
    assert fingerprint_file(tmp_path).file_count == 0


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    """A missing file is not found; a pipe is refused instead of waited for."""
    with pytest.raises(NotFound):
        fingerprint_file(tmp_path / "absent")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(InvalidInput, match="regular file"):
        fingerprint_file(pipe)
    assert fingerprint_file(tmp_path).file_count == 0


def test_parquet_footer_tells_rows_fields_and_nulls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over all row groups, with types in our words, by pyarrow or (but for the nulls) by polars; anything but Parquet
    is None."""
    path = tmp_path / "t.parquet"
    table = pa.table({"x": pa.array([1, None, 3] * 4), "s": ["a", "b", None] * 4})
    pq.write_table(table, path, row_group_size=5)
    found = parquet_footer(path)
    assert found is not None
    assert (found["row_count"], found["fields"]) == (12, [("x", "int64"), ("s", "string")])
    assert found["null_counts"] == {"x": 4, "s": 4}
    monkeypatch.delitem(sys.modules, "pyarrow.parquet")
    by_polars = parquet_footer(path)
    assert pl.read_parquet(path).height == 12
    assert by_polars == {**found, "null_counts": {}}
    (tmp_path / "no.parquet").write_bytes(b"not parquet")
    assert parquet_footer(tmp_path / "no.parquet") is None
    monkeypatch.undo()
    assert parquet_footer(tmp_path / "no.parquet") is None
    assert parquet_footer(tmp_path / "absent.parquet") is None
