"""The result of profiling, as plain data: importing this needs neither numpy nor any data library."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct, field
from msgspec.structs import replace

from headwater.model.fingerprints import Fingerprint

Tier = Literal["schema", "fingerprint", "default", "full"]
"""``schema``: names, types, row count and size. ``fingerprint``: that and the digests. ``default``: that and the
statistics, within the budget. ``full``: the same without a budget."""


class ColumnProfile(Struct, frozen=True, kw_only=True):
    """One column: its type and, depending on the tier, a summary of its values.

    ``None`` always means "not known", never zero. Values are summarised for numbers and times only; for text there are
    only counts. ``minimum`` to ``quantiles`` are over the finite values (neither null, NaN nor infinite).
    ``minimum_time`` and ``maximum_time`` are ISO 8601. ``identifier`` marks integers that are (nearly) all distinct:
    their minimum, maximum and quantiles would be single persons' keys and are withheld.
    """

    name: str
    type: str
    nullable: bool
    null_count: int | None = None
    nan_count: int | None = None
    count: int | None = None
    distinct_estimate: int | None = None
    distinct_exact: bool = False
    minimum: float | int | None = None
    maximum: float | int | None = None
    mean: float | None = None
    std: float | None = None
    sum: float | int | None = None
    quantiles: dict[str, float] | None = None
    quantile_rows: int | None = None
    minimum_time: str | None = None
    maximum_time: str | None = None
    identifier: bool = False


class Profile(Struct, frozen=True, kw_only=True):
    """Schema, size, statistics and fingerprint of one object.

    ``rows_profiled`` is the number of rows behind the statistics. It is less than ``row_count`` only if the budget was
    exceeded; then ``fingerprint`` is None and ``skipped`` says so.
    """

    library: str
    tier: Tier
    row_count: int
    rows_profiled: int
    size_bytes: int | None
    columns: list[ColumnProfile]
    fingerprint: Fingerprint | None = None
    skipped: list[str] = field(default_factory=list)
    cpu_s: float = 0.0

    @property
    def complete(self) -> bool:
        """Whether everything that the tier promises is there."""
        return not self.skipped

    @property
    def fields(self) -> list[tuple[str, str, bool]]:
        """(name, type, nullable) of every column, in order."""
        return [(column.name, column.type, column.nullable) for column in self.columns]


def named(profile: Profile, names: Sequence[str]) -> Profile:
    """The profile with other names for its columns, if there is one for each; digests stay those of the object."""
    if len(names) != len(profile.columns) or len(set(names)) < len(names):
        return profile
    renamed = dict(zip((column.name for column in profile.columns), names, strict=True))
    columns = [replace(column, name=renamed[column.name]) for column in profile.columns]
    fingerprint = profile.fingerprint
    if fingerprint is not None:
        own = {renamed.get(name, name): digest for name, digest in fingerprint.columns.items()}
        fingerprint = replace(fingerprint, columns=own)
    return replace(profile, columns=columns, fingerprint=fingerprint)
