"""How fingerprints compare."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from headwater.model.fingerprints import (
    Comparison,
    FileFingerprint,
    Fingerprint,
    digest_of,
    schema_digest,
    unique_names,
)

LETTERS = st.sampled_from("ab")
FINGERPRINTS = st.builds(
    Fingerprint,
    exact=LETTERS,
    multiset=LETTERS,
    schema=LETTERS,
    columns=st.dictionaries(st.sampled_from("xyz"), st.sampled_from("pqr")),
    row_count=st.integers(0, 3),
    algorithm=LETTERS,
    library=LETTERS,
)


@given(FINGERPRINTS, FINGERPRINTS)
def test_comparison_is_symmetric_and_of_one_algorithm(left: Fingerprint, right: Fingerprint) -> None:
    """Neither side comes first; other algorithms are never called different; the library does not matter."""
    assert left.compare(right) is right.compare(left)
    assert left.compare(left) is Comparison.EQUAL
    assert (left.compare(right) is Comparison.NOT_COMPARABLE) == (left.algorithm != right.algorithm)
    assert left.changed_columns(right) == right.changed_columns(left)
    assert left.compare(msgspec.structs.replace(right, library="other")) is left.compare(right)


@given(FINGERPRINTS, FINGERPRINTS)
def test_renames_are_pairs_of_vanished_and_new_names(left: Fingerprint, right: Fingerprint) -> None:
    """Each with the same digest, and reversible."""
    renamed = left.renamed_columns(right)
    for old, new in renamed.items():
        assert old not in right.columns and new not in left.columns and left.columns[old] == right.columns[new]
    assert right.renamed_columns(left) == {new: old for old, new in renamed.items()}


def test_columns_that_look_alike_are_no_rename() -> None:
    """Two constant columns that vanish may have become either."""
    parts = {"exact": "1", "multiset": "1", "schema": "1", "row_count": 1}
    left = Fingerprint(columns={"a": "p", "b": "p"}, **parts)  # type: ignore[arg-type]
    right = Fingerprint(columns={"c": "p", "d": "q"}, **parts)  # type: ignore[arg-type]
    assert left.renamed_columns(right) == {}


def test_files_compare_by_content_not_by_time() -> None:
    """A copy is equal; a folder and a file are not compared."""
    one = FileFingerprint(digest="d", size_bytes=1, mtime_ns=1)
    assert one.compare(msgspec.structs.replace(one, mtime_ns=2)) is Comparison.EQUAL
    assert one.compare(msgspec.structs.replace(one, digest="e")) is Comparison.DIFFERENT
    assert one.compare(msgspec.structs.replace(one, kind="folder")) is Comparison.NOT_COMPARABLE


@given(st.lists(st.tuples(st.text(max_size=3), st.text(max_size=3)), max_size=3), st.data())
def test_schema_digest_is_of_the_ordered_pairs(fields: list[tuple[str, str]], data: st.DataObject) -> None:
    """Any other list of pairs has another digest, however the characters are cut up."""
    other = data.draw(st.lists(st.tuples(st.text(max_size=3), st.text(max_size=3)), max_size=3))
    assert (schema_digest(fields) == schema_digest(other)) == (fields == other)
    assert digest_of("a", ["b"]) != digest_of("ab", []) != digest_of("a", "b")


@given(st.lists(st.sampled_from(["a", "a#2", "a#3", "b"]), max_size=8))
def test_unique_names_are_unique_and_keep_the_first(names: list[str]) -> None:
    """Also when a name looks like a numbered one."""
    found = unique_names(names)
    assert len(set(found)) == len(names) == len(found)
    assert all(new.startswith(old) for old, new in zip(names, found, strict=True))
    if len(set(names)) == len(names):
        assert found == names
