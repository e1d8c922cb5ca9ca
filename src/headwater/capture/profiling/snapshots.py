"""Keeps an object unchanged while it is profiled on another thread than the user's.

What is safe, and why:

- polars and Arrow: data is immutable, a clone of the list of columns suffices (microseconds);
- pandas 3 (or 2 with copy-on-write): a shallow copy; whoever writes first pays for a copy of the touched block.
  Before that: a full copy up to 8 MiB, else not safe;
- numpy: a copy up to 1 MiB; a read-only array as it is; up to 256 MiB a digest of the bytes now (15 GB/s) and another
  after profiling: if they differ the fingerprint is withheld; larger: not safe;
- scipy sparse: a copy;
- lists and mappings: a shallow copy.

Not covered: mutable objects inside columns of objects, and Arrow arrays over memory of a numpy array that is still
being written to.
"""

from __future__ import annotations

import sys
from typing import Any

import msgspec

from headwater.capture.profiling.adapters import required_reader

GUARD_BYTES = 256 << 20


class Snapshot(msgspec.Struct, frozen=True):
    """An object as it was when ``snapshot`` was called.

    If ``safe`` is false, later changes may affect it: profile such an object at once, on the caller's thread, or accept
    that ``profile`` returns only the schema. ``guard`` is the digest by which a change of an array that was too large
    to copy is detected. ``names`` are the names of its columns, if the object has none.
    """

    obj: Any
    safe: bool
    guard: str | None = None
    names: tuple[str, ...] = ()

    def unchanged(self) -> bool:
        """Whether the object is unchanged; always true if nothing could have changed it."""
        return self.guard is None or self.guard == _guard(self.obj)


def snapshot(obj: object, names: tuple[str, ...] = ()) -> Snapshot:
    """Take a snapshot on the caller's thread.

    ``names`` are the names of its columns, if the object (an array) has none; they are not part of digests.

    Raises:
        InvalidInput: the object cannot be profiled.
    """
    held, safe = required_reader(obj).snapshot(obj)
    if safe:
        return Snapshot(held, True, None, names)
    guard = _guard(held)
    return Snapshot(held, guard is not None, guard, names)


def _guard(obj: Any) -> str | None:
    """Digest of an array's bytes in memory, or None if they are not contiguous or too many."""
    numpy = sys.modules.get("numpy")
    if numpy is None or not isinstance(obj, numpy.ndarray) or obj.nbytes > GUARD_BYTES or obj.dtype.hasobject:
        return None
    flat = obj if obj.flags.c_contiguous else obj.T
    if not flat.flags.c_contiguous:
        return None
    import xxhash

    return xxhash.xxh3_128_hexdigest(flat.reshape(-1).view(numpy.uint8))
