"""Looks up versions of a dataset by the names that people use."""

from __future__ import annotations

import re

from headwater.errors import InvalidInput
from headwater.query.content_comparison import contents
from headwater.storage.base import Store
from headwater.storage.row_types import NodeRow, VersionRow

_ALL = 100_000
_MOST_DESCRIBED = 1000
_DIGEST = re.compile(r"[0-9a-f]{4,64}")
_ORDINAL = re.compile(r"[vV][0-9]{1,18}")


def find_version(store: Store, node: NodeRow, text: str) -> VersionRow | None:
    """Return the version named by the producer's own word, ``latest``, ``v3`` (its place in time), the start of its
    name, fingerprint or writing run (four characters or more); None if none fits. What nobody known wrote goes by the
    digest of its file: of the latest thousand versions the fingerprint of their values, as readers told it, fits too.

    Raises ``InvalidInput`` when the text starts the names of several.
    """
    versions = store.versions(node.id, limit=_ALL)
    if text == "latest":
        return versions[0] if versions else None
    for version in versions:
        if version.version == text:
            return version
    if _ORDINAL.fullmatch(text):
        return next((version for version in versions if version.ordinal == int(text[1:])), None)
    if len(text) < 4 or text.isdigit():
        return None
    starts = [version for version in versions if _starts(version, text)]
    if not starts and _DIGEST.fullmatch(text):
        described = contents(store, versions[:_MOST_DESCRIBED])
        starts = [
            content.version for content in described if content.exact.startswith(text) or content.file.startswith(text)
        ]
    if len(starts) > 1:
        raise InvalidInput(
            field="version",
            value=text,
            rule=f"must name one version of {node.name}: {len(starts)} start so",
            hint="write more of it, or v1, v2 ... by time",
        )
    return starts[0] if starts else None


def _starts(version: VersionRow, text: str) -> bool:
    return any(name.startswith(text) for name in (version.version, version.fingerprint, version.run_id) if name)


def version_at(store: Store, dataset_id: int, as_of: int | None) -> VersionRow | None:
    """Return the latest version of a dataset at an instant (now when None)."""
    found = store.versions(dataset_id, as_of=as_of, limit=1)
    return found[0] if found else None
