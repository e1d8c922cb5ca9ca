"""Shortens digests and run ids for people, to a prefix that is unique among those shown."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable

from headwater.model.graph import Node, NodeKind
from headwater.model.patterns import lazy_pattern

LEAST = 10
"""Digits of a digest: few enough to compare at a glance."""
_DIGEST = lazy_pattern(r"(?:[A-Za-z0-9][A-Za-z0-9-]{1,15}:)?[0-9a-f]{16,128}", re.ASCII)
_ID = lazy_pattern(r"[0-9a-f]{8}-[0-9a-f]{4}-([0-9a-f])[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII)


def is_digest(text: str) -> bool:
    """Tell whether text is a digest in hexadecimal digits, with or without its algorithm (``sha256:...``)."""
    return _DIGEST.fullmatch(text) is not None


def is_run_id(text: str) -> bool:
    """Tell whether text is a UUID."""
    return _ID.fullmatch(text) is not None


class ShortDigests:
    """Short forms of digests and run ids that are shown together, each unique among them.

    A digest is shown by its first ten digits, without the name of its algorithm; a run id by its first group, or by the
    two that hold the time where it begins with one. Both get as many more as tell them from the others.

    >>> ShortDigests(["aaaaaaaaaaaa0000", "aaaaaaaaaaaa1111"]).of("sha256:aaaaaaaaaaaa0000")
    'aaaaaaaaaaaa00'
    """

    def __init__(self, shown: Iterable[str] = ()) -> None:
        self._all = sorted({_digits(text) for text in shown})

    def of(self, text: str) -> str:
        """Return the short form of a digest or run id; other text as it is."""
        if not (is_digest(text) or is_run_id(text)):
            return text
        digits = _digits(text)
        return digits[: max(_least(digits), self._shared(digits) + 1)]

    def _shared(self, digits: str) -> int:
        """How many digits at its beginning the digest has in common with the one that is most like it."""
        at = bisect_left(self._all, digits)
        near = [other for other in self._all[max(0, at - 1) : at + 2] if other != digits]
        return max((_common(digits, other) for other in near), default=0)


def version_ends(nodes: Iterable[Node]) -> dict[str, str]:
    """What tells the versions among nodes apart, by node id: ``#`` and the short form of the version."""
    versions = {
        node.id: str(node.properties.get("version", "")) for node in nodes if node.kind is NodeKind.DATASET_VERSION
    }
    short = ShortDigests(versions.values())
    return {node_id: f"#{short.of(version)}" for node_id, version in versions.items() if version}


def _digits(text: str) -> str:
    return text.rpartition(":")[2]


def _least(digits: str) -> int:
    """Ids that begin with the time need more of it."""
    found = _ID.fullmatch(digits)
    if found is None:
        return LEAST
    return 13 if found[1] == "7" else 8


def _common(one: str, other: str) -> int:
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
