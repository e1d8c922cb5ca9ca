"""Quality measurements on the versions of a dataset over time: rows, nulls, distinct values, distributions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from headwater.query.facet_values import Version, body, is_number, schema_fields, version_facts
from headwater.storage.base import Store
from headwater.storage.row_types import NodeRow


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """One column over the versions: each tuple has a value a version, None if it was not measured.

    ``latest`` holds what was measured last, by the standard's names (``nullCount``, ``min``, ``quantiles`` ...).
    """

    name: str
    nulls: tuple[int | None, ...] = ()
    distinct: tuple[int | None, ...] = ()
    means: tuple[float | None, ...] = ()
    latest: dict[str, Any] = {}


class Quality(msgspec.Struct, frozen=True, kw_only=True):
    """Versions oldest first with their rows, and the columns that were measured, in the order of the latest schema.

    ``has_more`` says whether there are older versions.
    """

    versions: tuple[Version, ...] = ()
    rows: tuple[int | None, ...] = ()
    columns: tuple[Measured, ...] = ()
    has_more: bool = False


def read_quality(store: Store, node: NodeRow, *, limit: int = 20) -> Quality:
    """Return what was measured on the latest ``limit`` versions of a dataset; one question a version."""
    found = store.versions(node.id, limit=limit + 1)
    kept = found[:limit][::-1]
    facets = [store.version_facets(version.id) for version in kept]
    metrics = [body(version_facets, "dataQualityMetrics") for version_facets in facets]
    by_column = [column_metrics(measured) for measured in metrics]
    order = dict.fromkeys(name for version_facets in reversed(facets) for name, _ in schema_fields(version_facets))
    order.update(dict.fromkeys(name for columns in reversed(by_column) for name in columns))
    return Quality(
        versions=tuple(version_facts(node, version) for version in kept),
        rows=tuple(
            version.row_count if version.row_count is not None else whole(measured.get("rowCount"))
            for version, measured in zip(kept, metrics, strict=True)
        ),
        columns=tuple(_measured(name, by_column) for name in order if any(name in columns for columns in by_column)),
        has_more=len(found) > limit,
    )


def column_metrics(metrics: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What was measured of each column, from a ``dataQualityMetrics`` facet."""
    found = metrics.get("columnMetrics")
    pairs = found.items() if isinstance(found, dict) else ()
    return {name: one for name, one in pairs if isinstance(one, dict)}


def _measured(name: str, by_column: list[dict[str, dict[str, Any]]]) -> Measured:
    given = [columns.get(name, {}) for columns in by_column]
    return Measured(
        name=name,
        nulls=tuple(whole(metrics.get("nullCount")) for metrics in given),
        distinct=tuple(whole(metrics.get("distinctCount")) for metrics in given),
        means=tuple(_number(metrics.get("mean")) for metrics in given),
        latest=next((metrics for metrics in reversed(given) if metrics), {}),
    )


def _number(value: Any) -> float | None:
    """A finite number; None for anything else."""
    return value if is_number(value) else None


def whole(value: Any) -> int | None:
    """A finite number, rounded; None for anything else."""
    number = _number(value)
    return None if number is None else round(number)
