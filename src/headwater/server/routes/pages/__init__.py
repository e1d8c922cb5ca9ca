"""The web pages, one module per page."""

from __future__ import annotations

from headwater.server.routes.pages import admin, compare, dataset, home, job, run, runs
from headwater.server.routing import Operation

OPERATIONS: tuple[Operation, ...] = (
    *home.OPERATIONS,
    *dataset.OPERATIONS,
    *job.OPERATIONS,
    *run.OPERATIONS,
    *runs.OPERATIONS,
    *compare.OPERATIONS,
    *admin.OPERATIONS,
)
