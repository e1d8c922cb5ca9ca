"""Stores documents from files in batches; flat records are converted to events."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

from headwater.cli.documents import Document
from headwater.errors import InvalidRecord
from headwater.storage.base import Store
from headwater.storage.row_types import ReceiptStatus

_BATCH = 200
_OF_RECORD = "run.facets.headwater_record."
"""The prefix of a record's field in its event."""
_RECORD_FIELDS = {"lineage_id", "operation_type", "destination"}


class Refusal(NamedTuple):
    """One refused document: its position, the field, its value, and the rule it violates."""

    where: str
    field: str
    value: str
    rule: str


class Tally:
    """The result of an ingestion."""

    def __init__(self) -> None:
        self.stored = 0
        self.duplicates = 0
        self.documents = 0
        self.refusals: list[Refusal] = []


class Ingestion:
    """Stores documents in batches and counts results. Call ``finish`` at the end."""

    def __init__(self, store: Store, *, folder: str) -> None:
        self.store = store
        self.folder = folder
        self.tally = Tally()
        self._pending: list[Document] = []

    def add(self, documents: Iterable[Document]) -> None:
        """Add documents. A full batch is stored at once."""
        for document in documents:
            self.tally.documents += 1
            try:
                self._pending.append(Document(document.where, self._event(document.raw)))
            except InvalidRecord as error:
                self.tally.refusals.append(Refusal(document.where, error.field, error.value, error.rule))
            if len(self._pending) >= _BATCH:
                self.finish()

    def finish(self) -> None:
        """Store the pending documents. Raises ``StoreError`` if nothing can be written."""
        pending, self._pending = self._pending, []
        receipts = self.store.append([document.raw for document in pending]) if pending else []
        for document, receipt in zip(pending, receipts, strict=True):
            if receipt.status is ReceiptStatus.STORED:
                self.tally.stored += 1
            elif receipt.status is ReceiptStatus.DUPLICATE:
                self.tally.duplicates += 1
            else:
                field = receipt.field.removeprefix(_OF_RECORD)
                self.tally.refusals.append(Refusal(document.where, field, receipt.value, receipt.rule))

    def _event(self, raw: bytes) -> bytes:
        """Return an event unchanged, or the event for a record. Raises ``InvalidRecord``."""
        if b'"lineage_id"' not in raw and b'"operation_type"' not in raw:
            return raw
        try:
            document: Any = msgspec.json.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return raw
        if not isinstance(document, dict) or "eventTime" in document or not _RECORD_FIELDS & document.keys():
            return raw
        from headwater.formats.record import read_record, to_events

        return to_events(read_record(document), cwd=self.folder)[0]
