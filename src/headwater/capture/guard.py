"""The guard: keeps errors in capture away from the user's program.

Every hook, and every installation of one, runs under the guard. An ``Exception`` is counted, logged once per site at
debug level and dropped; so is a panic of a library written in Rust. What is meant to stop the program
(``KeyboardInterrupt``, ``SystemExit``, a cancelled task or greenlet) passes through. In our own tests (``strict``, or
``HEADWATER_STRICT=1``) the guard re-raises, so a faulty hook fails the test that runs it.
"""

from __future__ import annotations

import logging
import os
from collections import Counter
from types import TracebackType

logger = logging.getLogger("headwater.capture")


def is_fault(error: BaseException) -> bool:
    """Whether something went wrong, rather than that somebody stops the program. A panic in Rust (polars, tokenizers)
    comes as a ``pyo3_runtime.PanicException``, which is no ``Exception`` and cannot be imported."""
    return isinstance(error, Exception) or type(error).__name__ == "PanicException"


class Guard:
    """Counts what went wrong inside capture. Use ``with guard.at("pandas.merge"):`` around our own code only, never
    around the user's or a library's."""

    def __init__(self, *, strict: bool | None = None) -> None:
        self.strict = os.environ.get("HEADWATER_STRICT") == "1" if strict is None else strict
        self.failures: Counter[str] = Counter()
        self.first: dict[str, str] = {}
        """The first error at each site, as ``headwater run --verbose`` reports it at the end."""

    def failed(self, site: str, error: BaseException) -> None:
        """Count an error of ours at ``site``; re-raise it in strict mode."""
        self.failures[site] += 1
        if self.failures[site] == 1:
            self.first[site] = f"{type(error).__name__}: {error}"
            logger.debug("capture at %s failed and is skipped there", site, exc_info=error)
        if self.strict:
            raise error

    def at(self, site: str) -> _Section:
        """A ``with`` section that is guarded under the name ``site``."""
        return _Section(self, site)


class _Section:
    __slots__ = ("_guard", "_site")

    def __init__(self, guard: Guard, site: str) -> None:
        self._guard = guard
        self._site = site

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if error is None or not is_fault(error):
            return False
        self._guard.failed(self._site, error)
        return True


GUARD = Guard()
"""The guard of this process."""
