"""Embedded mode: capture and storage in one process, without any set-up.

The store is a folder, by default ``.headwater`` in the project. The worker thread opens it when the first event is
delivered; the user's thread never does.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

from headwater.capture.transports import Delivery, Refused, Transport

if TYPE_CHECKING:
    from headwater.query.lineage import Lineage
    from headwater.storage.base import Store
    from headwater.storage.sqlite import SQLiteStore


LOCK_WAIT_S: Final = 2.0
"""How long the worker waits for a store that another process writes, before it spools."""


class EmbeddedTransport(Transport):
    """Stores events in the SQLite store of the project."""

    kind: ClassVar[str] = "embedded"

    def __init__(self, config: Any, folder: Path) -> None:
        super().__init__(config, folder)
        self._store: Store | None = None

    def emit(self, batch: Sequence[bytes]) -> Delivery:
        """Store the batch in one commit."""
        from headwater.storage.row_types import ReceiptStatus

        if self._store is None:
            from headwater.storage.sqlite import SQLiteStore

            self._store = SQLiteStore.open(self.folder, timeout_s=LOCK_WAIT_S)
        receipts = self._store.append(batch)
        refused = [
            Refused(event, f"{receipt.field}: {receipt.rule}")
            for event, receipt in zip(batch, receipts, strict=True)
            if receipt.status is ReceiptStatus.REFUSED
        ]
        return Delivery(len(batch) - len(refused), refused)

    def close(self) -> None:
        """Close the store. The next batch opens it again."""
        if self._store is not None:
            self._store.close()
            self._store = None


def open_store(folder: Path) -> SQLiteStore:
    """Open the SQLite store in ``folder``. It is created if there is none, and read-only if it cannot be written.

    Raises:
        StoreError: it is locked, full, corrupt or too new, or cannot be created.
    """
    from headwater.storage.open import may_only_read
    from headwater.storage.sqlite import SQLiteStore

    return SQLiteStore.open(folder, read_only=may_only_read(str(folder)))


def settle(folder: Path) -> str:
    """Store what ended processes left in the spool of ``folder``, and close the runs that they left open.

    Returns why that could not be done, for what is in the spool is missing from answers meanwhile; empty if it was, or
    if there was nothing to do. Lists one folder then. Never raises if the store is unavailable: the events stay in the
    spool.
    """
    try:
        if not any(path.suffix in (".segment", ".lease") for path in (folder / "spool").iterdir()):
            return ""
    except PermissionError as error:
        return str(error.strerror)
    except OSError:  # there is none
        return ""
    from headwater.capture.delivery import Delivery as Sender

    sender = Sender({"kind": "embedded"}, folder)
    sender.drain()
    sender.close()
    return sender.away


def lineage(*, store: str | Path | None = None) -> Lineage:
    """Return the lineage in the embedded store of this project, after storing everything recorded so far.

    The store is closed when the result is no longer referenced, or at once by ``lineage().store.close()``.

    Raises:
        NoLineage: there is no store, and no open run that would create it.
        StoreError: the store cannot be opened.
    """
    from headwater.capture.api import configured, current_run, flush
    from headwater.errors import NoLineage
    from headwater.query.lineage import Lineage
    from headwater.storage.sqlite.store import store_path

    flush()
    config = configured(store)
    folder = config.store
    is_to_come = (
        store is None
        and current_run() is not None
        and config.settings.transport.get("kind", "embedded") in ("embedded", "composite")
    )
    settle(folder)
    if not is_to_come and not store_path(folder, "default").exists():  # asking makes nothing
        raise NoLineage(f"there is no store at {folder}")
    opened = open_store(folder)
    opened.close_when_dropped()
    return Lineage(opened)
