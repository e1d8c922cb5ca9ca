"""Errors of the file system as errors of a store."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from headwater.errors import StoreError, StoreFull, StoreReadOnly


def explain_os(error: OSError, path: Path) -> StoreError:
    """The error for an error of the file system at a path."""
    what = f"{path.name}: {error.strerror or error}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreFull(what)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return StoreReadOnly(what)
    return StoreError(what)


@contextmanager
def written(path: Path) -> Iterator[None]:
    """A context that translates errors of the file system into ``StoreError``."""
    try:
        yield
    except OSError as error:
        raise explain_os(error, path) from error
