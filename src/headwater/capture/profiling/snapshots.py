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

    ``safe`` is false where later changes could show; profile such an object at once, on the caller's thread, or accept
    that ``profile`` of the snapshot gives the schema alone. ``guard`` is the digest that tells whether an array that
    was too large to copy has changed since. ``names`` are what its columns are called, where the object does not say.
    """

    obj: Any
    safe: bool
    guard: str | None = None
    names: tuple[str, ...] = ()

    def unchanged(self) -> bool:
        """Whether the object still is what it was; always true where nothing could have changed it."""
        return self.guard is None or self.guard == _guard(self.obj)


def snapshot(obj: object, names: tuple[str, ...] = ()) -> Snapshot:
    """Take a snapshot on the caller's thread; raises ``InvalidInput`` for what cannot be profiled.

    ``names`` are what its columns are called, where the object (an array) does not say; they are no part of digests.
    """
    held, safe = required_reader(obj).snapshot(obj)
    if safe:
        return Snapshot(held, True, None, names)
    guard = _guard(held)
    return Snapshot(held, guard is not None, guard, names)


def _guard(obj: Any) -> str | None:
    """Digest of an array's bytes as they lie in memory, or None if they do not lie in one piece or are too many."""
    numpy = sys.modules.get("numpy")
    if numpy is None or not isinstance(obj, numpy.ndarray) or obj.nbytes > GUARD_BYTES or obj.dtype.hasobject:
        return None
    flat = obj if obj.flags.c_contiguous else obj.T
    if not flat.flags.c_contiguous:
        return None
    import xxhash

    return xxhash.xxh3_128_hexdigest(flat.reshape(-1).view(numpy.uint8))
