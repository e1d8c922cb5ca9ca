"""polars: eager and lazy frames, expressions, groupings, joins, reading and writing.

Works through the public methods and ``Expr.meta``; lazy frames are never resolved on the user's behalf.
"""

from __future__ import annotations

from types import ModuleType
from typing import ClassVar

from headwater.capture.hooks import Hooks, Integration
from headwater.capture.integrations.polars import frames, grouping, io, queries, series, together, warned


class PolarsIntegration(Integration):
    """Follows polars."""

    identifier: ClassVar[str] = "polars"

    def install(self, hooks: Hooks, module: ModuleType) -> None:
        """Hook frames, columns, groupings, functions of several frames, readers and writers."""
        del module
        frames.hook(hooks)
        grouping.hook(hooks)
        io.hook(hooks)
        queries.hook(hooks)
        series.hook(hooks)
        together.hook(hooks)
        warned.install(hooks)
