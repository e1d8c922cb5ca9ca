"""Rows of scipy sparse matrices. Loaded only once scipy.sparse is.

A matrix of 100,000 words is one column of rows, not 100,000 columns. The storage format does not count, nor do
explicit zeros, duplicates or the order of entries.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy  # type: ignore[import-untyped]
from scipy import sparse

from headwater.capture.profiling.blocks import Block, Bytes, Column, Table

_WIDTH = 16


def accepts(obj: object) -> bool:
    """Whether this is a two-dimensional sparse matrix or array."""
    return bool(sparse.issparse(obj)) and len(getattr(obj, "shape", ())) == 2


def table(obj: Any) -> Table:
    """The matrix as one column whose values are rows: pairs of column and value."""
    whole = sparse.csr_matrix(obj, copy=True)
    whole.sum_duplicates()
    whole.eliminate_zeros()
    whole.sort_indices()
    type_ = f"sparse<{whole.dtype.name}>[{whole.shape[1]}]"
    reason = "" if whole.dtype.kind in "biuf" else f"{whole.dtype} has no canonical form"

    def read(start: int, stop: int) -> Block:
        first, last = int(whole.indptr[start]), int(whole.indptr[stop])
        pairs = np.zeros(last - first, dtype=[("at", "<i8"), ("value", "<f8" if whole.dtype.kind == "f" else "<i8")])
        pairs["at"] = whole.indices[first:last]
        pairs["value"] = whole.data[first:last]
        if whole.dtype.kind == "f":
            pairs["value"][np.isnan(pairs["value"])] = np.nan
        counts = np.diff(whole.indptr[start : stop + 1]).astype(np.int64)
        return Bytes(counts * _WIDTH, np.frombuffer(pairs.tobytes(), dtype=np.uint8))

    column = Column("value", type_, False, "other", read, unreadable=reason)
    size_bytes = int(whole.data.nbytes + whole.indices.nbytes + whole.indptr.nbytes)
    return Table(f"scipy {scipy.__version__}", int(whole.shape[0]), size_bytes, [column])


def snapshot(obj: Any) -> tuple[Any, bool]:
    """A copy: the three arrays of a sparse matrix may be changed in place."""
    return obj.copy(), True
