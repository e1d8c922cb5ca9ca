"""The flat record of a run: the document it was sent as, or one built from what is known about it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from headwater.errors import InvalidRecord
from headwater.formats.record import from_run
from headwater.formats.record_rules import DataQuality
from headwater.query.facet_values import body, run_facts
from headwater.query.quality import column_metrics, whole
from headwater.storage.base import Store
from headwater.storage.row_types import RunRow, VersionRow


def record_of(store: Store, run: RunRow) -> dict[str, Any]:
    """The record of a run: sources, destinations, transformation, quality, and the runs it depends on."""
    inputs, outputs = store.run_io(run.run_id)
    facts = run_facts(store, run)
    given = body(store.run_facets(run.run_id), "headwater_record")
    if given.get("lineage_id"):
        try:
            return from_run(run_id=run.run_id, operation="", sources=(), destinations=(), time_us=0, record=given)
        except InvalidRecord:
            pass  # a facet of this name in another shape says no more than any other facet
    return from_run(
        run_id=run.run_id,
        operation=run.operation,
        sources=[_end(store, version) for version in inputs],
        destinations=[_end(store, version) for version in outputs],
        time_us=run.ended_at or run.started_at or 0,
        code_hash=facts.code.sha256,
        parameters=facts.parameters,
        quality=_quality(store, outputs),
        dependencies={version.run_id for version in inputs if version.run_id not in ("", run.run_id)},
    )


def pending(store: Store, record: dict[str, Any]) -> list[str]:
    """Dependencies of a record that have not arrived yet."""
    return [lineage_id for lineage_id in record.get("dependencies", ()) if store.run(lineage_id) is None]


def _end(store: Store, version: VersionRow) -> tuple[str, str, str]:
    node = store.nodes([version.dataset_id])[0]
    return node.type, node.namespace, node.name


def _quality(store: Store, outputs: list[VersionRow]) -> DataQuality | None:
    """Null and distinct counts by column of the first output that was measured."""
    for version in outputs:
        metrics = body(store.version_facets(version.id), "dataQualityMetrics")
        if isinstance(metrics.get("columnMetrics"), dict):
            columns = column_metrics(metrics)
            return DataQuality(
                null_count=_counts(columns, "nullCount"),
                unique_values=_counts(columns, "distinctCount"),
                statistics={"row_count": metrics["rowCount"]} if "rowCount" in metrics else {},
            )
    return None


def _counts(columns: Mapping[str, Mapping[str, Any]], measure: str) -> dict[str, int]:
    return {name: count for name, metrics in columns.items() if (count := whole(metrics.get(measure))) is not None}


def record_text(record: dict[str, Any]) -> str:
    """The record as indented JSON."""
    return json.dumps(record, indent=2, ensure_ascii=False, default=str)
