"""Converts a profile to OpenLineage facets: plain mappings without ``_producer`` and ``_schemaURL``."""

from __future__ import annotations

from typing import Any

from headwater.capture.profiling.profile import ColumnProfile, Profile


def profile_facets(profile: Profile) -> dict[str, dict[str, Any]]:
    """``schema`` and ``dataQualityMetrics``, and ``headwater_fingerprint`` if the profile has one or skipped something.

    Keys are those of the standard's facets. In addition, a column's metrics have ``mean``, ``standardDeviation``,
    ``minTime``, ``maxTime``, ``distinctIsEstimate`` and ``identifier``; the fingerprint facet lists in ``skipped`` what
    was left out.
    """
    facets: dict[str, dict[str, Any]] = {
        "schema": {
            "fields": [
                {"name": column.name, "type": column.type, "ordinal_position": at}
                for at, column in enumerate(profile.columns, start=1)
            ]
        },
        "dataQualityMetrics": _metrics(profile),
    }
    if profile.fingerprint is not None or profile.skipped:
        facets["headwater_fingerprint"] = _fingerprint(profile)
    return facets


def _metrics(profile: Profile) -> dict[str, Any]:
    body: dict[str, Any] = {"rowCount": profile.row_count}
    if profile.size_bytes is not None:
        body["bytes"] = profile.size_bytes
    body["columnMetrics"] = {column.name: metrics for column in profile.columns if (metrics := _column_metrics(column))}
    return body


def _column_metrics(column: ColumnProfile) -> dict[str, Any]:
    """The metrics that are known, under the standard's keys."""
    found = {
        "nullCount": column.null_count,
        "distinctCount": column.distinct_estimate,
        "sum": column.sum,
        "count": column.count,
        "min": column.minimum,
        "max": column.maximum,
        "quantiles": column.quantiles,
        "mean": column.mean,
        "standardDeviation": column.std,
        "minTime": column.minimum_time,
        "maxTime": column.maximum_time,
        "distinctIsEstimate": True if column.distinct_estimate is not None and not column.distinct_exact else None,
        "identifier": column.identifier or None,
    }
    return {key: value for key, value in found.items() if value is not None}


def _fingerprint(profile: Profile) -> dict[str, Any]:
    body: dict[str, Any] = {
        "tier": profile.tier,
        "rowCount": profile.row_count,
        "rowsProfiled": profile.rows_profiled,
        "library": profile.library,
    }
    if profile.skipped:
        body["skipped"] = list(profile.skipped)
    fingerprint = profile.fingerprint
    if fingerprint is not None:
        body |= {
            "algorithm": fingerprint.algorithm,
            "exact": fingerprint.exact,
            "multiset": fingerprint.multiset,
            "schema": fingerprint.schema,
            "columns": dict(fingerprint.columns),
        }
    return body
