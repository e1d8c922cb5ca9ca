"""Marquez's REST API, so that its Python client and its web pages run unmodified against Headwater."""

from __future__ import annotations

from headwater.server.routes.marquez import (
    column_lineage,
    datasets,
    events,
    jobs,
    lineage,
    namespaces,
    run_lineage,
    runs,
    search,
    sources,
    stats,
    tags,
)

OPERATIONS = (
    *namespaces.OPERATIONS,
    *sources.OPERATIONS,
    *datasets.OPERATIONS,
    *tags.OPERATIONS,
    *jobs.OPERATIONS,
    *runs.OPERATIONS,
    *lineage.OPERATIONS,
    *column_lineage.OPERATIONS,
    *run_lineage.OPERATIONS,
    *events.OPERATIONS,
    *search.OPERATIONS,
    *stats.OPERATIONS,
)
"""Every operation of that API except ``POST /api/v1/lineage``, which is Headwater's own."""
