"""Versions are the same where the facts show it, whatever each of them is called."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.query import Lineage
from headwater.storage.base import Store
from headwater.storage.memory import MemoryStore
from headwater.testing.events import dataset, facet, raw, run_id, whole_run


class Said(NamedTuple):
    """What a run says of the one table: its producer's version, the fingerprint of its values, the digest of its
    file; and whether the run wrote it, or read what nobody known wrote."""

    version: str
    exact: str
    file: str
    is_written: bool

    def events(self, number: int) -> list[dict[str, Any]]:
        """A run that says so."""
        facets: dict[str, Any] = {"dataQualityMetrics": facet(rowCount=3)}
        if self.version:
            facets["version"] = facet(datasetVersion=self.version)
        marks: dict[str, Any] = {"exact": self.exact} if self.exact else {}
        if self.file:
            marks["file"] = {"sha256": self.file}
        if marks:
            facets["headwater_fingerprint"] = facet(**marks)
        table = dataset("t", facets=facets)
        ends = ([], [table]) if self.is_written else ([table], ["o"])
        return whole_run(number, "w" if self.is_written else "r", 100 * number, *ends)


def expected(before: Said, after: Said) -> str:
    """``same``, ``changed``, or ``unknown``."""
    pairs = [(one, other) for one, other in ((before.exact, after.exact), (before.file, after.file)) if one and other]
    if pairs:
        return "same" if any(one == other for one, other in pairs) else "changed"
    if before.version and after.version:
        return "same" if before.version == after.version else "changed"
    return "unknown"


said = st.builds(
    Said,
    version=st.sampled_from(["", "", "1", "2"]),
    exact=st.sampled_from(["", "e" * 32, "f" * 32]),
    file=st.sampled_from(["", "a" * 64, "b" * 64]),
    is_written=st.booleans(),
)


@given(before=said, after=said)
@settings(deadline=None)
def test_content_is_compared_by_what_was_said_of_it(before: Said, after: Said) -> None:
    """Raw or written, under a fingerprint, a digest or a producer's name, in either order: two versions are said to
    differ in content only where a mark of both tells, and to be the same where one does."""
    with MemoryStore.open() as store:
        store.append(raw([*before.events(1), *after.events(2)]))
        if len(store.versions(store.find("dataset", "db", "t").id)) < 2:
            return  # the second run read what the first one wrote, or both read one state
        diff = Lineage(store).diff("t#v1", "t#v2")
        differs = {item.name: item.kind for item in diff.of_kind("version")}
        equal = [item.name for item in diff.same if item.what == "version"]
        if expected(before, after) == "same":
            assert differs == {}
            assert "content" in equal
        else:
            assert "content" not in equal
            assert differs


@pytest.mark.parametrize("is_file_alone", [False, True])
def test_a_file_that_a_known_run_writes_again_is_the_same(empty: Store, is_file_alone: bool) -> None:
    """Raw data goes by the digest of its file; when a known run writes the same content, the version goes by its
    fingerprint. Neither the versions nor the runs that read them differ in it, and the file is no cause."""
    marks = {"file": {"sha256": "a" * 64}} if is_file_alone else {"exact": "e" * 32, "file": {"sha256": "a" * 64}}
    seen = dataset("t", facets={"headwater_fingerprint": facet(**marks), "dataQualityMetrics": facet(rowCount=9)})
    wrote = dataset("t", facets={"headwater_fingerprint": facet(exact="e" * 32, file={"sha256": "a" * 64})})
    empty.append(
        raw(
            [
                *whole_run(1, "r", 0, [seen], ["o"]),
                *whole_run(2, "w", 100, [], [wrote]),
                *whole_run(3, "r", 200, [seen], ["o"]),
            ]
        )
    )
    lineage = Lineage(empty)
    first, second = lineage.history("t").versions[::-1]
    assert first.version == "a" * 64
    assert second.version == "e" * 32
    diff = lineage.diff("t#v1", "t#v2")
    assert not diff.differences
    assert "no difference" in diff.to_text()
    runs = lineage.diff(run_id(1), run_id(3))
    assert [item.kind for item in (*runs.differences, *runs.same) if item.what == "input"] == ["same"]
    assert [item.note for item in runs.of_kind("output")] == [
        "rewritten; without a fingerprint it is unknown whether the content differs"
    ]
