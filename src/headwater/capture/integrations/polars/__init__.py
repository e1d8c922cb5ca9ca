"""polars: eager and lazy frames, expressions, groupings, joins, reading and writing.

Uses the public methods and ``Expr.meta``; lazy frames are never collected on the user's behalf.
"""

from __future__ import annotations

from types import ModuleType
from typing import ClassVar

from headwater.capture.hooks import Hooks, Integration
from headwater.capture.integrations.polars import (
    frames,
    group_by,
    io,
    literal_columns,
    multi_frame,
    series,
    sql,
    warning_locations,
)


class PolarsIntegration(Integration):
    """Follows polars."""

    identifier: ClassVar[str] = "polars"

    def install(self, hooks: Hooks, module: ModuleType) -> None:
        """Hook frames, columns, groupings, functions of several frames, readers and writers."""
        del module
        frames.hook(hooks)
        group_by.hook(hooks)
        io.hook(hooks)
        sql.hook(hooks)
        series.hook(hooks)
        multi_frame.hook(hooks)
        literal_columns.hook(hooks)
        warning_locations.install(hooks)
