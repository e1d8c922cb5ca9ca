"""Profiles of data: schema, size, statistics and a fingerprint of the full content, in one pass.

``profile`` reads frames of pandas and polars, tables of pyarrow, arrays of numpy, sparse matrices of scipy, and lists
and mappings. It never changes what it reads. The docstring of ``profile`` says what corresponds to what.
"""

from __future__ import annotations

from typing import Any

from headwater.capture.profiling.adapters import reader_of, required_reader
from headwater.capture.profiling.facets import profile_facets
from headwater.capture.profiling.files import FileDigests, fingerprint_file
from headwater.capture.profiling.profile import ColumnProfile, Profile, Tier, named
from headwater.capture.profiling.snapshots import Snapshot, snapshot
from headwater.errors import InvalidInput

__all__ = [
    "ColumnProfile",
    "FileDigests",
    "Profile",
    "Snapshot",
    "Tier",
    "can_profile",
    "fingerprint_file",
    "profile",
    "profile_facets",
    "snapshot",
]

PROFILE_BUDGET_S = 1.0
"""Processor seconds that ``profile`` may take unless told otherwise. Captured runs say how much a dataset may take."""
_TIERS = ("schema", "fingerprint", "default", "full")


def can_profile(obj: object) -> bool:
    """Whether ``profile`` accepts the object, decided by its class."""
    return reader_of(obj) is not None


def profile(obj: Any, *, tier: Tier = "default", budget_s: float = PROFILE_BUDGET_S, ranges: bool = True) -> Profile:
    """Profile an object or a ``Snapshot`` of one.

    ``budget_s`` is processor time of the calling thread; it limits only the tier ``default``. If it is
    exceeded, there is no fingerprint, statistics come from evenly spread blocks of rows, and ``skipped`` says so.
    ``ranges=False`` leaves out all single values (extremes and quantiles).

    Two objects have the same fingerprint exactly if they hold the same columns (name and type, in order) with the same
    values, however chunked, sliced, padded or indexed, and in any library:

    - integers and floats of the same width are the same type everywhere; ``bool`` is not an integer;
    - text is ``string`` whether objects, ``str``, Arrow (either offset width, or views) or polars;
    - times keep their unit and zone: ``timestamp[us, UTC]``; a column of ``datetime.date`` is ``date32``;
    - categories (pandas, Arrow dictionaries, polars Categorical and Enum) count by their values;
    - decimals, lists and structs agree between Arrow and polars; in pandas only if Arrow-backed;
    - ``-0.0`` is ``0.0`` and every NaN is one NaN. NaN is null in numpy and in pandas' numpy-backed floats, which know
      no other null; in Arrow, polars and pandas' nullable types it is a value and differs from null;
    - null differs from the empty string and from zero;
    - an index of pandas counts as columns where it is named or not of integers.

    Raises ``InvalidInput`` for an object of no known kind or an unknown tier.
    """
    if tier not in _TIERS:
        raise InvalidInput(field="tier", value=repr(tier), rule=f"must be one of {', '.join(_TIERS)}")
    held = obj if isinstance(obj, Snapshot) else Snapshot(obj, True)
    reader = required_reader(held.obj)
    from headwater.capture.profiling.table_profiler import TablePass

    found = TablePass(
        reader.table(held.obj), tier=tier if held.safe else "schema", budget_s=budget_s, ranges=ranges
    ).run()
    if not held.safe and tier != "schema":
        found.skipped.append(f"{tier}: the object may have changed since it was seen")
    elif not held.unchanged():
        found = _changed(found)
    return named(found, held.names) if held.names else found


def _changed(found: Profile) -> Profile:
    """The profile of an array that was changed while it was profiled: only its shape and type remain valid."""
    import msgspec

    columns = [ColumnProfile(name=name, type=type_, nullable=nullable) for name, type_, nullable in found.fields]
    note = "fingerprint and statistics: the array was changed before they were taken"
    return msgspec.structs.replace(found, columns=columns, fingerprint=None, rows_profiled=0, skipped=[note])
