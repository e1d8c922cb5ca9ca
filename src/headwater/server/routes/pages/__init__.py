"""The pages for people, one module a page."""

from __future__ import annotations

from headwater.server.routes.pages import dataset, home
from headwater.server.routing import Operation

OPERATIONS: tuple[Operation, ...] = (*home.OPERATIONS, *dataset.OPERATIONS)
