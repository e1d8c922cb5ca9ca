"""The response to a batch, as in the OpenLineage specification, with reasons."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from headwater.errors import InvalidEvent, InvalidInput, InvalidRecord
from headwater.server.intake.intake import Intake
from headwater.server.intake.request_documents import Checked
from headwater.storage.row_types import Quarantined, Receipt, ReceiptStatus

MOST_FAILURES = 1000
"""Failures listed individually; further ones are only counted."""


class Summary(msgspec.Struct, kw_only=True):
    """How many documents of a batch were accepted and refused."""

    received: int = 0
    successful: int = 0
    failed: int = 0
    retriable: int = 0
    non_retriable: int = 0
    duplicates: int = 0
    """How many of the successful ones were known already and changed nothing."""


class FailedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A refused document: its index from 0 (in a stream, of the line), and the reason."""

    index: int
    reason: str
    retriable: bool
    field: str = ""
    value: str = ""
    rule: str = ""
    hint: str = ""
    quarantine_id: int | None = None


class BatchAnswer(msgspec.Struct, kw_only=True):
    """The result of a batch. ``status`` is ``success`` or ``partial_success``."""

    status: str
    summary: Summary
    failed_events: list[FailedEvent]
    truncated: bool = False
    """Whether more documents failed than are listed."""


class Tally:
    """Counts the receipts of a batch in bounded memory."""

    def __init__(self) -> None:
        self.summary = Summary()
        self._failures: list[FailedEvent] = []

    def add(self, numbered: Iterable[tuple[int, Receipt]]) -> None:
        """Count receipts, each with the index of its document."""
        stored = duplicates = failed = 0
        for index, receipt in numbered:
            status = receipt.status
            if status is ReceiptStatus.STORED:
                stored += 1
            elif status is ReceiptStatus.DUPLICATE:
                duplicates += 1
            else:
                failed += 1
                if len(self._failures) < MOST_FAILURES:
                    self._failures.append(_failed(index, receipt))
        summary = self.summary
        summary.received += stored + duplicates + failed
        summary.successful += stored + duplicates
        summary.duplicates += duplicates
        summary.failed += failed
        summary.non_retriable += failed

    def answer(self) -> BatchAnswer:
        """The response for the receipts counted so far."""
        return BatchAnswer(
            status="partial_success" if self.summary.failed else "success",
            summary=self.summary,
            failed_events=self._failures,
            truncated=self.summary.failed > len(self._failures),
        )


def _failed(index: int, receipt: Receipt) -> FailedEvent:
    return FailedEvent(
        index=index,
        reason=error_of(receipt).message,
        retriable=False,
        field=receipt.field,
        value=receipt.value,
        rule=receipt.rule,
        hint=receipt.hint,
        quarantine_id=receipt.quarantine_id,
    )


def error_of(receipt: Receipt, kind: str = "event") -> InvalidInput:
    """The error of a refused document, from its receipt."""
    made = InvalidRecord if kind == "record" else InvalidEvent
    field = receipt.field.removeprefix("run.facets.headwater_record.") if kind == "record" else receipt.field
    return made(field=field, value=receipt.value, rule=receipt.rule, hint=receipt.hint or None)


async def take_in(intake: Intake, tenant: str, items: Sequence[Checked]) -> list[Receipt]:
    """Store the valid documents and quarantine the rest; returns a receipt for each, in order."""
    events = [item for item in items if not isinstance(item, Quarantined)]
    stored = await intake.append(tenant, events)
    if len(events) == len(items):
        return stored
    receipts = iter(stored)
    ids = iter(await intake.keep(tenant, [item for item in items if isinstance(item, Quarantined)]))
    return [_receipt(item, next(ids)) if isinstance(item, Quarantined) else next(receipts) for item in items]


def _receipt(item: Quarantined, entry: int | None) -> Receipt:
    return Receipt(
        status=ReceiptStatus.REFUSED,
        key="",
        field=item.field,
        value=item.value,
        rule=item.rule,
        hint=item.hint,
        quarantine_id=entry,
    )
