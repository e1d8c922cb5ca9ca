"""Dependencies between runs as stated in their records, whether or not the other run has arrived."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from headwater.model.run_ids import canonical_run_id
from headwater.storage.projection.records import Dependency
from headwater.storage.projection.run_documents import Extra
from headwater.storage.projection.tables import Tables

RECORD = "headwater_record"
"""The run facet that holds a flat record."""


class _Body(msgspec.Struct):
    dependencies: list[str] = []


_read = msgspec.json.Decoder(_Body).decode


def builds_on(facets: Mapping[str, msgspec.Raw]) -> list[str]:
    """The ids of the runs that the record among these facets depends on, each once; empty without a record."""
    raw = facets.get(RECORD)
    if raw is None:
        return []
    try:
        given = _read(raw).dependencies
    except msgspec.MsgspecError:  # a facet with that name from another producer
        return []
    return list(dict.fromkeys(found for run_id in given if (found := canonical_run_id(run_id))))


class Dependencies:
    """Keeps the table in step with the records."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def take(self, run_id: str, record: Extra) -> None:
        """Update the dependencies of a run from its current record."""
        table = self._tables.dependencies
        known = {row.on_run: row for row in table.where(run_id=run_id)}
        for on_run in builds_on({RECORD: msgspec.Raw(record.body)}):
            old = known.pop(on_run, None)
            if on_run != run_id and (old is None or old.at != record.at):
                table.put(Dependency(run_id=run_id, on_run=on_run, at=record.at))
        for gone in known:
            table.drop((run_id, gone))
