"""Opens a tenant's stores on a separate thread, because it can take long after an upgrade."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Generic, TypeVar

from headwater.errors import StoreError, StoreOutdated
from headwater.server.telemetry.logs import SERVICE
from headwater.storage.view_rebuild import Progress

PATIENCE_S = 2.0
"""Seconds that a request waits for a store whose projections are being rebuilt."""
_LOOK_EVERY_S = 0.1
_REPORT_EVERY_S = 10.0

T = TypeVar("T")


class Opening(Generic[T]):
    """A tenant's stores being opened by ``open_``, which is passed a progress callback."""

    def __init__(self, tenant: str, open_: Callable[[Progress], T]) -> None:
        self._tenant = tenant
        self._began = self._reported_at = time.monotonic()
        self._is_ended = False
        self._how_far: tuple[int, int] | None = None
        threads = ThreadPoolExecutor(1, thread_name_prefix="headwater-opening")
        self._future = threads.submit(self._run, open_)
        threads.shutdown(wait=False)

    @property
    def is_over(self) -> bool:
        """Whether opening has succeeded or failed."""
        return self._future.done()

    @property
    def is_renewing(self) -> bool:
        """Whether projections are being rebuilt."""
        return self._how_far is not None and not self.is_over

    @property
    def percent(self) -> int:
        """How many per cent of them are rebuilt."""
        done, last = self._how_far or (0, 0)
        return 100 * done // last if last else 0

    @property
    def opened(self) -> T | None:
        """The result, once finished; None if opening failed."""
        return None if self._future.exception() is not None else self._future.result()

    def wait(self) -> None:
        """Wait until it has finished, but only briefly if projections are being rebuilt.

        Raises:
            StoreOutdated: they still are.
            StoreError: the store cannot be opened.
        """
        patience_s = max(0.0, self._began + PATIENCE_S - time.monotonic())
        while not wait([self._future], timeout=patience_s).done:
            if self.is_renewing:
                raise StoreOutdated(
                    f"views of an earlier version are being rebuilt: {self.percent} % done",
                    hint="send it again later; nothing of this request was stored",
                )
            patience_s = _LOOK_EVERY_S
        self._future.result()

    def end(self) -> T | None:
        """Stop, keeping what was done so far; returns the result, if there is one."""
        self._is_ended = True
        wait([self._future])
        return self.opened

    def _run(self, open_: Callable[[Progress], T]) -> T:
        found = open_(self._progressed)
        if self._how_far is not None:
            self._log("the views of a store are up to date")
        return found

    def _progressed(self, done: int, last: int) -> None:
        if self._is_ended:
            raise StoreError("the service is stopping")
        is_first, self._how_far = self._how_far is None, (done, last)
        now = time.monotonic()
        if is_first or now - self._reported_at >= _REPORT_EVERY_S:
            self._reported_at = now
            self._log("views of an earlier version are being rebuilt")

    def _log(self, message: str) -> None:
        done, last = self._how_far or (0, 0)
        facts = {
            "tenant": self._tenant,
            "events_read": done,
            "events": last,
            "s": round(time.monotonic() - self._began),
        }
        SERVICE.info(message, extra={"facts": facts})
