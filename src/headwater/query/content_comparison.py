"""Compares the content of two versions by their fingerprints, whatever the versions are called.

Data without a known writer is compared by the digest of its file, other data by its fingerprint: names say nothing
about content. What was said of a version may hold both, one of them, or none.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from headwater.query.facet_values import as_seen, body
from headwater.storage.base import Store
from headwater.storage.row_types import VersionRow


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """A version and what is known of its content: the fingerprint of its values, the digest of its file; empty if
    nobody took one."""

    version: VersionRow
    exact: str = ""
    file: str = ""

    @property
    def own_name(self) -> str:
        """The version name from its producer; empty if the version is identified by its content or its run."""
        name = self.version.version
        return "" if name in {self.version.run_id, self.exact, self.file} else name


def contents(store: Store, versions: Iterable[VersionRow]) -> list[Content]:
    """Return versions, in order, with what the runs that wrote them, or first read them, said of their content."""
    shown = as_seen(store, versions)
    facets = store.facets_of_versions([version.id for version in shown if version.id])
    return [_content(version, body(facets.get(version.id, {}), "headwater_fingerprint")) for version in shown]


def _content(version: VersionRow, marks: dict[str, Any]) -> Content:
    exact, file = marks.get("exact"), marks.get("file")
    digest = file.get("sha256") if isinstance(file, dict) else None
    return Content(
        version=version,
        exact=exact if isinstance(exact, str) else "",
        file=digest if isinstance(digest, str) else "",
    )


def is_same(before: Content, after: Content) -> bool | None:
    """Return whether two versions have the same content, or None if that cannot be determined.

    They do where both have the same values or the same file: a file that is read in another way has other values, and
    a rewritten file may have the same values in other bytes. Without fingerprints to compare, what a producer
    calls the same version of a dataset is taken for the same, and what it calls another for another.
    """
    left, right = before.version, after.version
    if left.id and left.id == right.id:
        return True
    pairs = [(one, other) for one, other in ((before.exact, after.exact), (before.file, after.file)) if one and other]
    if pairs:
        return any(one == other for one, other in pairs)
    if left.version in {after.exact, after.file} - {""} or right.version in {before.exact, before.file} - {""}:
        return True  # all that is known of what a run claims may be how it calls it
    if left.dataset_id != right.dataset_id:
        return None
    if left.version == right.version:
        return True
    return False if before.own_name and after.own_name else None


def state_facts(content: Content, other: Content | None = None) -> dict[str, Any]:
    """Return what a comparison shows of a version: its fingerprint, of the kind that ``other`` has too, or else its
    name; and its rows."""
    version = content.version
    kinds = [(content.exact, other.exact), (content.file, other.file)] if other else []
    fingerprint = next((one for one, its in kinds if one and its), version.fingerprint)
    facts: dict[str, Any] = {"fingerprint": fingerprint} if fingerprint else {}
    if not fingerprint and version.version:
        facts["version"] = version.version
    if version.row_count is not None:
        facts["rows"] = version.row_count
    return facts
