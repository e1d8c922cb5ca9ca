"""Content fingerprints of tables and files: what they hold and how two of them compare.

A fingerprint is computed over *all* rows or it does not exist; nothing here stands for a sample. It is made of

- ``columns``: for each column a digest of its type and its values in order. It does not contain the name, so a rename
  shows up as the same digest under another name;
- ``schema``: the names and types of the columns in order;
- ``exact``: schema and columns together, so the order of rows and of columns counts;
- ``multiset``: schema and the rows as a bag, so the order of rows does not count.

The digests detect accidental changes; they are not meant to withstand a deliberate search for a collision
(row hashes have 64 bits). What serves as evidence against an adversary is the SHA-256 of a file.
"""

from __future__ import annotations

import enum
import hashlib
import json
from collections.abc import Iterable, Mapping

from msgspec import Struct

ALGORITHM = "hw1"
"""Name of the canonical form and the mixing. It changes whenever the same data would get another digest."""


class Comparison(enum.StrEnum):
    """How two fingerprints relate."""

    EQUAL = "equal"
    REORDERED = "same rows in other order"
    DIFFERENT = "different"
    NOT_COMPARABLE = "not comparable"


class Fingerprint(Struct, frozen=True, kw_only=True):
    """The content of one table: all digests are lower-case hexadecimal of 128 bits.

    ``library`` names the library (with version) that held the data; it is evidence and takes no part in comparisons,
    because the algorithm does not depend on it.
    """

    exact: str
    multiset: str
    schema: str
    columns: dict[str, str]
    row_count: int
    algorithm: str = ALGORITHM
    library: str = ""

    def compare(self, other: Fingerprint) -> Comparison:
        """Say how the contents relate; fingerprints of different algorithms are never compared."""
        if self.algorithm != other.algorithm:
            return Comparison.NOT_COMPARABLE
        if self.exact == other.exact:
            return Comparison.EQUAL
        if self.multiset == other.multiset:
            return Comparison.REORDERED
        return Comparison.DIFFERENT

    def changed_columns(self, other: Fingerprint) -> list[str]:
        """Names of columns that were added, removed or hold other values (or the same in another order), sorted.

        Empty with ``DIFFERENT`` means that only the order of the columns changed. Columns of fingerprints that are
        not comparable all count as changed.
        """
        names = self.columns.keys() | other.columns.keys()
        if self.algorithm != other.algorithm:
            return sorted(names)
        return sorted(name for name in names if self.columns.get(name) != other.columns.get(name))

    def renamed_columns(self, other: Fingerprint) -> dict[str, str]:
        """Columns that are gone from ``self`` and stand in ``other`` under a new name: old name to new name.

        Only digests that are unique on both sides count, so constant columns never produce a guess.
        """
        if self.algorithm != other.algorithm:
            return {}
        gone = _by_digest(self.columns, self.columns.keys() - other.columns.keys())
        new = _by_digest(other.columns, other.columns.keys() - self.columns.keys())
        pairs = ((gone[digest], new[digest]) for digest in gone.keys() & new.keys())
        return {old[0]: fresh[0] for old, fresh in sorted(pairs) if len(old) == len(fresh) == 1}


class FileFingerprint(Struct, frozen=True, kw_only=True):
    """The bytes of a file or of a folder.

    ``digest`` is the SHA-256 of a file's bytes, or the Merkle root over names and digests of a folder's entries.
    ``mtime_ns`` is the last modification (for a folder the newest of all files) in nanoseconds since the epoch.
    """

    digest: str
    size_bytes: int
    mtime_ns: int
    file_count: int = 1
    kind: str = "file"
    algorithm: str = "sha256"

    def compare(self, other: FileFingerprint) -> Comparison:
        """``EQUAL`` when the bytes (and, for a folder, the names) are the same, whatever the times say."""
        if (self.algorithm, self.kind) != (other.algorithm, other.kind):
            return Comparison.NOT_COMPARABLE
        return Comparison.EQUAL if self.digest == other.digest else Comparison.DIFFERENT


def digest_of(*parts: object) -> str:
    """128-bit digest of a sequence of JSON values; lists and strings cannot run into each other."""
    canonical = json.dumps(parts, ensure_ascii=True, separators=(",", ":"), sort_keys=True)
    return hashlib.blake2b(canonical.encode("ascii"), digest_size=16).hexdigest()


def schema_digest(fields: Iterable[tuple[str, str]]) -> str:
    """Digest of (name, type) pairs in their order. Nullability is not part of it: libraries disagree about it."""
    return digest_of(ALGORITHM, "schema", [[name, type_] for name, type_ in fields])


def unique_names(names: Iterable[str]) -> list[str]:
    """Column names made distinct: a repeated ``a`` becomes ``a#2``, so that a mapping can hold every column."""
    seen: set[str] = set()
    result: list[str] = []
    for name in names:
        candidate, count = name, 1
        while candidate in seen:
            count += 1
            candidate = f"{name}#{count}"
        seen.add(candidate)
        result.append(candidate)
    return result


def _by_digest(columns: Mapping[str, str], names: Iterable[str]) -> dict[str, list[str]]:
    """Group column names by digest."""
    found: dict[str, list[str]] = {}
    for name in sorted(names):
        found.setdefault(columns[name], []).append(name)
    return found
